@testable import Recipes
@testable import Runs
import Foundation
import Testing
import Torch

/// A run stays what it was begun as, and is replaced by its own kind only.
@Suite struct RunKindTests {
  /// A pre-training run, a classifier from it and one from scratch.
  private func shop() throws -> Workshop {
    let shop = try Workshop(images: 8)
    try shop.train(.tiny(steps: 5), "enc")
    try shop.makeClasses()
    try shop.finetune(.tiny(steps: 1), from: "enc", "fine")
    try shop.finetune(.tiny(steps: 1), from: nil, like: "enc", "scratch")
    return shop
  }

  private func refusal(_ work: () throws -> Void) -> String {
    do {
      try work()
      return "accepted"
    } catch let error as RunFailure where error.kind == .refusedOutput {
      return error.message
    } catch { return "another: \(error)" }
  }

  private func files(_ shop: Workshop, _ run: String) -> [String] {
    (FileManager.default.enumerator(atPath: shop(run))?.allObjects as? [String] ?? []).sorted()
  }

  @Test(arguments: [true, false]) func resumedAsWhatItIs(_ isNoted: Bool) throws {
    let shop = try shop()
    try shop.copy("enc", to: "other")
    if !isNoted {  // as earlier versions left it
      for run in ["enc", "fine", "scratch"] { try shop.remove(run + "/run.json") }
    }
    let before = ["enc", "fine", "scratch"].map { files(shop, $0) }
    let longer = FinetuningRecipe.tiny(steps: 2)
    for (run, model, like, words) in [
      ("enc", "fine", nil, "; resume it with mae pretrain"),
      ("enc", nil, "fine", "; resume it with mae pretrain"),
      ("fine", nil, "enc", "is a classifier's run from an encoder, not a classifier's run from scratch; resume it with mae finetune"),
      ("scratch", "enc", nil, "is a classifier's run from scratch, not a classifier's run from an encoder; resume it with mae scratch"),
    ] as [(String, String?, String?, String)] {
      let message = refusal { try shop.finetune(longer, from: model, like: like, run, .resume) }
      #expect(message.contains(words), "\(run): \(message)")
    }
    for (run, command) in [("fine", "finetune"), ("scratch", "scratch")] {
      let message = refusal { try shop.train(.tiny(steps: 9), run, .resume) }
      #expect(message.contains("not a run of pre-training; resume it with mae \(command)"), "\(message)")
    }
    #expect(["enc", "fine", "scratch"].map { files(shop, $0) } == before)
    if isNoted {
      let message = refusal { try shop.finetune(longer, from: "other", "fine", .resume) }
      #expect(message.contains("fine was started from \(shop("enc")), not from"), "\(message)")
      // The same encoder by another name, and one that has been moved.
      try shop.finetune(longer, from: "./fine/../enc", "fine", .resume)
      try shop.remove("enc")
      try shop.finetune(.tiny(steps: 3), from: "other", "fine", .resume)
    }
  }

  @Test func replacedByItsOwnKindOnly() throws {
    let shop = try shop()
    let before = ["enc", "fine"].map { files(shop, $0) }
    try shop.copy("enc", to: "third")
    let fromScratch = refusal {
      try shop.finetune(.tiny(), from: nil, like: "third", "enc", .overwrite)
    }
    #expect(fromScratch.contains("holds a run of pre-training"), "\(fromScratch)")
    let pretraining = refusal { try shop.train(.tiny(), "fine", .overwrite) }
    #expect(pretraining.contains("holds a classifier's run"), "\(pretraining)")
    #expect(["enc", "fine"].map { files(shop, $0) } == before)
    try shop.finetune(.tiny(steps: 2), from: "enc", "scratch", .overwrite)
    #expect(shop.names("scratch/checkpoints") == ["step-2"])
    #expect(try shop.text("scratch/run.json").contains("fine-tuning"))
  }

  @Test func whatARunReadsIsNotReplaced() throws {
    let shop = try shop()
    try shop.copy("images", to: "scratch/images")
    try FileManager.default.createSymbolicLink(
      atPath: shop("link"), withDestinationPath: "fine")
    let before = ["fine", "scratch"].map { files(shop, $0) }
    for (model, like, data, out) in [
      ("fine", nil, "classes", "fine"), ("fine/checkpoints/step-1", nil, "classes", "fine"),
      ("fine", nil, "classes", "./classes/../fine"), ("fine", nil, "classes", "link"),
      ("link", nil, "classes", "fine"), (nil, "scratch", "classes", "scratch"),
      ("enc", nil, "scratch/images", "scratch"),
    ] as [(String?, String?, String, String)] {
      let message = refusal {
        try shop.finetune(.tiny(), from: model, like: like, out, data: data, .overwrite)
      }
      #expect(message.contains("this run reads, so it is not overwritten"), "\(out): \(message)")
      #expect(["fine", "scratch"].map { files(shop, $0) } == before, "\(out)")
    }
  }

  @Test func noRunAmongTheImages() throws {
    let shop = try shop()
    for (data, out) in [
      ("classes", "classes/train/new"), ("classes", "classes/new"),
      ("classes/train", "classes/train/a/b"),
    ] {
      let message = refusal { try shop.finetune(.tiny(), from: "enc", out, data: data) }
      #expect(message.contains("is inside \(shop(data))"), "\(out): \(message)")
    }
    let judged = refusal {
      try shop.finetune(
        .tiny(), from: "enc", "classes/val/new", data: "classes/train", validation: "classes/val")
    }
    #expect(judged.contains("is inside"), "\(judged)")
    #expect(refusal { try shop.train(.tiny(), "images/run") }.contains("is inside"))
    #expect(!shop.exists("images/run") && !shop.exists("classes/train/new"))
    try shop.finetune(.tiny(steps: 1), from: "enc", "classes/new", data: "classes/train")
  }

  @Test func fromScratchEverythingIsTrained() throws {
    let shop = try shop()
    let failure = #expect(throws: RunFailure.self) {
      try shop.finetune(.tiny(blocks: 1), from: nil, like: "enc", "blocks")
    }
    #expect(failure?.kind == .recipe)
    #expect(
      failure?.message
        == "trainableBlocks is 1, and a network from scratch learns as a whole; leave it null")
    #expect(!shop.exists("blocks"))
  }

  @Test func newRunsThatWereToBeResumedSaySo() throws {
    let shop = try shop()
    func remarks(_ out: String) throws -> [String] {
      try shop.finetune(.tiny(steps: 1), from: "enc", out, .resume).remarks
    }
    #expect(try remarks("new").first == "no run in \(shop("new")) yet: starting a new one")
    #expect(try remarks("new") == [])
    try shop.remove("new/checkpoints/step-1")
    #expect(try remarks("new").first?.contains("has no whole checkpoint yet") == true)
  }
}
