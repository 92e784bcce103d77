internal import CTorch

extension Tensor {
  /// A tensor that was computed from others without recording, as if libtorch had recorded it: its
  /// derivative is given.
  ///
  /// Where gradients are not recorded, or none of the inputs asks for one, the result is `value` and
  /// the derivative is dropped. Derivatives of derivatives are not recorded.
  ///
  /// - Parameters:
  ///   - value: The result; what it was computed by is forgotten.
  ///   - inputs: What it was computed from.
  ///   - derivative: Takes the gradient of the result and gives that of each input, or nil. It is
  ///     called at most once, in the backward pass, on the thread that computes it, where gradients
  ///     are not recorded.
  public static func function(
    _ value: Tensor, of inputs: [Tensor], derivative: @escaping (Tensor) -> [Tensor?],
    file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    guard ct_grad_mode(), inputs.contains(where: \.requiresGradient) else {
      return value.detached()
    }
    let context = Unmanaged.passRetained(DerivativeBox(derivative, of: inputs.count)).toOpaque()
    var result: ct_tensor?
    let raw = inputs.map { Optional($0.handle.raw) }
    let status = withExtendedLifetime(inputs) {
      ct_function(
        raw, raw.count, value.handle.raw,
        { context, gradient, gradients in
          guard let context, let gradient, let gradients else { return -1 }
          let box = Unmanaged<DerivativeBox>.fromOpaque(context).takeUnretainedValue()
          let found = withoutGradients { box.derivative(Tensor(owning: gradient)) }
          guard found.count == box.count else { return -1 }
          for (index, tensor) in found.enumerated() {
            gradients[index] = tensor.flatMap { ct_retain($0.handle.raw) }
          }
          return 0
        },
        { context in
          if let context { Unmanaged<DerivativeBox>.fromOpaque(context).release() }
        }, context, &result)
    }
    guard status == 0, let result else {
      TorchFailure.report("function", file, line)
      return Tensor()
    }
    return Tensor(owning: result)
  }

  /// The result of a part of a network whose intermediate results are not kept: the backward pass
  /// computes them a second time (Chen et al., 2016, “Training deep nets with sublinear memory
  /// cost”).
  ///
  /// The result and all gradients are those of `body(input)`, which must therefore give the same
  /// twice: what is random in it is drawn before. Where `input` asks for no gradient nothing is
  /// saved and `body` is called as it is.
  ///
  /// - Parameter body: Called once at once and once in the backward pass, under the autocast mode of
  ///   now. Tensors that it captures, such as weights, get their gradients.
  public static func recomputed(
    _ input: Tensor, file: StaticString = #fileID, line: UInt = #line,
    _ body: @escaping (Tensor) -> Tensor
  ) -> Tensor {
    guard ct_grad_mode(), input.requiresGradient else { return body(input) }
    let device = input.device
    let kind = device.kind.rawValue
    let type = ct_autocast_enabled(kind) ? DType(rawValue: ct_autocast_dtype(kind)) : nil
    // With recording, though it is dropped at once: other kernels are chosen without.
    let value = body(input.detached()).detached()
    return function(
      value, of: [input],
      derivative: { gradient in
        let again = input.detached()
        again.requiresGradient = true
        withGradients {
          withAutocast(to: type, on: device) { body(again) }.backward(
            gradient, file: file, line: line)
        }
        return [again.gradient]
      }, file: file, line: line)
  }
}

/// Runs `body` with recording what gradients need, as the backward pass of a part of a network wants
/// that is computed again.
private func withGradients<Result>(_ body: () -> Result) -> Result {
  let before = ct_grad_mode()
  ct_set_grad_mode(true)
  defer { ct_set_grad_mode(before) }
  return body()
}

/// A derivative that the graph of gradients holds.
private final class DerivativeBox {
  let derivative: (Tensor) -> [Tensor?]
  let count: Int

  init(_ derivative: @escaping (Tensor) -> [Tensor?], of count: Int) {
    self.derivative = derivative
    self.count = count
  }
}
