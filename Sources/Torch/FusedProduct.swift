internal import CTorch

/// Matrix products by oneDNN, with what follows them in the same pass over memory; forward only.
///
/// libtorch gives float32 products to MKL, which keeps its fastest code from AMD's processors. On one of
/// them, two cores with AVX2, the products of ViT-Small on 8 images of 224² take a core 3 to 12 % less
/// by oneDNN, and GELU nothing besides; elsewhere nobody has measured it, so it is left to libtorch.
enum FusedProduct {
  /// nil where products are libtorch's choice.
  private static let operation: Op? = {
    guard ct_processor_is_amd(),
      let found = Op(ifThere: "_linear_pointwise", namespace: "mkldnn")
    else { return nil }
    // A libtorch without oneDNN has the name and not the code.
    let trial = Tensor.ones([1, 1])
    return (try? found.attempt(trial, trial, Tensor?.none, "none", [Int](), "none")) == nil
      ? nil : found
  }()

  /// `x·Wᵀ + b` and what follows, `none` or `gelu`; nil where libtorch's own operator is to do it.
  static func linear(
    _ x: Tensor, _ weight: Tensor, _ bias: Tensor?, then next: String = "none"
  ) -> Tensor? {
    let cpu = Device.Kind.cpu.rawValue
    guard let operation, !ct_grad_mode(), !ct_autocast_enabled(cpu), x.isProduct(with: weight)
    else { return nil }
    return try? operation.attempt(x, weight, bias, next, [Int](), "none")
  }
}

extension Tensor {
  /// Whether both are matrices of float32 in main memory that can be multiplied.
  fileprivate func isProduct(with weight: Tensor) -> Bool {
    let (own, other) = (shape, weight.shape)
    return own.count >= 2 && other.count == 2 && own.last == other[1] && count > 0
      && dtype == .float32 && weight.dtype == .float32 && device.kind == .cpu
      && weight.device.kind == .cpu
  }
}
