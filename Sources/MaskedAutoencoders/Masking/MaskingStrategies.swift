/// The masking strategies that recipes, `model.json` and the command line know by name.
public enum MaskingStrategies {
  /// Those of the library, in the order in which messages list them.
  public static let all: [any MaskingStrategy.Type] = [
    RandomMasking.self,
    BlockMasking.self,
    GridMasking.self,
  ]

  /// Strategies of a program's own, known by name while a closure runs:
  /// `MaskingStrategies.$added.withValue([MyMasking.self]) { try LoadedModel("run") }`.
  @TaskLocal public static var added: [any MaskingStrategy.Type] = []

  /// The names, in order.
  public static var names: [String] { (all + added).map { $0.name } }

  /// The strategy of a name with its defaults; nil where none has it.
  public static func named(_ name: String) -> (any MaskingStrategy)? {
    (all + added).first { $0.name == name }.map { $0.init() }
  }
}
