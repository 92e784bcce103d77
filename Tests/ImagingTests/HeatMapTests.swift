@testable import Figures
import Testing

@testable import Imaging

@Suite("Drawing: heat maps") struct HeatMapTests {
  @Test func `shares are of the way from lowest to highest`() {
    let map = HeatMap([-1, 0, 3, .nan], rows: 2, columns: 2)
    #expect(map.shares == [0, 0.25, 1, 0])
    #expect(HeatMap([2, 2], rows: 1, columns: 2).shares == [0, 0])
    #expect(HeatMap([.nan, .infinity], rows: 1, columns: 2).shares == [0, 0])
  }

  @Test func `colors grow lighter`() {
    let lightness = (0...50).map { step -> Double in
      let color = HeatMap.color(of: Double(step) / 50)
      return 0.2 * Double(color.red) + 0.7 * Double(color.green) + 0.1 * Double(color.blue)
    }
    #expect(zip(lightness, lightness.dropFirst()).allSatisfy { $0 < $1 })
    #expect(HeatMap.color(of: -3) == HeatMap.color(of: 0))
    #expect(HeatMap.color(of: 7) == HeatMap.color(of: 1))
  }

  @Test func `high places are light where they are`() {
    // High in the second row's third column.
    let values = (0..<6).map { Float($0 == 5 ? 1 : 0) }
    for channels in [1, 3] {
      let picture = ByteImage(
        width: 30, height: 20, channels: channels,
        pixels: [UInt8](repeating: 100, count: 600 * channels))
      let drawn = HeatMap(values, rows: 2, columns: 3).drawn(over: picture)
      #expect((drawn.width, drawn.height, drawn.channels) == (30, 20, 3))
      #expect(drawn[27, 17, 0] > 200 && drawn[27, 17, 1] > 200)
      #expect(drawn[2, 2, 0] < 100 && drawn[2, 17, 0] < 100)
      // Dark is the lowest color over the picture at its least weight.
      #expect(drawn[0, 0, 0] == UInt8(100 * 0.65 + 6 * 0.35))
    }
  }
}
