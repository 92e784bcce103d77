@testable import Figures
@testable import Inference
import Datasets
import Imaging
import MaskedAutoencoders
import TestSupport
import Testing
import Torch

/// Pictures of attention and of principal components.
@Suite struct FeaturePictureTests {
  @Test func sheetsHaveAColumnForEachHead() throws {
    let fixture = try TemporaryRun()
    let model = try fixture.makeModel(channels: 3)
    let images = mixedPictures(3)
    let pictures = try FeaturePictures(of: [(images, 0), (images, 2)], by: model)
    let attention = try pictures.attention(title: "attention")
    #expect(attention.rows.count == 2)
    #expect(attention.groups.flatMap(\.columns) == ["image", "mean", "head 1", "head 2"])
    #expect(attention.rows.map(\.caption) == ["image 0", "image 2"])
    // The maps are those of the encoder's last block.
    let weights = try withoutGradients {
      model.encoder.attentionWeights(
        of: patches(of: try model.inputs(images, [2]), side: 4)
      ).selected(0, along: 0).selected(0, along: 1).narrowed(1, to: 1..<17)
    }
    let map = HeatMap(weights.selected(1, along: 0).floats(), rows: 4, columns: 4)
    #expect(attention.rows[1].tiles[3] == map.drawn(over: attention.rows[1].tiles[0]))

    let components = try pictures.components()
    #expect(components.rows.count == 2 && components.rows[0].tiles.count == 2)
    let tile = components.rows[0].tiles[1]
    #expect(tile.width == 16 && tile.channels == 3)
    // A patch is of one colour.
    #expect((0..<4).allSatisfy { tile[$0, 0, 1] == tile[0, 0, 1] })
    #expect(try pictures.components() == components)
  }

  @Test func brokenImagesAreNamed() throws {
    let fixture = try TemporaryRun()
    let model = try fixture.makeModel()
    let error = #expect(throws: ImageError.self) {
      try FeaturePictures(of: [(mixedPictures(2, broken: [1]), 1)], by: model)
    }
    #expect(error?.name == "image 1")
  }

  @Test func componentsAreTheDirectionsOfLargestSpread() {
    let generator = Generator(seed: 2)
    let scales = Tensor([Float(5), 0.1, 2, 0.5], shape: [1, 4])
    let rows = Tensor.randn([400, 4], using: generator) * scales + 3.0
    let found = PrincipalComponents(of: rows, count: 3).projections
    #expect(found.shape == [400, 3])
    let spread: [Float] = found.variance([0]).floats()
    #expect(spread[0] > spread[1] && spread[1] > spread[2])
    // The first is the first column, with its sign, as its largest number is positive.
    let centered = rows - rows.mean([0], keepingDimensions: true)
    let difference = found.narrowed(1, to: 0..<1) - centered.narrowed(1, to: 0..<1)
    #expect(difference.squared().mean().item() < 0.1)
    // Mirrored rows have mirrored projections: the directions' signs do not follow the data's.
    let mirrored = PrincipalComponents(of: -rows, count: 3).projections
    expectClose(mirrored, -found, absolute: 1e-4, "mirrored")
    // Fewer directions than asked for.
    let narrow = PrincipalComponents(of: rows.narrowed(1, to: 0..<2), count: 3).projections
    #expect(narrow.shape == [400, 3])
    #expect(narrow.narrowed(1, to: 2..<3).abs().max().item() == 0)
  }
}
