import FileSystem
import Imaging

extension DatasetError {
  /// Every pixel of a set is ignored.
  package static func everyPixelIgnored(in path: String) -> DatasetError {
    DatasetError(
      .malformed, path: path,
      "has no pixel that counts: every label is ignored; correct the numbers in the class table, or "
        + "say what 0 is (--zero-is, labels.zeroIs)")
  }
}

extension LabelMapDataset {
  /// Refuses a set of which every pixel is ignored: there would be nothing to learn from or to count.
  /// Reads no further than to the first picture with a class; label maps that cannot be read are left
  /// to who meets them later.
  ///
  /// - Parameter name: What the set is called in messages.
  package func requireLabelledPixels(named name: String) throws(DatasetError) {
    var isAnyRead = false
    for index in 0..<count {
      guard let labels = try? labelMap(of: index).labels else { continue }
      if labels.contains(where: { $0 != LabelMap.ignored }) { return }
      isAnyRead = true
    }
    if isAnyRead { throw .everyPixelIgnored(in: name) }
  }
}
