import Foundation
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// `mae ablate` as its user meets it.
@Suite struct AblateCommandTests {
  /// The demo's rows on pictures of 16², a few steps each.
  private func arguments(_ name: String, _ out: String, _ more: String...) -> [String] {
    let model = [
      "model.height=16", "model.width=16", "model.encoder={width: 16, depth: 1, heads: 2}",
      "model.decoder={width: 8, depth: 1, heads: 2}", "data.workers=1", "batch.size=4",
      "schedule.steps=30", "checkpoints.everySteps=5",
    ]
    let tuning = ["labels.fraction=1", "data.workers=1", "batch.size=4", "schedule.steps=6"]
    return ["ablate", name, "--data", "classes", "--out", out, "--threads", "1"]
      + model.flatMap { ["--set", $0] } + tuning.flatMap { ["--set-finetune", $0] } + more
  }

  private let rows = "ratio-10,ratio-30,ratio-50,ratio-75,ratio-90"

  /// Killed while the third row of five trains, and started again.
  @Test func `killed in the middle of the third row, it ends with the same table`() throws {
    let sandbox = try CommandSandbox()
    try sandbox.writeClasses("classes")
    let whole = try sandbox.mae(arguments("figure5", "whole", "--rows", rows))
    #expect(whole.status == 0, "\(whole.transcript)")
    let running = try sandbox.start(arguments("figure5", "broken", "--rows", rows))
    let third = "broken/rows/ratio-50/pretrain/checkpoints"
    while sandbox.names(third).isEmpty, !running.hasEnded() { usleep(2000) }
    running.signal(SIGKILL)
    _ = try running.wait()
    func changed(_ name: String) throws -> Date? {
      try FileManager.default.attributesOfItem(atPath: sandbox(name))[.modificationDate] as? Date
    }
    let done = ["ratio-10", "ratio-30"].flatMap { row in
      ["pretrain", "finetune", "probe"].map { "broken/rows/\(row)/\($0).json" }
    }
    let before = try done.map(changed)
    let resumed = try sandbox.mae(arguments("figure5", "broken", "--rows", rows))
    #expect(resumed.status == 0, "\(resumed.transcript)")
    #expect(try done.map(changed) == before, "finished steps are not done again")
    #expect(
      try sandbox.text("broken/figure5/results.csv") == sandbox.text("whole/figure5/results.csv"))
    #expect(resumed.output.contains("1/15    ratio-10"), "\(resumed.output)")
  }

  @Test func `a dry run says what would be done, and does nothing`() throws {
    let sandbox = try CommandSandbox()
    try sandbox.writeClasses("classes")
    let outcome = try sandbox.mae(
      arguments("1a", "study", "--dry-run", "--machine", "a100-8x200g", "--seeds", "2"))
    #expect(outcome.status == 0, "\(outcome.transcript)")
    try expectSnapshot(outcome.output, "ablate-dry-run")
    #expect(!sandbox.exists("study"))
  }

  @Test func `experiments and rows are listed`() throws {
    let sandbox = try CommandSandbox()
    try expectSnapshot(sandbox.done("ablate", "--list").output, "ablate-list")
    #expect(try sandbox.done("ablate").output == sandbox.done("ablate", "--list").output)
  }

  @Test func `mistakes are told before time is spent`() throws {
    let sandbox = try CommandSandbox()
    try sandbox.writeImages("images", count: 4)
    try sandbox.writeClasses("classes")
    for (line, status, message) in [
      ("ablate 1z", 64, "there is no ablation '1z'; did you mean 1a?"),
      ("ablate 1a --scale small", 64, "name labelled ones with --data"),
      ("ablate 1a --scale huge", 64, "--scale is huge; expected demo, small or paper"),
      ("ablate 1a --rows decoder-depth-3", 64, "1a has no row 'decoder-depth-3'"),
      ("ablate 1a --seeds 0", 64, "--seeds is 0; expected 1 to 1000"),
      ("ablate 1a --data images --out study", 65, "images has no classes"),
      ("ablate 1a --data nowhere --out study", 66, "nowhere"),
      ("ablate 1a --data classes --out classes/study", 73, "whose images are learned from"),
      ("ablate 1d --data classes --tokenizer nowhere --out study", 66, "nowhere"),
      ("ablate 1a --data classes --set model.patch=5 --out study", 78, "model.height is 28"),
      (
        "ablate 1a --data classes --scale paper --set batch.size=1000000 --out study", 78,
        "of memory, and"
      ),
    ] {
      let outcome = try sandbox.mae(line.split(separator: " ").map(String.init))
      #expect(outcome.status == status, "\(line): \(outcome.transcript)")
      #expect(outcome.errors.contains(message), "\(line): \(outcome.errors)")
      #expect(!sandbox.exists("study") && !sandbox.exists("classes/study"), "\(line)")
    }
  }
}
