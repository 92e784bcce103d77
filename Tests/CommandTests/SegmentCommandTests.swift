import Foundation
import Imaging
import Testing

/// Segmentation from the command line.
@Suite struct SegmentCommandTests {
  /// Pictures of two halves, labelled, and an untrained encoder's run.
  private func workplace() throws -> CommandSandbox {
    let sandbox = try CommandSandbox()
    for (part, count) in [("train", 6), ("val", 2)] {
      for number in 0..<count {
        let edge = 5 + number
        let pixels = (0..<256).map { UInt8(($0 % 16 < edge ? 20 : 190) + $0 % 7) }
        let labels = (0..<256).map { UInt16($0 % 16 < edge ? 0 : 1) }
        try sandbox.write(
          "scenes/images/\(part)/\(number).png",
          Data(
            ByteImage(width: 16, height: 16, channels: 1, pixels: pixels).encodedAsPNG()))
        try sandbox.write(
          "scenes/labels/\(part)/\(number).png",
          Data(LabelMap(width: 16, height: 16, labels: labels).encodedAsPNG()))
      }
    }
    try sandbox.write("scenes/classes.csv", "id,name\n0,background\n1,bright\n")
    return sandbox
  }

  private static let model =
    "model={height: 16, width: 16, channels: 1, patch: 4, "
    + "encoder: {width: 16, depth: 4, heads: 2, mlpRatio: 2}, decoder: null, target: pixels, "
    + "normEpsilon: 1e-6, qkvBias: true}"

  private static let short = [
    "--set", "size=16", "--set", "batch.size=3", "--set", "decoder.channels=8", "--set",
    "augmentation.longest=16", "--set", "augmentation.shortest=16", "--set", "data.workers=1",
    "--set", "rate.warmupSteps=1",
  ]

  @Test func `train, evaluate, predict, score and export`() throws {
    let sandbox = try workplace()
    let trained = try sandbox.mae(
      ["segment", "train", "--scratch", "scenes", "--out", "run", "--set", Self.model]
        + Self.short + [
          "--set", "schedule.steps=40", "--set", "optimizer.baseLearningRate=0.4", "--fraction",
          "0.5",
        ])
    #expect(trained.status == 0, "\(trained.transcript)")
    #expect(
      trained.output.contains("3 pictures with labels of scenes (50.00 % of those there are)"))
    #expect(trained.output.contains("segment-small: mIoU "))
    #expect(sandbox.exists("run/segmentations/worst.png"))

    let first = try sandbox.done(
      "segment", "evaluate", "run", "scenes", "--json", "a.json", "--csv", "classes.csv",
      "--confusion", "confusion.png")
    #expect(first.output.hasPrefix("mIoU "))
    try sandbox.done("segment", "evaluate", "run", "scenes", "--json", "b.json")
    #expect(try sandbox.text("a.json") == sandbox.text("b.json"))
    #expect(try sandbox.text("run/report.html").contains("By mae segment evaluate."))

    let predicted = try sandbox.done(
      "segment", "predict", "run", "scenes/images/val", "--out", "labels", "--overlay", "seen")
    #expect(predicted.output == "wrote 2 label maps to labels\nwrote 2 overlays to seen\n")
    #expect(sandbox.names("labels") == ["0.png", "1.png"])
    // They are of both classes, so that a score knows where they lie.
    let written = try EncodedImage(path: sandbox("labels/0.png"))
    #expect(try Set(LabelMap.stored(in: written).map.labels).count == 2)
    // The labels that were written score as the evaluation has them.
    let scored = try sandbox.done("segment", "score", "labels", "--truth", "scenes", "--json")
    #expect(try scored.output == sandbox.text("a.json"))
    #expect(
      try sandbox.mae("segment", "predict", "run", "scenes/images/val", "--out", "labels").status
        == 73)

    // Overlays in another format hold the same picture.
    let webp = ["segment", "predict", "run", "scenes/images/val", "--format", "webp"]
    #expect(try sandbox.mae(webp + ["--overlay", "seen"]).status == 0)
    #expect(sandbox.names("seen") == ["0.png", "0.webp", "1.png", "1.webp"])
    #expect(
      try EncodedImage(path: sandbox("seen/0.webp")).decoded()
        == EncodedImage(path: sandbox("seen/0.png")).decoded())
    let noOverlay = try sandbox.mae(webp + ["--out", "others"])
    #expect(noOverlay.status == 64 && noOverlay.errors.contains("--format is for overlays"))

    // With a palette they are the same numbers, in the table's colours or in another file's.
    try sandbox.write("colors.csv", "id,name,red,green,blue\n0,background,1,2,3\n1,bright,9,8,7\n")
    for (source, folder) in [("colors.csv", "colored"), ("colored/0.png", "copied")] {
      try sandbox.done(
        "segment", "predict", "run", "scenes/images/val", "--out", folder, "--palette", source)
      let colored = try EncodedImage(path: sandbox("\(folder)/0.png"))
      #expect(LabelMap.palette(of: colored) == [1, 2, 3, 9, 8, 7])
      #expect(try LabelMap.stored(in: colored) == LabelMap.stored(in: written))
    }

    try sandbox.write("half.csv", "id,name,red,green,blue\n0,background,1,2,3\n1,bright,,,\n")
    for (palette, message) in [
      ("half.csv", "half.csv: has no colour for the number 1 (bright)"),
      ("scenes/classes.csv", "scenes/classes.csv: gives no colours; expected id,name,red"),
      ("labels/0.png", "labels/0.png: has no palette; expected a PNG file with one"),
    ] {
      let refused = try sandbox.mae(
        "segment", "predict", "run", "scenes/images/val", "--out", "none", "--palette", palette)
      #expect(refused.status == 65, "\(refused.transcript)")
      #expect(refused.errors.contains(message), "\(refused.errors)")
    }
    #expect(
      try sandbox.mae(
        "segment", "predict", "run", "scenes/images/val", "--overlay", "none", "--palette",
        "half.csv"
      ).status == 64)

    try sandbox.done("segment", "export", "run", "--format", "onnx", "--out", "model.onnx")
    try sandbox.done(
      "segment", "export", "run", "--format", "mmsegmentation", "--out", "m.safetensors")
    let again = try sandbox.done(
      "segment", "predict", "m.safetensors", "scenes/images/val", "--out", "others")
    #expect(again.errors.contains("the names are MMSegmentation's"))
  }

  @Test func `what cannot be is said in one line`() throws {
    let sandbox = try workplace()
    func message(_ status: Int32, _ arguments: [String]) throws -> String {
      let outcome = try sandbox.mae(arguments)
      #expect(outcome.status == status, "\(outcome.transcript)")
      return outcome.errors
    }
    #expect(
      try message(64, ["segment", "train", "scenes", "--out", "run"])
        .contains("name an encoder and the pictures with labels"))
    #expect(
      try message(64, ["segment", "train", "--scratch", "a", "scenes", "--out", "run"])
        .contains("no encoder with --scratch"))
    #expect(
      try message(64, ["segment", "train", "a", "scenes", "--out", "run", "--fraction", "2"])
        .contains("--fraction is 2.0; expected a share"))
    #expect(
      try message(64, ["segment", "train", "a", "scenes", "--out", "run", "--like", "b"])
        .contains("--like goes with --scratch"))
    #expect(
      try message(78, ["segment", "train", "--scratch", "scenes", "--out", "run"])
        .contains(
          "a run from scratch takes its shape from the recipe's model or from --like RUN; such as --set"
        ))
    #expect(
      try message(
        78,
        ["segment", "train", "--scratch", "scenes", "--out", "run", "--set", Self.model]
          + Self.short + ["--set", "size=18"]
      ).contains("size is 18, which the patch size 4 does not divide"))
    #expect(
      try message(66, ["segment", "predict", "nothing", "scenes/images/val", "--out", "labels"])
        .contains("nothing: there is nothing here"))
    #expect(
      try message(64, ["segment", "predict", "run", "scenes/images/val"])
        .contains("--out FOLDER for label maps"))
    #expect(
      try message(
        78, ["segment", "train", "--scratch", "scenes", "--out", "run", "--recipe", "finetune"]
      )
      .contains("is a recipe for learning from labels"))
    #expect(!sandbox.exists("run"))
  }
}
