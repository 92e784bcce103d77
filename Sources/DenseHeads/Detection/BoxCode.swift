#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif
public import Torch

// R boxes; edges x0, y0, x1, y1.

/// How a box is told by another (Girshick et al., 2014): the step from centre to centre in parts of
/// the other's sides, and the logarithms of the ratios of sides, each times a weight.
public struct BoxCode: Codable, Hashable, Sendable {
  /// What dx, dy, dw and dh are multiplied by.
  public var weights: [Double]
  /// The largest dw and dh that are believed, before the exponential.
  public static let limit = 4.135_166_556_742_356  // ln(1000/16)

  /// Creates a code; proposals' is of ones, a head's of 10, 10, 5, 5.
  public init(weights: [Double] = [1, 1, 1, 1]) { self.weights = weights }

  /// The four numbers that make `box` of `reference`.
  ///
  /// - Precondition: The sides of both are above 0.
  public func encode(_ box: Box, from reference: Box) -> SIMD4<Float> {
    let (x, y) = (reference.x0 + reference.width / 2, reference.y0 + reference.height / 2)
    let code = SIMD4<Float>(
      (box.x0 + box.width / 2 - x) / reference.width,
      (box.y0 + box.height / 2 - y) / reference.height,
      logf(box.width / reference.width), logf(box.height / reference.height))
    return code
      * SIMD4(Float(weights[0]), Float(weights[1]), Float(weights[2]), Float(weights[3]))
  }

  /// The boxes that codes `[…, 4]` make of references `[…, 4]`, in float32: `[…, 4]`.
  public func decode(_ codes: Tensor, from references: Tensor) -> Tensor {
    let (codes, references) = (codes.to(.float32), references.to(.float32))
    func part(_ x: Tensor, _ index: Int) -> Tensor { x.selected(index, along: x.rank - 1) }
    let (width, height) = (
      part(references, 2) - part(references, 0), part(references, 3) - part(references, 1)
    )
    let (x, y) = (part(references, 0) + width * 0.5, part(references, 1) + height * 0.5)
    // minimum, not clamp: there is no lower bound.
    let bound = Tensor.full([], Self.limit).sent(to: codes.device)
    let newX = part(codes, 0) / weights[0] * width + x
    let newY = part(codes, 1) / weights[1] * height + y
    let halfWidth = (part(codes, 2) / weights[2]).minimum(bound).exp() * width * 0.5
    let halfHeight = (part(codes, 3) / weights[3]).minimum(bound).exp() * height * 0.5
    return stacked(
      [newX - halfWidth, newY - halfHeight, newX + halfWidth, newY + halfHeight],
      along: codes.rank - 1)
  }
}
