/// An optimizer that a recipe can name. Each is declared beside the optimizer it makes.
public struct OptimizerKind: Sendable {
  /// The kinds that recipes know, in the order in which messages list them.
  public static let all: [OptimizerKind] = [
    .adamw,
    .lars,
    .sgd,
  ]

  /// Kinds of a program's own, known by name while a closure runs:
  /// `OptimizerKind.$added.withValue([.mine]) { … }`.
  @TaskLocal public static var added: [OptimizerKind] = []

  /// The name in recipes.
  public let name: String
  /// The usual name, for people.
  public let title: String
  private let make: @Sendable ([ParameterGroup], Settings) -> any Optimizer

  /// The hyper-parameters that a recipe states; an optimizer takes those that it has.
  public struct Settings: Sendable {
    /// Decay of the mean of gradients.
    public var beta1: Double
    /// Decay of the mean of their squares.
    public var beta2: Double
    /// Added to a denominator.
    public var epsilon: Double
    /// Momentum.
    public var momentum: Double
  }

  /// Names an optimizer.
  ///
  /// - Parameter make: Makes it over what is optimized, each group with its weight decay.
  public init(
    _ name: String, title: String,
    _ make: @escaping @Sendable ([ParameterGroup], Settings) -> any Optimizer
  ) {
    self.name = name
    self.title = title
    self.make = make
  }

  /// Makes an optimizer of this kind; it takes the hyper-parameters that it has and leaves the
  /// others.
  ///
  /// - Parameters:
  ///   - groups: What is optimized, each group with its weight decay.
  ///   - beta1: AdamW's decay of the mean of gradients.
  ///   - beta2: AdamW's decay of the mean of their squares.
  ///   - epsilon: Added to AdamW's and LARS's denominators.
  ///   - momentum: LARS's and SGD's.
  public func makeOptimizer(
    _ groups: [ParameterGroup], beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-8, momentum: Double = 0.9
  ) -> any Optimizer {
    make(groups, Settings(beta1: beta1, beta2: beta2, epsilon: epsilon, momentum: momentum))
  }
}

extension OptimizerKind: Hashable {
  public static func == (a: OptimizerKind, b: OptimizerKind) -> Bool { a.name == b.name }
  public func hash(into hasher: inout Hasher) { hasher.combine(name) }
}

extension OptimizerKind: Codable {
  /// Reads a name.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let name = try container.decode(String.self)
    guard let kind = (Self.all + Self.added).first(where: { $0.name == name }) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "there is no optimizer '\(name)'")
    }
    self = kind
  }

  /// Writes the name.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(name)
  }
}
