extension RunResults {
  /// How a detector does on pictures whose objects are known: COCO's numbers, 0…1.
  public struct Detection: Codable, Hashable, Sendable {
    /// What was loaded, in words.
    public var model: String
    /// The set as the user named it.
    public var data: String
    /// Of boxes.
    public var boxes: Scores
    /// Of masks; nil of a detector or a set without.
    public var masks: Scores?
    /// Pictures that were evaluated.
    public var pictures: Int
    /// True objects on them.
    public var objects: Int
    /// Pictures that could not be decoded.
    public var broken: Int
    /// Pictures evaluated in a second, reading and decoding included.
    public var picturesPerSecond: Double
    /// Every class.
    public var classes: [ClassResult]
    /// How the detector was trained; only of the run's own result.
    public var training: Segmentation.Training?

    /// COCO's average precision; nil where there are no objects of the kind.
    public struct Scores: Codable, Hashable, Sendable {
      /// Over thresholds of overlap from 0.5 to 0.95.
      public var ap: Double?
      /// At an overlap of 0.5.
      public var ap50: Double?
      /// At an overlap of 0.75.
      public var ap75: Double?
      /// Of objects below 32² pixels.
      public var small: Double?
      /// Of objects from 32² to 96² pixels.
      public var medium: Double?
      /// Of objects above 96² pixels.
      public var large: Double?

      /// Records numbers.
      public init(
        ap: Double?, ap50: Double?, ap75: Double?, small: Double?, medium: Double?, large: Double?
      ) {
        self.ap = ap
        self.ap50 = ap50
        self.ap75 = ap75
        self.small = small
        self.medium = medium
        self.large = large
      }
    }

    /// How one class is found.
    public struct ClassResult: Codable, Hashable, Sendable {
      /// Its name.
      public var name: String
      /// Average precision of its boxes; nil where the pictures have none.
      public var boxes: Double?
      /// Average precision of its masks; nil without.
      public var masks: Double?
      /// Its true objects.
      public var objects: Int

      /// Records a class.
      public init(name: String, boxes: Double?, masks: Double?, objects: Int) {
        self.name = name
        self.boxes = boxes
        self.masks = masks
        self.objects = objects
      }
    }

    /// Records a result.
    public init(
      model: String, data: String, boxes: Scores, masks: Scores?, pictures: Int, objects: Int,
      broken: Int, picturesPerSecond: Double, classes: [ClassResult],
      training: Segmentation.Training? = nil
    ) {
      self.model = model
      self.data = data
      self.boxes = boxes
      self.masks = masks
      self.pictures = pictures
      self.objects = objects
      self.broken = broken
      self.picturesPerSecond = picturesPerSecond
      self.classes = classes
      self.training = training
    }
  }
}
