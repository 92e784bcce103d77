import FileSystem
import Testing

@Suite struct PathTextTests {
  static let names: [[UInt8]] = [
    Array("a.jpg".utf8), Array("ü/日本.png".utf8), Array("caf".utf8) + [0xE9], [0xFF], [0x80],
    [0xC3], [0xC3, 0x28], [0xE2, 0x82], [0xF0, 0x9F, 0x98], Array("😀".utf8), [0xF4],
    // The private characters themselves, as a name may have them.
    Array("\u{10FFE9}".utf8), Array("x\u{10FF80}".utf8) + [0xE9], Array("\u{10FF00}".utf8),
    // A surrogate and an overlong slash.
    [0xED, 0xA0, 0x80], [0xC0, 0xAF],
  ]

  @Test func `a path keeps its bytes`() {
    for bytes in Self.names {
      #expect(String(pathBytes: bytes).pathBytes == bytes, "\(bytes)")
      #expect(String(pathBytes: bytes).withSystemPath { String(cString: $0) } != "", "\(bytes)")
    }
    var random: UInt64 = 7
    for _ in 0..<20_000 {
      let bytes = (0..<6).map { _ in
        random = random &* 6_364_136_223_846_793_005 &+ 1
        // Many of the bytes that begin and end the private characters.
        let picks: [UInt8] = [0xF4, 0x8F, 0xBF, 0xBE, 0x80, 0xE9, 0x41, UInt8(random >> 56) | 1]
        return picks[Int(random >> 33) % picks.count]
      }
      #expect(String(pathBytes: bytes).pathBytes == bytes, "\(bytes)")
    }
  }

  @Test func `paths that differ are texts that differ`() {
    let texts = Self.names.map { Array(String(pathBytes: $0).utf8) }
    #expect(Set(texts).count == Self.names.count)
  }

  @Test func `bytes that are no text are shown`() {
    let path = String(pathBytes: Array("caf".utf8) + [0xE9] + Array("/1.jpg".utf8))
    #expect(path.shownPath == "caf\\xe9/1.jpg")
    #expect(path.shownPath.fromShownPath.pathBytes == path.pathBytes)
    #expect("ü\\x/a".shownPath == "ü\\x/a" && "ü\\x/a".fromShownPath == "ü\\x/a")
    #expect("\\x41\\xé9".fromShownPath == "\\x41\\xé9")
    let error = FileError(path: path, kind: .missing, message: "is no file: \(path)")
    #expect(error.description == "caf\\xe9/1.jpg: is no file: caf\\xe9/1.jpg")
  }

  @Test func `the stem of a path is its last name without the ending`() {
    for (path, stem) in [
      ("photos/a.b.jpg", "a.b"), ("a", "a"), ("x.y/a/", "a"), ("x/.a", ".a"), ("a.", "a"),
      ("/", ""), ("", ""),
    ] { #expect(path.lastNameStem == stem, "\(path)") }
  }

  @Test func `a zero byte is in no path`() {
    #expect("a.jpg\0b.jpg".withSystemPath { String(cString: $0) } == "")
  }
}
