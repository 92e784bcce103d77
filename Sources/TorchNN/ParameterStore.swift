public import Torch

/// The named tensors of a model, in the order in which its layers declared them.
///
/// Names are PyTorch's (`blocks.0.attn.qkv.weight`), so that a saved model loads elsewhere as it
/// is.
public final class ParameterStore {
  /// A tensor under its name.
  public struct Entry {
    /// The full name, such as `blocks.0.norm1.weight`.
    public let name: String
    /// The tensor itself; its elements change, the reference does not.
    public let tensor: Tensor
    /// False for buffers, and for parameters that are frozen.
    public let isTrainable: Bool
    /// Whether it is saved with the model but never trained, such as a table of positions or
    /// running statistics.
    public let isBuffer: Bool

    /// Whether it is a parameter that keeps its value: see ``ParameterStore/freeze(where:)``.
    public var isFrozen: Bool { !isTrainable && !isBuffer }
  }

  /// Where the tensors live.
  public let device: Device
  /// Everything declared so far.
  public private(set) var entries: [Entry] = []

  private let generator: Generator?
  private var positions: [String: Int] = [:]

  /// An empty store.
  ///
  /// - Parameters:
  ///   - device: Where the tensors are to live. On ``/Torch/Device/meta`` nothing is allocated nor
  ///     drawn: a model declared there says its names and shapes.
  ///   - generator: Draws the initial values, in the order of declaration; nil leaves the memory as
  ///     it is, for a model whose weights are loaded next.
  public init(on device: Device = .cpu, initializing generator: Generator?) {
    self.device = device
    self.generator = generator
  }

  /// The scope without a prefix.
  public var root: Scope { Scope(store: self, path: "") }

  /// The tensor of a name.
  public subscript(name: String) -> Tensor? { positions[name].map { entries[$0].tensor } }

  /// The tensors that are trained.
  public var trainable: [Entry] { entries.filter(\.isTrainable) }

  /// Number of trained values.
  public var trainableCount: Int { trainable.reduce(0) { $0 + $1.tensor.count } }

  /// Drops all gradients; the next backward pass writes fresh ones instead of adding to these.
  public func clearGradients() {
    for entry in entries where entry.isTrainable { entry.tensor.gradient = nil }
  }

  /// Keeps tensors as they are from now on: they get no gradient and are not among ``trainable``.
  public func freeze(where isFrozen: (String) -> Bool) {
    for (index, entry) in entries.enumerated() where entry.isTrainable && isFrozen(entry.name) {
      entry.tensor.gradient = nil
      entry.tensor.requiresGradient = false
      entries[index] = Entry(
        name: entry.name, tensor: entry.tensor, isTrainable: false, isBuffer: false)
    }
  }

  func declare(
    _ name: String, shape: [Int], initializer: Initializer, isBuffer: Bool
  ) -> Tensor {
    precondition(positions[name] == nil, "the name '\(name)' is declared twice")
    // Drawn on the CPU, so that a seed gives the same values on every device.
    let isDrawn = device != .meta
    let initial = Tensor.empty(shape, device: isDrawn ? .cpu : device)
    if isDrawn, let generator {
      withoutGradients { initializer.fill(initial, using: generator) }
    }
    let tensor = initial.to(device)
    tensor.requiresGradient = !isBuffer
    positions[name] = entries.count
    entries.append(Entry(name: name, tensor: tensor, isTrainable: !isBuffer, isBuffer: isBuffer))
    return tensor
  }
}

/// A place in the tree of names.
public struct Scope {
  /// The store that everything declared here goes to.
  public let store: ParameterStore
  /// The prefix, without a dot at its end.
  public let path: String

  /// The place one name further down: `scope["attn"]`, `scope["blocks", 3]`.
  public subscript(name: String) -> Scope {
    Scope(store: store, path: path.isEmpty ? name : path + "." + name)
  }

  /// The place of one of a list of modules.
  public subscript(name: String, index: Int) -> Scope { self[name]["\(index)"] }

  /// Declares a trained tensor.
  public func parameter(
    _ name: String, _ shape: [Int], _ initializer: Initializer
  ) -> Tensor {
    store.declare(self[name].path, shape: shape, initializer: initializer, isBuffer: false)
  }

  /// Declares a tensor that is saved with the model but not trained.
  public func buffer(_ name: String, _ shape: [Int], _ initializer: Initializer) -> Tensor {
    store.declare(self[name].path, shape: shape, initializer: initializer, isBuffer: true)
  }
}
