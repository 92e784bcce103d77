@testable import Inference
@testable import Serving
import Datasets
import Figures
import Foundation
import Imaging
import MaskedAutoencoders
import Runs
import TestSupport
import Testing
import Torch

/// What models answer, whatever it came over.
@Suite struct ModelServiceTests {
  @Test func `reconstructions are those of the library`() async throws {
    let models = ServedModels()
    let service = try await models.service()
    let (record, pictures) = try await service.reconstruct(
      ServedModels.request(1, side: 20, ["ratio": .number(0.5), "seed": .text("7")]))

    let reconstruction = try Reconstruction(LoadedModel(models.folder["model"]))
    let images = RequestImages([.pixels(ServedModels.picture(1, side: 20))])
    let sheet = try reconstruction.sheet(of: images, [0], ratios: [0.5], seed: 7)
    let tiles = sheet.rows[0].tiles
    for (kind, tile) in zip(ReconstructionPicture.allCases, tiles) {
      #expect(try pictures[kind].map { try ByteImage(decoding: $0) } == tile, "\(kind)")
    }
    let score = try reconstruction.score(
      on: images, named: "one", range: 0..<1, ratio: 0.5, seed: 7, workers: 1)
    #expect(abs(record.meanSquaredError - score.meanSquaredError) < 1e-9)
    #expect(record.hidden.count == 8 && record.rows == 4 && record.columns == 4)
    #expect(record.model == "model" && record.notices.count == 2)
  }

  @Test func `painted patches are the hidden ones`() async throws {
    let service = try await ServedModels().service()
    let drawn = try await service.reconstruct(ServedModels.request(2, ["seed": .number(3)]))
    let numbers = drawn.record.hidden.map { "\($0)" }.joined(separator: ", ")
    let painted = try await service.reconstruct(ServedModels.request(2, ["hidden": .text(numbers)]))
    // The visible patches have another order, and sums are rounded otherwise.
    #expect(painted.record.hidden == drawn.record.hidden)
    #expect(abs(painted.record.meanSquaredError - drawn.record.meanSquaredError) < 1e-5)
    let other = try await service.reconstruct(
      ServedModels.request(2, ["hidden": .list([.number(0), .number(5), .number(5)])]))
    #expect(other.record.hidden == [0, 5])
  }

  @Test func `what the model saw comes back as it was`() async throws {
    let service = try await ServedModels().service()
    let first = try await service.reconstruct(ServedModels.request(3, side: 23))
    let view = try #require(first.pictures[.original])
    let again = try await service.reconstruct(
      ImageRequest(
        contentType: "image/png", query: RequestParameters(["prepared": .flag(true)]), body: view,
        limits: ServingLimits()))
    #expect(again.record == first.record)
  }

  @Test func `embeddings and classes are those of the library`() async throws {
    let models = ServedModels()
    let service = try await models.service()
    let model = try LoadedModel(models.folder["model"])
    let classifier = try LoadedModel(models.folder["flowers"])
    try await withThrowingTaskGroup(of: (Int, EmbeddingRecord, ClassesRecord).self) { group in
      for number in 0..<12 {
        group.addTask {
          let request = try ServedModels.request(number)
          return (
            number, try await service.embed(request), try await service.classify(request)
          )
        }
      }
      for try await (number, embedding, classes) in group {
        let content = ImageContent.pixels(ServedModels.picture(number))
        // Rounding follows how many images are computed together.
        for (found, wanted) in zip(embedding.embedding, try model.embed(content).floats()) {
          #expect(abs(found - wanted) < 1e-5)
        }
        #expect(embedding.shape == [16] && embedding.tokens == "class-token")
        let expected = try classifier.classify(content, top: 5)
        #expect(classes.classes.map(\.label) == expected.map(\.label))
        for (found, wanted) in zip(classes.classes, expected) {
          #expect(abs(found.probability - wanted.probability) < 1e-6)
        }
        #expect(classes.model == "flowers" && classes.classes.count == 3)
      }
    }
    let patches = try await service.embed(
      ServedModels.request(0, ["tokens": .text("patches"), "model": .text("flowers")]))
    #expect(patches.shape == [16, 16] && patches.embedding.count == 256)
  }

  @Test func `attention is that of the figures`() async throws {
    let models = ServedModels()
    let service = try await models.service()
    let (record, view) = try await service.attention(ServedModels.request(1, ["patch": .number(6)]))
    let model = try LoadedModel(models.folder["model"])
    let weights = withoutGradients {
      (try? model.input(.pixels(ServedModels.picture(1)))).map {
        model.encoder.attentionWeights(of: patches(of: $0, side: 4))
          .selected(0, along: 0).selected(7, along: 1).narrowed(1, to: 1..<17)
      }
    }
    let expected: [Float] = try #require(weights).floats()
    #expect(record.heads.count == 2 && record.heads.allSatisfy { $0.count == 16 })
    for (found, wanted) in zip(record.heads.joined(), expected) {
      #expect(abs(found - wanted) < 1e-5)
    }
    #expect(abs(record.mean[3] - (expected[3] + expected[19]) / 2) < 1e-6)
    let picture = try ByteImage(decoding: try service.picture(of: record, over: view))
    #expect(picture.width == 16 && picture.height == 16)
  }

  @Test func `neighbours come from the index that fits`() async throws {
    let models = ServedModels()
    let model = try LoadedModel(try models.make())
    let images = (0..<6).map { number in
      models.folder.write((try? ServedModels.file(number)) ?? [], to: "photo \(number).png")
    }
    let index = models.folder["index.npy"]
    let file = try EmbeddingFile(index, names: models.folder["index.txt"], shape: [16])
    for path in images {
      try file.append(try model.embed(contentsOf: path).unsqueezed(0), names: [path], labels: [nil])
    }
    try file.finish()
    let service = try await models.service(index: index)
    #expect(service.cards.map(\.indexed) == [6, 0])
    let found = try await service.neighbours(
      ServedModels.request(4, ["count": .number(3), "pictures": .flag(true)]))
    #expect(found.neighbours.count == 3)
    // The image itself is in the index; only its name is told, not its path.
    #expect(found.neighbours[0].name == "photo 4.png" && found.neighbours[0].row == 4)
    #expect(abs(found.neighbours[0].similarity - 1) < 1e-5)
    let small = try #require(found.neighbours[0].picture.flatMap { Data(base64Encoded: $0) })
    #expect(try ByteImage(decoding: Array(small)) == ServedModels.picture(4))
  }

  @Test func `an index of another model is refused`() async throws {
    let models = ServedModels()
    let index = models.folder["other.npy"]
    let file = try EmbeddingFile(index, names: models.folder["other.txt"], shape: [5])
    try file.append(
      Tensor([Float](repeating: 1, count: 5), shape: [1, 5]), names: ["a"], labels: [nil])
    try file.finish()
    let refused = await refusal { _ = try await models.service(index: index) }
    #expect(refused?.message.contains("of none of the models") == true, "\(refused?.message ?? "")")
  }

  /// Each with its status and a line that says what to do.
  @Test func `what cannot be done is said`() async throws {
    let service = try await ServedModels().service()
    typealias Values = [String: RequestParameters.Value]
    let reconstructions: [(Values, Int, String)] = [
      (["model": .text("rose")], 404, "there is no model 'rose'; there are model, flowers"),
      (["model": .text("flowers")], 422, "needs the decoder"),
      (["ratio": .number(1.5)], 400, "ratio is 1.5; expected a number from 0 to 1"),
      (["ratio": .text("much")], 400, "ratio is 'much'"),
      (["ratio": .number(0.99)], 422, "leaves nothing visible"),
      (["seed": .number(0.5)], 400, "seed is 0.5; expected a whole number"),
      (["strategy": .text("blok")], 400, "strategy is 'blok'; expected random, block or grid"),
      (["hidden": .text("1,x")], 400, "hidden is '1,x'; expected whole numbers"),
      (["hidden": .text("1,16")], 422, "there is no patch 16; there are 16"),
      (["hidden": .list([])], 422, "0 of 16 patches are hidden"),
      (["hidden": .text("1"), "seed": .number(1)], 400, "both hidden and strategy"),
      (["prepared": .text("yes")], 400, "prepared is 'yes'; expected true or false"),
      (["pictures": .text("all")], 400, "pictures has 'all'"),
      (["raito": .number(0.5)], 400, "there is no parameter 'raito'; did you mean ratio?"),
    ]
    for (values, status, text) in reconstructions {
      let refused = await refusal {
        _ = try await service.reconstruct(ServedModels.request(0, values))
      }
      #expect(
        refused?.status == status && refused?.message.contains(text) == true,
        "\(values): \(refused?.status ?? 0) \(refused?.message ?? "")")
      #expect(refused?.message.contains("\n") == false)
    }
    let large = await refusal {
      _ = try await service.reconstruct(
        ServedModels.request(0, side: 20, ["prepared": .flag(true)]))
    }
    #expect(
      large?.status == 422 && large?.message.contains("has 20×20 pixels; expected 16×16") == true,
      "\(large?.message ?? "")")
    let classes = await refusal {
      _ = try await service.classify(ServedModels.request(0, ["model": .text("model")]))
    }
    #expect(classes?.status == 422 && classes?.message.contains("no head") == true)
    let tokens = await refusal {
      _ = try await service.embed(ServedModels.request(0, ["tokens": .text("features")]))
    }
    #expect(tokens?.status == 422)
    let neighbours = await refusal { _ = try await service.neighbours(ServedModels.request()) }
    #expect(neighbours?.status == 422 && neighbours?.message.contains("--index") == true)
    let patch = await refusal {
      _ = try await service.attention(ServedModels.request(0, ["patch": .number(16)]))
    }
    #expect(patch?.status == 422)
  }

  /// A damaged image fails its own request and no other of its batch.
  @Test func `a damaged image is its own failure`() async throws {
    let service = try await ServedModels().service()
    var damaged = try ServedModels.file(1)
    damaged.removeLast(damaged.count / 2)
    let bytes = damaged
    async let good = service.embed(ServedModels.request(0))
    async let bad = refusal {
      _ = try await service.embed(
        ImageRequest(
          contentType: "image/png", query: RequestParameters(), body: bytes,
          limits: ServingLimits()))
    }
    #expect(try await good.embedding.count == 16)
    let refused = await bad
    #expect(refused?.status == 422 && refused?.message.hasPrefix("image: ") == true)
  }

  @Test func `samples are named by number alone`() throws {
    let samples = SampleImages(
      RequestImages((0..<48).map { .pixels(ServedModels.picture($0, side: 120)) }))
    #expect(samples.names.count == 24)
    let file = try samples.file(1)
    #expect(file.type == "image/png")
    #expect(try ByteImage(decoding: file.bytes) == ServedModels.picture(2, side: 120))
    #expect(try ByteImage(decoding: samples.thumbnail(0)).width == 112)
    #expect(throws: ServingError.self) { try samples.file(24) }
    #expect(throws: ServingError.self) { try samples.thumbnail(-1) }
  }
}
