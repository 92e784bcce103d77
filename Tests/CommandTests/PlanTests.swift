import Foundation
import Testing

/// What `mae plan` prints, whole.
@Suite struct PlanTests {
  @Test(arguments: [
    ("plan-paper", ["--paper"]),
    (
      "plan-8-hosts",
      [
        "--recipe", "paper-table8-vit-large-800", "--hosts", "8", "--set", "precision=bfloat16",
        "--price", "2.5",
      ]
    ),
    (
      "plan-slow-network",
      [
        "--recipe", "paper-table8-vit-large-800", "--hosts", "2", "--machine", "h100-1x100g",
        "--set",
        "precision=bfloat16",
      ]
    ),
    (
      "plan-fits-in-passes",
      [
        "--recipe", "finetune-vit-huge", "--encoder", "huge", "--set", "size=448", "--gpus", "4",
        "--machine", "a100-4x100g", "--images", "50000",
      ]
    ),
    (
      "plan-measured",
      [
        "--recipe", "default", "--hosts", "2", "--gpus", "1", "--nic", "0.1", "--latency", "1.5",
        "--images-per-second", "40", "--images", "10000", "--reduce", "bfloat16", "--json",
      ]
    ),
  ])
  func `plans`(name: String, arguments: [String]) throws {
    let outcome = try CommandSandbox().mae(["plan"] + arguments)
    #expect(outcome.status == 0, "\(outcome.transcript)")
    try expectSnapshot(outcome.output, name)
  }

  @Test func `mistakes`() throws {
    let sandbox = try CommandSandbox()
    for (name, status, arguments) in [
      ("plan-nothing", 64, []), ("plan-both", 64, ["--paper", "--recipe", "default"]),
      ("plan-machine", 64, ["--recipe", "default", "--machine", "h200"]),
      ("plan-hosts", 64, ["--recipe", "default", "--hosts", "0"]),
      ("plan-price", 64, ["--recipe", "default", "--price", "nan"]),
      ("plan-recipe", 78, ["--recipe", "paper-table8"]),
      ("plan-ranks", 78, ["--recipe", "default", "--hosts", "3"]),
    ] {
      let outcome = try sandbox.mae(["plan"] + arguments)
      #expect(outcome.status == status, "\(outcome.transcript)")
      try expectSnapshot(outcome.transcript, name)
    }
  }
}
