public import Imaging

/// A picture with objects drawn over it: box, class and score, and the mask in its class's colour.
public enum ObjectOverlay {
  /// An object to draw.
  public struct Object: Sendable {
    /// Where, in pixels of the picture.
    public var box: PixelRectangle
    /// Its class, which decides the colour.
    public var label: Int
    /// What is written at the box.
    public var text: String
    /// Its pixels, of the picture's size; nil for a box alone.
    public var mask: RunLengthMask?

    /// Describes an object.
    public init(box: PixelRectangle, label: Int, text: String, mask: RunLengthMask? = nil) {
      self.box = box
      self.label = label
      self.text = text
      self.mask = mask
    }
  }

  /// Draws objects in pixels, as ``drawing(_:_:opacity:)`` describes them.
  public static func picture(
    _ image: ByteImage, _ objects: [Object], opacity: Double = 0.5
  ) -> ByteImage {
    drawing(image, objects, opacity: opacity).image()
  }

  /// Draws objects, the last on top. Small pictures are enlarged by a whole factor first, so that text
  /// can be read.
  ///
  /// - Parameter opacity: How much of a masked pixel is the class's colour.
  public static func drawing(
    _ image: ByteImage, _ objects: [Object], opacity: Double = 0.5
  ) -> Drawing {
    var painted = image.converted(toChannels: 3)
    let share = Int((min(max(opacity, 0), 1) * 256).rounded())
    for object in objects {
      guard let mask = object.mask, mask.width == image.width, mask.height == image.height else {
        continue
      }
      let color = ClassColors.color(of: object.label).bytes(channels: 3)
      mask.forEachPixel { x, y in
        let place = 3 * (y * image.width + x)
        for channel in 0..<3 {
          let mixed =
            Int(painted.pixels[place + channel]) * (256 - share) + Int(color[channel]) * share
          painted.pixels[place + channel] = UInt8(mixed >> 8)
        }
      }
    }
    let factor = max(1, 256 / max(painted.width, painted.height))
    let size = PixelSize(width: painted.width * factor, height: painted.height * factor)
    var elements = [
      Drawing.Element.picture(painted, PixelRectangle(width: size.width, height: size.height))
    ]
    for object in objects {
      let box = PixelRectangle(
        x: object.box.x * factor, y: object.box.y * factor, width: object.box.width * factor,
        height: object.box.height * factor)
      let color = ClassColors.color(of: object.label)
      elements.append(.outline(box, color))
      guard !object.text.isEmpty else { continue }
      let text = font.fitted(object.text, width: size.width - 8)
      let width = font.width(of: text) + 8
      let height = font.height + 5
      let label = PixelRectangle(
        x: max(0, min(box.x, size.width - width)), y: max(0, box.y - height), width: width,
        height: height)
      elements += [
        .fill(label, color, note: object.text),
        .text(.init(text, x: label.x + 4, y: label.y + 4, font: font, color: color.ink)),
      ]
    }
    return Drawing(size: size, elements)
  }

  private static let font = TextFont(size: 12, weight: .semibold)
}
