import Foundation
import TensorFiles
import TestSupport
import Testing
import Torch

/// Classifiers on their way through the program: the answers stay those of the package they came
/// from.
@Suite struct ClassifierWeightsTests {
  static let golden = Golden("classifiers")

  /// Expects `mae forward` to give the logits of a golden.
  private func expectAnswers(
    of name: String, by model: String, in sandbox: CommandSandbox,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let path = Goldens.path("classifiers/\(name).safetensors")
    try sandbox.done("forward", model, path, "--out", "out.safetensors", "--overwrite")
    let found = try SafetensorsFile(sandbox("out.safetensors")).tensors()
    #expect(found.keys.sorted() == ["logits"], sourceLocation: sourceLocation)
    expectClose(
      found["logits"] ?? Tensor(), try Self.golden.tensors(name + ".safetensors")["logits"],
      absolute: 1e-5, relative: 1e-5, model, sourceLocation: sourceLocation)
  }

  @Test func timms() throws {
    let sandbox = try CommandSandbox()
    let source = Goldens.path("classifiers/average")
    try sandbox.done("weights", "import", source, "--out", "own")
    try sandbox.done("weights", "export", "own", "--format", "timm", "--out", "timm")
    #expect(sandbox.exists("timm/config.json"))
    try expectAnswers(of: "average", by: "timm", in: sandbox)
  }

  @Test func probes() throws {
    let sandbox = try CommandSandbox()
    let source = Goldens.path("classifiers/probe.pth")
    try sandbox.done("weights", "import", source, "--out", "own", "--heads", "3")
    try sandbox.done("weights", "export", "own", "--format", "hf", "--out", "hf")
    try expectAnswers(of: "probe", by: "hf", in: sandbox)
  }

  @Test func `checkpoints of the papers code`() throws {
    let sandbox = try CommandSandbox()
    let source = Goldens.path("classifiers/finetuned.pth")
    try sandbox.done(
      "weights", "import", source, "--out", "own", "--heads", "3", "--grid", "2", "3")
    try expectAnswers(of: "finetuned", by: "own", in: sandbox)
  }

  @Test func `what is said`() throws {
    let sandbox = try CommandSandbox()
    try sandbox.copy(Goldens.path("classifiers/average"), to: "flowers")
    try sandbox.copy(Goldens.path("classifiers/probe.pth"), to: "probe.pth")
    for (name, arguments) in [
      ("inspect-classifier", ["weights", "inspect", "flowers"]),
      ("inspect-probe", ["weights", "inspect", "probe.pth", "--heads", "3"]),
      (
        "export-timm",
        ["weights", "export", "flowers", "--format", "timm", "--out", "timm.safetensors"]
      ),
      (
        "export-timm-folder", ["weights", "export", "flowers", "--format", "timm", "--out", "timm"]
      ),
      ("export-hf-mean", ["weights", "export", "flowers", "--format", "hf", "--out", "hf"]),
      ("export-onnx", ["weights", "export", "flowers", "--format", "onnx", "--out", "f.onnx"]),
      (
        "export-onnx-exists",
        ["weights", "export", "flowers", "--format", "onnx", "--out", "f.onnx"]
      ),
    ] {
      try expectSnapshot(try sandbox.mae(arguments).transcript, name)
    }
    // What lies there under the name of a file of weights is not replaced either.
    try sandbox.write("g.onnx.data", "mine")
    let refused = try sandbox.mae(
      "weights", "export", "flowers", "--format", "onnx", "--out", "g.onnx")
    #expect(refused.status == 73 && refused.errors.contains("g.onnx.data exists"))
    #expect(!sandbox.exists("g.onnx"))
  }

  @Test func `imports fit other images`() throws {
    let sandbox = try CommandSandbox()
    try sandbox.copy(Goldens.path("vit-mae/pixels"), to: "hf")
    let larger = try sandbox.mae(
      "weights", "import", "hf", "--out", "larger", "--size", "24", "32")
    try expectSnapshot(larger.transcript, "import-size")
    let json = try sandbox.text("larger/model.json")
    #expect(json.contains("\"height\" : 24") && json.contains("\"width\" : 32"))
    #expect(json.contains("\"hasDecoder\" : true"))
    let gray = try sandbox.mae(
      "weights", "import", "hf", "--out", "gray", "--size", "32", "--patch", "8", "--channels", "1")
    try expectSnapshot(gray.transcript, "import-patch-channels")
    let tensors = try SafetensorsFile(sandbox("gray/weights.safetensors")).tensors()
    #expect(tensors["patch_embed.proj.weight"]?.shape == [16, 1, 8, 8])
    #expect(tensors["pos_embed"]?.shape == [1, 17, 16])
    #expect(!tensors.keys.contains { $0.hasPrefix("decoder_") })
    // Classifiers too; the mean goes with the channels unless it is given.
    try sandbox.done(
      "weights", "import", Goldens.path("classifiers/token"), "--out", "five", "--channels", "5",
      "--std", "1", "2", "3", "4", "5")
    let five = try sandbox.text("five/model.json").filter { !$0.isWhitespace }
    #expect(five.contains(#""mean":[0.25,0.5,0.75,0.25,0.5]"#), "\(five)")
    #expect(five.contains(#""deviation":[1,2,3,4,5]"#), "\(five)")
    for (name, status, more) in [
      ("import-size-undivided", 65, ["--size", "30"]),
      ("import-size-three", 64, ["--size", "8", "8", "8"]),
      ("import-patch-0", 65, ["--patch", "0"]), ("import-size-vast", 65, ["--size", "65536"]),
    ] as [(String, Int32, [String])] {
      let outcome = try sandbox.mae(["weights", "import", "hf", "--out", "x"] + more)
      #expect(outcome.status == status, "\(outcome.transcript)")
      try expectSnapshot(outcome.transcript, name)
      #expect(!sandbox.exists("x"))
    }
  }

  /// Names in a file's header that are not as many as the head's classes.
  @Test func `names that are not the heads`() throws {
    let sandbox = try CommandSandbox()
    try sandbox.writeImages("photos", count: 1)
    try sandbox.done(
      "weights", "export", Goldens.path("classifiers/average"), "--format", "original", "--out",
      "w.safetensors")
    let file = try SafetensorsFile(sandbox("w.safetensors"))
    for (name, names) in [("few", ""), ("many", "\"bee\",\"wasp\",\"fly\",")] {
      var metadata = file.metadata
      metadata["classifier"] = metadata["classifier"]?.replacing("\"bee\",", with: names)
      try SafetensorsFile.write(
        try file.tensors(), metadata: metadata, to: sandbox(name + ".safetensors"))
      for arguments in [
        ["predict", name + ".safetensors", "photos"],
        ["evaluate", name + ".safetensors", "photos"],
        ["weights", "import", name + ".safetensors", "--out", "x"],
      ] {
        let outcome = try sandbox.mae(arguments)
        #expect(outcome.status == 65, "\(outcome.transcript)")
        #expect(
          outcome.errors == """
            error: \(name).safetensors: names \(name == "few" ? 4 : 7) classes, but the head tells 5 apart

            """, "\(arguments)")
      }
    }
    #expect(!sandbox.exists("x"))
  }

  /// Files that are no weights, or that want to be more.
  @Test func `hostile checkpoints`() throws {
    let sandbox = try CommandSandbox()
    try sandbox.copy(Goldens.path("pytorch-files/module.pth"), to: "module.pth")
    try sandbox.copy(Goldens.path("classifiers/probe.pth"), to: "probe.pth")
    let whole = try sandbox.contents("probe.pth")
    try sandbox.write("truncated.pth", whole.prefix(whole.count - 1000))
    // The first entry of the directory is said to be compressed: it could grow to any size.
    var bomb = whole
    let directory = try #require(bomb.range(of: Data([0x50, 0x4b, 1, 2])))
    bomb[directory.lowerBound + 10] = 8
    try sandbox.write("bomb.pth", bomb)
    for name in ["module", "truncated", "bomb"] {
      let outcome = try sandbox.mae("weights", "import", name + ".pth", "--out", "x")
      #expect(outcome.status == 65, "\(outcome.transcript)")
      try expectSnapshot(outcome.transcript, "pth-" + name)
      #expect(!sandbox.exists("x"))
    }
    // A head of another size than its names.
    try sandbox.copy(Goldens.path("classifiers/token"), to: "token")
    let config = try sandbox.text("token/config.json")
    try sandbox.write("token/config.json", config.replacing("\"ant\",", with: ""))
    let outcome = try sandbox.mae("weights", "inspect", "token")
    #expect(outcome.status == 65, "\(outcome.transcript)")
    try expectSnapshot(outcome.transcript, "weights-head-of-another-size")
  }
}
