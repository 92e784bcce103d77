import Foundation
import TensorFiles
import TestSupport
import Testing
import Torch

/// Weights on their way through the program: nothing may be lost, and no bit may change.
@Suite struct WeightsTests {
  private func tensors(_ path: String) throws -> [String: Tensor] {
    try SafetensorsFile(path).tensors()
  }

  private func expectSame(
    _ found: [String: Tensor], _ expected: [String: Tensor], _ name: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(
      found.keys.sorted() == expected.keys.sorted(), "\(name)", sourceLocation: sourceLocation)
    for (key, tensor) in found {
      guard let other = expected[key] else { continue }
      expectEqual(tensor, other, "\(name) \(key)", sourceLocation: sourceLocation)
    }
  }

  @Test(arguments: ["pixels", "tall", "no-qkv-bias"])
  func throughEveryFormatAndBack(_ model: String) throws {
    let sandbox = try CommandSandbox()
    let source = Goldens.path("vit-mae/" + model)
    try sandbox.done("weights", "import", source, "--out", "imported")
    let native = try tensors(sandbox("imported/weights.safetensors"))
    let description = try sandbox.contents("imported/model.json")

    let isSquare = model != "tall"
    if isSquare {
      try sandbox.done("weights", "export", "imported", "--format", "hf", "--out", "hf")
    } else {  // transformers cannot build such a model
      let refused = try sandbox.mae("weights", "export", "imported", "--format", "hf", "--out", "hf")
      #expect(refused.status == 65 && refused.errors.contains("6 × 4"), "\(refused.transcript)")
      #expect(!sandbox.exists("hf"))
      try sandbox.copy(source, to: "hf")
    }
    if isSquare {
      // Published files and transformers 5 name the decoder's blocks apart; the former is written.
      let published = try tensors(source + "/model.safetensors").map {
        ($0.key.replacing("decoder_encoder.layer.", with: "decoder_layers."), $0.value)
      }
      expectSame(
        try tensors(sandbox("hf/model.safetensors")), Dictionary(uniqueKeysWithValues: published),
        "the folder as it came")
    }
    for (format, path) in [("hf", "hf"), ("original", "original.safetensors")] {
      if format != "hf" {
        try sandbox.done("weights", "export", "imported", "--format", format, "--out", path)
      }
      try sandbox.done("weights", "import", path, "--out", "again-" + format)
      #expect(
        try sandbox.contents("again-\(format)/weights.safetensors")
          == sandbox.contents("imported/weights.safetensors"), "\(format)")
      #expect(try sandbox.contents("again-\(format)/model.json") == description, "\(format)")
    }
    expectSame(try tensors(sandbox("original.safetensors")), native, "original")

    try sandbox.done("weights", "export", "imported", "--format", "timm", "--out", "timm.safetensors")
    let encoder = native.filter { !$0.key.hasPrefix("decoder_") && $0.key != "mask_token" }
    expectSame(try tensors(sandbox("timm.safetensors")), encoder, "timm")
    try sandbox.done("weights", "import", "timm.safetensors", "--out", "encoder")
    expectSame(try tensors(sandbox("encoder/weights.safetensors")), encoder, "timm and back")
  }

  @Test func inspection() throws {
    let sandbox = try CommandSandbox()
    try sandbox.copy(Goldens.path("vit-mae/pixels"), to: "hf")
    try sandbox.copy(Goldens.path("vit-mae/pixels/original.safetensors"), to: "original.safetensors")
    try sandbox.copy(Goldens.path("timm/square/model.safetensors"), to: "timm.safetensors")
    for (name, heads) in [
      ("hf", []), ("original.safetensors", ["--heads", "4", "--decoder-heads", "3"]),
      ("timm.safetensors", ["--heads", "3"]),
    ] {
      let outcome = try sandbox.mae(["weights", "inspect", name, "--names"] + heads)
      #expect(outcome.status == 0)
      try expectSnapshot(outcome.transcript, "inspect-" + name.prefix { $0 != "." })
    }
  }

  @Test func runsAreExported() throws {
    let sandbox = try CommandSandbox()
    try sandbox.pretrain()
    let newest = try tensors(sandbox("run/checkpoints/step-6/weights.safetensors"))
    try sandbox.done("weights", "export", "run", "--format", "original", "--out", "o.safetensors")
    expectSame(try tensors(sandbox("o.safetensors")), newest, "a run's newest checkpoint")
    try sandbox.done(
      "weights", "export", "run/checkpoints/step-4", "--format", "original", "--out",
      "4.safetensors")
    expectSame(
      try tensors(sandbox("4.safetensors")),
      try tensors(sandbox("run/checkpoints/step-4/weights.safetensors")), "a checkpoint")
    // An export does not replace what is there unless told to.
    let again = try sandbox.mae(
      "weights", "export", "run", "--format", "original", "--out", "4.safetensors")
    #expect(again.status == 73, "\(again.transcript)")
    try sandbox.done(
      "weights", "export", "run", "--format", "original", "--out", "4.safetensors", "--overwrite")
    expectSame(try tensors(sandbox("4.safetensors")), newest, "replaced")
  }

  @Test func importsTakeStatistics() throws {
    let sandbox = try CommandSandbox()
    let source = Goldens.path("vit-mae/gray")
    try sandbox.done(
      "weights", "import", source, "--out", "imported", "--mean", "0.25", "--std", "0.5")
    let json = try sandbox.text("imported/model.json")
    #expect(json.contains("0.25") && json.contains("0.5"))
    for more in [
      ["--mean", "0.25", "0.5"], ["--std", "0"], ["--std=-1"], ["--std", "nan"],
      ["--mean", "nan"], ["--std", "inf"],
    ] {
      let outcome = try sandbox.mae(["weights", "import", source, "--out", "other"] + more)
      #expect(outcome.status == 64, "\(more): \(outcome.transcript)")
      #expect(!sandbox.exists("other"), "\(more)")
    }
    let again = try sandbox.mae("weights", "import", source, "--out", "imported")
    #expect(again.status == 73, "\(again.transcript)")
  }
}
