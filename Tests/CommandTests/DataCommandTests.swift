import Foundation
import Testing

/// `mae data`, and the commands that judge a model by data.
@Suite struct DataCommandTests {
  @Test func `the making of batches is measured, and where its time goes`() throws {
    let sandbox = try CommandSandbox()
    try sandbox.writeImages("images", count: 6)
    let lines = try sandbox.done(
      "bench", "data", "images", "--images", "60", "--workers", "1", "--size", "16"
    ).output.split(separator: "\n")
    #expect(lines.count == 5 && lines[0].hasPrefix("1 worker: "), "\(lines)")
    for (line, stage) in zip(lines.dropFirst(), ["read", "decode", "resample", "other"]) {
      #expect(line.hasPrefix("  \(stage) ") && line.hasSuffix(" %"), "\(line)")
    }
    #expect(try sandbox.mae("bench", "data").status == 64)
  }

  /// What `Benchmarks/run` asks, which takes turns with other programs.
  @Test func `a benchmark answers on request`() throws {
    let sandbox = try CommandSandbox()
    try sandbox.writeImages("images", count: 3)
    try sandbox.done("weights", "import", Goldens.path("classifiers/token"), "--out", "model")
    try sandbox.write("questions.txt", "pixels\nfiles\nspeed\nfeatures\n")
    let outcome = try sandbox.mae(
      ["bench", "use", "model", "images", "--on-request"], input: "questions.txt")
    #expect(outcome.status == 0, "\(outcome.transcript)")
    let answers = outcome.output.split(separator: "\n").map(String.init)
    try #require(answers.count == 5, "\(answers)")
    #expect(answers[0] == "ready")
    for place in [1, 2, 4] { #expect(Double(answers[place]) ?? 0 > 0, "\(answers)") }
    #expect(answers[3] == "unknown: speed; expected features, files, pixels")
  }

  @Test func inspection() throws {
    let sandbox = try CommandSandbox()
    try sandbox.writeClasses("classes")
    try expectSnapshot(
      sandbox.done("data", "inspect", "classes").transcript, "data-inspect-classes")
    try expectSnapshot(
      sandbox.done("data", "inspect", "classes", "--validation").transcript,
      "data-inspect-validation")
    try sandbox.writeImages("flat", count: 5)
    try sandbox.writeImage("flat/deep/er/6.png", side: 20)
    try expectSnapshot(
      sandbox.done("data", "inspect", "flat", "--sample", "3").transcript, "data-inspect-sample")
  }

  @Test func `what is left out is said, and names of any bytes are opened`() throws {
    let sandbox = try CommandSandbox()
    try sandbox.writeImages("set/cat", count: 4)
    try sandbox.writeImages("set/dog", count: 4)
    try sandbox.writeImages("set/__MACOSX", count: 1)
    try sandbox.writeImage("set/stray.png")
    try sandbox.write("set/cat/1.HEIC", "x")
    let outcome = try sandbox.done("data", "inspect", "set")
    #expect(outcome.output.hasPrefix("images   8\n"))
    let notes = outcome.errors.split(separator: "\n")
    #expect(notes.count == 3 && notes.allSatisfy { $0.hasPrefix("note: set: 1 ") }, "\(notes)")
    // The shell makes names that Swift's files cannot.
    let made = try sandbox.shell(
      "mkdir -p raw/caf$(printf '\\351') && cp set/cat/*.png raw/caf$(printf '\\351')/")
    try #require(made.status == 0, "\(made.transcript)")
    let raw = try sandbox.done("data", "inspect", "raw")
    #expect(raw.output.contains("classes  1: caf\\xe9 4"), "\(raw.transcript)")
    let listed = try sandbox.shell(
      "\"$mae\" data inspect raw/caf$(printf '\\351') && \"$mae\" data inspect raw/x$(printf '\\351')"
    )
    #expect(listed.output.hasPrefix("images   4\n"))
    #expect(listed.errors.contains("error: raw/x\\xe9: there is nothing here"))
  }

  /// Files that are not the published ones are refused, and nothing is left behind.
  @Test func `fetching from a folder of others`() throws {
    let sandbox = try CommandSandbox()
    for name in [
      "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
      "t10k-labels-idx1-ubyte",
    ] {
      try sandbox.write("mirror/\(name).gz", Self.gzipped(Array("not what it says".utf8)))
    }
    let cache = "home/.cache/swift-mae"
    let wrong = try sandbox.mae("data", "fetch", "fashion-mnist", "--from", "mirror")
    #expect([65, 66].contains(wrong.status), "\(wrong.transcript)")
    try expectSnapshot(wrong.transcript, "data-fetch-wrong-digest")
    #expect(sandbox.names(cache).isEmpty)
    // What was there already stays as it was, also where it is not whole.
    try sandbox.write(cache + "/fashion-mnist/train-images-idx3-ubyte.gz", "half")
    try sandbox.mae("data", "fetch", "fashion-mnist", "--from", "mirror")
    #expect(sandbox.names(cache) == ["fashion-mnist"])
    #expect(try sandbox.text(cache + "/fashion-mnist/train-images-idx3-ubyte.gz") == "half")

    try FileManager.default.removeItem(atPath: sandbox("mirror/t10k-labels-idx1-ubyte.gz"))
    let missing = try sandbox.mae("data", "fetch", "fashion-mnist", "--from", "mirror")
    #expect(missing.status != 0 && missing.errors.contains("t10k-labels-idx1-ubyte.gz"))
    let nowhere = try sandbox.mae("data", "fetch", "fashion-mnist", "--from", "file:///nowhere")
    #expect(nowhere.status != 0, "\(nowhere.transcript)")
    let environment = try sandbox.mae(
      ["data", "fetch", "fashion-mnist"], environment: ["MAE_DATA_FROM": "mirror"])
    #expect(environment.errors.contains("mirror"), "\(environment.transcript)")
    let unknown = try sandbox.mae("data", "fetch", "imagenet")
    try expectSnapshot(unknown.transcript, "data-fetch-unknown")
  }

  /// Bytes in gzip's format, stored as they are.
  private static func gzipped(_ bytes: [UInt8]) -> Data {
    func little(_ value: UInt32, _ count: Int) -> [UInt8] {
      (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    var crc = UInt32.max
    for byte in bytes {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
    }
    let size = UInt32(bytes.count)
    return Data(
      [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255, 1] + little(size, 2) + little(~size, 2) + bytes
        + little(~crc, 4) + little(size, 4))
  }

  /// The whole way on a set that a glance tells apart.
  @Test func judging() throws {
    let sandbox = try CommandSandbox()
    try sandbox.writeClasses("classes")
    try sandbox.writeTinyRecipe()
    try sandbox.done("pretrain", "classes", "--recipe", "tiny.yaml", "--out", "run")
    for (command, name) in [("knn", "kNN"), ("probe", "linear probe")] {
      for pooling in ["class-token", "mean"] {
        let outcome = try sandbox.done(command, "run", "classes", "--pooling", pooling)
        #expect(
          outcome.output.hasPrefix("\(name): top-1 100.00 % of 4 images"),
          "\(outcome.output)")
        #expect(try sandbox.done(command, "run", "classes", "--pooling", pooling).status == 0)
      }
    }
    try sandbox.done(
      "reconstruct", "run", "classes", "--ratios", "0.75", "0.85", "--score", "4", "--images", "2")
    let results = try sandbox.text("run/results.json")
    for key in ["pretraining", "knn", "probe", "reconstruction"] {
      #expect(results.contains("\"\(key)\""), "\(key)")
    }
    let page = try sandbox.text("run/report.html")
    for word in [
      "linear probe, top-1, ", "kNN, top-1, ", "nearest visible patch", "data:image/png",
    ] {
      #expect(page.contains(word), "\(word)")
    }
    #expect(!page.contains("<script") && !page.contains("src=\"/"))
    #expect(sandbox.exists("run/reconstructions/sheet.png"))
  }

  @Test func `one image is enough to reconstruct`() throws {
    let sandbox = try CommandSandbox()
    try sandbox.pretrain(target: "normalized-pixels")
    try sandbox.writeImage("photo.png", side: 40)
    let outcome = try sandbox.mae("reconstruct", "run", "photo.png", "--out", "new/sheet.png")
    #expect(outcome.status == 0, "\(outcome.transcript)")
    #expect(try sandbox.contents("new/sheet.png").starts(with: [0x89, 0x50, 0x4E, 0x47]))
    // The same seed gives the same picture, another one another.
    for (seed, same) in [("0", true), ("1", false)] {
      try sandbox.mae("reconstruct", "run", "photo.png", "--out", "\(seed).png", "--seed", seed)
      let picture = try sandbox.contents("\(seed).png")
      #expect((try sandbox.contents("new/sheet.png") == picture) == same)
    }
    // The ending of the name says the format.
    for (name, start) in [("s.svg", "<svg "), ("s.webp", "RIFF"), ("s.jpg", "\u{FF}\u{D8}\u{FF}")] {
      try sandbox.done("reconstruct", "run", "photo.png", "--out", name)
      let bytes = try sandbox.contents(name)
      #expect(bytes.starts(with: start.unicodeScalars.map { UInt8($0.value) }), "\(name)")
    }
    #expect(try sandbox.text("s.svg").contains(">reconstruction</text>"))
    let other = try sandbox.mae("reconstruct", "run", "photo.png", "--out", "sheet.gif")
    #expect(other.status == 64 && !sandbox.exists("sheet.gif"))
    #expect(
      other.errors.contains(
        "--out is sheet.gif; expected a name ending in .png, .jpg, .webp or .svg"))
    try sandbox.done("figures", "run", "photo.png", "--out", "all", "--format", "svg")
    #expect(
      sandbox.names("all") == [
        "attention.svg", "components.svg", "higher-ratios.svg", "positions.svg",
        "reconstructions.svg",
      ])
  }
}
