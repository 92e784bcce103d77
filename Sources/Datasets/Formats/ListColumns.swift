import FileSystem
import Imaging

/// Which columns of separated values are the paths and the classes.
struct ListColumns: Hashable {
  let path: Int
  /// nil where no column is called like classes.
  let label: Int?
  /// Whether the first row names the columns.
  let isHeading: Bool
  /// The values of the first row: the columns' names where it is a heading.
  let names: [String]
  /// What stands between two values: a comma, a semicolon or a tab.
  let separator: UInt8

  private static let separators = [",", ";", "\t"].map { UInt8(ascii: $0) }

  /// The columns of a text and where its rows begin; nil where it is none of separated values.
  ///
  /// - Parameter named: the columns that the user names.
  /// - Throws: `DatasetError` where the text has no column of such a name.
  static func find(
    in content: [UInt8], of path: String, named: NamedColumns?
  ) throws(DatasetError) -> (columns: ListColumns, start: Int)? {
    let ending = fileExtension(path)
    var widest: [String] = []
    var unheaded: ListColumns?
    for separator in separators {
      var rest = content[...]
      guard let row = valuesRow(&rest, separator: separator) else { return nil }
      if row.count > widest.count { widest = row }
      let isTable = ending == "csv" || ending == "tsv" && separator == UInt8(ascii: "\t")
      let columns =
        if let named {
          ListColumns(row, separator, named, folder: splitPath(path).folder)
        } else {
          ListColumns(row, separator, isTable: isTable)
        }
      guard let columns else { continue }
      if columns.isHeading { return (columns, rest.startIndex) }
      if unheaded == nil { unheaded = columns }
    }
    if let unheaded { return (unheaded, 0) }
    guard let named else { return nil }
    throw DatasetError(
      .malformed, path: path,
      "has no column \(named.missing(from: widest)); its first line has \(listed(widest))")
  }

  /// By the first row alone; nil where the text is none of separated values.
  ///
  /// - Parameter isTable: whether the file is called like a table.
  private init?(_ row: [String], _ separator: UInt8, isTable: Bool) {
    self.separator = separator
    names = row
    guard let path = Self.place(of: Self.pathWords, in: row) else {
      guard isTable, row.count >= 2 else { return nil }
      (self.path, label, isHeading) = (0, row.count == 2 ? 1 : nil, false)
      return
    }
    let known = Self.place(of: Self.labelWords, in: row)
    // `id, name` as a row of a list of paths would be odd.
    guard isTable || known != nil else { return nil }
    (self.path, isHeading) = (path, true)
    label = known ?? (row.count == 2 ? 1 - path : nil)
  }

  /// By the columns that are named, or numbered from 1; nil where the row has no such ones.
  private init?(
    _ row: [String], _ separator: UInt8, _ named: NamedColumns, folder: String
  ) {
    self.separator = separator
    names = row
    let image = named.image.map { NamedColumns.place(of: $0, in: row) }
    let label = named.label.map { NamedColumns.place(of: $0, in: row) }
    if case .some(nil) = image { return nil }
    if case .some(nil) = label { return nil }
    let (imagePlace, labelPlace) = (image ?? nil, label ?? nil)
    let known = Self.place(of: Self.pathWords, in: row).flatMap {
      $0 == labelPlace?.index ? nil : $0
    }
    path = imagePlace?.index ?? known ?? (labelPlace?.index == 0 && row.count > 1 ? 1 : 0)
    let path = path
    let other = Self.place(of: Self.labelWords, in: row) ?? (row.count == 2 ? 1 - path : nil)
    self.label = labelPlace?.index ?? (other == path ? nil : other)
    if imagePlace?.isName == true || labelPlace?.isName == true || known != nil {
      isHeading = true
    } else {
      let first = row[path]
      isHeading =
        !ImageFormat.allExtensions.contains(fileExtension(first))
        && PathKind(joined(folder, first)) != .file
    }
  }

  /// The place of the first of some words among a row's values.
  private static func place(of words: [String], in row: [String]) -> Int? {
    let plain = row.map { word in word.lowercased().filter { $0.isLetter || $0.isNumber } }
    return words.lazy.compactMap { plain.firstIndex(of: $0) }.first
  }

  /// Values of a first row for a message: `"id", "breed"`.
  static func listed(_ names: [String]) -> String {
    let shown = names.prefix(20).map { "\"\($0)\"" }.joined(separator: ", ")
    return names.count > 20 ? "\(shown), … (\(names.count) columns)" : shown
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

/// Columns of a list that a user names behind its path: `labels.csv:image=photo,label=breed`. A
/// number is the column of that name, or else the column of that number, from 1.
struct NamedColumns: Hashable, Sendable {
  var image: String?
  var label: String?

  /// Takes a word apart; nil where it is a path, or what stands before the colon is no file.
  ///
  /// - Throws: `DatasetError` where what follows the colon names something else.
  static func split(
    _ word: String
  ) throws(DatasetError) -> (path: String, columns: NamedColumns)? {
    guard word.contains("="), !HTTPClient.isAddress(word), PathKind(word) == .nothing else {
      return nil
    }
    for colon in word.indices where word[colon] == ":" {
      let path = try PathWords.path(String(word[..<colon]))
      guard PathKind(path) == .file else { continue }
      return (path, try NamedColumns(word[word.index(after: colon)...], of: path))
    }
    return nil
  }

  private init(_ text: Substring, of path: String) throws(DatasetError) {
    var last: WritableKeyPath<NamedColumns, String?>?
    for piece in text.split(separator: ",", omittingEmptySubsequences: false) {
      let key = piece.prefix { $0 != "=" }
      switch key {
      case "image" where key.endIndex < piece.endIndex: last = \.image
      case "label" where key.endIndex < piece.endIndex: last = \.label
      default:
        // A comma inside a name.
        guard let field = last, key.endIndex == piece.endIndex else {
          throw DatasetError(
            .malformed, path: path,
            "is followed by \"\(piece)\"; expected the columns of the paths and of the classes: "
              + "\(path):image=COLUMN,label=COLUMN")
        }
        self[keyPath: field] = (self[keyPath: field] ?? "") + "," + piece
        continue
      }
      if let last { self[keyPath: last] = String(piece[piece.index(after: key.endIndex)...]) }
    }
  }

  /// The place of a name, or of a number that is no name; nil where there is none.
  static func place(of name: String, in row: [String]) -> (index: Int, isName: Bool)? {
    if let index = row.firstIndex(of: name) { return (index, true) }
    let small = name.lowercased()
    if let index = row.firstIndex(where: { $0.lowercased() == small }) { return (index, true) }
    guard let number = Int(name), row.indices.contains(number - 1) else { return nil }
    return (number - 1, false)
  }

  /// The names that a row does not have, for a message.
  fileprivate func missing(from row: [String]) -> String {
    [image, label].compactMap(\.self).filter { Self.place(of: $0, in: row) == nil }
      .map { "\"\($0)\"" }.joined(separator: " and no column ")
  }
}

/// Takes a row of separated values from the front of a text; nil at its end. Spaces around a value
/// that is not quoted are left out; of a quoted one two quotes in a row are one.
func valuesRow(
  _ text: inout ArraySlice<UInt8>, separator: UInt8 = UInt8(ascii: ",")
) -> [String]? {
  func isSpace(_ byte: UInt8) -> Bool { byte != separator && (byte == 0x20 || byte == 0x09) }
  func isEnd(_ byte: UInt8) -> Bool { byte == separator || byte == 0x0A || byte == 0x0D }
  text = text.drop { $0 == 0x0A || $0 == 0x0D }
  guard !text.isEmpty else { return nil }
  let quote = UInt8(ascii: "\"")
  var row: [String] = []
  while true {
    text = text.drop(while: isSpace)
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
      text = text.drop { !isEnd($0) }
    } else {
      let plain = text.prefix { !isEnd($0) }
      text = text[plain.endIndex...]
      value = Array(plain)
      while let last = value.last, isSpace(last) { value.removeLast() }
    }
    row.append(String(pathBytes: value))
    guard text.first == separator else { return row }
    text = text.dropFirst()
  }
}
