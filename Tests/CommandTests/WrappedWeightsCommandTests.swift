import Foundation
import TensorFiles
import TestSupport
import Testing
import Torch

/// Weights as other programs wrap them and prepare images for them, through the program.
@Suite struct WrappedWeightsCommandTests {
  private func encoder() throws -> [String: Tensor] {
    try SafetensorsFile(Goldens.path("timm/square/model.safetensors")).tensors()
  }

  private func behind(_ prefix: String, _ tensors: [String: Tensor]) -> [String: Tensor] {
    Dictionary(uniqueKeysWithValues: tensors.map { (prefix + $0.key, $0.value) })
  }

  @Test func `prefixes are taken off and said, and of two one is chosen`() throws {
    let sandbox = try CommandSandbox()
    let encoder = try encoder()
    try SafetensorsFile.write(
      behind("module.", encoder).merging(["projector.weight": .zeros([2])]) { $1 },
      to: sandbox("one.safetensors"))
    let one = try sandbox.mae("weights", "inspect", "one.safetensors", "--heads", "3")
    #expect(one.status == 0, "\(one.transcript)")
    #expect(one.errors.contains("the prefix 'module.' was taken off the weights' names"))
    #expect(one.errors.contains("1 weight is not used: projector.weight"))

    try SafetensorsFile.write(
      behind("student.", encoder).merging(behind("teacher.", encoder)) { $1 },
      to: sandbox("two.safetensors"))
    let two = try sandbox.mae("weights", "inspect", "two.safetensors", "--heads", "3")
    #expect(two.status != 0 && two.errors.contains("choose one with --prefix"), "\(two.transcript)")
    try sandbox.done(
      "weights", "inspect", "two.safetensors", "--heads", "3", "--prefix", "teacher.")
    try sandbox.done(
      "weights", "import", "two.safetensors", "--heads", "3", "--prefix", "teacher", "--out", "own")
    let own = try SafetensorsFile(sandbox("own/weights.safetensors")).tensors()
    #expect(own.keys.sorted() == encoder.keys.sorted())
    // Safetensors have no keys.
    let key = try sandbox.mae("weights", "inspect", "two.safetensors", "--key", "ema")
    #expect(key.status != 0 && key.errors.contains("--prefix"), "\(key.transcript)")
  }

  @Test func `how a folder prepares images is shown, imported and used`() throws {
    let sandbox = try CommandSandbox()
    let golden = Goldens.path("preprocessing") + "/"
    try sandbox.copy(golden + "hf-crop", to: "crop")
    try sandbox.copy(golden + "hf.safetensors", to: "crop/model.safetensors")
    try sandbox.copy(golden + "timm-border", to: "border")
    try sandbox.copy(golden + "timm.safetensors", to: "border/model.safetensors")
    for name in ["crop", "border"] {
      let outcome = try sandbox.mae("weights", "inspect", name)
      #expect(outcome.status == 0)
      try expectSnapshot(outcome.transcript, "inspect-preprocessing-" + name)
    }
    try sandbox.done("weights", "import", "border", "--out", "own")
    let answers = try Golden("preprocessing").tensors("answers.safetensors")
    for image in ["wide", "tall", "small", "own"] {
      let expected: [Float] = try answers["timm-border/\(image)/logits"].softmax().floats()
      for model in ["border", "own"] {
        let said = try sandbox.mae("predict", model, golden + image + ".png", "--top", "4")
        #expect(said.status == 0, "\(said.transcript)")
        for (name, share) in zip(["ant", "bee", "cat", "dog"], expected) {
          let line = said.output.split(separator: "\n").first { $0.contains(name) } ?? ""
          let percent = line.split(whereSeparator: { !"0123456789.".contains($0) })
            .compactMap { Double($0) }.contains { abs($0 - 100 * Double(share)) < 0.6 }
          #expect(percent, "\(model) \(image) \(name) \(share): \(said.transcript)")
        }
      }
    }
  }

  @Test func `what another program's file cannot state is said at the export`() throws {
    let sandbox = try CommandSandbox()
    let golden = Goldens.path("preprocessing") + "/"
    try sandbox.copy(golden + "timm-border", to: "border")
    try sandbox.copy(golden + "timm.safetensors", to: "border/model.safetensors")
    let outcome = try sandbox.mae("weights", "export", "border", "--format", "hf", "--out", "hf")
    #expect(outcome.status == 0, "\(outcome.transcript)")
    #expect(outcome.errors.contains("note: hf: transformers puts black around smaller images"))
  }

  @Test func `a field that cannot be followed is named by every command that reads images`() throws
  {
    let sandbox = try CommandSandbox()
    let golden = Goldens.path("preprocessing") + "/"
    try sandbox.copy(golden + "hf-vit", to: "odd")
    try sandbox.copy(golden + "hf.safetensors", to: "odd/model.safetensors")
    try sandbox.write(
      "odd/preprocessor_config.json",
      "{\"size\": {\"height\": 32, \"width\": 32}, \"do_pad\": true}")
    let image = golden + "wide.png"
    for command in [
      ["weights", "inspect", "odd"], ["weights", "import", "odd", "--out", "own"],
      ["predict", "odd", image], ["embed", "odd", image, "--out", "e.npy"],
    ] {
      let outcome = try sandbox.mae(command)
      #expect(outcome.status == 0, "\(outcome.transcript)")
      #expect(
        outcome.errors.contains("preprocessor_config.json: do_pad is true, which is not followed"),
        "\(command)")
    }
  }
}
