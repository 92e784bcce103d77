import FileSystem
import Imaging

/// The paths of a list, and the classes that follow them; a sequence.
///
/// - Text: a path a line; the class follows a tab, or, if it is a whole number, a space. Empty
///   lines and such that begin with `#` are skipped.
/// - Comma-separated values (RFC 4180), by a heading such as `image,label` or by the ending `.csv`:
///   the columns of the paths and of the classes are found by their names, or are the first two.
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
  init(_ path: String) throws(DatasetError) {
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
      syntax = .zeros
    } else {
      var rest = content[position...]
      let isNamed = fileExtension(path) == "csv"
      if let first = valuesRow(&rest), let columns = ListColumns(first, isNamed: isNamed) {
        syntax = .values(columns)
        if columns.isHeading { position = rest.startIndex }
      } else {
        syntax = .lines
      }
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
      while let row = valuesRow(&rest) {
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

/// Which columns of comma-separated values are the paths and the classes.
struct ListColumns: Hashable {
  let path: Int
  /// nil where no column is called like classes.
  let label: Int?
  /// Whether the first row names the columns.
  let isHeading: Bool
  /// The columns' names; empty without a heading.
  let names: [String]

  /// By the first row; nil where the text is none of comma-separated values.
  ///
  /// - Parameter isNamed: whether the file is called `….csv`.
  init?(_ row: [String], isNamed: Bool) {
    guard row.count >= 2 else { return nil }
    let words = row.map { word in
      word.lowercased().filter { $0.isLetter || $0.isNumber }
    }
    guard let path = Self.pathWords.lazy.compactMap({ words.firstIndex(of: $0) }).first else {
      guard isNamed else { return nil }
      (self.path, label, isHeading, names) = (0, row.count == 2 ? 1 : nil, false, [])
      return
    }
    let named = Self.labelWords.lazy.compactMap { words.firstIndex(of: $0) }.first
    let label = named ?? (row.count == 2 ? 1 - path : nil)
    // `id, name` as a row of a list of paths would be odd.
    guard isNamed || named != nil else { return nil }
    (self.path, self.label, isHeading, names) = (path, label, true, row)
  }

  private static let pathWords = [
    "path", "imagepath", "filepath", "filename", "file", "image", "imagename", "imagefile",
    "imagefilename", "img", "imgpath", "imgname", "imageid", "relativepath", "picture", "photo",
    "id", "name",
  ]
  private static let labelWords = [
    "label", "class", "category", "target", "classname", "labelname", "categoryname", "labels",
    "classes", "classid", "labelid", "categoryid", "species", "breed", "y",
  ]
}

/// Takes a row of comma-separated values from the front of a text; nil at its end. Spaces around a
/// value that is not quoted are left out; of a quoted one two quotes in a row are one.
func valuesRow(_ text: inout ArraySlice<UInt8>) -> [String]? {
  text = text.drop { $0 == 0x0A || $0 == 0x0D }
  guard !text.isEmpty else { return nil }
  let (comma, quote) = (UInt8(ascii: ","), UInt8(ascii: "\""))
  var row: [String] = []
  while true {
    text = text.drop { $0 == 0x20 || $0 == 0x09 }
    var value: [UInt8] = []
    if text.first == quote {
      text = text.dropFirst()
      while let byte = text.popFirst() {
        if byte != quote {
          value.append(byte)
        } else if text.first == quote {
          value.append(quote)
          text = text.dropFirst()
        } else {
          break
        }
      }
      // What follows a closing quote belongs to no value.
      text = text.drop { $0 != comma && $0 != 0x0A && $0 != 0x0D }
    } else {
      let plain = text.prefix { $0 != comma && $0 != 0x0A && $0 != 0x0D }
      text = text[plain.endIndex...]
      value = Array(plain)
      while let last = value.last, last == 0x20 || last == 0x09 { value.removeLast() }
    }
    row.append(String(pathBytes: value))
    guard text.first == comma else { return row }
    text = text.dropFirst()
  }
}
