import FileSystem
import Foundation
public import Imaging

extension Drawing {
  /// The drawing as the text of an SVG file that stands alone: pictures are part of it, as PNG files,
  /// and text is text.
  ///
  /// Text is set in Inter where the viewer has it and in its sans-serif elsewhere, each line as wide
  /// as it was measured, so that nothing runs into its neighbours.
  ///
  /// - Throws: ``/Imaging/ImageError`` where a picture cannot be encoded.
  public func svg() throws(ImageError) -> String {
    let (width, height) = (size.width, size.height)
    let label = title.isEmpty ? "" : " aria-label=\"\(title.escapedForMarkup)\""
    var lines = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(width)\" height=\"\(height)\" "
        + "viewBox=\"0 0 \(width) \(height)\" role=\"img\"\(label)>"
    ]
    if !title.isEmpty { lines.append("<title>\(title.escapedForMarkup)</title>") }
    lines.append("<style>\(Self.style)</style>")
    let paper = PixelRectangle(width: width, height: height)
    lines.append(Self.rectangle(paper, "fill=\"\(self.paper.hexadecimal)\"", note: ""))
    for element in elements { lines.append(try Self.markup(of: element)) }
    return (lines + ["</svg>"]).joined(separator: "\n") + "\n"
  }

  private static let style =
    "text{font-family:Inter,system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,"
    + "sans-serif;white-space:pre}.pixels{image-rendering:pixelated}"

  private static func markup(of element: Element) throws(ImageError) -> String {
    switch element {
    case .fill(let place, let color, let note):
      return rectangle(place, "fill=\"\(color.hexadecimal)\"", note: note)
    case .outline(let place, let color):
      // A line of one pixel is drawn to both sides of where it is.
      guard place.width > 1, place.height > 1 else {
        return rectangle(place, "fill=\"\(color.hexadecimal)\"", note: "")
      }
      return "<rect x=\"\(place.x).5\" y=\"\(place.y).5\" width=\"\(place.width - 1)\" "
        + "height=\"\(place.height - 1)\" fill=\"none\" stroke=\"\(color.hexadecimal)\"/>"
    case .picture(let picture, let place, let note):
      return try markup(of: picture, in: place, note: note)
    case .text(let text): return markup(of: text)
    }
  }

  private static func rectangle(_ place: PixelRectangle, _ paint: String, note: String) -> String {
    "<rect x=\"\(place.x)\" y=\"\(place.y)\" width=\"\(place.width)\" height=\"\(place.height)\" "
      + paint
      + (note.isEmpty ? "/>" : "><title>\(note.escapedForMarkup)</title></rect>")
  }

  /// A picture that is shown smaller keeps up to twice the pixels of its place, for fine screens.
  private static func markup(
    of picture: ByteImage, in place: PixelRectangle, note: String
  ) throws(ImageError) -> String {
    var kept = picture
    if picture.width > 2 * place.width || picture.height > 2 * place.height {
      kept = picture.resized(
        to: PixelSize(width: 2 * place.width, height: 2 * place.height), filter: .bicubic)
    }
    let data = Data(try kept.encodedAsPNG()).base64EncodedString()
    let style = (factor(of: picture, in: place) ?? 1) > 1 ? " class=\"pixels\"" : ""
    let title = note.isEmpty ? "" : "<title>\(note.escapedForMarkup)</title>"
    return "<image x=\"\(place.x)\" y=\"\(place.y)\" width=\"\(place.width)\" "
      + "height=\"\(place.height)\" preserveAspectRatio=\"none\"\(style) "
      + "href=\"data:image/png;base64,\(data)\">\(title)</image>"
  }

  private static func markup(of text: Text) -> String {
    let weight = text.font.weight == .semibold ? " font-weight=\"600\"" : ""
    // A box for a character that no font has here says nothing of its width elsewhere.
    let width =
      text.font.hasAll(of: text.string) && !text.string.isEmpty
      ? " textLength=\"\(text.font.width(of: text.string))\" lengthAdjust=\"spacingAndGlyphs\"" : ""
    return "<text x=\"\(text.x)\" y=\"\(text.y + text.font.ascent)\" "
      + "font-size=\"\(text.font.size)\"\(weight) fill=\"\(text.color.hexadecimal)\"\(width)>"
      + text.string.escapedForMarkup + "</text>"
  }
}

extension PixelColor {
  /// `#1a2b3c`.
  var hexadecimal: String {
    "#" + [red, green, blue].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}
