import MaskedAutoencoders

/// How an image of any size becomes one of the model's, as published weights state it: resized,
/// then cut in the middle. How its pixels are normalised is ``PixelStandard``'s.
public struct Preprocessing: Codable, Hashable, Sendable {
  /// How an image is resized to ``height`` × ``width``.
  public enum Resize: String, Codable, CaseIterable, Hashable, Sendable {
    /// To exactly that, whatever it does to its proportions (timm's `squash`).
    case squash
    /// In its proportions, until it just covers that (timm's `center`).
    case shortestSide = "shortest-side"
    /// In its proportions, until it just fits into that (timm's `border`).
    case longestSide = "longest-side"
    /// Not at all.
    case none
  }

  /// How pixels are interpolated, in Pillow's and timm's words.
  public enum Interpolation: String, Codable, CaseIterable, Hashable, Sendable {
    case nearest, box, bilinear, hamming, bicubic, lanczos

    /// Pillow's number, as `preprocessor_config.json` has it.
    var pillow: Int {
      switch self {
      case .nearest: 0
      case .lanczos: 1
      case .bilinear: 2
      case .bicubic: 3
      case .box: 4
      case .hamming: 5
      }
    }
  }

  /// What becomes of half a pixel before the middle, and of fractions of a resized side.
  public enum Centering: String, Codable, CaseIterable, Hashable, Sendable {
    /// Rounded, halves to the even number, as torchvision and timm have it.
    case even
    /// Cut off, as transformers has it.
    case lower
  }

  /// The colour around an image that is smaller than the model's.
  public enum Border: String, Codable, CaseIterable, Hashable, Sendable {
    /// Zeros before normalisation.
    case black
    /// The mean that is subtracted: zeros after normalisation.
    case mean
  }

  /// How an image is resized.
  public var resize: Resize
  /// Rows that it is resized to.
  public var height: Int
  /// Columns that it is resized to.
  public var width: Int
  /// How pixels are interpolated.
  public var interpolation: Interpolation
  /// Where the middle is that the model is shown.
  public var centering: Centering
  /// What is around an image that is smaller than the model's.
  public var border: Border
  /// Whether this is the rule of this library for weights that state none, by which images of the
  /// model's own size are also taken as they are.
  public var isStandard = false

  private enum CodingKeys: String, CodingKey {
    case resize, height, width, interpolation, centering, border
  }

  /// Creates a rule.
  public init(
    resize: Resize, height: Int, width: Int, interpolation: Interpolation,
    centering: Centering = .even, border: Border = .black
  ) {
    self.resize = resize
    self.height = height
    self.width = width
    self.interpolation = interpolation
    self.centering = centering
    self.border = border
  }

  /// What is wrong with the values, each as a sentence; empty when all is well.
  package var problems: [String] {
    [("height", height), ("width", width)].filter { !(1...65_536).contains($1) }.map {
      "preprocessing.\($0) is \($1); expected 1 to 65536"
    }
  }

  /// Whether something of an image may be cut off, or put around it, for a model of that size.
  func cuts(toHeight rows: Int, width columns: Int) -> Bool {
    resize != .squash || (height, width) != (rows, columns)
  }

  /// The same for a model of another size: what is resized to grows as the model does.
  func adapted(
    from old: (height: Int, width: Int), to new: (height: Int, width: Int)
  ) -> Preprocessing {
    func scaled(_ side: Int, _ from: Int, _ to: Int) -> Int {
      max(1, Int((Double(side) * Double(to) / Double(max(1, from))).rounded(.down)))
    }
    var adapted = self
    adapted.height = scaled(height, old.height, new.height)
    adapted.width = scaled(width, old.width, new.width)
    return adapted
  }

  /// The rule in words: `short side to 256, bicubic; the middle 224 × 224`.
  public func words(height rows: Int, width columns: Int) -> String {
    let target = "\(height) × \(width)"
    let resized =
      switch resize {
      case .squash: "squashed to \(target)"
      case .shortestSide: "in proportion, to cover \(target)"
      case .longestSide: "in proportion, to fit into \(target)"
      case .none: "as they are"
      }
    let filter = resize == .none ? "" : ", \(interpolation.rawValue)"
    guard cuts(toHeight: rows, width: columns) else { return resized + filter }
    let around =
      resize == .longestSide || resize == .none || height < rows || width < columns
      ? ", \(border == .black ? "black" : "the mean") around smaller ones" : ""
    let whole = isStandard ? "; images of that size as they are" : ""
    return "\(resized)\(filter); the middle \(rows) × \(columns)\(around)\(whole)"
  }
}

/// What a file says of how images are prepared, and what of it cannot be followed.
struct StatedPreprocessing {
  /// How images are resized and cut; nil where the file says nothing of it.
  var rule: Preprocessing?
  /// How pixels are normalised; nil where the file does not say it.
  var pixels: PixelStandard?
  /// Fields that are not followed, each as a sentence without a full stop.
  var notes: [String] = []
}
