internal import CTorch

extension Tensor {
  /// Whether gradients flow to this tensor.
  public var requiresGradient: Bool {
    get { ct_requires_grad(handle.raw) }
    nonmutating set {
      if ct_set_requires_grad(handle.raw, newValue) != 0 {
        TorchFailure.report("requires_grad_", #fileID, #line)
      }
    }
  }

  /// What `backward()` has added up here.
  public var gradient: Tensor? {
    get { ct_grad(handle.raw).map { Tensor(owning: $0) } }
    nonmutating set {
      let status = withExtendedLifetime(newValue) { ct_set_grad(handle.raw, newValue?.handle.raw) }
      if status != 0 { TorchFailure.report("grad", #fileID, #line) }
    }
  }

  /// Adds the derivative of this scalar to the ``gradient`` of every tensor it was computed from.
  public func backward(file: StaticString = #fileID, line: UInt = #line) {
    if ct_backward(handle.raw, nil, false) != 0 { TorchFailure.report("backward", file, line) }
  }

  /// Adds the vector–Jacobian product with `gradient` to every tensor this was computed from.
  public func backward(_ gradient: Tensor, file: StaticString = #fileID, line: UInt = #line) {
    if ct_backward(handle.raw, gradient.handle.raw, false) != 0 {
      TorchFailure.report("backward", file, line)
    }
  }

  /// The derivative of this scalar by each of `inputs`; no tensor's ``gradient`` is changed.
  ///
  /// - Parameters:
  ///   - inputs: Tensors that ask for gradients, or were computed from such.
  ///   - upstream: What this is multiplied by first where it is no scalar, of its shape: the result is
  ///     the vector–Jacobian product.
  ///   - isRecorded: Whether the derivatives can be derived in turn, as a penalty on them wants. What
  ///     was computed from the inputs is kept then.
  /// - Returns: Tensors of the inputs' shapes; nil for one that this was not computed from.
  public func gradients(
    by inputs: [Tensor], times upstream: Tensor? = nil, recorded isRecorded: Bool = false,
    file: StaticString = #fileID, line: UInt = #line
  ) -> [Tensor?] {
    var found = [ct_tensor?](repeating: nil, count: inputs.count)
    let raw = inputs.map { Optional($0.handle.raw) }
    let status = withExtendedLifetime((inputs, upstream)) {
      ct_gradients(handle.raw, upstream?.handle.raw, raw, raw.count, isRecorded, &found)
    }
    guard status == 0 else {
      TorchFailure.report("gradients", file, line)
      return inputs.map { _ in nil }
    }
    return found.map { $0.map { Tensor(owning: $0) } }
  }
}

/// Runs `body` without recording what gradients would need.
///
/// The mode belongs to the thread, so the closure is synchronous.
public func withoutGradients<Result, Failure: Error>(
  _ body: () throws(Failure) -> Result
) throws(Failure) -> Result {
  let before = ct_grad_mode()
  ct_set_grad_mode(false)
  defer { ct_set_grad_mode(before) }
  return try body()
}

/// Runs `body` with matrix products and convolutions in a shorter type, sums and norms in float32.
///
/// - Parameters:
///   - type: The short type; nil runs `body` as it is.
///   - device: The device whose operators are meant.
///
/// The mode belongs to the thread, so the closure is synchronous.
public func withAutocast<Result, Failure: Error>(
  to type: DType?, on device: Device, _ body: () throws(Failure) -> Result
) throws(Failure) -> Result {
  guard let type else { return try body() }
  let kind = device.kind.rawValue
  let before = (enabled: ct_autocast_enabled(kind), type: ct_autocast_dtype(kind))
  ct_set_autocast(kind, true, type.rawValue)
  defer {
    ct_set_autocast(kind, before.enabled, before.type)
    if !before.enabled { ct_autocast_clear_cache() }
  }
  return try body()
}
