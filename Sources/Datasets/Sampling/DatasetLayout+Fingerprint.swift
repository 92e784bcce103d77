extension DatasetLayout {
  /// Tells layouts apart whose batches differ with this sampling; nil where the number of images
  /// says all.
  public func fingerprint(for sampling: Sampling) -> UInt32? {
    var words: [Int] = []
    if parts.count > 1 { words += parts.flatMap { [$0.draws, $0.count] } }
    switch sampling.shuffle {
    case .buffered, .lanes: words += parts.flatMap(\.runs)
    case .exact, .none: break
    }
    return words.isEmpty ? nil : checksum(Array("\(words)".utf8))
  }
}
