public import Imaging

/// Several sets as one, drawn from in given shares or simply put together.
///
/// With weights, training draws from each source in its share, at every moment to within one image,
/// and goes through every source in shuffled epochs of its own: a small source with a large weight
/// is seen more often, and within a source no image twice before each other once. An epoch of the
/// mixture is as many images as all sources have together. Without weights every image is shown
/// once an epoch.
///
/// Classes are compared by name: where sources name the same class it is one. Where a source has no
/// classes, the mixture has none.
public struct MixtureDataset: ImageDataset {
  /// One of the sets.
  public struct Source: Sendable {
    /// What it is called: the path it was opened from.
    public var name: String
    /// Its images.
    public var dataset: any ImageDataset
    /// Its share in proportion to the other weights; nil in all sources or in none.
    public var weight: Double?

    /// Creates a source.
    public init(_ name: String, _ dataset: any ImageDataset, weight: Double? = nil) {
      self.name = name
      self.dataset = dataset
      self.weight = weight
    }
  }

  /// The sets, in the order of their images.
  public let sources: [Source]
  public let classes: [String]?
  public let layout: DatasetLayout
  /// Number of the first image of each source, and the number of all.
  private let firsts: [Int]
  /// For each source the numbers of its classes; empty where they are the mixture's.
  private let renumbering: [[Int]]

  /// Most sources.
  static let most = 1000

  /// Puts sets together.
  ///
  /// - Parameters:
  ///   - path: what the mixture is called in messages.
  ///   - wanted: the classes of another part of the same set, so that numbers agree.
  public init(
    _ sources: [Source], path: String = "the mixture", classes wanted: [String]? = nil
  ) throws(DatasetError) {
    func problem(_ reason: String) -> DatasetError {
      DatasetError(.malformed, path: path, reason)
    }
    guard !sources.isEmpty else {
      throw DatasetError(.empty, path: path, "lists no sets; expected one or more")
    }
    guard sources.count <= Self.most else {
      throw problem("lists \(sources.count) sets; expected at most \(Self.most)")
    }
    var names: Set<String> = []
    for source in sources {
      guard names.insert(source.name).inserted else {
        throw problem("lists \(source.name) twice; list it once, with the sum of its weights")
      }
      guard source.dataset.layout.parts.count == 1 else {
        throw problem(
          "lists \(source.name), which is a weighted mixture itself; list its sets here")
      }
      if let weight = source.weight, !(weight > 0 && weight.isFinite) {
        throw problem("gives \(source.name) the weight \(weight); expected a number above 0")
      }
    }
    let weights = sources.compactMap(\.weight)
    guard weights.isEmpty || weights.count == sources.count else {
      let name = sources.first { $0.weight == nil }?.name ?? ""
      throw problem("gives \(name) no weight and others one; give one to every set or to none")
    }
    let runs = sources.map { $0.dataset.layout.parts[0].runs }
    if weights.isEmpty {
      layout = DatasetLayout(runs: Array(runs.joined()))
    } else {
      guard let draws = MixtureRound.draws(for: weights) else {
        throw problem(
          "gives a set less than a ten-thousandth of all weights; raise its weight or leave it out")
      }
      layout = DatasetLayout(
        parts: zip(draws, runs).map { DatasetLayout.Part(draws: $0, runs: $1) })
    }
    self.sources = sources
    firsts = sources.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.dataset.count) }
    (classes, renumbering) = try merged(sources, wanted, path)
  }

  public var count: Int { firsts[firsts.count - 1] }

  /// That of the first source that has one.
  public var labelProblem: DatasetError? {
    sources.lazy.compactMap(\.dataset.labelProblem).first
  }

  /// Those of all sources.
  public var notes: [String] {
    sources.flatMap { source in source.dataset.notes.map { "\(source.name): \($0)" } }
  }

  /// The part of all draws that a source has, 0…1.
  public func share(of source: Int) -> Double {
    guard layout.parts.count == sources.count else {
      return Double(sources[source].dataset.count) / Double(count)
    }
    let all = layout.parts.reduce(0) { $0 + $1.draws }
    return Double(layout.parts[source].draws) / Double(all)
  }

  /// The mixture's number of the source's class.
  public func label(of index: Int) -> Int? {
    guard classes != nil else { return nil }
    let (source, i) = place(of: index)
    guard let label = sources[source].dataset.label(of: i) else { return nil }
    return renumbering[source].isEmpty ? label : renumbering[source][label]
  }

  /// The source and the image's name there.
  public func name(of index: Int) -> String {
    let (source, i) = place(of: index)
    let name = sources[source].dataset.name(of: i)
    return name.hasPrefix(sources[source].name) ? name : sources[source].name + "/" + name
  }

  public func content(of index: Int) throws(ImageError) -> ImageContent {
    let (source, i) = place(of: index)
    return try sources[source].dataset.content(of: i)
  }

  private func place(of index: Int) -> (source: Int, image: Int) {
    precondition(index >= 0 && index < count, "image \(index) of \(count)")
    var low = 0
    var high = sources.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if firsts[middle] <= index { low = middle } else { high = middle }
    }
    return (low, index - firsts[low])
  }
}

/// The classes of all sources, and the numbers that each source's have among them.
private func merged(
  _ sources: [MixtureDataset.Source], _ wanted: [String]?, _ path: String
) throws(DatasetError) -> ([String]?, [[Int]]) {
  let all = sources.map(\.dataset.classes)
  guard let named = all as? [[String]] else {
    guard wanted == nil else {
      let name = sources.first { $0.dataset.classes == nil }?.name ?? ""
      throw DatasetError(.malformed, path: path, "lists \(name), which has no classes")
    }
    return (nil, sources.map { _ in [] })
  }
  let union = wanted ?? (Set(named).count == 1 ? named[0] : sortedByNumber(Set(named.joined())))
  let numbers = Dictionary(
    union.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
  var renumbering: [[Int]] = []
  for (source, names) in zip(sources, named) {
    var map: [Int] = []
    for name in names where names != union {
      guard let number = numbers[name] else {
        throw DatasetError(
          .malformed, path: path,
          "lists \(source.name) with a class \"\(name)\" that the other part of the set lacks")
      }
      map.append(number)
    }
    renumbering.append(map)
  }
  return (union, renumbering)
}

/// Whole numbers by their size, if all names are such; else byte by byte.
private func sortedByNumber(_ names: Set<String>) -> [String] {
  let numbers = names.compactMap { Int($0) }
  guard numbers.count == names.count else {
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }
  return names.sorted { (Int($0) ?? 0) < (Int($1) ?? 0) }
}
