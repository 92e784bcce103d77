/// A model whose weights nobody changes as long as this value is in use, so that several threads
/// may compute with it at the same time.
///
/// The rule of this package is that bytes cross threads and tensors do not. This type is the one
/// exception: the weights of a frozen model may be *read* from any thread.
///
/// `@unchecked Sendable`, for these reasons:
/// - The weights are only read. libtorch allows any number of threads to read a tensor; writing to
///   one, by an optimizer, by loading or by moving weights between devices, is what must not happen
///   meanwhile.
/// - Each thread computes without gradients (grad mode belongs to the thread), so that nothing is
///   recorded on the weights.
/// - References to tensors are counted atomically.
/// - Tensors made by a thread stay on it; only numbers are handed on.
struct FrozenModel: @unchecked Sendable {
  /// The model, for reading.
  let model: LoadedModel

  /// Freezes a model: the caller does not train it, load into it or move it while it is in use.
  init(_ model: LoadedModel) { self.model = model }
}
