/// A format that is decoded; recognised by a file's first bytes, whatever its name says.
public enum ImageFormat: String, CaseIterable, Codable, Hashable, Sendable {
  /// Baseline, progressive and arithmetic-coded JPEG with 8 bits a component.
  case jpeg = "JPEG"
  /// PNG of any colour type, depth and interlacing.
  case png = "PNG"
  /// WebP, lossy or not; of an animation the first frame.
  case webp = "WebP"
  /// TIFF of 1 to 16 bits a sample, gray, palette, RGB or CMYK, in strips or tiles; the first
  /// picture. As a raster also other samples, any number of channels and several pages.
  case tiff = "TIFF"
  /// An array of NumPy's as a raster: `[H, W]`, `[H, W, C]` or `[C, H, W]`.
  case npy = "NPY"

  /// The format of a file that begins with `bytes`, or nil.
  public init?(recognizing bytes: some Collection<UInt8>) {
    if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
      self = .jpeg
    } else if bytes.starts(with: pngSignature) {
      self = .png
    } else if bytes.starts(with: "RIFF".utf8), bytes.dropFirst(8).starts(with: "WEBP".utf8) {
      self = .webp
    } else if tiffSignatures.contains(where: { bytes.starts(with: $0) }) {
      self = .tiff
    } else if bytes.starts(with: npySignature) {
      self = .npy
    } else {
      return nil
    }
  }

  /// File name extensions, in lower case, under which such files are looked for in folders.
  public var extensions: [String] {
    switch self {
    case .jpeg: ["jpg", "jpeg", "jpe", "jfif"]
    case .png: ["png"]
    case .webp: ["webp"]
    case .tiff: ["tif", "tiff"]
    case .npy: ["npy"]
    }
  }

  /// The formats of pictures.
  public static let pictures: [ImageFormat] = [.jpeg, .png, .webp, .tiff]

  /// All extensions of pictures.
  public static let allExtensions = Set(pictures.flatMap(\.extensions))

  /// Extensions, in lower case, of pictures that are not read.
  package static let unreadExtensions: Set<String> = [
    "heic", "heif", "hif", "avif", "jxl", "jp2", "j2k", "jpf", "jpx", "jxr", "gif", "bmp", "dib",
    "ico", "tga", "psd", "svg", "exr", "hdr", "pbm", "pgm", "ppm", "pnm", "pcx", "dng", "cr2",
    "cr3", "nef", "nrw", "arw", "orf", "rw2", "raf", "srw", "pef", "raw", "dcm",
  ]

  /// All extensions for a message, in the order of the alphabet.
  package static let extensionList = allExtensions.sorted().joined(separator: ", ")

  /// All formats for a message: `JPEG, PNG, WebP or TIFF`.
  static let list =
    pictures.dropLast().map(\.rawValue).joined(separator: ", ")
    + (pictures.last.map { " or " + $0.rawValue } ?? "")
}

let npySignature: [UInt8] = [0x93] + Array("NUMPY".utf8)

let pngSignature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

/// Little- and big-endian, with offsets of 4 bytes and of 8 (BigTIFF).
private let tiffSignatures: [[UInt8]] = [
  [0x49, 0x49, 0x2A, 0], [0x4D, 0x4D, 0, 0x2A], [0x49, 0x49, 0x2B, 0], [0x4D, 0x4D, 0, 0x2B],
]

/// What a file of no format that is decoded seems to be, for people.
func guessedKind(of bytes: some Collection<UInt8>) -> String {
  if bytes.isEmpty { return "empty" }
  let signatures: [([UInt8], Int, String)] = [
    (Array("GIF8".utf8), 0, "a GIF image"),
    (Array("BM".utf8), 0, "a BMP image"),
    (Array("ftypavif".utf8), 4, "an AVIF image"),
    (Array("ftyphei".utf8), 4, "a HEIC image"),
    (Array("ftypmif1".utf8), 4, "a HEIF image"),
    ([0xFF, 0x0A], 0, "a JPEG XL image"),
    ([0x00, 0x00, 0x00, 0x0C, 0x6A, 0x50], 0, "a JPEG 2000 image"),
    (Array("%PDF".utf8), 0, "a PDF document"),
    ([0x1F, 0x8B], 0, "a gzip archive"),
    ([0x50, 0x4B, 0x03, 0x04], 0, "a zip archive"),
    ([0x28, 0xB5, 0x2F, 0xFD], 0, "a zstd archive"),
    (Array("ustar".utf8), 257, "a tar archive"),
  ]
  for (signature, offset, kind) in signatures
  where bytes.dropFirst(offset).starts(with: signature) {
    return kind
  }
  let head = Array(bytes.prefix(512))
  if head.allSatisfy({ $0 >= 0x20 || (0x09...0x0D).contains($0) }) {
    let start = String(decoding: head, as: UTF8.self).drop(while: \.isWhitespace).lowercased()
    if start.hasPrefix("<!doctype html") || start.hasPrefix("<html") { return "an HTML page" }
    return "text"
  }
  if head.allSatisfy({ $0 == 0 }) { return "zeros" }
  return "of an unknown kind"
}
