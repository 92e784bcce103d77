/// The reconstruction targets that recipes, `model.json` and the command line know by name.
public enum PatchTargets {
  /// Those of the library, in the order in which messages list them.
  public static let all: [any PatchTarget.Type] = [
    PixelTarget.self,
    NormalizedPixelTarget.self,
    PCATarget.self,
    TokenTarget.self,
  ]

  /// Targets of a program's own, known by name while a closure runs:
  /// `PatchTargets.$added.withValue([MyTarget.self]) { try LoadedModel("run") }`.
  @TaskLocal public static var added: [any PatchTarget.Type] = []

  /// The names, in order.
  public static var names: [String] { (all + added).map { $0.name } }

  /// The target of a name with its defaults; nil where none has it.
  public static func named(_ name: String) -> (any PatchTarget)? {
    (all + added).first { $0.name == name }.map { $0.init() }
  }
}
