public import Imaging

/// A picture with its labels painted over it and a legend below.
public enum LabelOverlay {
  /// The picture, half of each labelled pixel in its class's colour; ignored pixels and those of a
  /// class called background stay as they are. Small pictures are enlarged by a whole factor.
  ///
  /// - Parameters:
  ///   - names: of the classes; those that occur are in the legend, with their part of the labelled
  ///     pixels, the largest first.
  ///   - opacity: how much of the colour is the class's.
  /// - Precondition: picture and labels have one size.
  public static func drawing(
    _ image: ByteImage, _ labels: LabelMap, names: [String], opacity: Double = 0.5
  ) -> Drawing {
    let background = names.firstIndex(of: "background").map { UInt16($0) }
    let painted = painted(image, labels, leaving: background, opacity: opacity)
    let factor = max(1, 256 / max(painted.width, painted.height))
    let (width, height) = (painted.width * factor, painted.height * factor)
    let entries = legend(of: labels, names: names)
    // Columns as wide as the longest entry, and as many of them as the picture is wide.
    let column = min(width, swatch + 24 + (entries.map { font.width(of: $0.text) }.max() ?? 0))
    let columns = max(1, width / column)
    let rows = (entries.count + columns - 1) / columns
    let margin = 8
    let size = PixelSize(
      width: width, height: height + (rows > 0 ? rows * line + margin : 0))
    var elements = [
      Drawing.Element.picture(painted, PixelRectangle(width: width, height: height))
    ]
    for (number, entry) in entries.enumerated() {
      let (x, y) = (number % columns * column + 2, height + margin + number / columns * line)
      let place = PixelRectangle(x: x, y: y, width: swatch, height: swatch)
      elements += [
        .fill(place, ClassColors.color(of: entry.label), note: entry.text),
        .outline(place, PictureSheet.Paint.rule),
        .text(
          .init(
            font.fitted(entry.text, width: column - swatch - 10), x: x + swatch + 6,
            y: y + (swatch - font.ascent + 1) / 2, font: font, color: PictureSheet.Paint.ink)),
      ]
    }
    return Drawing(size: size, elements)
  }

  /// The same in pixels.
  public static func picture(
    _ image: ByteImage, _ labels: LabelMap, names: [String], opacity: Double = 0.5
  ) -> ByteImage {
    drawing(image, labels, names: names, opacity: opacity).image()
  }

  private static let font = TextFont(size: 12)
  /// Pixels from one entry of the legend to the one below.
  private static let line = 18
  /// The side of a legend's field of colour.
  private static let swatch = 12

  /// The picture without a legend, at its own size.
  ///
  /// - Parameter background: a class whose pixels stay as they are; none unless given.
  public static func painted(
    _ image: ByteImage, _ labels: LabelMap, leaving background: UInt16? = nil,
    opacity: Double = 0.5
  ) -> ByteImage {
    precondition(
      image.width == labels.width && image.height == labels.height,
      "a picture of \(image.width)×\(image.height) and labels of \(labels.size)")
    var painted = image.converted(toChannels: 3)
    let share = Int((min(max(opacity, 0), 1) * 256).rounded())
    for (i, label) in labels.labels.enumerated()
    where label != LabelMap.ignored && label != background {
      let color = ClassColors.color(of: Int(label)).bytes(channels: 3)
      for c in 0..<3 {
        let mixed = Int(painted.pixels[3 * i + c]) * (256 - share) + Int(color[c]) * share
        painted.pixels[3 * i + c] = UInt8(mixed >> 8)
      }
    }
    return painted
  }

  private static func legend(
    of labels: LabelMap, names: [String]
  ) -> [(label: Int, text: String)] {
    var counts = labels.histogram
    counts[LabelMap.ignored] = nil
    let total = max(1, counts.values.reduce(0, +))
    return counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { label, count in
      let name = names.indices.contains(Int(label)) ? names[Int(label)] : "\(label)"
      let percent = (100 * count + total / 2) / total
      return (Int(label), "\(name) \(percent == 0 ? "<1" : "\(percent)") %")
    }
  }
}
