/// A colour for each class, always the same: PASCAL VOC's, whose bits are those of the class's
/// number, spread over the channels.
public enum ClassColors {
  /// The colour of a class; the number 0 has dark red, so that no class is black.
  public static func color(of label: Int) -> PixelColor {
    var rest = label + 1
    var (red, green, blue): (UInt8, UInt8, UInt8) = (0, 0, 0)
    for bit in (0..<8).reversed() where rest > 0 {
      red |= UInt8(rest & 1) << UInt8(bit)
      green |= UInt8(rest >> 1 & 1) << UInt8(bit)
      blue |= UInt8(rest >> 2 & 1) << UInt8(bit)
      rest >>= 3
    }
    return PixelColor(red: red, green: green, blue: blue)
  }

  /// Red, green and blue of so many classes, for PNG files with a palette; at most 256.
  public static func palette(_ count: Int) -> [UInt8] {
    (0..<min(count, 256)).flatMap { label in
      let color = color(of: label)
      return [color.red, color.green, color.blue]
    }
  }
}
