package import FileSystem
import Foundation

/// A folder that lasts as long as a test.
package final class TemporaryFolder: Sendable {
  /// Where it is.
  package let path: String

  /// Makes the folder.
  package init() {
    path = NSTemporaryDirectory() + "swift-mae-\(UUID().uuidString)"
    try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// A path in the folder.
  package subscript(_ name: String) -> String { path + "/" + name }

  /// Writes a file and gives its path.
  package func write(_ bytes: [UInt8], to name: String) -> String {
    _ = FileManager.default.createFile(atPath: self[name], contents: Data(bytes))
    return self[name]
  }

  /// The names in the folder, hidden ones too.
  package var names: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
  }

  /// The bytes of a file.
  package func bytes(_ name: String) -> [UInt8] {
    FileManager.default.contents(atPath: self[name]).map(Array.init) ?? []
  }
}

/// The message of the error that `body` throws, without the file's name; nil when it throws none.
package func fileError(_ body: () throws(FileError) -> Void) -> (
  kind: FileError.Kind, message: String
)? {
  do {
    try body()
    return nil
  } catch {
    return (error.kind, error.message)
  }
}
