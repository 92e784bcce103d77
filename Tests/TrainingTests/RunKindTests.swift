@testable import Recipes
@testable import Runs
import Foundation
import Testing
import Torch

/// A run stays what it was begun as, and is replaced by its own kind only.
@Suite struct RunKindTests {
  /// A pre-training run, a classifier from it and one from scratch.
  private func fixture() throws -> TemporaryRun {
    let fixture = try TemporaryRun(images: 8)
    try fixture.train(.tiny(steps: 5), "enc")
    try fixture.makeClasses()
    try fixture.finetune(.tiny(steps: 1), from: "enc", "fine")
    try fixture.finetune(.tiny(steps: 1), from: nil, like: "enc", "scratch")
    return fixture
  }

  private func refusal(_ work: () throws -> Void) -> String {
    do {
      try work()
      return "accepted"
    } catch let error as RunFailure where error.kind == .refusedOutput {
      return error.message
    } catch { return "another: \(error)" }
  }

  private func files(_ fixture: TemporaryRun, _ run: String) -> [String] {
    (FileManager.default.enumerator(atPath: fixture(run))?.allObjects as? [String] ?? []).sorted()
  }

  @Test(arguments: [true, false]) func resumedAsWhatItIs(_ isNoted: Bool) throws {
    let fixture = try fixture()
    try fixture.copy("enc", to: "other")
    if !isNoted {  // as earlier versions left it
      for run in ["enc", "fine", "scratch"] { try fixture.remove(run + "/run.json") }
    }
    let before = ["enc", "fine", "scratch"].map { files(fixture, $0) }
    let longer = FinetuningRecipe.tiny(steps: 2)
    for (run, model, like, words) in [
      ("enc", "fine", nil, "; resume it with mae pretrain"),
      ("enc", nil, "fine", "; resume it with mae pretrain"),
      ("fine", nil, "enc", "is a classifier's run from an encoder, not a classifier's run from scratch; resume it with mae finetune"),
      ("scratch", "enc", nil, "is a classifier's run from scratch, not a classifier's run from an encoder; resume it with mae scratch"),
    ] as [(String, String?, String?, String)] {
      let message = refusal { try fixture.finetune(longer, from: model, like: like, run, .resume) }
      #expect(message.contains(words), "\(run): \(message)")
    }
    for (run, command) in [("fine", "finetune"), ("scratch", "scratch")] {
      let message = refusal { try fixture.train(.tiny(steps: 9), run, .resume) }
      #expect(message.contains("not a run of pre-training; resume it with mae \(command)"), "\(message)")
    }
    #expect(["enc", "fine", "scratch"].map { files(fixture, $0) } == before)
    if isNoted {
      let message = refusal { try fixture.finetune(longer, from: "other", "fine", .resume) }
      #expect(message.contains("fine was started from \(fixture("enc")), not from"), "\(message)")
      // The same encoder by another name, and one that has been moved.
      try fixture.finetune(longer, from: "./fine/../enc", "fine", .resume)
      try fixture.remove("enc")
      try fixture.finetune(.tiny(steps: 3), from: "other", "fine", .resume)
    }
  }

  @Test func replacedByItsOwnKindOnly() throws {
    let fixture = try fixture()
    let before = ["enc", "fine"].map { files(fixture, $0) }
    try fixture.copy("enc", to: "third")
    let fromScratch = refusal {
      try fixture.finetune(.tiny(), from: nil, like: "third", "enc", .overwrite)
    }
    #expect(fromScratch.contains("holds a run of pre-training"), "\(fromScratch)")
    let pretraining = refusal { try fixture.train(.tiny(), "fine", .overwrite) }
    #expect(pretraining.contains("holds a classifier's run"), "\(pretraining)")
    #expect(["enc", "fine"].map { files(fixture, $0) } == before)
    try fixture.finetune(.tiny(steps: 2), from: "enc", "scratch", .overwrite)
    #expect(fixture.names("scratch/checkpoints") == ["step-2"])
    #expect(try fixture.text("scratch/run.json").contains("fine-tuning"))
  }

  @Test func whatARunReadsIsNotReplaced() throws {
    let fixture = try fixture()
    try fixture.copy("images", to: "scratch/images")
    try FileManager.default.createSymbolicLink(
      atPath: fixture("link"), withDestinationPath: "fine")
    let before = ["fine", "scratch"].map { files(fixture, $0) }
    for (model, like, data, out) in [
      ("fine", nil, "classes", "fine"), ("fine/checkpoints/step-1", nil, "classes", "fine"),
      ("fine", nil, "classes", "./classes/../fine"), ("fine", nil, "classes", "link"),
      ("link", nil, "classes", "fine"), (nil, "scratch", "classes", "scratch"),
      ("enc", nil, "scratch/images", "scratch"),
    ] as [(String?, String?, String, String)] {
      let message = refusal {
        try fixture.finetune(.tiny(), from: model, like: like, out, data: data, .overwrite)
      }
      #expect(message.contains("this run reads, so it is not overwritten"), "\(out): \(message)")
      #expect(["fine", "scratch"].map { files(fixture, $0) } == before, "\(out)")
    }
  }

  @Test func noRunAmongTheImages() throws {
    let fixture = try fixture()
    for (data, out) in [
      ("classes", "classes/train/new"), ("classes", "classes/new"),
      ("classes/train", "classes/train/a/b"),
    ] {
      let message = refusal { try fixture.finetune(.tiny(), from: "enc", out, data: data) }
      #expect(message.contains("is inside \(fixture(data))"), "\(out): \(message)")
    }
    let judged = refusal {
      try fixture.finetune(
        .tiny(), from: "enc", "classes/val/new", data: "classes/train", validation: "classes/val")
    }
    #expect(judged.contains("is inside"), "\(judged)")
    #expect(refusal { try fixture.train(.tiny(), "images/run") }.contains("is inside"))
    #expect(!fixture.exists("images/run") && !fixture.exists("classes/train/new"))
    try fixture.finetune(.tiny(steps: 1), from: "enc", "classes/new", data: "classes/train")
  }

  @Test func fromScratchEverythingIsTrained() throws {
    let fixture = try fixture()
    let failure = #expect(throws: RunFailure.self) {
      try fixture.finetune(.tiny(blocks: 1), from: nil, like: "enc", "blocks")
    }
    #expect(failure?.kind == .recipe)
    #expect(
      failure?.message
        == "trainableBlocks is 1, and a network from scratch learns as a whole; leave it null")
    #expect(!fixture.exists("blocks"))
  }

  @Test func newRunsThatWereToBeResumedSaySo() throws {
    let fixture = try fixture()
    func warnings(_ out: String) throws -> [String] {
      try fixture.finetune(.tiny(steps: 1), from: "enc", out, .resume).warnings
    }
    #expect(try warnings("new").first == "no run in \(fixture("new")) yet: starting a new one")
    #expect(try warnings("new") == [])
    try fixture.remove("new/checkpoints/step-1")
    #expect(try warnings("new").first?.contains("has no whole checkpoint yet") == true)
  }
}
