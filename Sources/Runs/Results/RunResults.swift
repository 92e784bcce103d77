public import FileSystem
import Foundation
public import MaskedAutoencoders
import Torch

/// What commands found out about a run: `results.json` of its folder. Each command fills in its
/// part and leaves the others; commands that end at the same time wait for each other, see
/// ``update(_:_:)``.
public struct RunResults: Codable, Sendable {
  /// What pre-training did.
  public var pretraining: Pretraining?
  /// How well hidden patches are filled in.
  public var reconstruction: ReconstructionScore?
  /// Nearest neighbours on frozen features, by the data and what is not as usual in the settings.
  public var knn: [String: Classification] = [:]
  /// A linear classifier on frozen features, by the data and what is not as usual in the settings.
  public var probe: [String: Classification] = [:]
  /// Classifiers that were trained from the encoder or beside it, by their run folders; that of the
  /// run itself is ``ownClassifier``.
  public var trained: [String: TrainedClassifier] = [:]
  /// How the run's classifier does on sets that it was evaluated on later, by their names.
  public var evaluated: [String: Evaluated] = [:]
  /// How the run's own segmenter does on the pictures that validate it.
  public var segmentation: Segmentation?
  /// How it does on sets that it was evaluated on later, by their names; nil for none.
  public var segmented: [String: Segmentation]?
  /// How the run's own detector does on the pictures that validate it.
  public var detection: Detection?
  /// How it does on sets that it was evaluated on later, by their names; nil for none.
  public var detected: [String: Detection]?
  /// How the run's own image tokenizer does on the pictures that validate it.
  public var tokenizer: Tokenizer?
  /// Seconds of training, all sessions so far together, those that were interrupted too.
  public var sessionSeconds: Double?
  /// The images that the run's classifier was trained on; nil where the set has a validation part
  /// of its own, which was used.
  public var learned: TrainingSplit?

  /// The folder under which ``trained`` keeps the run's own classifier: itself, seen from itself.
  public static let ownFolder = "."

  /// The classifier that the run itself trained; nil where it is of another kind or has not ended.
  public var ownClassifier: TrainedClassifier? {
    get { trained[Self.ownFolder] }
    set { trained[Self.ownFolder] = newValue }
  }

  /// Creates empty results.
  public init() {}

  /// Reads results; parts that are not there are empty.
  public init(from decoder: any Decoder) throws {
    let parts = try decoder.container(keyedBy: CodingKeys.self)
    pretraining = try parts.decodeIfPresent(Pretraining.self, forKey: .pretraining)
    reconstruction = try parts.decodeIfPresent(ReconstructionScore.self, forKey: .reconstruction)
    knn = try parts.decodeIfPresent([String: Classification].self, forKey: .knn) ?? [:]
    probe = try parts.decodeIfPresent([String: Classification].self, forKey: .probe) ?? [:]
    trained =
      try parts.decodeIfPresent([String: TrainedClassifier].self, forKey: .trained) ?? [:]
    evaluated = try parts.decodeIfPresent([String: Evaluated].self, forKey: .evaluated) ?? [:]
    segmentation = try parts.decodeIfPresent(Segmentation.self, forKey: .segmentation)
    segmented = try parts.decodeIfPresent([String: Segmentation].self, forKey: .segmented)
    detection = try parts.decodeIfPresent(Detection.self, forKey: .detection)
    detected = try parts.decodeIfPresent([String: Detection].self, forKey: .detected)
    tokenizer = try parts.decodeIfPresent(Tokenizer.self, forKey: .tokenizer)
    sessionSeconds = try parts.decodeIfPresent(Double.self, forKey: .sessionSeconds)
    learned = try parts.decodeIfPresent(TrainingSplit.self, forKey: .learned)
  }

  /// What pre-training did.
  public struct Pretraining: Codable, Hashable, Sendable {
    /// Steps taken.
    public var steps: Int
    /// Passes over the data.
    public var epochs: Double
    /// Images in the set.
    public var images: Int
    /// The mean loss of the last entry of the log.
    public var loss: Double?
    /// Seconds of training, all sessions together, set-up left out.
    public var seconds: Double
    /// Values that were trained.
    public var parameters: Int
    /// Files that could not be decoded.
    public var brokenFiles: [String]
    /// The set as the user named it; nil in results from before it was kept.
    public var data: String?

    /// Records what was done.
    public init(
      steps: Int, epochs: Double, images: Int, loss: Double?, seconds: Double, parameters: Int,
      brokenFiles: [String], data: String? = nil
    ) {
      self.steps = steps
      self.epochs = epochs
      self.images = images
      self.loss = loss
      self.seconds = seconds
      self.parameters = parameters
      self.brokenFiles = brokenFiles
      self.data = data
    }
  }

  /// How a classifier on frozen features does.
  public struct Classification: Codable, Hashable, Sendable {
    /// Share of images whose class is the first prediction, 0…1.
    public var top1: Double
    /// Share of images whose class is among the first five predictions, 0…1.
    public var top5: Double
    /// Images that were trained on.
    public var trainingImages: Int
    /// Images that were evaluated.
    public var testImages: Int
    /// Number of classes.
    public var classes: Int
    /// The classifier's settings, in words.
    public var settings: String
    /// Seconds it took, features included.
    public var seconds: Double
    /// Share of the set's labels that were used, 0…1; nil in results from before it was kept.
    public var labelShare: Double?

    /// Records a result.
    public init(
      top1: Double, top5: Double, trainingImages: Int, testImages: Int, classes: Int,
      settings: String, seconds: Double, labelShare: Double? = nil
    ) {
      self.top1 = top1
      self.top5 = top5
      self.trainingImages = trainingImages
      self.testImages = testImages
      self.classes = classes
      self.settings = settings
      self.seconds = seconds
      self.labelShare = labelShare
    }
  }

  /// How a classifier does that was trained.
  public struct TrainedClassifier: Codable, Hashable, Sendable {
    /// What was trained, in the paper's words: `linear probe`, `½ block`, `fine-tuned`, `from
    /// scratch`.
    public var protocolName: String
    /// Blocks that were trained, counted from the last; nil for everything.
    public var blocks: Double?
    /// Whether it started from random weights.
    public var isFromScratch: Bool
    /// The recipe's name.
    public var recipe: String
    /// The labelled set.
    public var data: String
    /// Share of the set's labels that were used, 0…1.
    public var labelShare: Double
    /// Passes over the labelled images.
    public var epochs: Double
    /// Share of images whose class is the first prediction, 0…1.
    public var top1: Double
    /// Share of images whose class is among the first five predictions, 0…1.
    public var top5: Double
    /// The expected calibration error, 0…1.
    public var calibrationError: Double
    /// Images that were trained on.
    public var trainingImages: Int
    /// Images that were evaluated.
    public var testImages: Int
    /// Number of classes.
    public var classes: Int
    /// Values that were trained.
    public var parameters: Int
    /// Seconds of training, all sessions together, validation included.
    public var seconds: Double
    /// The encoder, in words, for people; ``shape`` is for programs.
    public var encoder: String
    /// Whether the recipe is the named one, but for what has no part in what is learned.
    public var isAsNamed: Bool?
    /// What was trained; nil in results from before it was kept.
    public var training: TrainingProtocol?
    /// The encoder's shape; nil in results from before it was kept.
    public var shape: TransformerShape?
    /// What the paper reports for the same setting; nil where it reports nothing, and in results
    /// from before it was kept.
    public var paper: PaperResult?

    /// Records a result.
    public init(
      protocolName: String, blocks: Double? = nil, isFromScratch: Bool, recipe: String,
      data: String, labelShare: Double, epochs: Double, top1: Double, top5: Double,
      calibrationError: Double, trainingImages: Int, testImages: Int, classes: Int, parameters: Int,
      seconds: Double, encoder: String, isAsNamed: Bool? = nil, training: TrainingProtocol? = nil,
      shape: TransformerShape? = nil, paper: PaperResult? = nil
    ) {
      self.protocolName = protocolName
      self.blocks = blocks
      self.isFromScratch = isFromScratch
      self.recipe = recipe
      self.data = data
      self.labelShare = labelShare
      self.epochs = epochs
      self.top1 = top1
      self.top5 = top5
      self.calibrationError = calibrationError
      self.trainingImages = trainingImages
      self.testImages = testImages
      self.classes = classes
      self.parameters = parameters
      self.seconds = seconds
      self.encoder = encoder
      self.isAsNamed = isAsNamed
      self.training = training
      self.shape = shape
      self.paper = paper
    }
  }

  /// Which part of a network was trained, from which weights.
  public enum TrainingProtocol: String, Codable, Hashable, Sendable, CaseIterable {
    /// A linear head on frozen features.
    case linearProbe = "linear-probe"
    /// The last blocks and the head.
    case partial
    /// The whole network, from pre-trained weights.
    case fineTuned = "fine-tuned"
    /// The whole network, from random weights.
    case scratch

    /// The protocol of a training.
    ///
    /// - Parameter blocks: Blocks that are trained, counted from the last; nil for everything.
    public init(blocks: Double?, isFromScratch: Bool) {
      self =
        if isFromScratch {
          .scratch
        } else {
          switch blocks {
          case nil: .fineTuned
          case 0?: .linearProbe
          case _?: .partial
          }
        }
    }
  }

  /// A result that the paper reports.
  public struct PaperResult: Codable, Hashable, Sendable {
    /// Top-1 accuracy, in per cent as the paper prints it.
    public var percent: Double
    /// The table or figure.
    public var place: String

    /// Quotes a result.
    public init(percent: Double, place: String) {
      self.percent = percent
      self.place = place
    }
  }

  /// Reads a run's results; none where there are none yet.
  public static func read(_ run: String) throws(FileError) -> RunResults {
    let path = run + "/results.json"
    guard isFile(path) else { return RunResults() }
    return try JSONFile.read(RunResults.self, from: path)
  }

  /// Adds the seconds of a session to those of the run's earlier ones, and gives all together.
  ///
  /// - Parameter startingStep: The step that the session began at; 0 counts anew.
  public static func addSession(
    of seconds: Double, startingAt startingStep: Int, to run: String
  ) throws(FileError) -> Double {
    let before = startingStep > 0 ? try read(run).sessionSeconds ?? 0 : 0
    try update(run) { $0.sessionSeconds = before + seconds }
    return before + seconds
  }

  /// Changes a run's results; nothing happens where the folder is not a run's.
  ///
  /// Reading, changing and writing are one act: whoever else changes the results of the same run,
  /// in this program or another, waits until it is done. The file is replaced as a whole, so that
  /// whoever reads it sees the results of before or of after.
  public static func update(
    _ run: String, _ change: (inout RunResults) -> Void
  ) throws(FileError) {
    guard isFile(run + "/recipe.yaml") else { return }
    let lock = try FileLock(folder: run)
    defer { lock.release() }
    var results = try read(run)
    change(&results)
    try JSONFile.write(results, to: run + "/results.json")
  }
}
