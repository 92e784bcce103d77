public import FileSystem
import Runs

/// Images that a pass goes through once: sets that are open, then files whose paths come one a
/// line.
public struct ImageSource {
  /// The sets.
  public let inputs: ImageInputs
  private let paths: LineStream?
  private let name: String

  /// Paths that are under way at a time.
  private static let pathsAtOnce = 4096

  /// Takes sets and a stream of paths.
  ///
  /// - Parameters:
  ///   - paths: The stream; nil for none.
  ///   - name: What the stream is called in messages.
  public init(_ inputs: ImageInputs, paths: LineStream? = nil, named name: String = "") {
    self.inputs = inputs
    self.paths = paths
    self.name = name
  }

  /// Hands over the images part by part; files of the stream come some at a time.
  ///
  /// - Throws: ``/Runs/RunFailure`` where there is nothing but a stream and it has no path,
  ///   `FileError` where it cannot be read, and what `body` throws.
  public func forEachPart(_ body: (ImageInputs.Part) throws -> Void) throws {
    for part in inputs.parts { try body(part) }
    guard let paths else { return }
    var isEmpty = true
    while let some = try paths.lines(atMost: Self.pathsAtOnce) {
      isEmpty = false
      try body(.init(name: "the files of \(name)", images: ImageFiles(paths: some)))
    }
    if isEmpty, inputs.parts.isEmpty {
      let named = name == "-" ? "standard input" : name
      throw RunFailure(.missingInput, "\(named) is empty; expected a path on each line")
    }
  }
}
