import MaskedAutoencoders
import TestSupport
import Testing
import Torch
import TorchNN

@testable import DenseHeads

@Suite struct SegmentationTests {
  static let configuration = ModelConfiguration(
    height: 32, width: 32, patch: 8,
    encoder: TransformerShape(width: 12, depth: 4, heads: 3, mlpRatio: 2), decoder: nil)

  static func shape(_ decoder: SegmenterShape.Decoder) -> SegmenterShape {
    SegmenterShape(
      backbone: .segmentation(depth: 4), decoder: decoder, channels: 8,
      auxiliaryChannels: decoder.hasPyramid ? 8 : nil, classes: 5)
  }

  @Test(arguments: SegmenterShape.Decoder.allCases)
  func `every decoder gives a score for each pixel, and learns`(
    decoder: SegmenterShape.Decoder
  ) {
    #expect(Self.shape(decoder).problems(depth: 4).isEmpty)
    let store = ParameterStore(initializing: Generator(seed: 1))
    let segmenter = SemanticSegmenter(Self.configuration, Self.shape(decoder), in: store.root)
    let images = Tensor.randn([2, 3, 32, 32], using: Generator(seed: 2))
    #expect(segmenter(images).shape == [2, 5, 32, 32])
    let labels = (images[.all, 0] .> 0).to(.int64)
    func step() -> Double {
      let loss = SegmentationLoss().total(
        segmenter.scores(of: images, training: DenseTraining()), labels
      ).total
      loss.backward()
      // The error reaches the first layer through the decoder.
      let first = store["patch_embed.proj.weight"]?.gradient
      #expect(first?.abs().max().item() ?? 0 > 0)
      withoutGradients {
        for entry in store.trainable {
          if let gradient = entry.tensor.gradient { entry.tensor.add(gradient, scale: -0.02) }
        }
      }
      store.clearGradients()
      return loss.item()
    }
    let losses = (0..<6).map { _ in step() }
    #expect(losses[5] < losses[0], "\(losses)")
    for entry in store.trainable { #expect(entry.tensor.isFinite().all().item() == 1) }
  }

  @Test func `channels are left out by the generator that is given, and only in training`() {
    let store = ParameterStore(initializing: Generator(seed: 1))
    let segmenter = SemanticSegmenter(Self.configuration, Self.shape(.upernet), in: store.root)
    let images = Tensor.randn([2, 3, 32, 32], using: Generator(seed: 2))
    func scores(_ seed: UInt64?) -> [Float] {
      let training = DenseTraining(
        dropout: seed.map { ChannelDropout(using: Generator(seed: $0)) })
      return segmenter.scores(of: images, training: training).scores.floats()
    }
    #expect(scores(3) == scores(3))
    #expect(scores(3) != scores(nil))
  }

  @Test func `ignored pixels have no part in the mean, or count in the divisor as asked`() {
    let scores = Tensor.randn([1, 3, 2, 2], using: Generator(seed: 1))
    let labels = Tensor([0, -1, 2, -1], shape: [1, 2, 2])
    let chosen = scores.permuted([0, 2, 3, 1]).reshaped([4, 3])
    let expected = chosen.selected(Tensor([0, 2]), along: 0).crossEntropy(with: Tensor([0, 2]))
    let tolerance = Golden.Tolerance(absolute: 1e-6, relative: 1e-6)
    expectClose(SegmentationLoss()(scores, labels), expected, within: tolerance)
    expectClose(
      SegmentationLoss(countsIgnored: true)(scores, labels), expected * 0.5, within: tolerance)
    let nothing = Tensor([-1, -1, -1, -1], shape: [1, 2, 2])
    #expect(SegmentationLoss()(scores, nothing).item() == 0)
  }

  @Test func `windows cover every pixel and end inside`() {
    let windows = SlidingWindow(side: 512, stride: 341)
    #expect(windows.starts(along: 512) == [0])
    #expect(windows.starts(along: 300) == [0])
    #expect(windows.starts(along: 683) == [0, 171])
    #expect(windows.starts(along: 2048) == [0, 341, 682, 1023, 1364, 1536])
    withEvery("side", in: [1, 4, 7]) { side in
      withEvery("stride", in: [1, 3, 7]) { stride in
        withEvery("length", in: [1, 5, 8, 20]) { length in
          let starts = SlidingWindow(side: side, stride: min(stride, side)).starts(along: length)
          let covered = Set(starts.flatMap { $0..<$0 + side })
          #expect(covered.isSuperset(of: 0..<length))
          #expect(starts.allSatisfy { $0 + side <= max(length, side) })
        }
      }
    }
  }

  @Test func `a picture of any size gets the mean of its windows' scores`() {
    // A network that gives each pixel itself, and each window what it has of it.
    let picture = Tensor.randn([1, 11, 7], using: Generator(seed: 1))
    for batch in [1, 3, 100] {
      let windows = SlidingWindow(side: 4, stride: 3, batch: batch)
      let scores = windows.scores(of: picture) { concatenated([$0, $0 * 2], along: 1) }
      #expect(scores.shape == [2, 11, 7])
      expectClose(
        scores, concatenated([picture, picture * 2]),
        within: .init(absolute: 1e-6, relative: 1e-6))
    }
    let small = Tensor.ones([1, 2, 3])
    let sums = SlidingWindow(side: 4).scores(of: small) { window in
      #expect(window.sum().item() == 6)  // filled up with zeros
      return window
    }
    #expect(sums.floats() == small.floats())
  }
}
