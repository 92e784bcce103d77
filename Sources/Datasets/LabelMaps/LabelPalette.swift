import FileSystem
import Imaging

/// A colour for each number of a label map, as PNG files with a palette have: PASCAL VOC's and others'.
public struct LabelPalette: Hashable, Sendable {
  /// Red, green and blue of each number from 0 on, at most 256.
  public let bytes: [UInt8]
  /// Numbers below ``bytes``' that have no colour of their own.
  private let missing: Set<Int>
  private let path: String

  /// Reads a class table with colours (`classes.csv`: `id,name,red,green,blue`), or takes the palette of
  /// a PNG file, such as a label map of PASCAL VOC.
  ///
  /// - Throws: ``DatasetError`` where it has no colours or cannot be read.
  public init(path: String) throws(DatasetError) {
    self.path = path
    if ["csv", "txt"].contains(fileExtension(path)) {
      let entries = try ClassTable(path: path).entries.filter { $0.id < 256 }
      let count = (entries.filter { $0.color != nil }.map(\.id).max() ?? -1) + 1
      guard count > 0 else {
        throw DatasetError(
          .malformed, path: path, "gives no colours; expected id,name,red,green,blue")
      }
      var bytes = [UInt8](repeating: 255, count: 3 * count)
      var missing = Set(0..<count)
      for case (let id, let color?) in entries.map({ ($0.id, $0.color) }) {
        bytes.replaceSubrange(3 * id..<3 * id + 3, with: color)
        missing.remove(id)
      }
      (self.bytes, self.missing) = (bytes, missing)
      return
    }
    let found: [UInt8]?
    do throws(ImageError) {
      found = LabelMap.palette(of: try EncodedImage(path: path))
    } catch {
      throw DatasetError(error, path: path)
    }
    guard let found else {
      throw DatasetError(
        .malformed, path: path,
        "has no palette; expected a PNG file with one, such as a label map of PASCAL VOC, or a class "
          + "table with colours (classes.csv: id,name,red,green,blue)")
    }
    (bytes, missing) = (found, [])
  }

  /// Makes sure that classes can be written with this palette.
  ///
  /// - Throws: ``DatasetError`` that names a class without a colour, or whose number needs 16 bits, of
  ///   which there is no palette.
  public func requireColors(of numbering: LabelNumbering) throws(DatasetError) {
    for (id, name) in zip(numbering.ids, numbering.names) {
      guard id < 255 else {
        throw DatasetError(
          .malformed, path: path,
          "cannot be the palette of label maps with the number \(id) (\(name)), which needs 16 bits; "
            + "leave --palette out")
      }
      guard 3 * id < bytes.count, !missing.contains(id) else {
        throw DatasetError(
          .malformed, path: path,
          "has no colour for the number \(id) (\(name)); add it, or leave --palette out")
      }
    }
  }
}
