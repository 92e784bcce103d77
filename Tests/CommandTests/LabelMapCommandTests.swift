import Foundation
import Imaging
import TestSupport
import Testing

/// `mae data compose`, `mae data inspect` of label maps and `mae segment score`.
@Suite struct LabelMapCommandTests {
  private func writeCutouts(_ sandbox: CommandSandbox) throws {
    for (kind, name) in ["disc", "triangle"].enumerated() {
      for number in 0..<4 {
        try sandbox.write(
          "cutouts/\(name)/\(number).png", Data(cutoutPNG(kind, shade: 30 * number + 20)))
      }
    }
  }

  private func map(_ rows: [[UInt16]]) -> LabelMap {
    LabelMap(width: rows[0].count, height: rows.count, labels: rows.flatMap { $0 })
  }

  /// Two pictures with label maps of the numbers 0, 1, 2 and ignored.
  private func writeMaps(_ sandbox: CommandSandbox, _ folder: String = "set") throws {
    for number in 0..<2 {
      try sandbox.writeImage("\(folder)/images/\(number).png", side: 4, seed: number)
      let labels = map([
        [0, 0, 1, 1], [0, 2, 1, 1], [0, 2, 2, LabelMap.ignored], [UInt16(number), 0, 0, 0],
      ])
      try sandbox.write("\(folder)/labels/\(number).png", Data(labels.encodedAsPNG()))
    }
  }

  @Test func `scenes are composed, inspected and scored against themselves`() throws {
    let sandbox = try CommandSandbox()
    try writeCutouts(sandbox)
    let composed = try sandbox.done(
      "data", "compose", "cutouts", "--out", "scenes", "--size", "32", "--train", "4", "--val", "3",
      "--unlabelled", "1")
    try expectSnapshot(composed.transcript, "data-compose")
    let inspected = try sandbox.done("data", "inspect", "scenes", "--overlay", "overlay.png")
    try expectSnapshot(inspected.transcript, "data-inspect-scenes")
    #expect(sandbox.exists("overlay.png"))
    let coco = try sandbox.done("data", "inspect", "scenes/annotations/instances_train.json")
    try expectSnapshot(coco.transcript, "data-inspect-coco")
    try sandbox.copy(sandbox("scenes/annotations/instances_train.json"), to: "mine.json")
    let mine = try sandbox.done("data", "inspect", "mine.json").output
    #expect(mine == coco.output.replacing("instances_train.json", with: "mine.json"))
    // True labels as their own prediction; twice, for the same bytes.
    let scored = try (0..<2).map { _ in
      try sandbox.done(
        "segment", "score", "scenes/labels/val", "--truth", "scenes", "--json", "--csv",
        "classes.csv",
        "--confusion", "confusion.png"
      ).output
    }
    #expect(scored[0] == scored[1] && scored[0].contains("\"miou\" : 1\n"), "\(scored[0])")
    #expect(sandbox.exists("confusion.png") && sandbox.exists("classes.csv"))
    let again = try sandbox.mae("data", "compose", "cutouts", "--out", "scenes")
    #expect(again.status == 73 && again.errors.contains("scenes: is there already"))
  }

  @Test func `scores of predictions of any program`() throws {
    let sandbox = try CommandSandbox()
    try writeMaps(sandbox)
    try sandbox.write("set/classes.csv", "id,name\n0,ground\n1,tree\n2,car\n")
    for number in 0..<2 {
      let prediction = map([[0, 0, 1, 1], [0, 2, 1, 1], [0, 1, 2, 2], [0, 0, 0, 0]])
      try sandbox.write("out/\(number).png", Data(prediction.encodedAsPNG()))
    }
    let outcome = try sandbox.done("segment", "score", "out", "--truth", "set")
    try expectSnapshot(outcome.transcript, "segment-score")
    try sandbox.write("wrong/0.png", Data(map([[0, 1]]).encodedAsPNG()))
    let lacking = try sandbox.mae("segment", "score", "wrong", "--truth", "set")
    #expect(lacking.status == 66)
    #expect(
      lacking.errors.contains(
        "wrong: has no label map for 1 of 2 pictures (1.png); expected the picture's name with .png"
      ))
    try sandbox.write("wrong/1.png", Data(map([[0, 1]]).encodedAsPNG()))
    let size = try sandbox.mae("segment", "score", "wrong", "--truth", "set")
    #expect(size.status == 65 && size.errors.contains("has 2×1 pixels; the true labels of 0.png"))
    try sandbox.write("wrong/0.png", Data(map([[9, 9, 9, 9]]).encodedAsPNG()))
    let number = try sandbox.mae("segment", "score", "wrong", "--truth", "set")
    #expect(
      number.status == 65 && number.errors.contains("wrong/0.png: has the label 9 at column 0"))
    // Nothing counts where everything is ignored.
    try sandbox.write(
      "void/0.png", Data(map([[LabelMap.ignored, LabelMap.ignored]]).encodedAsPNG()))
    try sandbox.write("guess/0.png", Data(map([[0, 1]]).encodedAsPNG()))
    let void = try sandbox.mae("segment", "score", "guess", "--truth", "void", "--classes", "2")
    #expect(
      void.status == 65 && void.errors.contains("void: has no pixel that counts"),
      "\(void.transcript)")
    // A folder of label maps alone, with the number of classes.
    let bare = try sandbox.done(
      "segment", "score", "out", "--truth", "set/labels", "--classes", "3", "--json")
    #expect(bare.output.contains("\"name\" : \"2\""))
  }

  @Test func `labels that cannot be used are named, and their numbers are listed`() throws {
    let sandbox = try CommandSandbox()
    try writeMaps(sandbox)
    let unknown = try sandbox.mae("data", "inspect", "set")
    #expect(unknown.status == 65)
    try expectSnapshot(unknown.transcript, "data-inspect-labels-unknown")
    try sandbox.write("set/classes.csv", "id,name\n1,tree\n2,car\n")
    let zero = try sandbox.mae("data", "inspect", "set")
    #expect(
      zero.status == 65 && zero.errors.contains("does not say what 0 is"), "\(zero.transcript)")
    try sandbox.write("set/classes.csv", "id,name\n0,ground\n1,tree\n")
    let extra = try sandbox.mae("data", "inspect", "set")
    #expect(extra.status == 65)
    try expectSnapshot(extra.transcript, "data-inspect-labels-extra")
    let photos = try CommandSandbox()
    try photos.writeImages("photos", count: 2)
    let none = try photos.mae("data", "inspect", "photos", "--overlay", "x.png")
    #expect(none.status == 65 && none.errors.contains("has no label maps"))
  }

  @Test func `cut-outs that are none are refused`() throws {
    let sandbox = try CommandSandbox()
    try sandbox.writeImages("flat", count: 5)
    let flat = try sandbox.mae("data", "compose", "flat", "--out", "a")
    #expect(flat.status == 65 && flat.errors.contains("has 5 images and no class folders"))
    try sandbox.writeImages("opaque/cat", count: 5, side: 30)
    let opaque = try sandbox.mae("data", "compose", "opaque", "--out", "a")
    #expect(opaque.status == 65, "\(opaque.transcript)")
    #expect(opaque.errors.contains("has 0 cut-outs of the class cat; expected at least 4"))
    let size = try sandbox.mae("data", "compose", "opaque", "--out", "a", "--size", "5")
    #expect(size.status == 64 && size.errors.contains("--size is 5; expected 16 to 4096"))
    #expect(!sandbox.exists("a") && !sandbox.exists("a.partial"))
  }

  @Test func `detections are scored, and annotations converted`() throws {
    let sandbox = try CommandSandbox()
    try writeCutouts(sandbox)
    try sandbox.done(
      "data", "compose", "cutouts", "--out", "scenes", "--size", "32", "--train", "4", "--val", "1",
      "--unlabelled", "0")
    let truth = "scenes/annotations/instances_train.json"
    try sandbox.done("data", "convert", truth, "--to", "yolo", "--out", "yolo/labels")
    try sandbox.done(
      "data", "convert", truth, "--to", "labels", "--zero-is", "background", "--out", "maps")
    let same = try sandbox.done(
      "segment", "score", "maps", "--truth", "scenes", "--training", "--json")
    #expect(same.output.contains("\"miou\" : 1\n"), "\(same.transcript)")
    let copied = try sandbox.shell(
      "cp -r scenes/images/train yolo/images && cp yolo/labels/classes.txt yolo/")
    try #require(copied.status == 0, "\(copied.transcript)")
    let back = try sandbox.done("data", "convert", "yolo", "--to", "coco", "--out", "back.json")
    #expect(back.output.contains("objects of 2 classes on 4 pictures, written to back.json"))
    let results = """
      [{"image_id": 1, "category_id": 1, "bbox": [0, 0, 20, 20], "score": 0.5}]
      """
    try sandbox.write("results.json", results)
    let scored = try sandbox.done("detect", "score", "results.json", "--truth", truth)
    try expectSnapshot(scored.transcript, "detect-score")
    let json = try sandbox.done("detect", "score", "results.json", "--truth", truth, "--json")
    #expect(json.output.contains("\"AP50\" : "))
    let masks = try sandbox.mae("detect", "score", "results.json", "--truth", truth, "--masks")
    #expect(masks.status == 65 && masks.errors.contains("entry 0: has no segmentation"))
  }
}
