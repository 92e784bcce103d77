import FileSystem
import Foundation
import Runs
import TestSupport
import Testing
import Torch

@testable import Ablations

/// Ablations of a tiny model, from a plan to a table.
@Suite struct AblationRunTests {
  @Test func `rows are run, and running again repeats nothing`() throws {
    let study = try TinyStudy()
    let first = try study.run(study.settings())
    #expect(
      first.results.rows.map(\.name) == ["decoder-depth-1", "decoder-depth-2", "decoder-depth-3"])
    for row in first.results.rows {
      #expect(row.finetuned.values.count == 1 && row.probed.values.count == 1, "\(row.name)")
      #expect(row.folders.count == 3)
      for folder in row.folders.prefix(2) { #expect(isFile(folder + "/recipe.yaml"), "\(folder)") }
    }
    #expect(first.results.rows[0].paper == PublishedNumbers(84.8, 65.5))
    #expect(first.lines.count == 9 && !first.lines.contains { $0.hasSuffix("done before") })
    // The rows are what the table and the page say.
    let csv = try study.text("out/1a/results.csv")
    #expect(csv.split(separator: "\n").count == 4)
    let page = try study.text("out/1a/report.html")
    for word in ["Decoder depth", "2 blocks", "84.9", "ViT-Large", "<svg", "One seed"] {
      #expect(page.contains(word), "\(word)")
    }
    #expect(try study.text("out/1a/plot.svg").hasPrefix("<svg xmlns"))

    let again = try study.run(study.settings())
    #expect(again.lines.count == 9 && again.lines.allSatisfy { $0.hasSuffix("done before") })
    #expect(try study.text("out/1a/results.csv") == csv)
    let read = try AblationResults(readingFrom: study.folder["out/1a"])
    #expect(read.rows == again.results.rows)
  }

  /// Stopped at a step of every training in turn, the table is the unbroken one.
  @Test func `stopped anywhere and started again, the table is the same`() throws {
    let study = try TinyStudy()
    try study.run(study.settings("unbroken"))
    let expected = try study.text("unbroken/1a/results.csv")
    var starts = 0
    var done: [String] = []
    while starts < 20 {
      starts += 1
      var printed: [String] = []
      let patience = Patience(7)
      do {
        printed = try study.run(study.settings("broken"), shouldStop: patience.isOver).lines
        let repeated = done.filter { step in
          !printed.contains { $0.hasPrefix(step + " ") && $0.hasSuffix("done before") }
        }
        #expect(repeated.isEmpty)
        break
      } catch is Interruption {
        // What was done before stays done.
        done = try study.plan(study.settings("broken")).steps.enumerated()
          .filter { try $0.element.record()?.result != nil }.map { "\($0.offset + 1)/9" }
      }
    }
    #expect((2..<20).contains(starts), "it was stopped, and it came to an end")
    #expect(try study.text("broken/1a/results.csv") == expected)
  }

  @Test func `steps are shared between rows and ablations of one folder`() throws {
    let study = try TinyStudy()
    try study.run(study.settings())
    let plan = try study.plan(.partialFinetuning, study.settings(measures: [.finetuned]))
    let masked = plan.rows.filter { $0.row.origin == .masked }
    #expect(Set(masked.compactMap(\.encoder)).count == 1, "one pre-training for all of them")
    let encoder = plan.steps[try #require(masked[0].encoder)]
    #expect(encoder.folder == study.folder["out/rows/baseline/pretrain"])
    #expect(try encoder.record()?.result != nil, "that of the other ablation")
    let all = try #require(masked.last?.finetuned)
    #expect(try plan.steps[all].record()?.result != nil, "all blocks are fine-tuned already")
    let outcome = try study.run(.partialFinetuning, study.settings())
    #expect(outcome.lines.count { $0.hasSuffix("done before") } == 2)
    #expect(outcome.results.rows.allSatisfy { $0.finetuned.values.count == 1 })
    #expect(outcome.results.rows.contains { $0.series == "MoCo v3" })
  }

  @Test func `seeds are runs of their own, with mean and spread`() throws {
    let study = try TinyStudy()
    let settings = study.settings(seeds: 2, rows: ["decoder-depth-2"])
    let results = try study.run(settings).results
    let row = try #require(results.rows.first)
    #expect(row.finetuned.values.count == 2 && row.finetuned.deviation != nil)
    #expect(isFile(study.folder["out/rows/decoder-depth-2-seed1/pretrain/recipe.yaml"]))
    let recipe = try study.text("out/rows/decoder-depth-2-seed1/finetune/recipe.yaml")
    #expect(recipe.contains("seed: 1\n"))
    #expect(try study.text("out/1a/results.csv").contains(",2,"))
    #expect(try study.text("out/1a/report.html").contains("over 2 seeds"))
  }

  @Test func `time of a step and training from scratch are rows too`() throws {
    let study = try TinyStudy()
    let times = try study.run(
      .trainingTime, study.settings(rows: ["decoder-depth-1"], measures: [.time])
    ).results
    #expect((times.rows[0].secondsPerStep ?? 0) > 0)
    #expect(times.rows[0].finetuned.values.isEmpty)
    #expect(!isFile(study.folder["out/rows/baseline/pretrain/recipe.yaml"]), "nothing is trained")
    let scratch = try study.run(.augmentationByMethod, study.settings(rows: ["scratch"]))
    #expect(scratch.lines.count == 1)
    #expect(scratch.results.rows[0].finetuned.values.count == 1)
  }

  @Test func `tokens are a target with a tokenizer that is trained first, and once`() throws {
    let study = try TinyStudy()
    let settings = study.settings(rows: ["target-tokens", "target-pca"], measures: [.finetuned])
    let plan = try study.plan(.target, settings)
    #expect(
      plan.steps.map(\.kind) == [.pretrain, .finetune, .tokenizer, .pretrain, .finetune])
    let outcome = try study.run(.target, settings)
    #expect(outcome.results.rows.allSatisfy { $0.finetuned.values.count == 1 })
    let recipe = try study.text("out/rows/target-tokens/pretrain/recipe.yaml")
    #expect(recipe.contains("rows/tokenizer/tokenizer"))
    // One that is there is used, and one of another grid is refused before time is spent.
    var given = study.settings("given", rows: ["target-tokens"], measures: [.finetuned])
    given.tokenizer = study.folder["out/rows/tokenizer/tokenizer"]
    #expect(try study.plan(.target, given).steps.map(\.kind) == [.pretrain, .finetune])
    given.changes = ["model.height=32", "model.width=32"]
    let line = refusal { _ = try study.plan(.target, given) }
    #expect(line.contains("which makes 4 × 4 tokens of 16 × 16 pixels"), "\(line)")
  }

  // MARK: what is refused before time is spent

  /// The one line that is said.
  private func refusal(_ body: () throws -> Void) -> String {
    do {
      try body()
      return "nothing"
    } catch { return "\(error)" }
  }

  @Test func `images without labels are refused`() throws {
    let study = try TinyStudy(labels: false)
    let line = refusal { _ = try study.plan(study.settings()) }
    #expect(line.contains("has no classes"), "\(line)")
  }

  @Test func `another setting in the same folder is refused`() throws {
    let study = try TinyStudy()
    try study.run(study.settings(rows: ["decoder-depth-1"], measures: [.finetuned]))
    let line = refusal {
      _ = try study.plan(study.settings(changes: ["masking.ratio=0.5"]))
    }
    #expect(
      line.hasSuffix(
        "out/rows/baseline/pretrain is of another setting (it lacks masking.ratio: 0.5); name another "
          + "folder with --out"), "\(line)")
    let other = refusal { _ = try study.plan(study.settings(changes: ["batch.size=8"])) }
    #expect(other.contains("(it has batch.size: 4)"), "\(other)")
  }

  @Test func `values that do not go together name the row`() throws {
    let study = try TinyStudy()
    let line = refusal {
      _ = try study.plan(.maskingRatio, study.settings(changes: ["model.patch=8"]))
    }
    #expect(line.contains("masking.ratio") && line.contains("row ratio-"), "\(line)")
  }

  @Test func `too little memory and too little disk are refused`() throws {
    let study = try TinyStudy()
    let plan = try study.plan(study.settings())
    #expect(refusal { try plan.requireRoom(on: .cpu) } == "nothing")
    let memory = refusal { try plan.requireRoom(on: .cpu, memory: 50_000) }
    #expect(
      memory.contains("take a smaller --scale") || memory.contains("batch.size="), "\(memory)")
    #expect(memory.contains("of memory, and 50 kB are free"), "\(memory)")
    let disk = refusal { try plan.requireRoom(on: .cpu, disk: 1000) }
    #expect(disk.contains("has 1 kB of room left, and the 9 steps"), "\(disk)")
    // What is done needs no room any more.
    try study.run(study.settings())
    #expect(refusal { try plan.requireRoom(on: .cpu, memory: 0, disk: 0) } == "nothing")
  }

  @Test func `a folder among the images is refused`() throws {
    let study = try TinyStudy()
    var settings = study.settings()
    settings.out = study.folder["images/study"]
    let line = refusal { try study.run(settings) }
    #expect(line.contains("whose images are learned from"), "\(line)")
  }
}
