extension RunLengthMask {
  /// Creates a mask from COCO's compressed text: each count, from the fourth on less the one two
  /// before, in groups of 5 bits, low ones first; bit 5 says that more follow, bit 4 of the last is
  /// the sign, and 48 is added.
  ///
  /// - Throws: ``MaskError`` where the text cannot be decoded or the sum is not `height × width`.
  public init(width: Int, height: Int, text: some Collection<UInt8>) throws(MaskError) {
    try Self.check(width: width, height: height)
    var counts: [UInt32] = []
    counts.reserveCapacity(text.count / 2)
    var sum = 0
    var (value, shift) = (0, 0)
    var isOpen = false
    for (place, character) in text.enumerated() {
      guard (48..<112).contains(character) else {
        throw MaskError(
          "the text of its RLE has byte \(character) at \(place + 1); expected characters from "
            + "'0' to 'o'")
      }
      let digit = Int(character) - 48
      guard shift <= 35 else {
        throw MaskError("the text of its RLE has a count of too many digits at \(place + 1)")
      }
      value |= (digit & 31) << shift
      shift += 5
      isOpen = digit & 32 != 0
      if isOpen { continue }
      if digit & 16 != 0 { value |= -1 << shift }
      if counts.count > 2 { value += Int(counts[counts.count - 2]) }
      guard value >= 0, value <= Self.mostPixels else {
        throw MaskError(
          "count \(counts.count + 1) in the text of its RLE is \(value); expected 0 or more, as "
            + "many as pixels at most")
      }
      counts.append(UInt32(value))
      sum = min(sum + value, Self.mostPixels + 1)
      (value, shift) = (0, 0)
    }
    guard !isOpen else { throw MaskError("the text of its RLE is cut off in a count") }
    guard sum == width * height else {
      throw MaskError(
        "the text of its RLE stands for \(sum) pixels; its size [\(height), \(width)] has "
          + "\(width * height)")
    }
    self.init(width: width, height: height, runs: counts)
  }

  /// The mask as COCO's compressed text.
  public var text: String {
    var characters: [UInt8] = []
    characters.reserveCapacity(counts.count * 2)
    for i in counts.indices {
      var value = Int(counts[i])
      if i > 2 { value -= Int(counts[i - 2]) }
      while true {
        let digit = value & 31
        value >>= 5
        let isLast = digit & 16 != 0 ? value == -1 : value == 0
        characters.append(UInt8((isLast ? digit : digit | 32) + 48))
        if isLast { break }
      }
    }
    return String(decoding: characters, as: UTF8.self)
  }
}
