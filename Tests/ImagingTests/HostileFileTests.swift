import Foundation
import Testing

@testable import Imaging

@Suite struct HostileFileTests {
  // What is lost of a second page is not missed.
  @Test(arguments: Fixture.files.filter { $0 != "tiff-pages.tif" })
  func `every prefix is refused`(_ name: String) throws {
    let bytes = try Fixture.bytes(name)
    for count in 0..<bytes.count {
      #expect(throws: ImageError.self, "\(count) of \(bytes.count) bytes") {
        try ByteImage(decoding: Array(bytes[..<count]))
      }
    }
  }

  @Test(arguments: Fixture.files)
  func `changed bytes give an image or an error`(_ name: String) throws {
    let bytes = try Fixture.bytes(name)
    var random = SampleRandom(seed: 9)
    let limits = ImageLimits(pixels: 1 << 20, side: 4096)
    for _ in 0..<100 {
      var changed = bytes
      for _ in 0..<1 + random.integer(below: 4) {
        changed[random.integer(below: changed.count)] = UInt8(random.integer(below: 256))
      }
      if let image = try? ByteImage(decoding: changed, limits: limits) {
        #expect(image.pixels.count == image.width * image.height * 3)
      }
    }
  }

  @Test func `a part of a file cut short is refused, even if the part is there`() throws {
    let bytes = try Fixture.bytes("jpeg-444.jpg")
    let error = #expect(throws: ImageError.self) {
      try EncodedImage(bytes: Array(bytes.dropLast(40)))
    }
    #expect(error?.kind == .truncated)
  }

  @Test func `text named jpg says so`() throws {
    let path = NSTemporaryDirectory() + "mae-text-\(UUID()).jpg"
    try Data("hello, I am not a photo\n".utf8).write(to: URL(fileURLWithPath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    let error = #expect(throws: ImageError.self) { try ByteImage(path: path) }
    #expect(error?.kind == .unrecognized)
    #expect(error?.description == "\(path): is text; expected JPEG, PNG, WebP or TIFF")
  }

  @Test func `a missing file and a folder are told apart`() throws {
    let missing = #expect(throws: ImageError.self) { try ByteImage(path: "/nowhere/at/all.png") }
    #expect(missing?.kind == .missing)
    let folder = #expect(throws: ImageError.self) { try ByteImage(path: NSTemporaryDirectory()) }
    #expect(folder?.kind == .unreadable)
  }

  @Test(arguments: [
    ("", "empty"), ("GIF89a", "a GIF image"), ("%PDF-1.7", "a PDF document"),
    ("<!DOCTYPE html><title>404", "an HTML page"), ("RIFF....WAVEfmt ", "text"),
  ])
  func `other kinds are named`(_ content: String, _ kind: String) {
    let error = #expect(throws: ImageError.self) { try ByteImage(decoding: Array(content.utf8)) }
    #expect(error?.reason == "is \(kind); expected JPEG, PNG, WebP or TIFF")
  }

  @Test(.timeLimit(.minutes(1)))
  func `huge declared sizes are refused at once`() throws {
    var png = try Fixture.bytes("png-rgb.png")
    png.replaceSubrange(16..<24, with: [0, 0, 0x75, 0x30, 0, 0, 0x75, 0x30])
    var jpeg = try Fixture.bytes("jpeg-444.jpg")
    let frame = try #require(jpeg.indices.first { jpeg[$0] == 0xFF && jpeg[$0 + 1] == 0xC0 })
    jpeg.replaceSubrange(frame + 5..<frame + 9, with: [0x75, 0x30, 0x75, 0x30])
    for bytes in [png, jpeg] {
      let error = #expect(throws: ImageError.self) { try ByteImage(decoding: bytes) }
      #expect(error?.kind == .tooLarge)
      #expect(error?.reason.contains("30000×30000") == true)
    }
  }

  @Test func `a progressive file with too many scans is refused`() throws {
    let bytes = try Fixture.bytes("jpeg-progressive.jpg")
    let error = #expect(throws: ImageError.self) {
      try ByteImage(decoding: bytes, limits: ImageLimits(scans: 2))
    }
    #expect(error?.kind == .tooLarge)
    #expect(throws: Never.self) { try ByteImage(decoding: bytes, limits: ImageLimits(scans: 20)) }
  }

  @Test func `a progressive file that needs too much memory is refused`() throws {
    let bytes = try Fixture.bytes("large-progressive.jpeg")
    let error = #expect(throws: ImageError.self) {
      try ByteImage(decoding: bytes, limits: ImageLimits(workingBytes: 100_000))
    }
    #expect(error?.kind == .tooLarge)
    #expect(throws: Never.self) { try ByteImage(decoding: bytes) }
  }
}
