public import Torch
public import TorchNN

/// The Euclidean norm of all gradients together, as a tensor of no dimensions.
public func gradientNorm(of groups: [ParameterGroup]) -> Tensor {
  norm(of: groups.flatMap(\.parameters).compactMap(\.tensor.gradient))
}

/// The Euclidean norm of all parameters that are trained, together, as a tensor of no dimensions.
public func parameterNorm(of store: ParameterStore) -> Tensor {
  norm(of: store.trainable.map(\.tensor))
}

private func norm(of tensors: [Tensor]) -> Tensor {
  withoutGradients {
    let norms = tensors.map { $0.norm() }
    return norms.isEmpty ? Tensor.zeros([]) : stacked(norms).norm()
  }
}

/// Scales all gradients down so that their common norm is at most `limit`, as PyTorch's
/// `clip_grad_norm_` does.
///
/// - Returns: The norm before scaling.
@discardableResult
public func clipGradients(of groups: [ParameterGroup], to limit: Double) -> Tensor {
  let norm = gradientNorm(of: groups)
  withoutGradients {
    let factor = (limit / (norm + 1e-6)).clamped(to: 0...1)
    for parameter in groups.flatMap(\.parameters) {
      parameter.tensor.gradient?.multiply(by: factor)
    }
  }
  return norm
}
