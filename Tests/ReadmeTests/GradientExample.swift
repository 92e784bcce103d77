import Torch

/// The gradient of the sum of squares at `x`: twice `x`, in its shape.
func gradientOfSquares(at x: Tensor) -> Tensor? {
  let x = x.cloned()
  x.requiresGradient = true
  (x * x).sum().backward()
  return x.gradient
}
