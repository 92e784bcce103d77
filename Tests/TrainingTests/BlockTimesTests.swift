import Testing

@testable import Training

/// What one operator for a block is worth.
@Suite struct BlockTimesTests {
  @Test func `the slower way is not advised`() {
    let words = "a block of ViT-Small, 16 images of 50 tokens, forward and backward: "
    for (times, expected) in [
      (BlockTimes(fused: 0.0451, composed: 0.0562), "45 ms in one operator, 56 ms composed"),
      (BlockTimes(fused: 0.0046, composed: 0.0045), "4.6 ms in one operator, 4.5 ms composed"),
      (
        BlockTimes(fused: 0.1, composed: 0.09),
        "100 ms in one operator, 90 ms composed; CTORCH_BLOCKS=plain composes them"
      ),
    ] {
      #expect(times.line == words + expected)
    }
  }

  @Test func `both ways are timed`() {
    let times = BlockTimes.measured()
    #expect(times.fused > 0 && times.composed > 0 && times.fused < 60 && times.composed < 60)
  }
}
