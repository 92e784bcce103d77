import ArgumentParser
import Datasets
import Foundation
import Training

extension DataCommand {
  /// Scenes with exact masks, made of cut-outs and backgrounds.
  struct Compose: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "compose",
      abstract: "Compose scenes with exact masks out of cut-outs and backgrounds.",
      discussion: """
        CUTOUTS holds a folder for each class with PNG or WebP files with transparency; or it is a \
        set of gray pictures on black, such as fashion-mnist, whose objects are tinted. Cut-outs and \
        backgrounds are divided, a quarter for validation, so that validation shows none that was \
        learned from. Out come pictures (train, val and unlabelled), COCO annotations and label \
        maps: a set for detection, for segmentation and for pre-training. The same files and --seed \
        give the same bytes.

        Examples:
          mae data compose products/ --backgrounds photos/ --out scenes/
          mae data compose fashion-mnist --out garments/ --size 64 --objects 3
          mae data fetch openclipart && mae data fetch mate-backgrounds
          mae data compose openclipart --backgrounds mate-backgrounds --out scenes/ --drop-small
        """)

    @Argument(
      help: "Class folders of cut-outs, or a set of gray pictures on black.",
      completion: .directory)
    var cutouts: String

    @Option(
      help: "A folder of photographs to put them on; made-up surfaces unless given.",
      completion: .directory)
    var backgrounds: String?

    @Option(help: "The folder for the set; must not be there yet.")
    var out: String

    @Option(help: "Side of a scene in pixels; 64 for gray pictures, else 128.")
    var size: Int?

    @Option(help: "Scenes to learn from.")
    var train = 2000

    @Option(help: "Scenes to validate on.")
    var val = 500

    @Option(help: "Scenes without labels, for pre-training.")
    var unlabelled = 8000

    @Option(help: "What is random follows from this number.")
    var seed: UInt64 = 0

    @Option(help: "Most objects in a scene; 3 for gray pictures, else 5.")
    var objects: Int?

    @Option(
      parsing: .upToNextOption,
      help: ArgumentHelp(
        "Shortest and longest length of an object's longer side, as parts of the scene's.",
        valueName: "shortest longest"))
    var lengths: [Double] = []

    @Option(help: "JPEG quality of the scenes, 1 to 100.")
    var quality = 92

    @Option(help: "What the annotations say of the licence.")
    var license: String?

    @Option(
      parsing: .upToNextOption,
      help: ArgumentHelp(
        "Compose of these classes alone, numbered in this order.", valueName: "name"))
    var classes: [String] = []

    @Flag(help: "Leave out classes of fewer than 4 cut-outs; they are refused otherwise.")
    var dropSmall = false

    func validate() throws {
      if !(1...100).contains(quality) {
        throw ValidationError("--quality is \(quality); expected 1 to 100")
      }
      if !lengths.isEmpty, lengths.count != 2 || lengths[0] > lengths[1] {
        throw ValidationError(
          "--lengths has \(lengths.count) numbers; expected the shortest and the longest")
      }
      if let objects, objects < 1 {
        throw ValidationError("--objects is \(objects); expected at least 1")
      }
      if let problem = settings(isGray: false).problem { throw ValidationError(problem) }
    }

    private func settings(isGray: Bool) -> SceneComposition {
      var composition = isGray ? SceneComposition.garments : SceneComposition()
      if let size { composition.size = size }
      if let objects { composition.objects = 1...objects }
      if lengths.count == 2 { composition.lengths = lengths[0]...lengths[1] }
      (composition.training, composition.validation) = (train, val)
      composition.unlabelled = unlabelled
      composition.seed = seed
      composition.quality = quality
      composition.license = license
      return composition
    }

    func run() throws {
      let path = try dataPath(cutouts)
      if let gray = try grayCutouts(path) {
        try compose(settings(isGray: true), gray)
      } else {
        let composition = settings(isGray: false)
        let side = Int((Double(composition.size) * composition.lengths.upperBound).rounded(.up))
        try compose(composition, CutoutFolder(path, side: side, dropsSmall: dropSmall))
      }
    }

    /// The gray pictures of an IDX set; nil where the path is something else.
    private func grayCutouts(_ path: String) throws -> GrayCutouts? {
      guard let set = try? openDataset(at: path) as? IDXDataset else { return nil }
      let names = GrayCutouts.fashionMNIST
      let isFashion = path == DatasetCatalog.folder(of: "fashion-mnist")
      return try GrayCutouts(
        training: set,
        validation: openDataset(at: path, split: .validation, classes: set.classes),
        names: isFashion ? names : nil, path: cutouts)
    }

    private func compose(_ composition: SceneComposition, _ source: some CutoutSource) throws {
      if classes.isEmpty {
        try write(composition, source)
      } else {
        try write(composition, ChosenCutouts(classes, of: source, path: cutouts))
      }
    }

    private func write(_ composition: SceneComposition, _ source: some CutoutSource) throws {
      let surfaces =
        try backgrounds.map { (name) throws in
          try BackgroundSource(folder: dataPath(name), side: composition.size)
        } ?? BackgroundSource()
      for note in source.notes + surfaces.notes { warn("note: \(note)") }
      for (label, name) in source.classes.enumerated() {
        let (learned, held) = (
          source.count(of: label, in: .training), source.count(of: label, in: .validation)
        )
        print(
          "class \(label + 1)  \(name): \(learned) cut-outs to learn from, \(held) to validate on")
      }
      let report = try composition.write(cutouts: source, backgrounds: surfaces, to: out) {
        warn($0)
      }
      let parts = ["train", "val", "unlabelled"].compactMap { part in
        report.scenes[part].map { "\($0) \(part)" }
      }
      print(
        "\(parts.joined(separator: ", ")) scenes of \(composition.size)×\(composition.size) in "
          + "\(out): \(report.objects) objects; \(report.hidden) of which too little can be seen are "
          + "not annotated")
    }
  }
}
