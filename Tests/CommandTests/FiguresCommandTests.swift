import Foundation
import Testing

/// `mae figures` and the model card.
@Suite struct FiguresCommandTests {
  @Test func `figures of a run`() throws {
    let sandbox = try CommandSandbox()
    try sandbox.pretrain()
    let names = ["attention", "components", "higher-ratios", "positions", "reconstructions"]
    let outcome = try sandbox.done(
      "figures", "run", "images", "--images", "2", "--out", "figures")
    #expect(sandbox.names("figures") == names.map { $0 + ".png" })
    #expect(outcome.output.split(separator: "\n").count == names.count)
    // What is there is refused, and without data what shows no images is drawn.
    let again = try sandbox.mae("figures", "run", "--out", "figures")
    #expect(again.status == 73, "\(again.transcript)")
    try sandbox.done("figures", "run", "--out", "others")
    #expect(sandbox.names("others") == ["positions.png"])
    #expect(try sandbox.contents("others/positions.png").starts(with: [0x89, 0x50, 0x4E, 0x47]))
  }

  @Test func `the codebook of a tokenizer`() throws {
    let sandbox = try CommandSandbox()
    try sandbox.writeImages("images", count: 8)
    try sandbox.done(
      "tokenizer", "train", "images", "--out", "tokens", "--recipe", "tokenizer-fashion-mnist",
      "--set", "schedule.steps=2", "--set", "batch.size=4", "--set", "data.workers=1", "--set",
      "model.vocabulary=20")
    try sandbox.done("figures", "tokens", "--out", "figures")
    #expect(sandbox.names("figures") == ["codebook.png"])
  }

  @Test func `weights go out with a card, which is never replaced unasked`() throws {
    let sandbox = try CommandSandbox()
    try sandbox.pretrain()
    try sandbox.writeClasses("classes")
    try sandbox.done("probe", "run", "classes")
    let outcome = try sandbox.done(
      "weights", "export", "run", "--format", "hf", "--out", "hf", "--license", "apache-2.0")
    #expect(outcome.output.contains("wrote hf/README.md, a model card"))
    let card = try sandbox.text("hf/README.md")
    for word in [
      "---\nlicense: \"apache-2.0\"\n", "library_name: \"transformers\"", "model-index:",
      "linear probe on frozen features", "Pre-trained on 12 images of images without labels",
      "Reconstructions are invented", "reflect biases", "strategy: random", "ViTMAEForPreTraining",
    ] {
      #expect(card.contains(word), "\(word): \(card)")
    }
    // A card of somebody's own stays, also where the weights are replaced.
    try sandbox.write("hf/README.md", "mine")
    let kept = try sandbox.done(
      "weights", "export", "run", "--format", "hf", "--out", "hf", "--overwrite")
    #expect(try sandbox.text("hf/README.md") == "mine")
    #expect(kept.errors.contains("hf/README.md is there and kept"))
    try sandbox.write("hf/README.md", card)
    try sandbox.done("weights", "export", "run", "--format", "hf", "--out", "hf", "--overwrite")
    #expect(try sandbox.text("hf/README.md").contains("license: \"other\""))
    // One file has its card beside it.
    try sandbox.done("weights", "export", "run", "--format", "original", "--out", "a.safetensors")
    #expect(try sandbox.text("a.md").contains("# a\n"))
  }
}
