package import Imaging

/// A request with an image: a form with a file, the bytes of a file, or JSON with base64.
package struct ImageRequest: Sendable {
  /// The image, its header read and within the limits; nothing is decoded yet.
  package let image: EncodedImage
  /// What else the request says.
  package var parameters: RequestParameters

  /// The name of the field that is the image.
  package static let field = "image"

  /// Reads a request.
  ///
  /// - Parameters:
  ///   - contentType: The header's value; nil where there is none.
  ///   - query: The parameters of the address. The body says others.
  /// - Throws: ``ServingError``.
  package init(
    contentType: String?, query: RequestParameters, body: [UInt8], limits: ServingLimits
  ) throws(ServingError) {
    let type = contentType.map { HeaderValue($0).value } ?? ""
    let bytes: [UInt8]?
    switch type {
    case "multipart/form-data":
      // A field that comes again is a list, as browsers and OpenAPI send one.
      var fields: [String: [RequestParameters.Value]] = [:]
      var file: [UInt8]?
      for part in try MultipartForm(body, contentType: contentType ?? "").parts {
        if part.name == Self.field {
          guard file == nil else { throw .malformed("the form has more than one image") }
          file = Array(part.body)
        } else if part.isFile {
          throw .malformed("the form has a file as \(part.name.shown); expected one as image")
        } else {
          fields[part.name, default: []].append(.text(String(decoding: part.body, as: UTF8.self)))
        }
      }
      parameters = RequestParameters(fields.mapValues { $0.count == 1 ? $0[0] : .list($0) })
      bytes = file
    case "application/json":
      parameters = try RequestParameters(json: body)
      bytes = try parameters.bytes(Self.field)
    case "application/octet-stream":
      parameters = RequestParameters()
      bytes = body
    case let type where type.hasPrefix("image/"):
      parameters = RequestParameters()
      bytes = body
    default:
      throw .wrongType(
        "the content type is \(type.isEmpty ? "missing" : type.shown); expected image/… with the "
          + "bytes of a file, multipart/form-data with a file as image, or application/json with "
          + "base64 as image")
    }
    try parameters.join(query: query)
    guard let bytes, !bytes.isEmpty else {
      throw .malformed("there is no image; expected the bytes of an image file as image")
    }
    do throws(ImageError) {
      image = try EncodedImage(bytes: bytes, limits: limits.images)
    } catch {
      throw ServingError(error)
    }
  }
}

extension ServingLimits {
  /// What a file may declare, so that what decoding takes is bounded.
  var images: ImageLimits {
    ImageLimits(pixels: pixels, workingBytes: min(7 << 26, 4 * pixels + (1 << 24)))
  }
}
