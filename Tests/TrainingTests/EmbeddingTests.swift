@testable import Inference
@testable import Runs
@testable import TensorFiles
import Datasets
import Foundation
import Imaging
import MaskedAutoencoders
import TestSupport
import Testing
import Torch

/// Embeddings are what the encoder gives, and files hold all of them.
@Suite struct EmbeddingTests {
  /// What the encoder makes of images, computed at once.
  private func direct(_ kind: Embedding, _ model: LoadedModel, _ images: Tensor) throws -> Tensor {
    try withoutGradients {
      if kind == .features { return try model.requireClassifier().features(of: images) }
      let tokens = model.encoder(patches(of: images, side: model.description.model.patch))
      return switch kind {
      case .mean: tokens.narrowed(1, to: 1..<17).mean([1])
      case .patches: tokens.narrowed(1, to: 1..<17)
      case .classToken, .features: tokens.selected(0, along: 1)
      }
    }
  }

  @Test(arguments: Embedding.allCases, [true, false])
  func `embeddings are the encoders`(kind: Embedding, isClassifier: Bool) throws {
    let fixture = try TemporaryRun()
    let model = try fixture.makeModel(classes: isClassifier ? ["a", "b"] : nil)
    let pass = BatchInference(model, batch: 4, workers: 2)
    if kind == .features, !isClassifier {
      #expect(throws: RunFailure.self) { try Embedder(pass, as: kind) }
      return
    }
    let images = mixedPictures(9, broken: [2, 8])
    let embedder = try Embedder(pass, as: kind)
    #expect(embedder.shape == (kind == .patches ? [16, 16] : [16]))
    var rows: [Tensor] = []
    var (names, broken): ([String], [Int]) = ([], [])
    let count = try embedder.run(over: images, named: "toys") { part in
      if let found = part.rows { rows.append(found) }
      names += part.names
      broken += part.broken.map(\.index)
    }
    #expect(count == 7 && broken == [2, 8])
    #expect(names == [0, 1, 3, 4, 5, 6, 7].map { "image \($0)" })
    let found = concatenated(rows)
    #expect(found.shape == [7] + embedder.shape)
    let wanted = try direct(kind, model, model.inputs(images, [0, 1, 3, 4, 5, 6, 7]))
    expectClose(found, wanted, absolute: 1e-5, kind.rawValue)
    // One image alone is the same.
    let alone = try model.embed(images.content(of: 3), as: kind)
    #expect(alone.shape == embedder.shape)
    expectClose(alone, found.selected(2, along: 0), absolute: 1e-5, "one image")
  }

  @Test func standards() throws {
    let fixture = try TemporaryRun(images: 1)
    let autoencoder = try fixture.makeModel("a")
    let classifier = try fixture.makeModel("b", classes: ["x", "y"])
    #expect(Embedding.standard(for: autoencoder) == .classToken)
    #expect(Embedding.standard(for: classifier) == .features)
    let path = fixture("images/00.png")
    expectEqual(
      try classifier.embed(contentsOf: path), try classifier.embed(contentsOf: path, as: .features),
      "features")
    expectEqual(
      try autoencoder.embed(contentsOf: path),
      try autoencoder.embed(contentsOf: path, as: .classToken), "class token")
  }

  /// An image of the model's own size is not cut, whatever the others of its set are.
  @Test func `images of the models size are kept`() throws {
    let fixture = try TemporaryRun()
    let model = try fixture.makeModel(side: 64)
    let fitting = TemporaryRun.picture(3, side: 64)
    var rows: [Tensor] = []
    let images = ToyDataset(images: [TemporaryRun.picture(1, side: 90), fitting])
    try Embedder(BatchInference(model)).run(over: images, named: "toys") {
      if let found = $0.rows { rows.append(found) }
    }
    let pixels = Tensor(
      fitting.pixels.map { (Float($0) / 255 - 0.5) / 0.25 }, shape: [1, 1, 64, 64])
    expectClose(try model.input(.pixels(fitting)), pixels, absolute: 1e-5, "pixels")
    expectClose(
      concatenated(rows).narrowed(0, to: 1..<2), try direct(.classToken, model, pixels),
      absolute: 1e-5, "row")
    // Others lose their margin.
    let transform = model.description.evaluationTransform
    #expect(transform.augmentation.centerFraction == 0.875 && transform.keepsFittingImages)
  }

  // MARK: files

  private func write(
    _ fixture: TemporaryRun, _ name: String, shape: [Int] = [3], classes: [String]? = nil
  ) throws -> (path: String, rows: Tensor) {
    let rows = Tensor.rand([5] + shape, using: Generator(seed: 1))
    let file = try EmbeddingFile(
      fixture(name), names: EmbeddingFile.standardNamesPath(of: fixture(name)), shape: shape,
      classes: classes, metadata: ["tokens": "mean"])
    let labels: [String?] = classes == nil ? [nil, nil, nil] : ["y", nil, "x"]
    try file.append(
      rows.narrowed(0, to: 0..<3), names: ["a.png", "b, \"c\".png", "d\n.png"], labels: labels)
    try file.append(rows.narrowed(0, to: 3..<5), names: ["e", "f"], labels: [nil, nil])
    #expect(!fixture.exists(name))
    try file.finish()
    #expect(file.count == 5)
    return (fixture(name), rows)
  }

  @Test func `arrays have names beside them`() throws {
    let fixture = try TemporaryRun()
    let (plain, rows) = try write(fixture, "plain.npy")
    expectEqual(try NpyFile(plain).tensor(), rows, "npy")
    #expect(try fixture.text("plain.txt") == "a.png\nb, \"c\".png\nd\\n.png\ne\nf\n")
    let (classed, _) = try write(fixture, "classed.npy", shape: [2, 3], classes: ["x", "y"])
    #expect(try NpyFile(classed).shape == [5, 2, 3])
    #expect(
      try fixture.text("classed.txt") == "a.png\ty\nb, \"c\".png\nd\\n.png\tx\ne\nf\n")
  }

  @Test func `safetensors have labels`() throws {
    let fixture = try TemporaryRun()
    let (path, rows) = try write(fixture, "x.safetensors", shape: [2, 3], classes: ["x", "y"])
    let file = try SafetensorsFile(path)
    expectEqual(try file.tensor("embeddings"), rows, "embeddings")
    #expect(try file.tensor("labels").array(of: Int.self) == [1, -1, 0, -1, -1])
    #expect(file.metadata == ["tokens": "mean"])
    let (plain, _) = try write(fixture, "plain.safetensors")
    #expect(try SafetensorsFile(plain).entries.map(\.name) == ["embeddings"])
  }

  @Test func tables() throws {
    let fixture = try TemporaryRun()
    let (_, rows) = try write(fixture, "x.csv", classes: ["x", "y"])
    #expect(!fixture.exists("x.txt"))
    let text = try fixture.text("x.csv")
    let values: [Float] = rows.floats()
    #expect(text.hasPrefix("image,class,0,1,2\na.png,y,\(values[0]),\(values[1]),\(values[2])\n"))
    #expect(text.contains("\"b, \"\"c\"\".png\",,\(values[3]),"))
    #expect(throws: RunFailure.self) {
      try EmbeddingFile(fixture("y.csv"), names: nil, shape: [4, 3])
    }
  }

  @Test func `names of files`() throws {
    #expect(try EmbeddingFile.format(of: "a/b.NPY") == .npy)
    #expect(try EmbeddingFile.standardNamesPath(of: "a.b/c.safetensors") == "a.b/c.txt")
    for wrong in ["x", "x.pt", "npy", "x.npy.gz"] {
      #expect(throws: RunFailure.self) { try EmbeddingFile.format(of: wrong) }
    }
  }

  /// Without an end nothing is left behind, and what was there stays.
  @Test func `unfinished files leave nothing`() throws {
    let fixture = try TemporaryRun()
    try fixture.write("x.npy", "old")
    for name in ["x.npy", "y.safetensors", "z.csv"] {
      _ = try EmbeddingFile(fixture(name), names: fixture("names.txt"), shape: [3])
    }
    #expect(fixture.names("") == ["x.npy"])
    #expect(try fixture.text("x.npy") == "old")
  }
}
