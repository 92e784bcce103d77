@testable import FileSystem
import Foundation
import Testing

@testable import Torch

/// A folder that lasts as long as a test.
final class TemporaryFolder {
  let path: String

  init() {
    path = NSTemporaryDirectory() + "swift-mae-\(UUID().uuidString)"
    try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// A path in the folder.
  subscript(_ name: String) -> String { path + "/" + name }

  /// Writes a file and gives its path.
  func write(_ bytes: [UInt8], to name: String) -> String {
    _ = FileManager.default.createFile(atPath: self[name], contents: Data(bytes))
    return self[name]
  }

  /// The names in the folder, hidden ones too.
  var names: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
  }

  /// The bytes of a file.
  func bytes(_ name: String) -> [UInt8] {
    FileManager.default.contents(atPath: self[name]).map(Array.init) ?? []
  }
}

/// The message of the error that `body` throws, without the file's name; nil when it throws none.
func fileError(_ body: () throws(FileError) -> Void) -> (kind: FileError.Kind, message: String)? {
  do {
    try body()
    return nil
  } catch {
    return (error.kind, error.message)
  }
}

/// A number as bytes, the lowest first.
func littleEndian<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
  withUnsafeBytes(of: value.littleEndian, Array.init)
}

/// Numbers as their bytes, the lowest first.
func bytes(_ values: [Float]) -> [UInt8] { values.flatMap { littleEndian($0.bitPattern) } }

/// A safetensors file of a header and data.
func safetensors(_ header: String, data: [UInt8] = []) -> [UInt8] {
  littleEndian(UInt64(header.utf8.count)) + Array(header.utf8) + data
}
