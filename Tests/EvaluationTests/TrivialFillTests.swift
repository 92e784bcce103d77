import Evaluation
import Testing

@Suite struct TrivialFillTests {
  /// Two channels of 2 × 3 patches of one row and two columns each; values count up.
  static let layout = PatchLayout(channels: 2, height: 2, width: 6, rows: 2, columns: 3)
  static let image: [Float] = [
    0, 1, 2, 3, 4, 5,
    6, 7, 8, 9, 10, 11,
    100, 101, 102, 103, 104, 105,
    106, 107, 108, 109, 110, 111,
  ]
  static let visible = [true, false, false, false, false, true]

  @Test func meanOfVisiblePixels() {
    let filled = InpaintingBaseline.meanFill.filled(Self.image, Self.layout, visible: Self.visible)
    // Visible: 0, 1, 10, 11.
    #expect(
      filled == [
        0, 1, 5.5, 5.5, 5.5, 5.5,
        5.5, 5.5, 5.5, 5.5, 10, 11,
        100, 101, 105.5, 105.5, 105.5, 105.5,
        105.5, 105.5, 105.5, 105.5, 110, 111,
      ])
    let squares = [2, 3, 4, 5, 6, 7, 8, 9].map { ($0 - 5.5) * ($0 - 5.5) }.reduce(0, +)
    let error = InpaintingBaseline.meanFill.hiddenError(
      Self.image, Self.layout, visible: Self.visible)
    #expect(error == squares / 8)
  }

  /// Patches are 1 high and 2 wide: patch 2 is 4 pixels from patch 0 and 1 from patch 5.
  @Test func nearestVisiblePatch() {
    let filled = InpaintingBaseline.nearestPatch.filled(Self.image, Self.layout, visible: Self.visible)
    #expect(
      filled == [
        0, 1, 0, 1, 10, 11,
        0, 1, 10, 11, 10, 11,
        100, 101, 100, 101, 110, 111,
        100, 101, 110, 111, 110, 111,
      ])
    // Differences: patches 1 and 4 by 2, patches 2 and 3 by 6.
    let error = InpaintingBaseline.nearestPatch.hiddenError(
      Self.image, Self.layout, visible: Self.visible)
    #expect(error == (4 + 36 + 36 + 4) / 4.0)
  }

  @Test func equallyNearPatchesGoToTheLowerIndex() {
    let layout = PatchLayout(channels: 1, height: 3, width: 3, rows: 3, columns: 3)
    let image: [Float] = [0, 1, 2, 3, 4, 5, 6, 7, 8]
    var visible = [false, true, false, true, false, true, false, true, false]
    var filled = InpaintingBaseline.nearestPatch.filled(image, layout, visible: visible)
    #expect(filled == [1, 1, 1, 3, 1, 5, 3, 7, 5])
    visible = [true, false, true, false, false, false, true, false, true]
    filled = InpaintingBaseline.nearestPatch.filled(image, layout, visible: visible)
    #expect(filled == [0, 0, 2, 0, 0, 2, 6, 6, 8])
  }

  /// Two patches down are 2 pixels away, one to the right is 3.
  @Test func distancesAreInPixels() {
    let layout = PatchLayout(channels: 1, height: 3, width: 6, rows: 3, columns: 2)
    let image: [Float] = (0..<18).map(Float.init)
    let visible = [false, true, false, true, true, true]
    let filled = InpaintingBaseline.nearestPatch.filled(image, layout, visible: visible)
    #expect(filled.prefix(3) == [12, 13, 14])
  }

  @Test func visiblePatchesDoNotCount() {
    var reconstruction = Self.image
    reconstruction[0] = 1000
    #expect(
      Self.layout.hiddenError(of: reconstruction, against: Self.image, visible: Self.visible) == 0)
    reconstruction[2] += 4
    #expect(
      Self.layout.hiddenError(of: reconstruction, against: Self.image, visible: Self.visible) == 1)
  }

  /// A constant image is filled in without error, wherever patches are hidden.
  @Test func constantImagesAreTrivial() {
    let layout = PatchLayout(channels: 1, height: 4, width: 6, rows: 2, columns: 3)
    let image = [Float](repeating: 0.3, count: layout.values)
    for code in 1..<63 {
      let visible = (0..<6).map { code >> $0 & 1 == 1 }
      for fill in InpaintingBaseline.allCases {
        #expect(fill.filled(image, layout, visible: visible) == image)
        #expect(fill.hiddenError(image, layout, visible: visible) == 0)
      }
    }
  }
}
