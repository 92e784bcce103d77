import Datasets
import DenseHeads
import FileSystem
import Foundation
import MaskedAutoencoders
import Runs
import TensorFiles
import Torch
import WeightExchange

/// A segmenter as others publish it.
struct PublishedSegmenter {
  /// Shapes, classes and pixels.
  let description: ModelDescription
  /// Weights by this library's names.
  let tensors: [String: Tensor]
  /// What is not as the file has it or was assumed, each as a sentence.
  let notes: [String]

  /// What a `config.json` of Hugging Face's says.
  private struct Configuration: Decodable {
    var architectures: [String]?
    var layerNormEpsilon: Double?
    var outIndices: [Int]?
    var classNames: [String: String]?

    enum CodingKeys: String, CodingKey {
      case architectures
      case layerNormEpsilon = "layer_norm_eps"
      case outIndices = "out_indices"
      case classNames = "id2label"
    }
  }

  /// Reads a folder or file.
  ///
  /// - Throws: ``RunFailure`` where it is no segmenter of a kind that is known, `FileError`.
  init(_ path: String) throws {
    let file = try NamedTensors(path)
    var found = file.tensors
    guard let format = SegmenterFormat.detected(in: found.keys) else {
      throw RunFailure(
        .badData,
        "\(path): holds no segmenter: its names are none of this library's, MMSegmentation's, BEiT's "
          + "or Hugging Face's with a decode_head; train one on an encoder with mae segment train")
    }
    var notes = file.notes
    if format != .native { notes.append("the names are \(format.words)") }
    do {
      found = try format.native(found)
    } catch {
      throw RunFailure(.badData, "\(path): \(error)")
    }
    let config = try Self.configuration(beside: path)
    let inferred: InferredSegmenter
    do {
      inferred = try InferredSegmenter(
        shapes: found.mapValues(\.shape), normEpsilon: config?.layerNormEpsilon ?? 1e-6,
        taps: config?.outIndices.map { $0.map { $0 - 1 } })
    } catch {
      throw RunFailure(.badData, "\(path): \(error)")
    }
    if let indices = config?.outIndices {
      notes.append(
        "out_indices \(indices) of config.json are maps after blocks \(indices.map { $0 - 1 }), as "
          + "transformers computes them")
    }
    let model = inferred.configuration
    if !inferred.hasPositions {
      found["pos_embed"] = Tensor.zeros([1, 1 + model.grid.count, model.encoder.width])
      notes.append("there are no positions; they are zero")
    }
    let classes = inferred.shape.classes
    let isADE20K = classes == ade20KClasses.count
    var names = isADE20K ? ade20KClasses : (0..<classes).map { "\($0)" }
    if let given = config?.classNames, given.count == classes {
      names = (0..<classes).map { given["\($0)"] ?? names[$0] }
    } else {
      notes.append(
        isADE20K
          ? "the 150 classes have no names and are taken for ADE20K's"
          : "the \(classes) classes have no names and are numbered")
    }
    let pixels =
      try Self.pixels(beside: path, channels: model.channels)
      ?? PixelStandard.default(channels: model.channels).standard
    description = ModelDescription(
      model: model,
      segmenter: SegmenterDescription(
        shape: inferred.shape,
        numbering: LabelNumbering(names: names, zeroIs: isADE20K ? .ignored : nil),
        fitting: .init(longest: 4 * model.height, shortest: model.height),
        stride: max(1, model.height * 2 / 3)),
      mean: pixels.mean, std: pixels.std)
    tensors = found
    self.notes = notes + inferred.assumptions.map { "not in the file and assumed: " + $0 }
  }

  private static func folder(of path: String) -> String {
    isFolder(path) ? path : splitPath(path).folder
  }

  private static func configuration(beside path: String) throws -> Configuration? {
    let config = folder(of: path) + "/config.json"
    guard isFile(config) else { return nil }
    return try JSONFile.read(Configuration.self, from: config)
  }

  /// Mean and deviation from `preprocessor_config.json`; nil where there is none.
  private static func pixels(beside path: String, channels: Int) throws -> PixelStandard? {
    let file = folder(of: path) + "/preprocessor_config.json"
    guard isFile(file) else { return nil }
    let read = try JSONFile.read(PixelStandard.self, from: file)
    return read.mean.count == channels && read.std.count == channels ? read : nil
  }
}

extension SegmenterFormat {
  /// Whose names they are.
  var words: String {
    switch self {
    case .native: "this library's"
    case .mmsegmentation: "MMSegmentation's"
    case .beit: "BEiT's"
    case .huggingFace: "Hugging Face's"
    }
  }
}
