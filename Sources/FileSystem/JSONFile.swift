import Foundation

/// Small JSON files with their keys in order, so that equal values give equal bytes.
package enum JSONFile {
  /// Largest file that is read: these are written by hand or by this program.
  private static let limit = 16 << 20

  package static func read<Value: Decodable>(
    _ type: Value.Type, from path: String
  ) throws(FileError) -> Value {
    guard let data = (try? wholeFile(path, limit: .max)).map({ Data($0) }) else {
      throw FileError(path: path, kind: .unreadable, message: "cannot be read")
    }
    guard data.count <= limit else {
      throw FileError(
        path: path, kind: .malformed, message: "is \(data.count) bytes, too large to be \(type)")
    }
    do {
      return try JSONDecoder().decode(type, from: data)
    } catch let error as DecodingError {
      throw FileError(path: path, kind: .malformed, message: sentence(for: error))
    } catch {
      throw FileError(path: path, kind: .malformed, message: "is not JSON")
    }
  }

  package static func write(_ value: some Encodable, to path: String) throws(FileError) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(value) else {
      throw FileError(path: path, kind: .failed, message: "holds a number that JSON cannot write")
    }
    try replaceFile(at: path) { (file) throws(FileError) in
      try file.write([UInt8](data))
      try file.write("\n")
    }
  }

  private static func sentence(for error: DecodingError) -> String {
    func path(_ context: DecodingError.Context, _ last: (any CodingKey)? = nil) -> String {
      (context.codingPath + [last].compactMap { $0 }).map(\.stringValue).joined(separator: ".")
    }
    switch error {
    case .keyNotFound(let key, let context): return "lacks the field '\(path(context, key))'"
    case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
      return "field '\(path(context))' is not \(type)"
    case .dataCorrupted(let context):
      return context.codingPath.isEmpty
        ? "is not valid JSON" : "field '\(path(context))' has a value that is not allowed"
    @unknown default: return "is not valid JSON"
    }
  }
}
