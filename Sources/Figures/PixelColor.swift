/// A colour of 8 bits a channel.
public struct PixelColor: Codable, Hashable, Sendable {
  /// Red, 0 to 255.
  public var red: UInt8
  /// Green, 0 to 255.
  public var green: UInt8
  /// Blue, 0 to 255.
  public var blue: UInt8

  /// Creates a colour from its channels.
  public init(red: UInt8, green: UInt8, blue: UInt8) {
    self.red = red
    self.green = green
    self.blue = blue
  }

  /// Creates a gray.
  public init(gray: UInt8) { self.init(red: gray, green: gray, blue: gray) }

  /// The lightest gray.
  public static let white = PixelColor(gray: 255)
  /// The darkest gray.
  public static let black = PixelColor(gray: 0)
  /// What stands for a patch that the encoder did not see.
  public static let hiddenPatch = PixelColor(gray: 128)

  /// Whether the channels are equal.
  public var isGray: Bool { red == green && green == blue }

  /// Black or white, whichever can be read better on this colour.
  public var ink: PixelColor {
    let luma = 299 * Int(red) + 587 * Int(green) + 114 * Int(blue)
    return luma > 150_000 ? .black : .white
  }

  /// The bytes of a pixel of 1 channel, for which the colour has to be gray, or of 3.
  func bytes(channels: Int) -> [UInt8] { channels == 1 ? [green] : [red, green, blue] }
}
