import Foundation
import Imaging
import TestSupport
import Testing

/// Detection from the command line.
@Suite struct DetectCommandTests {
  /// Composed scenes of 32² pixels.
  private func workplace() throws -> CommandSandbox {
    let sandbox = try CommandSandbox()
    for (kind, name) in ["disc", "triangle"].enumerated() {
      for number in 0..<4 {
        try sandbox.write(
          "cutouts/\(name)/\(number).png", Data(cutoutPNG(kind, shade: 30 * number + 20)))
      }
    }
    try sandbox.done(
      "data", "compose", "cutouts", "--out", "scenes", "--size", "32", "--train", "6", "--val", "2",
      "--unlabelled", "0")
    return sandbox
  }

  private static let model =
    "model={height: 32, width: 32, channels: 3, patch: 8, "
    + "encoder: {width: 16, depth: 2, heads: 2, mlpRatio: 2}, decoder: null, target: pixels, "
    + "normEpsilon: 1e-6, qkvBias: true}"

  private static let short = [
    "--set", "size=32", "--set", "batch.size=2", "--set", "heads.channels=8", "--set",
    "heads.convolutions=1", "--set", "heads.hidden=8", "--set", "rules.regions=8", "--set",
    "rules.score=0", "--set", "rules.detections=5", "--set", "data.workers=1", "--set",
    "rate.warmupSteps=1",
  ]

  @Test func `train, evaluate, predict, score and export`() throws {
    let sandbox = try workplace()
    let trained = try sandbox.mae(
      ["detect", "train", "--scratch", "scenes", "--out", "run", "--set", Self.model]
        + Self.short + ["--set", "schedule.steps=3", "--fraction", "0.5"])
    #expect(trained.status == 0, "\(trained.transcript)")
    #expect(trained.output.contains("3 pictures with "))
    #expect(trained.output.contains("(50.00 % of those there are), 2 classes"))
    #expect(trained.output.contains("forecast  about "))
    #expect(trained.output.contains("detect-small: box AP "))
    for name in ["best", "worst"] {
      #expect(sandbox.exists("run/detections/\(name).png"), "\(name)")
    }

    let first = try sandbox.done(
      "detect", "evaluate", "run", "scenes", "--results", "a.json", "--csv", "classes.csv")
    #expect(first.output.hasPrefix("boxes, 2 pictures\n  AP "))
    try sandbox.done("detect", "evaluate", "run", "scenes", "--results", "b.json")
    #expect(try sandbox.text("a.json") == sandbox.text("b.json"))
    #expect(try sandbox.text("classes.csv").hasPrefix("class,box_ap,mask_ap,objects\ndisc,"))
    #expect(try sandbox.text("run/report.html").contains("By mae detect evaluate."))

    // What was written scores as the evaluation has it, boxes and masks.
    let truth = "scenes/annotations/instances_val.json"
    for flags in [[], ["--masks"]] {
      let scored = try sandbox.mae(["detect", "score", "a.json", "--truth", truth] + flags)
      #expect(scored.status == 0, "\(scored.transcript)")
      #expect(scored.output.hasPrefix(flags.isEmpty ? "boxes of " : "masks of "))
      let numbers = scored.output.split(separator: "\n").dropFirst().prefix(12).joined(
        separator: "\n")
      #expect(first.output.contains(numbers), "\(scored.output)")
    }

    let predicted = try sandbox.done(
      "detect", "predict", "run", "scenes/images/val", "--out", "found.json", "--overlay", "seen")
    #expect(predicted.output.hasPrefix("wrote ") && predicted.output.contains("2 pictures to seen"))
    #expect(
      sandbox.names("seen") == ["000000.png", "000001.png"] || sandbox.names("seen").count == 2)
    #expect(
      try sandbox.mae("detect", "predict", "run", "scenes/images/val", "--out", "found.json").status
        == 73)
    // Overlays as SVG have the picture and the text that belongs to it.
    let svg = ["detect", "predict", "run", "scenes/images/val", "--score", "0", "--format", "svg"]
    #expect(try sandbox.mae(svg + ["--overlay", "drawn"]).status == 0)
    let drawn = sandbox.names("drawn")
    #expect(drawn.map { $0.replacing(".svg", with: ".png") } == sandbox.names("seen"))
    #expect(try sandbox.text("drawn/\(drawn[0])").contains("<image x=\"0\" y=\"0\""))
    let noOverlay = try sandbox.mae(svg + ["--out", "others.json"])
    #expect(noOverlay.status == 64 && noOverlay.errors.contains("--format is for overlays"))

    let export = ["detect", "export", "run", "--format", "onnx", "--out"]
    #expect(
      try sandbox.done(export + ["a.onnx"]).output
        == "wrote a.onnx: boxes, scores, labels and masks\n")
    #expect(
      try sandbox.done(export + ["b.onnx", "--part", "backbone"]).output
        == "wrote b.onnx: p2 to p6\n")
    let part = try sandbox.mae("detect", "export", "run", "--part", "backbone", "--out", "c")
    #expect(part.status == 64 && part.errors.contains("--part is of --format onnx"))
    try sandbox.done("detect", "export", "run", "--out", "d2.safetensors")
    let other = try sandbox.mae(
      "detect", "predict", "d2.safetensors", "scenes/images/val", "--out", "x.json")
    // ViTDet's names say a detector by its relative positions, which this one has none of.
    #expect(other.status == 65 && other.errors.contains("rel_pos_h"), "\(other.transcript)")
  }

  @Test func `a cascade is trained and evaluated`() throws {
    let sandbox = try workplace()
    let trained = try sandbox.mae(
      ["detect", "train", "--scratch", "scenes", "--out", "run", "--set", Self.model]
        + Self.short + ["--set", "schedule.steps=1", "--set", "heads.cascade=[0.5, 0.6, 0.7]"])
    #expect(trained.status == 0, "\(trained.transcript)")
    #expect(try sandbox.text("run/metrics.jsonl").contains("\"classes_3\":"))
    try sandbox.done("detect", "evaluate", "run", "scenes")
  }

  @Test func `what cannot be is said in one line`() throws {
    let sandbox = try workplace()
    func message(_ status: Int32, _ arguments: [String]) throws -> String {
      let outcome = try sandbox.mae(arguments)
      #expect(outcome.status == status, "\(outcome.transcript)")
      return outcome.errors
    }
    let train = ["detect", "train", "--scratch", "scenes", "--out", "run"]
    #expect(
      try message(64, ["detect", "train", "scenes", "--out", "run"])
        .contains("name an encoder and the pictures with objects"))
    #expect(
      try message(64, ["detect", "train", "a", "scenes", "--out", "run", "--like", "b"])
        .contains("--like goes with --scratch"))
    let missing = try message(78, train)
    #expect(missing.contains("takes its shape from the recipe's model or from --like RUN; such as"))
    // The example is taken as it stands: the next thing that is wrong is named.
    let example = try #require(missing.split(separator: "'").first { $0.hasPrefix("model=") })
    #expect(
      try message(78, train + ["--set", String(example), "--set", "size=30"])
        == "error: size is 30, and the model's patch is 8; expected a multiple of it: --set size=24\n"
    )
    let field = try message(78, train + ["--set", "model.patch=8"])
    #expect(
      field.contains("take a run's model with --scratch and --like RUN, or give it whole: --set"))
    let whole = try #require(field.split(separator: "'").first { $0.hasPrefix("model=") })
    #expect(
      try message(78, train + ["--set", String(whole), "--set", "size=30"])
        .contains("size is 30, and the model's patch is 16"))
    #expect(
      try message(78, train + ["--set", Self.model] + Self.short + ["--set", "size=30"])
        .contains("size is 30, and the model's patch is 8"))
    #expect(
      try message(78, train + ["--set", "data.jitter=0.2", "--set", "heads.cascade=[0.7, 0.5]"])
        .contains("data.jitter has no part in detection, where pictures are cut by augmentation"))
    #expect(
      try message(66, ["detect", "predict", "nothing", "scenes/images/val", "--out", "x.json"])
        .contains("nothing: there is nothing here"))
    #expect(
      try message(64, ["detect", "predict", "run", "scenes/images/val"])
        .contains("--out FILE for a list"))
    #expect(!sandbox.exists("run"))

    // Polygons on a picture without a size cannot be filled in.
    let square = "[[1, 1, 9, 1, 9, 9, 1, 9]]"
    func truth(_ size: String) -> String {
      #"{"images": [{"id": 1, "file_name": "a.png"\#(size)}], "annotations": [{"id": 1, "image_id": 1, "#
        + #""category_id": 1, "bbox": [1, 1, 8, 8], "area": 64, "iscrowd": 0, "segmentation": \#(square)}], "#
        + #""categories": [{"id": 1, "name": "cat"}]}"#
    }
    let result =
      #"[{"image_id": 1, "category_id": 1, "bbox": [1, 1, 8, 8], "score": 0.9, "segmentation": "#
    try sandbox.write("open.json", truth(""))
    try sandbox.write("sized.json", truth(#", "width": 20, "height": 10"#))
    try sandbox.write("found.json", result + square + "}]")
    try sandbox.write("runs.json", result + #"{"size": [10, 20], "counts": [11, 30, 159]}}]"#)
    let score = { ["detect", "score", $0, "--truth", $1, "--masks"] }
    #expect(
      try message(65, score("runs.json", "open.json"))
        .contains("has masks of polygons on a picture without width and height (image 1)"))
    #expect(
      try message(65, score("found.json", "open.json")).contains(
        "the annotations give the picture 1 no width"))
    #expect(try sandbox.mae(score("found.json", "sized.json")).output.contains("AP     100.00"))
  }
}
