extension DatasetLayout {
  /// Tells layouts apart whose batches differ with this sampling; nil where the number of images
  /// says all.
  public func fingerprint(for sampling: Sampling) -> UInt32? {
    var words: [Int] = []
    if parts.count > 1 { words += parts.flatMap { [$0.draws, $0.count] } }
    if case .buffered = sampling.shuffle { words += parts.flatMap(\.runs) }
    return words.isEmpty ? nil : checksum(Array("\(words)".utf8))
  }
}
