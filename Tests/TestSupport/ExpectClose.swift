package import Testing
package import Torch

/// Checks that two tensors have one shape and agree in every element.
///
/// `|actual − expected| ≤ absolute + relative · |expected|` must hold for each element, as
/// `torch.testing.assert_close` has it. NaN agrees with nothing; infinities agree with themselves
/// only.
///
/// - Parameter ofLargest: Adds this part of the array's largest finite |expected| to what is
///   allowed: for sums whose terms cancel, where an error is as large as the terms' and not as the
///   sum's.
package func expectClose(
  _ actual: Tensor, _ expected: Tensor, absolute: Double = 0, relative: Double = 0,
  ofLargest: Double = 0,
  _ name: @autoclosure () -> String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
  if let difference = difference(
    of: actual, from: expected,
    within: Golden.Tolerance(absolute: absolute, relative: relative, ofLargest: ofLargest))
  {
    Issue.record("\(context(name()))\(difference)", sourceLocation: sourceLocation)
  }
}

/// Checks that two tensors agree within a golden's tolerance.
package func expectClose(
  _ actual: Tensor, _ expected: Tensor, within tolerance: Golden.Tolerance,
  _ name: @autoclosure () -> String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
  expectClose(
    actual, expected, absolute: tolerance.absolute, relative: tolerance.relative,
    ofLargest: tolerance.ofLargest, name(), sourceLocation: sourceLocation)
}

/// Checks that two tensors have one type, one shape and the same elements, NaN excepted.
package func expectEqual(
  _ actual: Tensor, _ expected: Tensor, _ name: @autoclosure () -> String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  guard !actual.isDefined || !expected.isDefined || actual.dtype == expected.dtype else {
    Issue.record(
      "\(context(name()))the type is \(actual.dtype), expected \(expected.dtype)",
      sourceLocation: sourceLocation)
    return
  }
  expectClose(actual, expected, name(), sourceLocation: sourceLocation)
}

/// Says how two tensors differ by more than the tolerance; nil where they do not.
package func difference(
  of actual: Tensor, from expected: Tensor, within tolerance: Golden.Tolerance
) -> String? {
  guard actual.isDefined, expected.isDefined else { return "one of the tensors is undefined" }
  guard actual.shape == expected.shape else {
    return "the shape is \(actual.shape), expected \(expected.shape)"
  }
  let (found, wanted) = (actual.array(of: Double.self), expected.array(of: Double.self))
  let largest = wanted.lazy.map(\.magnitude).filter(\.isFinite).max() ?? 0
  let base = tolerance.absolute + tolerance.ofLargest * largest
  func limit(_ i: Int) -> Double {
    base + (tolerance.relative == 0 ? 0 : tolerance.relative * wanted[i].magnitude)
  }
  var failures = 0
  var worst = (index: 0, excess: -1.0)
  for i in found.indices where found[i] != wanted[i] {
    let distance = (found[i] - wanted[i]).magnitude
    // Both comparisons are false for NaN.
    if wanted[i].isFinite, distance <= limit(i) { continue }
    failures += 1
    let excess = distance.isFinite && wanted[i].isFinite ? distance - limit(i) : .infinity
    if excess > worst.excess { worst = (i, excess) }
  }
  if failures == 0 { return nil }
  return "\(failures) of \(found.count) values are too far off; worst at "
    + "\(position(worst.index, in: actual.shape)): \(found[worst.index]), "
    + "expected \(wanted[worst.index]) within \(limit(worst.index))"
}

/// An element's place in each dimension.
private func position(_ index: Int, in shape: [Int]) -> [Int] {
  var rest = index
  return shape.reversed().map { size in
    defer { rest /= size }
    return rest % size
  }.reversed()
}
