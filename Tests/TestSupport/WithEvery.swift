/// Runs `body` for every value; checks of this module that fail in it say which values they met.
///
/// ```swift
/// try withEvery("grid", in: grids) { grid in
///   try withEvery("kept", in: 1..<grid.count) { kept in … }
/// }
/// ```
package func withEvery<Values: Sequence>(
  _ name: String, in values: Values, _ body: (Values.Element) throws -> Void
) rethrows {
  for value in values {
    try Trail.$current.withValue(Trail.current + ["\(name) = \(value)"]) { try body(value) }
  }
}

/// The values that the loops around met, for the message of a check: `"grid = …, kept = 3: "`.
package func context(_ name: String = "") -> String {
  let parts = Trail.current + (name.isEmpty ? [] : [name])
  return parts.isEmpty ? "" : parts.joined(separator: ", ") + ": "
}

private enum Trail {
  @TaskLocal static var current: [String] = []
}
