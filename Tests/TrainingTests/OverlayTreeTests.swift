@testable import RecipeSyntax
import Testing

/// Trees: encoding, decoding, reading and printing.
@Suite struct OverlayTreeTests {
  struct Everything: Codable, Equatable {
    enum Colour: String, Codable, CaseIterable { case red, green }
    struct Inner: Codable, Equatable {
      var x: Double
      var y: Int?
    }
    var flag = true
    var text = "plain"
    var number = 1.5e-4
    var single: Float = 0.1
    var count = -3
    var seed = UInt64.max
    var small: Int8 = -128
    var colour = Colour.green
    var colours: [Colour] = [.red]
    var list = [0.1, 0.2, 1e300]
    var inner = Inner(x: 0.1 + 0.2, y: nil)
    var nested = [[1, 2], []]
    var maybe: Inner?
    var name: String?
    var rate: Double?
    var on: Bool?
    var range = 0.2...1.0
  }

  @Test func `encoding keeps order and writes nil`() throws {
    let tree = try ValueTree(encoding: Everything())
    #expect(
      tree.entries?.map(\.key) == [
        "flag", "text", "number", "single", "count", "seed", "small", "colour", "colours", "list",
        "inner", "nested", "maybe", "name", "rate", "on", "range",
      ])
    #expect(tree["inner"]?["y"] == .null)
    for name in ["maybe", "name", "rate", "on"] { #expect(tree[name] == .null) }
    #expect(tree["seed"] == .integer(Int128(UInt64.max)))
    #expect(tree["range"] == .list([.number(0.2), .number(1)]))
  }

  @Test func `printed tree reads back to the same value`() throws {
    var value = Everything()
    value.name = "null"
    for text in [
      "plain", "", "null", "1e3", "true", "~", " padded ", "a: b", "# no", "- x", "it's \"so\"",
      "two\nlines", "ends\n", "\n\nstarts", "tab\there", "ümläut 画", "*star &and", "{x", "@",
      "\u{7}",
      "%", "a #b", "trailing:", "? q", "x\r\ny", "\u{2028}",
    ] {
      value.text = text
      value.maybe = text.isEmpty ? nil : .init(x: 1, y: 2)
      let yaml = try ValueTree(encoding: value).yaml(header: ["a header", "of\nthree lines"])
      let document = try YAMLDocument(parsing: yaml, source: "test")
      #expect(try document.tree.decoded(as: Everything.self) == value, "\(yaml)")
    }
  }

  @Test(arguments: [
    0.1, 0.1 + 0.2, 1.5e-4, 1e-8, 2.2250738585072014e-308, 1.7976931348623157e308, -0.0, 1e9,
    123_456_789_012,
    4 / 3.0,
    1e22, 2.0,
  ])
  func `doubles are exact`(number: Double) throws {
    let yaml = ValueTree.map([.init("x", .number(number))]).yaml()
    let read = try YAMLDocument(parsing: yaml, source: "test").tree
    let back = try read.decoded(as: [String: Double].self)["x"]
    #expect(back?.bitPattern == number.bitPattern, "\(yaml)")
  }

  @Test func `plain scalars are read as the field wants`() throws {
    func read<T: Decodable>(_ text: String, _: T.Type) -> T? {
      try? ValueTree.plain(text).decoded(as: T.self)
    }
    #expect(read("1e3", Int.self) == 1000)
    #expect(read("50.0", Int.self) == 50)
    #expect(read("1.5e-4", Double.self) == 1.5e-4)
    #expect(read("+2", Double.self) == 2)
    #expect(read("7", Double.self) == 7)
    #expect(read("7", String.self) == "7")
    #expect(read("none", String.self) == "none")
    #expect(read("true", Bool.self) == true)
    for text in ["yes", "no", "on", "1", "True"] { #expect(read(text, Bool.self) == nil) }
    for text in ["nan", "inf", ".inf", "0x10", "1_000", "1:30", "1e999", "", "1 2"] {
      #expect(read(text, Double.self) == nil)
      #expect(read(text, Int.self) == nil)
    }
    // The third would be rounded on its way through a floating-point number.
    for text in ["1.5", "9223372036854775808", "9007199254740993.0", "1e19"] {
      #expect(read(text, Int.self) == nil)
    }
    #expect(try ValueTree.text("7").decoded(as: String.self) == "7")
    #expect(throws: TreeMismatch.self) { try ValueTree.text("7").decoded(as: Int.self) }
  }

  @Test func `mismatches say where and what is allowed`() throws {
    func mismatch<T: Decodable>(_ tree: ValueTree, _: T.Type) -> TreeMismatch? {
      do {
        _ = try tree.decoded(as: T.self)
        return nil
      } catch { return error as? TreeMismatch }
    }
    let colour = mismatch(.plain("grean"), Everything.Colour.self)
    #expect(colour?.allowed == "red or green; did you mean green?")
    #expect(mismatch(.plain("1.5"), UInt8.self)?.allowed == "a whole number from 0")
    #expect(mismatch(.plain("256"), UInt8.self)?.allowed == "a whole number from 0 to 255")
    #expect(mismatch(.plain("x"), [Int].self)?.allowed == "a list, such as [1, 2]")
    #expect(mismatch(.null, Bool.self)?.allowed == "true or false")
    #expect(mismatch(.bool(true), String.self)?.allowed == "a text")
    let element = mismatch(.list([.plain("1"), .plain("x")]), [Int].self)
    #expect(element?.path == ["1"])
    #expect(element?.field == "")
    let missing = mismatch(.map([]), Everything.Inner.self)
    #expect(missing?.path == ["x"])
    #expect(missing?.found == nil)
  }

  @Test func `edit distance counts swaps once`() {
    func distance(_ a: String, _ b: String) -> Int { editDistance(Array(a), Array(b)) }
    #expect(distance("", "") == 0)
    #expect(distance("", "abc") == 3)
    #expect(distance("kitten", "sitting") == 3)
    #expect(distance("patch", "ptach") == 1)
    #expect(distance("ca", "abc") == 3)
  }

  @Test func `nearest name is near or nothing`() {
    let names = ["epochs", "steps", "warmupEpochs"]
    #expect(nearestName(to: "epoch", among: names) == "epochs")
    #expect(nearestName(to: "WARMUPEPOCHS", among: names) == "warmupEpochs")
    #expect(nearestName(to: "stpes", among: names) == "steps")
    #expect(nearestName(to: "zebra", among: names) == nil)
    #expect(nearestName(to: "x", among: [String]()) == nil)
  }
}
