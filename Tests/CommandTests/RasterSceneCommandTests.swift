import Foundation
import Imaging
import TestSupport
import Testing

/// Rasters with labels for every pixel and with objects, through the commands.
@Suite struct RasterSceneCommandTests {
  private static let (side, channels) = (16, 13)

  /// TIFF files of 13 channels of 16 bits, one of which tells the classes apart, and their label maps.
  private func writeScenes(_ sandbox: CommandSandbox) throws {
    for (part, count) in [("train", 8), ("val", 3)] {
      for number in 0..<count {
        let edge = 4 * (1 + number % 3)
        let samples = (0..<Self.side * Self.side * Self.channels).map { place -> UInt16 in
          let (pixel, channel) = place.quotientAndRemainder(dividingBy: Self.channels)
          let isRight = pixel % Self.side >= edge
          let noise: Int = (7 * number + 13 * pixel + 5 * channel) % 40
          let level: Int = 300 + 900 * channel + (channel == 9 && isRight ? 400 : 0)
          return UInt16(level + noise)
        }
        try sandbox.write(
          "scenes/images/\(part)/\(number).tif",
          Data(
            SixteenBitFile.tiff(
              samples, width: Self.side, height: Self.side, channels: Self.channels,
              extra: [262: 1])))
        let labels = (0..<Self.side * Self.side).map { UInt16($0 % Self.side < edge ? 0 : 1) }
        try sandbox.write(
          "scenes/labels/\(part)/\(number).png",
          Data(LabelMap(width: Self.side, height: Self.side, labels: labels).encodedAsPNG()))
      }
    }
    try sandbox.write("scenes/classes.csv", "id,name\n0,land\n1,water\n")
  }

  private static func set(_ settings: String...) -> [String] {
    settings.flatMap { ["--set", $0] }
  }

  @Test func `a set of thirteen channels is segmented by an encoder that learned from it`() throws {
    let sandbox = try CommandSandbox()
    try writeScenes(sandbox)
    try sandbox.writeTinyRecipe(steps: 2)
    try sandbox.done(
      ["pretrain", "scenes/images/train", "--recipe", "tiny.yaml", "--out", "run"]
        + Self.set(
          "model.channels=13", "data.channels=all", "data.normalization=computed",
          "data.raster.shown=[9,2,1]"))
    let train =
      ["segment", "train", "run", "scenes"]
      + Self.set(
        "size=16", "batch.size=4", "decoder.kind=linear", "augmentation.longest=16",
        "augmentation.shortest=16", "augmentation.ratio=[1,1]", "augmentation.rotate90=1",
        "augmentation.verticalFlip=0.5", "data.workers=1", "rate.warmupSteps=1",
        "optimizer.baseLearningRate=0.4", "schedule.steps=60")
    let refused = try sandbox.mae(
      train + ["--out", "none"] + Self.set("augmentation.photometric=true"))
    #expect(refused.status == 78)
    #expect(
      refused.errors.contains(
        "augmentation.photometric is true, and changes of colour are for pictures of 8 bits; expected "
          + "false where data.channels is not picture"), "\(refused.errors)")
    try sandbox.done(train + ["--out", "segmenter"])
    let recipe = try sandbox.text("segmenter/recipe.yaml")
    #expect(recipe.contains("channels: all") && recipe.contains("shown: [9, 2, 1]"), "\(recipe)")
    #expect(try sandbox.text("segmenter/model.json").contains("\"raster\""))
    #expect(sandbox.exists("segmenter/segmentations/worst.png"))

    let evaluated = try sandbox.done(
      "segment", "evaluate", "segmenter", "scenes", "--json", "a.json")
    // Training and evaluation see the same numbers: a channel of thirteen is found.
    let result = try JSONDecoder().decode(Result.self, from: sandbox.contents("a.json"))
    #expect(result.miou > 0.7, "\(evaluated.output)")
    try sandbox.done(
      "segment", "predict", "segmenter", "scenes/images/val", "--out", "labels", "--overlay",
      "seen")
    let scored = try sandbox.done("segment", "score", "labels", "--truth", "scenes", "--json")
    #expect(try scored.output == sandbox.text("a.json"))
    // The picture under the classes shows channel 9 as red, the others alike on both sides.
    let seen = try ByteImage(path: sandbox("seen/0.png"))
    #expect(seen.channels == 3 && seen.width >= 16)

    let few = try sandbox.mae(
      train + ["--out", "few"] + Self.set("data.channels=[1,2]"))
    #expect(few.status == 78)
    #expect(
      few.errors.contains(
        "data.channels has 2 numbers; expected one for each channel of the model, 13"),
      "\(few.errors)")
  }

  private struct Result: Decodable { var miou: Double }

  /// Arrays of five channels with a bright square each, and the COCO files that tell of them.
  private func writeObjects(_ sandbox: CommandSandbox) throws {
    for (part, count) in [("train", 4), ("val", 2)] {
      var (images, annotations) = ([String](), [String]())
      for number in 0..<count {
        let (x, y, size) = (3 + 2 * number, 5 + number, 12)
        var planes = (0..<5 * 32 * 32).map { (at: Int) -> Float in
          Float((at / 1024) * 500 + at * 7 % 23)
        }
        for row in y..<y + size {
          for column in x..<x + size { planes[3 * 1024 + row * 32 + column] += 300 }
        }
        if number == 1 { planes[40] = .nan }
        try sandbox.write(
          "objects/images/\(part)/\(number).npy", Data(ArrayFile.npy(planes, shape: [5, 32, 32])))
        images.append(
          #"{"id": \#(number), "file_name": "\#(number).npy", "width": 32, "height": 32}"#)
        let (right, bottom) = (x + size, y + size)
        annotations.append(
          #"{"id": \#(number + 1), "image_id": \#(number), "category_id": 1, "iscrowd": 0, "#
            + #""area": \#(size * size), "bbox": [\#(x), \#(y), \#(size), \#(size)], "segmentation": "#
            + "[[\(x), \(y), \(right), \(y), \(right), \(bottom), \(x), \(bottom)]]}")
      }
      try sandbox.write(
        "objects/annotations/instances_\(part).json",
        #"{"images": [\#(images.joined(separator: ", "))], "categories": [{"id": 1, "name": "field"}], "#
          + #""annotations": [\#(annotations.joined(separator: ", "))]}"#)
    }
  }

  private static let detector =
    ["detect", "train", "--scratch", "objects"]
    + set(
      "model={height: 32, width: 32, channels: 5, patch: 8, "
        + "encoder: {width: 16, depth: 2, heads: 2, mlpRatio: 2}, decoder: null, target: pixels, "
        + "normEpsilon: 1e-6, qkvBias: true}",
      "size=32", "batch.size=2", "heads.channels=8", "heads.convolutions=1", "heads.hidden=8",
      "rules.regions=8", "rules.score=0", "rules.detections=5", "data.workers=1",
      "rate.warmupSteps=1", "schedule.steps=3")

  @Test func `objects on arrays of five channels are learned, evaluated and drawn`() throws {
    let sandbox = try CommandSandbox()
    try writeObjects(sandbox)
    let pictures = try sandbox.mae(Self.detector + ["--out", "none"])
    #expect(pictures.status == 78)
    #expect(
      pictures.errors.contains(
        "data.channels is picture, of 1 or 3 channels, and the model takes 5; expected all, or a list of "
          + "5 channels"), "\(pictures.errors)")
    let broken = try sandbox.mae(
      Self.detector + ["--out", "none"] + Self.set("data.channels=all", "data.brokenLimit=0"))
    #expect(broken.status == 65)
    #expect(
      broken.errors.contains("1.npy: has 1 missing value (NaN or infinite) in channel 0 (1)"),
      "\(broken.errors)")
    try sandbox.done(
      Self.detector + ["--out", "run"]
        + Self.set("data.channels=all", "data.raster.missing=mean", "data.raster.shown=[3]"))
    // Without an encoder the set's own mean and deviation are measured, in its units.
    let description = try JSONDecoder().decode(
      Description.self, from: sandbox.contents("run/model.json"))
    #expect(description.mean.count == 5 && description.mean[4] > 1900)
    #expect(sandbox.exists("run/detections/worst.png"))
    let evaluated = try sandbox.done("detect", "evaluate", "run", "objects", "--results", "a.json")
    #expect(evaluated.output.hasPrefix("boxes, 2 pictures\n  AP "), "\(evaluated.output)")
    try sandbox.done(
      "detect", "predict", "run", "objects/images/val", "--out", "found.json", "--overlay", "seen",
      "--score", "1")
    // Nothing is drawn over the channel that is shown, stretched: the square is white on dark.
    let seen = try ByteImage(path: sandbox("seen/0.png"))
    // Small pictures are enlarged.
    let factor = seen.width / 32
    func red(_ x: Int, _ y: Int) -> UInt8 {
      seen.pixels[3 * ((y * factor + 1) * seen.width + x * factor + 1)]
    }
    #expect(seen.width % 32 == 0 && red(8, 10) > 200 && red(30, 2) < 60)
    // A run that goes on from the detector reads as it does.
    try sandbox.done(
      ["detect", "train", "run", "objects", "--out", "more"]
        + Self.set(
          "size=32", "batch.size=2", "data.workers=1", "schedule.steps=1",
          "rate.warmupSteps=1", "heads.channels=8", "heads.convolutions=1", "heads.hidden=8"))
    #expect(try sandbox.text("more/recipe.yaml").contains("missing: mean"))
  }

  private struct Description: Decodable { var mean: [Double] }
}
