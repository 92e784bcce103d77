import Datasets
public import DenseHeads
import FileSystem
import Foundation
import Imaging
import MaskedAutoencoders
public import Runs
import TensorFiles
public import Torch
public import TorchNN

/// A segmenter with its weights, from wherever they are: it gives each pixel of a picture a class.
///
/// ```swift
/// let model = try LoadedSegmenter("runs/scenes")
/// let labels = try model.segment(contentsOf: "photo.jpg")
/// print(model.classNames[Int(labels[10, 20])])
/// ```
public struct LoadedSegmenter {
  /// The network.
  public let segmenter: SemanticSegmenter
  /// Its tensors.
  public let store: ParameterStore
  /// Its shapes, classes, and how pixels are prepared for it.
  public let description: ModelDescription
  /// What was loaded, in words: `step 600 of runs/scenes`.
  public let source: String
  /// What is not as the file has it or was assumed, each as a sentence.
  public let notes: [String]
  /// The windows that pictures are segmented in; how many at a time may be changed.
  public var windows: SlidingWindow
  /// The type of matrix products; nil for float32.
  public var precision: DType?

  /// Loads a run folder of `mae segment train` (its newest whole checkpoint), a checkpoint, or a
  /// published segmenter: a folder of Hugging Face's (`BeitForSemanticSegmentation`), or a `.pth`
  /// or safetensors file in MMSegmentation's or BEiT's names.
  ///
  /// - Throws: ``/Runs/RunFailure`` where nothing of that kind is there, `FileError` with what is
  ///   wrong, `EngineError` where libtorch is missing.
  public init(_ path: String, on device: Device = .cpu) throws {
    try Engine.load()
    guard FileManager.default.fileExists(atPath: path) else {
      throw RunFailure(
        .missingInput,
        "\(path): there is nothing here; give a run folder of mae segment train, a checkpoint, or a "
          + "published segmenter")
    }
    if let checkpoint = try LoadedModel.checkpoint(at: path) {
      try self.init(
        try checkpoint.description(), try checkpoint.weights(), from: checkpoint.path, on: device)
    } else {
      let published = try PublishedSegmenter(path)
      try self.init(
        published.description, published.tensors, from: path, notes: published.notes, on: device)
    }
  }

  init(
    _ description: ModelDescription, _ weights: [String: Tensor], from source: String,
    notes: [String] = [], on device: Device
  ) throws {
    guard description.kind == .segmenter, let own = description.segmenter else {
      throw RunFailure(
        .badData,
        "\(source): the model is no segmenter; train one on it with mae segment train")
    }
    if let problem = description.problems.first {
      throw RunFailure(.badData, "\(source): \(problem)")
    }
    let store = ParameterStore(on: device, initializing: nil)
    let segmenter = SemanticSegmenter(description.model, own.shape, in: store.root)
    do {
      try store.load(weights)
    } catch {
      throw RunFailure(.badData, "\(source): \(error)")
    }
    self.init(segmenter, in: store, description, own, source: source, notes: notes)
  }

  /// Takes a network that is there, as while it is trained.
  package init(
    _ segmenter: SemanticSegmenter, in store: ParameterStore, _ description: ModelDescription,
    _ own: SegmenterDescription, source: String, notes: [String] = []
  ) {
    self.segmenter = segmenter
    self.store = store
    self.description = description
    self.source = source
    self.notes = notes
    let side = min(description.model.height, description.model.width)
    // So many windows that a small side still fills the cores.
    windows = SlidingWindow(
      side: side, stride: own.stride, batch: max(1, min(32, 262_144 / max(1, side * side))))
  }

  /// The names of the classes, in the order of labels.
  public var classNames: [String] { description.segmenter?.numbering.names ?? [] }
}

extension LoadedSegmenter {
  /// Whether what lies at a path is a segmenter, as far as can be seen without reading its weights
  /// whole; false where there is nothing, which who opens it then says.
  package static func isSegmenter(_ path: String) -> Bool {
    if let checkpoint = try? LoadedModel.checkpoint(at: path) {
      return (try? checkpoint.description())?.kind == .segmenter
    }
    guard let file = try? NamedTensors(path) else { return false }
    return SegmenterFormat.detected(in: file.tensors.keys) != nil
  }
}
