import Datasets
import RecipeSyntax

extension DataRecipe {
  /// Which samples of images with 16 bits a sample become black and white. In a recipe one of the
  /// words `full`, `computed` and `inherited`, or two whole numbers.
  public enum ValueRange: Hashable, Sendable {
    /// All of 16 bits: the upper 8 are kept.
    case full
    /// From the smallest to the largest sample of the training set, measured before training.
    case computed
    /// That of the encoder's own training; for classifiers.
    case inherited
    /// So many; samples beyond are clamped.
    case given(ClosedRange<Int>)

    /// What an image transform takes; nil for all of 16 bits, also where there was nothing to inherit.
    ///
    /// - Precondition: A computed one has been resolved.
    public var range: ClosedRange<Int>? {
      switch self {
      case .full, .inherited: nil
      case .given(let range): range
      case .computed:
        preconditionFailure("the range of values has not been resolved yet")
      }
    }

    /// Whether nothing is left to be found out.
    var isInNumbers: Bool {
      switch self {
      case .full, .given: true
      case .computed, .inherited: false
      }
    }
  }

  /// The recipe with a range of values that was to be computed in numbers.
  ///
  /// - Throws: `RecipeErrors` where the set has no images with 16 bits a sample, or one value only.
  func resolvingValueRange(
    from dataset: any ImageDataset, named name: String, seed: UInt64
  ) throws(RecipeErrors) -> DataRecipe {
    guard valueRange == .computed else { return self }
    guard let used = UsedValues(of: dataset, seed: seed) else {
      throw RecipeErrors(
        "data.valueRange",
        "is computed, and the images of \(name) have 8 bits a sample; leave it out, or use full")
    }
    guard used.range.lowerBound < used.range.upperBound else {
      throw RecipeErrors(
        "data.valueRange",
        "is computed, and the samples of \(name) all are \(used.range.lowerBound); use full, or two "
          + "numbers")
    }
    var resolved = self
    resolved.valueRange = .given(used.range)
    return resolved
  }
}

extension DataRecipe.ValueRange: Codable {
  private enum Keyword: String, Codable, CaseIterable {
    case full, computed, inherited
  }

  /// Reads a word or two numbers.
  public init(from decoder: any Decoder) throws {
    if let keyword = try? Keyword(from: decoder) {
      self =
        switch keyword {
        case .full: .full
        case .computed: .computed
        case .inherited: .inherited
        }
    } else {
      let numbers = try [Int](from: decoder)
      guard numbers.count == 2, numbers[0] < numbers[1], numbers[0] >= 0, numbers[1] <= 65535
      else {
        throw DecodingError.dataCorrupted(
          .init(codingPath: decoder.codingPath, debugDescription: Self.allowedValues))
      }
      self = .given(numbers[0]...numbers[1])
    }
  }

  /// Writes a word or two numbers.
  public func encode(to encoder: any Encoder) throws {
    switch self {
    case .full: try Keyword.full.encode(to: encoder)
    case .computed: try Keyword.computed.encode(to: encoder)
    case .inherited: try Keyword.inherited.encode(to: encoder)
    case .given(let range): try [range.lowerBound, range.upperBound].encode(to: encoder)
    }
  }
}

extension DataRecipe.ValueRange: StatesAllowedValues {
  package static var allowedValues: String {
    "full, computed or inherited, or two whole numbers from 0 to 65535, the smaller first, such as "
      + "[0, 4095]"
  }
}
