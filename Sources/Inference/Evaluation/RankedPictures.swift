/// Which pictures of a set are shown as the best and the worst.
package enum RankedPictures {
  /// The places of pictures from the worst to the best, of equal ones the first first; those without a
  /// share of what is right are left out.
  package static func order(_ shares: [Double?]) -> [Int] {
    shares.enumerated().compactMap { index, share in share.map { (share: $0, index: index) } }
      .sorted { ($0.share, $0.index) < ($1.share, $1.index) }.map(\.index)
  }

  /// The worst from the worst on, and the best from the best on, so many of each: of fewer pictures all.
  package static func sheets<Picture>(
    _ ranked: [Picture], count: Int
  ) -> [(name: String, pictures: [Picture])] {
    [
      ("worst", Array(ranked.prefix(count))), ("best", Array(ranked.suffix(count).reversed())),
    ]
  }
}
