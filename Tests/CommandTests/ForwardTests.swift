import Foundation
import TensorFiles
import TestSupport
import Testing
import Torch

/// `mae forward` against what transformers' ViTMAE computes, and what it refuses.
@Suite struct ForwardTests {
  struct Case: Decodable, Sendable, CustomTestStringConvertible {
    var name: String
    var folder: String
    var lossOver: String
    var testDescription: String { name }
  }

  static let cases: [Case] = (try? Golden("vit-mae").cases()) ?? []

  @Test func thereAreCases() { #expect(Self.cases.count >= 8) }

  @Test(arguments: cases) func equalsHuggingFace(_ example: Case) throws {
    let sandbox = try CommandSandbox()
    let folder = Goldens.path("vit-mae/" + example.folder)
    try sandbox.done("forward", folder, folder + "/golden.safetensors", "--out", "out.safetensors")
    let golden = try Golden("vit-mae").tensors(example.folder + "/golden.safetensors")
    let found = try SafetensorsFile(sandbox("out.safetensors")).tensors()
    #expect(found.keys.sorted() == ["ids_restore", "latent", "loss", "mask", "pred"])
    for name in ["loss", "pred", "latent"] {
      let tensor = try #require(found[name])
      #expect(tensor.dtype == .float32)
      // `forward` gives the loss over hidden patches, as transformers does; the golden of one case
      // has another.
      if name == "loss", example.lossOver == "all" { continue }
      expectClose(tensor, try golden[name], absolute: 1e-4, "\(example.name) \(name)")
    }
    for name in ["mask", "ids_restore"] {
      expectEqual(try #require(found[name]), try golden[name], "\(example.name) \(name)")
    }
  }

  @Test func encodersAloneGiveTheirLatent() throws {
    let sandbox = try CommandSandbox()
    let suite = Goldens.path("timm/square")
    let golden = try Golden("timm").tensors("square/golden.safetensors")
    let images = try golden["pixel_values"]
    let grid = try SafetensorsFile(suite + "/model.safetensors").tensor("pos_embed").shape[1] - 1
    try SafetensorsFile.write(
      [
        "pixel_values": images,
        "noise": Tensor.rand([images.shape[0], grid], using: Generator(seed: 1)),
      ], to: sandbox("in.safetensors"))
    try sandbox.done(
      "forward", suite + "/model.safetensors", "in.safetensors", "--out", "out.safetensors",
      "--heads", "3", "--ratio", "0.5")
    let found = try SafetensorsFile(sandbox("out.safetensors"))
    #expect(found.entries.map(\.name).sorted() == ["ids_restore", "latent", "mask"])
    #expect(try found.tensor("latent").shape[1] == 1 + grid / 2)
  }

  @Test func wrongInputs() throws {
    let sandbox = try CommandSandbox()
    let folder = Goldens.path("vit-mae/pixels")
    try sandbox.copy(folder, to: "hf")
    let golden = try Golden("vit-mae").tensors("pixels/golden.safetensors")
    let (images, noise) = (try golden["pixel_values"], try golden["noise"])
    func expect(
      _ name: String, exit status: Int32, _ tensors: [String: Tensor], _ more: String...
    ) throws {
      try SafetensorsFile.write(tensors, to: sandbox("in.safetensors"))
      let outcome = try sandbox.mae(
        ["forward", "hf", "in.safetensors", "--out", "out.safetensors"] + more)
      #expect(outcome.status == status, "\(name): \(outcome.transcript)")
      #expect(!sandbox.exists("out.safetensors"), "\(name)")
      try expectSnapshot(outcome.transcript, "forward-" + name)
    }
    try expect("no-noise", exit: 65, ["pixel_values": images])
    try expect("no-images", exit: 65, ["noise": noise])
    try expect("nothing", exit: 65, [:])
    try expect(
      "wrong-size", exit: 65,
      ["pixel_values": images.narrowed(3, to: 0..<12), "noise": noise])
    try expect(
      "wrong-channels", exit: 65,
      ["pixel_values": images.narrowed(1, to: 0..<1), "noise": noise])
    try expect(
      "wrong-batch", exit: 65,
      ["pixel_values": images, "noise": noise.narrowed(0, to: 0..<2)])
    try expect(
      "empty-batch", exit: 65,
      ["pixel_values": images.narrowed(0, to: 0..<0), "noise": noise.narrowed(0, to: 0..<0)])
    let right = ["pixel_values": images, "noise": noise]
    for ratio in ["0", "1", "nan", "-1e300"] {
      try expect("ratio-\(ratio)", exit: 65, right, "--ratio=\(ratio)")
    }
    let missing = try sandbox.mae("forward", "hf", "nowhere.safetensors", "--out", "o.safetensors")
    #expect(missing.status == 66, "\(missing.transcript)")
    try sandbox.write("there.safetensors", "mine")
    let there = try sandbox.mae("forward", "hf", "in.safetensors", "--out", "there.safetensors")
    #expect(there.status == 73)
    #expect(try sandbox.text("there.safetensors") == "mine")
    let elsewhere = try sandbox.mae("forward", "hf", "in.safetensors", "--out", "no/o.safetensors")
    #expect([0, 73].contains(elsewhere.status), "\(elsewhere.transcript)")
  }
}
