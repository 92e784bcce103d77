@testable import Serving
import Foundation
import Imaging
import Testing

/// How a request's image and its parameters are read, and what is refused.
@Suite struct ImageRequestTests {
  private func request(
    _ type: String?, _ body: [UInt8], _ query: [String: RequestParameters.Value] = [:],
    limits: ServingLimits = ServingLimits()
  ) throws(ServingError) -> ImageRequest {
    try ImageRequest(
      contentType: type, query: RequestParameters(query), body: body, limits: limits)
  }

  private func form(_ parts: [(head: String, body: [UInt8])], _ end: String = "--\r\n") -> [UInt8] {
    parts.flatMap { Array("--b\r\n\($0.head)\r\n\r\n".utf8) + $0.body + Array("\r\n".utf8) }
      + Array("--b\(end)".utf8)
  }

  private let disposition = "Content-Disposition: form-data; name="

  @Test func `an image comes as bytes, as a form or as JSON`() throws {
    let file = try ServedModels.file()
    var raw = try request("image/png; charset=x", file, ["ratio": .text("0.5")])
    #expect(try raw.parameters.number("ratio", in: 0...1) == 0.5)
    #expect(raw.image.size.width == 16)
    #expect(try request("application/octet-stream", file).image.bytes == file)

    let multipart = form([
      ("\(disposition)\"ratio\"", Array("0.25".utf8)),
      ("\(disposition)\"image\"; filename=\"../../etc/passwd\"\r\nContent-Type: image/png", file),
    ])
    var sent = try request("multipart/form-data; boundary=b", multipart, ["seed": .text("5")])
    #expect(sent.image.bytes == file)
    #expect(try sent.parameters.number("ratio", in: 0...1) == 0.25)
    #expect(try sent.parameters.integer("seed", in: 0...9) == 5)

    let json =
      "{\"image\": \"\(Data(file).base64EncodedString())\", \"hidden\": [1, 2], \"model\": null}"
    var told = try request("application/json", Array(json.utf8))
    #expect(told.image.bytes == file)
    #expect(try told.parameters.integers("hidden") == [1, 2])
    #expect(try told.parameters.text("model") == nil)
    try told.parameters.finish()
  }

  @Test func `a field that comes again is a list, and what is said twice is refused`() throws {
    let image = ("\(disposition)\"image\"; filename=\"a\"", try ServedModels.file())
    func fields(_ values: [String]) -> [UInt8] {
      form([image] + values.map { ("\(disposition)\"hidden\"", Array($0.utf8)) })
    }
    func hidden(_ values: [String], _ query: [String: RequestParameters.Value] = [:]) throws
      -> [Int]?
    {
      var request = try request("multipart/form-data; boundary=b", fields(values), query)
      return try request.parameters.integers("hidden")
    }
    #expect(try hidden(["3", "0"]) == [3, 0])
    #expect(try hidden(["3, 0"]) == [3, 0])
    #expect(
      throws: ServingError.malformed(
        "hidden is a list of 2; expected whole numbers with commas between them, or a list of them")
    ) { try hidden(["-1", "a"]) }
    #expect(
      throws: ServingError.malformed(
        "both the address and the body say 'hidden'; expected one of them")
    ) { try hidden(["0"], ["hidden": .text("false")]) }
    var twice = try request("multipart/form-data; boundary=b", fields(["0", "1"]))
    #expect(
      throws: ServingError.malformed("hidden is a list of 2; expected a whole number from 0 to 9")
    ) {
      try twice.parameters.integer("hidden", in: 0...9)
    }
  }

  @Test func `bad requests have their status and a line`() throws {
    let file = try ServedModels.file()
    let image = "\(disposition)\"image\""
    let deep = String(repeating: "[", count: 100_000)
    let cases: [(String?, [UInt8], Int, String)] = [
      (nil, file, 415, "the content type is missing"),
      ("text/html", file, 415, "the content type is 'text/html'; expected image/…"),
      ("application/x-www-form-urlencoded", file, 415, "expected image/…"),
      ("image/png", [], 400, "there is no image"),
      ("image/png", Array("<html>".utf8), 415, "image: is an HTML page; expected JPEG"),
      ("image/png", Array(file.prefix(20)), 422, "image: is a PNG file cut short"),
      ("application/json", Array("{".utf8), 400, "is not the JSON"),
      ("application/json", Array("[1]".utf8), 400, "the body's JSON is an object"),
      ("application/json", Array("{\"image\": 5}".utf8), 400, "image is 5; expected a file"),
      ("application/json", Array("{\"image\": \"*\"}".utf8), 400, "image is not base64"),
      ("application/json", Array("{\"x\": {}}".utf8), 400, "x is something else"),
      ("application/json", Array("{\"x\": \(deep)".utf8), 400, "JSON"),
      ("application/json", [0xFF, 0xFE], 400, "JSON"),
      ("multipart/form-data", file, 400, "names no boundary"),
      ("multipart/form-data; boundary=b", file, 400, "does not have the boundary"),
      ("multipart/form-data; boundary=b", form([(image, file)], ""), 400, "ends before"),
      ("multipart/form-data; boundary=b", form([("X: y", file)]), 400, "has no name"),
      (
        "multipart/form-data; boundary=b", form([(image, file), (image, file)]), 400,
        "more than one"
      ),
      (
        "multipart/form-data; boundary=b",
        form([("\(disposition)\"photo\"; filename=\"a.png\"", file)]), 400,
        "the form has a file as 'photo'; expected one as image"
      ),
      (
        "multipart/form-data; boundary=b",
        form([(String(repeating: "X-A: b\r\n", count: 2000) + image, file)]), 400,
        "no end of its headers"
      ),
      (
        "multipart/form-data; boundary=b",
        form((0..<40).map { ("\(disposition)\"n\($0)\"", []) }), 400, "more than 32 parts"
      ),
      ("multipart/form-data; boundary=b", form([]), 400, "there is no image"),
    ]
    for (type, body, status, text) in cases {
      let refused = #expect(throws: ServingError.self) { try request(type, body) }
      #expect(
        refused?.status == status && refused?.message.contains(text) == true,
        "\(type ?? "-"): \(refused?.status ?? 0) \(refused?.message ?? "")")
      #expect(refused?.message.contains("\n") == false)
    }
  }

  @Test func `every cut of a form is refused or read`() throws {
    let body = form([
      ("\(disposition)\"image\"; filename=\"a\"", try ServedModels.file()),
      ("\(disposition)ratio", Array("0.5".utf8)),
    ])
    for count in 0..<body.count - 4 {
      _ = try? request("multipart/form-data; boundary=\"b\"", Array(body.prefix(count)))
    }
    #expect(throws: Never.self) { try request("multipart/form-data; boundary=\"b\"", body) }
  }

  /// Whatever comes, the answer is a request or a refusal of one line.
  @Test func `damaged bodies are refused or read`() throws {
    let file = try ServedModels.file()
    let bodies: [(String, [UInt8])] = [
      (
        "multipart/form-data; boundary=b",
        form([("\(disposition)\"image\"", file), ("\(disposition)\"hidden\"", Array("1,2".utf8))])
      ),
      (
        "application/json",
        Array("{\"image\": \"\(Data(file).base64EncodedString())\", \"hidden\": [1, 2]}".utf8)
      ),
      ("image/png", file),
    ]
    var state: UInt64 = 1
    func draw(_ count: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % max(1, count)
    }
    for round in 0..<900 {
      var (type, body) = bodies[round % 3]
      for _ in 0...draw(4) where !body.isEmpty {
        let place = draw(body.count)
        switch draw(4) {
        case 0: body[place] = UInt8(draw(256))
        case 1: body.removeSubrange(place..<min(body.count, place + draw(40)))
        case 2: body.insert(contentsOf: Array("\r\n--b".utf8), at: place)
        default: body.insert(contentsOf: body[place..<min(body.count, place + draw(60))], at: place)
        }
      }
      do throws(ServingError) {
        var read = try request(type, body)
        _ = try read.parameters.integers("hidden")
        try read.parameters.finish()
      } catch {
        #expect((400..<500).contains(error.status) && !error.message.contains("\n"))
      }
    }
  }

  @Test func `pixels that a header declares are limited`() throws {
    var limits = ServingLimits()
    limits.pixels = 255
    let file = try ServedModels.file()
    let refused = #expect(throws: ServingError.self) {
      try request("image/png", file, limits: limits)
    }
    #expect(refused?.status == 413 && refused?.message.contains("at most 255") == true)
    limits.pixels = 256
    #expect(throws: Never.self) { try request("image/png", file, limits: limits) }
  }

  @Test func `values that are no text are shown short`() {
    let message = "a\u{1B}[31m\n" + String(repeating: "x", count: 1000)
    #expect(message.shown.count < 70 && !message.shown.contains("\n"))
  }

  @Test func `limits that make no sense are refused`() {
    #expect(ServingLimits().problem == nil)
    var limits = ServingLimits()
    limits.queue = 0
    #expect(limits.problem == "--queue is 0; expected 1 to 4096")
  }
}
