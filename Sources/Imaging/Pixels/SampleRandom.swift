/// Random numbers of one sample: the same for the same seed, epoch and sample, whichever thread
/// draws them and whenever. xoshiro256** seeded by SplitMix64 (Blackman and Vigna, 2018).
public struct SampleRandom: RandomNumberGenerator, Sendable {
  private var state: (UInt64, UInt64, UInt64, UInt64)

  /// Creates a generator for one sample; `occurrence` tells apart the times a sample is drawn
  /// within one epoch.
  public init(seed: UInt64, epoch: Int = 0, sample: Int = 0, occurrence: Int = 0) {
    var key = seed
    for word in [epoch, sample, occurrence] {
      key = mixed(key &+ 0x9E37_79B9_7F4A_7C15) ^ UInt64(bitPattern: Int64(word))
    }
    state = (
      mixed(key &+ 0x9E37_79B9_7F4A_7C15), mixed(key &+ 0x3C6E_F372_FE94_F82A),
      mixed(key &+ 0xDAA6_6D2C_7DDF_743F), mixed(key &+ 0x78DD_E6E5_FD29_F054)
    )
  }

  /// 64 random bits.
  public mutating func next() -> UInt64 {
    let result = rotated(state.1 &* 5, by: 7) &* 9
    let shifted = state.1 << 17
    state.2 ^= state.0
    state.3 ^= state.1
    state.1 ^= state.2
    state.0 ^= state.3
    state.2 ^= shifted
    state.3 = rotated(state.3, by: 45)
    return result
  }

  /// A number of `0 ..< 1`, one of 2⁵³ equally spaced ones.
  public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// A number between two others.
  public mutating func uniform(_ low: Double, _ high: Double) -> Double {
    low + (high - low) * uniform()
  }

  /// A whole number of `0 ..< bound`, every one as likely.
  public mutating func integer(below bound: Int) -> Int {
    precondition(bound >= 1, "no whole number of at least 0 is below \(bound)")
    let bound = UInt64(bound)
    // The bits that would favour small numbers are drawn again (Lemire, 2019).
    let unfair = (0 &- bound) % bound
    while true {
      let product = next().multipliedFullWidth(by: bound)
      if product.low >= unfair { return Int(product.high) }
    }
  }
}

/// SplitMix64's finaliser: a bijection in which every input bit affects every output bit.
package func mixed(_ x: UInt64) -> UInt64 {
  var z = x
  z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
  z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
  return z ^ (z >> 31)
}

private func rotated(_ x: UInt64, by bits: UInt64) -> UInt64 {
  x << bits | x >> (64 - bits)
}
