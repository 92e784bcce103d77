import ArgumentParser
import Datasets
import Figures
import FileSystem
import Foundation
import Imaging
import Inference
import Runs
import Training

/// Objects on pictures.
struct DetectPredictCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict",
    abstract: "Find the objects on pictures of any size: boxes, masks, and pictures to look at.",
    discussion: """
      The file is COCO's list of results: image_id is the picture's name, category_id that of the set \
      that was learned from, bbox is left, top, width and height in the picture's pixels, segmentation \
      compressed run lengths.

      Examples:
        mae detect predict runs/objects photo.jpg --out detections.json
        mae detect predict runs/objects photos/ --out detections.json --overlay pictures/ --score 0.5
      """)

  @OptionGroup var model: DetectorOptions
  @OptionGroup var inputs: InputOptions

  @Option(help: "The file for what is found.", completion: .file(extensions: ["json"]))
  var out: String?

  @Option(help: "The folder for pictures with their objects drawn on them.", completion: .directory)
  var overlay: String?

  @Option(
    help: "The overlays' format: png, jpeg, webp, or svg with text as text; png unless given.")
  var format: FigureFormat?

  @Option(help: "Leave out objects of a lower score; 0.5 in overlays unless given.")
  var score: Float?

  @Flag(help: "Replace existing files.")
  var overwrite = false

  @OptionGroup var broken: BrokenOptions
  @OptionGroup var options: DetectComputeOptions

  func validate() throws {
    if inputs.isEmpty {
      throw ValidationError(
        "name pictures: files, folders, lists, - for standard input, or --files-from FILE")
    }
    if out == nil, overlay == nil {
      throw ValidationError("say what to write: --out FILE for a list, --overlay FOLDER")
    }
    if format != nil, overlay == nil {
      throw ValidationError("--format is for overlays: name a folder for them, --overlay FOLDER")
    }
    if let score, !(0...1).contains(score) {
      throw ValidationError("--score is \(score); expected a number from 0 to 1")
    }
  }

  func run() throws {
    SignalCleanup.install()
    if let out { try requireWritable(out, overwrite: overwrite) }
    let loaded = try model.load(options)
    var file = DetectionFile()
    var drawn: [String: String] = [:]
    var count = 0
    var live = LiveCount("detecting")
    defer { live.clear() }
    var failures: [UndecodableImage] = []
    try inputs.source().forEachPart { part in
      for index in 0..<part.images.count {
        let name = part.images.name(of: index)
        let picture: WholeImage
        do throws(ImageError) {
          picture = try loaded.picture(of: part.images.content(of: index))
        } catch {
          failures.append(UndecodableImage(index: index, name: name, reason: error.reason))
          live.say("not decoded: \(name): \(error.reason)")
          continue
        }
        let objects = loaded.detect([picture], score: score)[0]
        for object in objects {
          file.add(object, image: .text(name), category: loaded.classIDs[object.label])
        }
        if let overlay {
          let stem = name.lastNameStem.isEmpty ? "picture" : name.lastNameStem
          let path = "\(overlay)/\(stem).\((format ?? .png).pathExtension)"
          if let other = drawn.updateValue(name, forKey: path) {
            throw RunFailure(
              .refusedOutput,
              "\(name) and \(other) would both be drawn to \(path); draw them into two folders")
          }
          try requireWritable(path, overwrite: overwrite)
          let sure = objects.filter { $0.score >= score ?? 0.5 }
          try write(
            ObjectOverlay.drawing(picture.shown, sure.reversed().map(\.drawn)), to: path)
        }
        count += 1
        live.add(1)
      }
    }
    live.clear()
    try broken.limit(unlessGiven: .none).requireSome(
      count, broken: failures.count, examples: Array(failures.prefix(3)), named: "the pictures")
    if let out {
      try writeFile(Array(file.text.utf8), to: out)
      print("wrote \(file.count) objects of \(count) pictures to \(out)")
    }
    if let overlay { print("wrote \(drawn.count) pictures to \(overlay)") }
  }
}
