public import CTorch

/// A source of random numbers on the CPU (Mersenne Twister, as PyTorch's); randomness is a
/// parameter.
public final class Generator: TorchArgument {
  private let raw: ct_generator?

  /// A generator in the state that PyTorch's has after `manual_seed(seed)`.
  public init(seed: UInt64) { raw = ct_generator_new(seed) }

  /// A generator for one purpose at one step: equal arguments give equal numbers, and no state
  /// needs to be kept between steps.
  public convenience init(seed: UInt64, stream: UInt64, step: Int) {
    var state: UInt64 = 0
    // splitmix64 over the words, the seed first: mixed before the stream meets it, neighbouring
    // seeds and streams cannot cancel out.
    for word in [seed, stream, UInt64(bitPattern: Int64(step))] {
      state = (state ^ word) &+ 0x9E37_79B9_7F4A_7C15
      state = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
      state = (state ^ (state >> 27)) &* 0x94D0_49BB_1331_11EB
      state ^= state >> 31
    }
    self.init(seed: state)
  }

  deinit { ct_generator_free(raw) }

  public func push(to frame: ct_frame) { ct_push_generator(frame, raw) }
}
