import FileSystem
import Imaging

/// The paths of a list, and the classes that follow them; a sequence.
///
/// - Text: a path a line; the class follows a tab, or, if it is a whole number, a space. Empty
///   lines and such that begin with `#` are skipped.
/// - Comma-separated values (RFC 4180), also with semicolons or tabs, by a heading such as
///   `image,label` or by the ending `.csv` or `.tsv`: the columns of the paths and of the classes are
///   those that are named, or are found by their names, or are the first two.
/// - Paths that end with a zero byte, as `find -print0` writes them, each as it is.
///
/// A byte-order mark at the start is skipped. Bytes that are no UTF-8 stay what they are.
struct ListLines: Sequence, IteratorProtocol {
  /// How the list is written.
  enum Syntax: Hashable {
    case lines
    case zeros
    case values(ListColumns)
  }

  let syntax: Syntax
  private let bytes: [UInt8]
  private var position: Int

  /// Reads a file that is text.
  ///
  /// - Parameter named: the columns of the paths and of the classes; nil to find them.
  init(_ path: String, columns named: NamedColumns? = nil) throws(DatasetError) {
    let content: [UInt8]
    do throws(ImageError) {
      content = try readText(path, limit: ListDataset.largestFile)
    } catch {
      throw DatasetError(error, path: path)
    }
    if let format = ImageFormat(recognizing: content) {
      throw DatasetError(
        .malformed, path: path,
        "is one \(format.rawValue) image; expected a folder of images or a list of their paths")
    }
    if content.starts(with: [0xFF, 0xFE]) || content.starts(with: [0xFE, 0xFF]) {
      throw DatasetError(
        .malformed, path: path, "is text in UTF-16; save it as UTF-8 (iconv -f UTF-16 -t UTF-8)")
    }
    bytes = content
    position = 0
    if content.contains(0) {
      if named != nil { throw Self.binary(path) }
      syntax = .zeros
    } else if let (columns, start) = try ListColumns.find(in: content, of: path, named: named) {
      syntax = .values(columns)
      position = start
    } else {
      syntax = .lines
    }
  }

  /// What a file with zero bytes is that names no files.
  static func binary(_ path: String) -> DatasetError {
    DatasetError(
      .malformed, path: path, "is a binary file; expected \(DatasetFormats.names)")
  }

  mutating func next() -> (path: Substring, tag: Substring?)? {
    switch syntax {
    case .zeros:
      while position < bytes.count {
        let path = bytes[position...].prefix { $0 != 0 }
        position = path.endIndex + 1
        if !path.isEmpty { return (String(pathBytes: path)[...], nil) }
      }
    case .values(let columns):
      var rest = bytes[position...]
      while let row = valuesRow(&rest, separator: columns.separator) {
        position = rest.startIndex
        guard let path = columns.path < row.count ? row[columns.path] : nil, !path.isEmpty
        else { continue }
        let tag = columns.label.flatMap { $0 < row.count ? row[$0] : nil } ?? ""
        return (path[...], tag.isEmpty ? nil : tag[...])
      }
      position = bytes.count
    case .lines:
      while position < bytes.count {
        let line = bytes[position...].prefix { $0 != 0x0A && $0 != 0x0D }
        position = line.endIndex + 1
        let start = line.drop { $0 == 0x20 || $0 == 0x09 }
        if let first = start.first, first != UInt8(ascii: "#") { return Self.parsed(start) }
      }
    }
    return nil
  }

  /// The path and the class of a line.
  private static func parsed(_ line: ArraySlice<UInt8>) -> (path: Substring, tag: Substring?) {
    func trimmed(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
      var text = text
      while let last = text.last, last == 0x20 || last == 0x09 { text.removeLast() }
      return text
    }
    func text(_ bytes: ArraySlice<UInt8>) -> Substring { String(pathBytes: bytes)[...] }
    let line = trimmed(line)
    if let tab = line.lastIndex(of: 0x09) {
      return (text(trimmed(line[..<tab])), text(line[(tab + 1)...]))
    }
    if let space = line.lastIndex(of: 0x20), Int(text(line[(space + 1)...])) != nil {
      return (text(trimmed(line[..<space])), text(line[(space + 1)...]))
    }
    return (text(line), nil)
  }
}
