import MaskedAutoencoders
import TorchNN

/// Names of a file in the spelling that its format's list of weights has.
struct CanonicalNames {
  let format: PublishedFormat
  /// Shapes by that spelling.
  private var shapes: [String: [Int]] = [:]
  /// The names as the file has them, by that spelling.
  private var sources: [String: String] = [:]

  init(_ raw: [String: [Int]], _ format: PublishedFormat) {
    self.format = format
    for (name, shape) in raw.sorted(by: { $0.key < $1.key }) {
      let canonical =
        format == .huggingFace ? HuggingFaceNames.canonical(name) : MAEReleaseNames.native(name)
      // A weight that is there in two spellings stays under its own, and is unexpected.
      let key = shapes[canonical] == nil ? canonical : name
      shapes[key] = shape
      sources[key] = name
    }
  }

  /// Shapes under this library's names, where a joined weight has the shape of its first part.
  var native: [String: [Int]] {
    guard format == .huggingFace else { return shapes }
    let named = shapes.map { (HuggingFaceNames.part(of: $0)?.name ?? $0, $1) }
    return Dictionary(named, uniquingKeysWith: { first, _ in first })
  }

  /// Whether a decoder's weights are among them.
  var hasDecoder: Bool { native.keys.contains(where: PublishedFormat.isDecoder) }

  /// Throws what does not fit the model, under the names that the file has.
  func check(
    against configuration: ModelConfiguration, head: ClassifierHead?, path: String
  ) throws(PublishedWeightsError) {
    let expected = format.weightShapes(configuration, decoder: hasDecoder, head: head)
    guard var mismatch = WeightMismatch(found: shapes, expected: expected) else { return }
    mismatch.unexpected = mismatch.unexpected.map { sources[$0] ?? $0 }
    mismatch.wrongShape = mismatch.wrongShape.map {
      .init(name: sources[$0.name] ?? $0.name, found: $0.found, expected: $0.expected)
    }
    throw .mismatch(path: path, mismatch)
  }
}
