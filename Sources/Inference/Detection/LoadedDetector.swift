public import Datasets
public import DenseHeads
import FileSystem
import Foundation
import Imaging
import MaskedAutoencoders
public import Runs
import TensorFiles
public import Torch
public import TorchNN

/// A detector with its weights: it finds objects on pictures of any size.
///
/// ```swift
/// let model = try LoadedDetector("runs/scenes")
/// for object in try model.detect(contentsOf: "photo.jpg") {
///   print(object.name, object.score, object.box)
/// }
/// ```
public struct LoadedDetector {
  /// The network.
  public let detector: MaskRCNN
  /// Its tensors.
  public let store: ParameterStore
  /// Its shapes, classes, and how pixels are prepared for it.
  public let description: ModelDescription
  /// What was loaded, in words: `step 600 of runs/scenes`.
  public let source: String
  /// What is not as the file has it or was assumed, each as a sentence.
  public let notes: [String]
  /// The type of matrix products; nil for float32.
  public var precision: DType?

  /// Loads a run folder of `mae detect train` (its newest whole checkpoint), a checkpoint, or a
  /// `.pth` or safetensors file in ViTDet's names (detectron2's).
  ///
  /// - Throws: ``/Runs/RunFailure`` where nothing of that kind is there, `FileError` with what is
  ///   wrong, `EngineError` where libtorch is missing.
  public init(_ path: String, on device: Device = .cpu) throws {
    try Engine.load()
    guard FileManager.default.fileExists(atPath: path) else {
      throw RunFailure(
        .missingInput,
        "\(path): there is nothing here; give a run folder of mae detect train, a checkpoint, or a "
          + "file in ViTDet's names")
    }
    if let checkpoint = try LoadedModel.checkpoint(at: path) {
      try self.init(
        try checkpoint.description(), try checkpoint.weights(), from: checkpoint.path, on: device)
    } else {
      let published = try PublishedDetector(path)
      try self.init(
        published.description, published.tensors, from: path, notes: published.notes, on: device)
    }
  }

  private init(
    _ description: ModelDescription, _ weights: [String: Tensor], from source: String,
    notes: [String] = [], on device: Device
  ) throws {
    guard description.kind == .detector, let own = description.detector else {
      throw RunFailure(
        .badData, "\(source): the model is no detector; train one on it with mae detect train")
    }
    if let problem = description.problems.first {
      throw RunFailure(.badData, "\(source): \(problem)")
    }
    let store = ParameterStore(on: device, initializing: nil)
    let detector = MaskRCNN(description.model, own.shape, in: store.root)
    do {
      try store.load(weights)
    } catch {
      throw RunFailure(.badData, "\(source): \(error)")
    }
    self.init(detector, in: store, description, source: source, notes: notes)
  }

  /// Takes a network that is there, as while it is trained.
  package init(
    _ detector: MaskRCNN, in store: ParameterStore, _ description: ModelDescription,
    source: String, notes: [String] = []
  ) {
    self.detector = detector
    self.store = store
    self.description = description
    self.source = source
    self.notes = notes
  }

  /// The names of the classes, in the order of labels.
  public var classNames: [String] { description.detector?.categories.map(\.name) ?? [] }
  /// The ids of the classes in the set that was learned from.
  public var classIDs: [COCOIdentifier] { description.detector?.categories.map(\.id) ?? [] }
}

extension LoadedDetector {
  /// Whether what lies at a path is a detector, as far as can be seen without reading its weights
  /// whole; false where there is nothing.
  package static func isDetector(_ path: String) -> Bool {
    if let checkpoint = try? LoadedModel.checkpoint(at: path) {
      return (try? checkpoint.description())?.kind == .detector
    }
    guard let file = try? NamedTensors(path) else { return false }
    return PublishedDetector.isDetector(file.tensors.keys)
  }
}
