extension RunResults {
  /// How a segmenter does on pictures whose pixels' classes are known.
  public struct Segmentation: Codable, Hashable, Sendable {
    /// What was loaded, in words.
    public var model: String
    /// The set as the user named it.
    public var data: String
    /// The mean over classes of intersection over union, 0…1.
    public var meanIoU: Double
    /// The mean over classes of the share of their pixels that was found.
    public var meanAccuracy: Double
    /// The share of all pixels that has its class.
    public var pixelAccuracy: Double
    /// The mean over classes of the intersection over union of what lies near their edges; nil where
    /// it was not measured.
    public var boundaryIoU: Double?
    /// Pictures that were evaluated.
    public var pictures: Int
    /// Pictures that could not be decoded.
    public var broken: Int
    /// Pictures evaluated in a second, reading and decoding included.
    public var picturesPerSecond: Double
    /// Every class.
    public var classes: [ClassResult]
    /// How the segmenter was trained; only of the run's own result.
    public var training: Training?

    /// How one class is found.
    public struct ClassResult: Codable, Hashable, Sendable {
      /// Its name.
      public var name: String
      /// Intersection over union; nil where the class is neither in the pictures nor in the results.
      public var iou: Double?
      /// The share of its pixels that was found; nil where there are none.
      public var accuracy: Double?
      /// Its pixels.
      public var pixels: Int

      /// Records a class.
      public init(name: String, iou: Double?, accuracy: Double?, pixels: Int) {
        self.name = name
        self.iou = iou
        self.accuracy = accuracy
        self.pixels = pixels
      }
    }

    /// How a segmenter was trained.
    public struct Training: Codable, Hashable, Sendable {
      /// Pictures that were learned from.
      public var pictures: Int
      /// Pictures there were to learn from.
      public var available: Int
      /// Whether it started from random weights.
      public var isFromScratch: Bool
      /// The recipe's name.
      public var recipe: String
      /// Steps taken.
      public var steps: Int
      /// Passes over the pictures.
      public var epochs: Double
      /// Seconds of training, all sessions together.
      public var seconds: Double
      /// Values that were trained.
      public var parameters: Int
      /// The encoder's shape in words.
      public var encoder: String

      /// Records a training.
      public init(
        pictures: Int, available: Int, isFromScratch: Bool, recipe: String, steps: Int,
        epochs: Double, seconds: Double, parameters: Int, encoder: String
      ) {
        self.pictures = pictures
        self.available = available
        self.isFromScratch = isFromScratch
        self.recipe = recipe
        self.steps = steps
        self.epochs = epochs
        self.seconds = seconds
        self.parameters = parameters
        self.encoder = encoder
      }
    }

    /// Records a result.
    public init(
      model: String, data: String, meanIoU: Double, meanAccuracy: Double, pixelAccuracy: Double,
      boundaryIoU: Double? = nil, pictures: Int, broken: Int, picturesPerSecond: Double,
      classes: [ClassResult], training: Training? = nil
    ) {
      self.model = model
      self.data = data
      self.meanIoU = meanIoU
      self.meanAccuracy = meanAccuracy
      self.pixelAccuracy = pixelAccuracy
      self.boundaryIoU = boundaryIoU
      self.pictures = pictures
      self.broken = broken
      self.picturesPerSecond = picturesPerSecond
      self.classes = classes
      self.training = training
    }
  }
}
