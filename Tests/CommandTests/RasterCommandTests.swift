import Foundation
import Imaging
import TensorFiles
import TestSupport
import Testing
import Torch

/// A set of 13 channels of 16 bits through all commands.
@Suite struct RasterCommandTests {
  private static let side = 16
  private static let channels = 13

  /// Samples `[H, W, C]`: two classes that differ in a few channels.
  private static func samples(_ number: Int, label: Int) -> [UInt16] {
    (0..<side * side * channels).map { place in
      let (pixel, channel) = place.quotientAndRemainder(dividingBy: channels)
      let (y, x) = pixel.quotientAndRemainder(dividingBy: side)
      let slope = label == 0 ? x : y
      return UInt16(200 + 350 * channel + 20 * slope + (7 * number + 13 * pixel) % 40)
    }
  }

  /// Writes `set/{train,val}/{crops,water}/N.tif`.
  private func writeSet(_ sandbox: CommandSandbox, images: Int = 5) throws {
    for (label, name) in ["crops", "water"].enumerated() {
      for number in 0..<images {
        let part = number >= images - 2 ? "val" : "train"
        try sandbox.write(
          "set/\(part)/\(name)/\(number).tif",
          Data(
            SixteenBitFile.tiff(
              Self.samples(number, label: label), width: Self.side, height: Self.side,
              channels: Self.channels, extra: [262: 1])))
      }
    }
  }

  private static let options = [
    "--set", "model.channels=13", "--set", "data.channels=all", "--set",
    "data.normalization=computed",
  ]

  @Test func `a set of thirteen channels is trained on, drawn, embedded and exported`() throws {
    let sandbox = try CommandSandbox()
    try writeSet(sandbox)
    try sandbox.writeTinyRecipe()
    try sandbox.done(
      ["pretrain", "set", "--recipe", "tiny.yaml", "--out", "run", "--set", "data.rotate90=1"]
        + Self.options + ["--set", "data.raster.shown=[3,2,1]"])
    // The picture of the run shows chosen channels in colour.
    let description = try sandbox.text("run/model.json")
    #expect(description.contains("\"raster\""), "\(description)")
    let sheet = try sandbox.done("reconstruct", "run", "set", "--out", "sheet.png")
    #expect(sheet.output.contains("drew 4 images"))
    let picture = try ByteImage(path: sandbox("sheet.png"))
    let isColoured = (0..<picture.width * picture.height).contains {
      picture.pixels[3 * $0] != picture.pixels[3 * $0 + 1]
    }
    #expect(isColoured)
    let score = try sandbox.done("reconstruct", "run", "set", "--score", "4").output
    #expect(score.contains("mean squared error of hidden pixels (normalised), 4 images"))

    let tuning = [
      "--set", "batch.size=3", "--set", "schedule.epochs=1", "--set", "data.workers=1", "--set",
      "schedule.warmupEpochs=0.5",
    ]
    let refused = try sandbox.mae(["finetune", "run", "set", "--out", "fine"] + tuning)
    #expect(refused.status == 78)
    #expect(
      refused.errors == """
        error: regularization.randAugment is 9, and its operations are for pictures of 8 bits; expected \
        null where data.channels is not picture

        """, "\(refused.errors)")
    try sandbox.done(
      ["finetune", "run", "set", "--out", "fine", "--set", "regularization.randAugment=null"]
        + tuning)
    let recipe = try sandbox.text("fine/recipe.yaml")
    #expect(recipe.contains("channels: all") && recipe.contains("shown: [3, 2, 1]"), "\(recipe)")
    try sandbox.done("evaluate", "fine", "set")
    let predicted = try sandbox.done("predict", "fine", "set/val/crops/3.tif").output
    #expect(predicted.contains("crops") && predicted.contains("water"))
    try sandbox.done("knn", "run", "set")

    try sandbox.done(
      "embed", "run", "set/val", "--out", "own.npy", "--attention", "attention.png", "--query",
      "set/train/crops/0.tif", "--pictures", "alike.png", "--pca", "pca.png")
    // The exported encoder says how its inputs are normalised, and gives the same.
    try sandbox.done("weights", "export", "run", "--format", "timm", "--out", "timm")
    try sandbox.done("embed", "timm", "set/val", "--out", "timm.npy", "--tokens", "class-token")
    try sandbox.done("embed", "run", "set/val", "--out", "class.npy", "--tokens", "class-token")
    #expect(try sandbox.contents("timm.npy") == sandbox.contents("class.npy"))
  }

  @Test func `channels can be chosen, and missing values are named, counted and filled`() throws {
    let sandbox = try CommandSandbox()
    try sandbox.writeTinyRecipe()
    for number in 0..<4 {
      var values = (0..<3 * 64).map { Float($0 + number) * 10 }
      if number == 2 { values[70] = .nan }
      try sandbox.write("arrays/\(number).npy", Data(ArrayFile.npy(values, shape: [3, 8, 8])))
    }
    let inspected = try sandbox.done("data", "inspect", "arrays").output
    #expect(inspected.contains("samples  float32, 3 channels"), "\(inspected)")
    #expect(inspected.contains("channel  1: 640 to 1300"), "\(inspected)")
    #expect(
      inspected.contains(
        "missing  1 values (NaN or infinite) in 1 image, channel 1 (1); first 2.npy"),
      "\(inspected)")
    let arguments = [
      "pretrain", "arrays", "--recipe", "tiny.yaml", "--set", "data.normalization=computed",
      "--set", "model.channels=2", "--set", "data.brokenLimit=0",
    ]
    let broken = try sandbox.mae(arguments + ["--out", "a", "--set", "data.channels=[1,0]"])
    #expect(broken.status == 65)
    #expect(
      broken.errors.contains("2.npy: has 1 missing value (NaN or infinite) in channel 1 (1)"),
      "\(broken.errors)")
    try sandbox.done(
      arguments + [
        "--out", "b", "--set", "data.channels=[1,0]", "--set", "data.raster.missing=mean",
      ])
    // Channels without a gap need no filling.
    try sandbox.done(arguments + ["--out", "c", "--set", "data.channels=[2,0]"])
    let few = try sandbox.mae(arguments + ["--out", "d", "--set", "data.channels=all"])
    #expect(few.status == 65)
    #expect(
      few.errors.contains("has 3 channels, and the model takes 2; choose 2 with data.channels"),
      "\(few.errors)")
  }

  @Test func `an encoder of timm's is exported again and embeds TIFF files as timm does`() throws {
    let sandbox = try CommandSandbox()
    let golden = Golden("raster-encoder")
    let tensors = try golden.tensors("golden.safetensors")
    let tolerance = try golden.tolerance()
    func file(_ name: String) -> String { golden.folder.appendingPathComponent(name).path }
    func words(_ name: String) throws -> [String] {
      let values: [Double] = try tensors[name].array()
      return values.map { "\($0)" }
    }
    try sandbox.done(
      ["weights", "import", file("model.safetensors"), "--heads", "3", "--out", "own", "--mean"]
        + words("mean") + ["--std"] + words("std"))
    try sandbox.done("weights", "export", "own", "--format", "timm", "--out", "timm")
    try sandbox.done(
      "embed", "timm", file("files"), "--tokens", "class-token", "--out", "features.npy")
    let features = try NpyFile(sandbox("features.npy")).tensor()
    expectClose(
      features.to(.float32), try tensors["pooled"], absolute: tolerance.absolute,
      relative: tolerance.relative)
  }

  @Test func `a number stands for missing values where the file or the recipe says so`() throws {
    let sandbox = try CommandSandbox()
    try sandbox.writeTinyRecipe()
    let named = try Data(
      contentsOf: Golden("rasters").folder.appendingPathComponent("files/no-data-i16.tif"))
    for number in 0..<4 {
      try sandbox.write("named/\(number).tif", named)
      var values = (0..<64).map { Float($0 + number) }
      values[9] = -9999
      try sandbox.write("arrays/\(number).npy", Data(ArrayFile.npy(values, shape: [8, 8])))
    }
    #expect(
      try sandbox.done("data", "inspect", "named").output.contains(
        "missing  8 values (NaN, infinite or no-data) in 4 images, channel 0 (8); first 0.tif"))
    func train(_ set: String, _ out: String, _ settings: String...) throws -> Outcome {
      try sandbox.mae(
        ["pretrain", set, "--recipe", "tiny.yaml", "--out", out]
          + (["data.channels=all", "data.normalization=computed", "data.brokenLimit=0"] + settings)
          .flatMap { ["--set", $0] })
    }
    let broken = try train("named", "a")
    #expect(broken.status == 65, "\(broken.transcript)")
    #expect(
      broken.errors.contains(".tif: has 2 missing values (NaN, infinite or no-data) in channel 0"),
      "\(broken.errors)")
    #expect(try train("named", "b", "data.raster.missing=mean").status == 0)
    #expect(try train("named", "c", "data.raster.noData=none").status == 0)
    let told = try train("arrays", "d", "data.raster.noData=-9999")
    #expect(told.status == 65 && told.errors.contains("no-data"), "\(told.transcript)")
    #expect(try train("arrays", "e").status == 0)
    let filled = try train(
      "arrays", "f", "data.raster.noData=-9999", "data.raster.missing=mean")
    #expect(filled.status == 0, "\(filled.transcript)")
    // What is missing is not measured: 0 to 66 without it.
    let description = try JSONDecoder().decode(
      Description.self, from: sandbox.contents("f/model.json"))
    #expect(description.mean[0] > 30 && description.mean[0] < 36)
    #expect(try sandbox.text("f/model.json").contains("\"noData\" : -9999"))
  }

  private struct Description: Decodable {
    var mean: [Double]
  }
}
