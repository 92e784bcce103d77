package import Testing
package import Torch

/// Checks that two tensors have one shape and agree in every element.
///
/// `|actual − expected| ≤ absolute + relative · max|expected|` must hold everywhere, the maximum being
/// taken over the whole array. NaN agrees with nothing; infinities agree with themselves only.
package func expectClose(
  _ actual: Tensor, _ expected: Tensor, absolute: Double = 0, relative: Double = 0,
  _ name: @autoclosure () -> String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
  if let difference = difference(
    of: actual, from: expected, absolute: absolute, relative: relative)
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
    actual, expected, absolute: tolerance.absolute, relative: tolerance.relative, name(),
    sourceLocation: sourceLocation)
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
  of actual: Tensor, from expected: Tensor, absolute: Double, relative: Double
) -> String? {
  guard actual.isDefined, expected.isDefined else { return "one of the tensors is undefined" }
  guard actual.shape == expected.shape else {
    return "the shape is \(actual.shape), expected \(expected.shape)"
  }
  let (found, wanted) = (actual.array(of: Double.self), expected.array(of: Double.self))
  let largest = wanted.lazy.map(\.magnitude).filter(\.isFinite).max() ?? 0
  let limit = absolute + relative * largest
  var failures = 0
  var worst = (index: 0, distance: -1.0)
  for i in found.indices {
    let distance = found[i] == wanted[i] ? 0 : (found[i] - wanted[i]).magnitude
    if distance <= limit { continue }  // false for NaN
    failures += 1
    let comparable = distance.isNaN ? .infinity : distance
    if comparable > worst.distance { worst = (i, comparable) }
  }
  if failures == 0 { return nil }
  return "\(failures) of \(found.count) values differ by more than \(limit); worst at "
    + "\(position(worst.index, in: actual.shape)): \(found[worst.index]), "
    + "expected \(wanted[worst.index])"
}

/// An element's place in each dimension.
private func position(_ index: Int, in shape: [Int]) -> [Int] {
  var rest = index
  return shape.reversed().map { size in
    defer { rest /= size }
    return rest % size
  }.reversed()
}
