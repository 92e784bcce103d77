import Dispatch
import FileSystem
public import Imaging
import Synchronization

/// What is in a set of label maps, found by reading them: how often each number occurs, and which
/// files cannot be used.
public struct LabelMapSummary: Sendable {
  /// How often a number occurs.
  public struct Row: Hashable, Sendable {
    /// The number in the files; the class's own where the labels do not come from numbers.
    public var number: Int
    /// What it stands for; nil where that is not known.
    public var name: String?
    /// Pixels that have it.
    public var pixels: Int
    /// Maps that have it.
    public var maps: Int
  }

  /// Pictures in the set.
  public let count: Int
  /// Pictures whose labels were read.
  public let examined: Int
  /// The numbers that occur, and classes that do not.
  public let rows: [Row]
  /// Pixels that are ignored.
  public let ignored: Int
  /// Files that cannot be used.
  public let broken: [UndecodableImage]
  /// How many maps of each size there are, the most frequent first.
  public let sizes: [(size: PixelSize, count: Int)]
  /// What keeps the set from being used: its classes are not known, or every pixel is ignored.
  public let problem: DatasetError?
  /// What the set says besides.
  public let notes: [String]
  /// The set; nil where its classes are not known.
  public let set: (any LabelMapDataset)?

  /// Reads a set.
  ///
  /// - Parameter sample: Most maps that are read, evenly over the set; nil for all.
  /// - Throws: `DatasetError` where there are no label maps.
  public init(
    at path: String, split: DatasetSplit = .training, rules: LabelRules = LabelRules(),
    sample: Int? = nil
  ) throws(DatasetError) {
    let opened: any LabelMapDataset
    var problem: DatasetError?
    do throws(DatasetError) {
      opened = try openLabelMaps(at: path, split: split, rules: rules)
      set = opened
    } catch {
      // The numbers are counted all the same, so that a class table can be written.
      guard PathKind(path) == .folder,
        case .folders(let pictures, let labels)? =
          try? LabelMapLayout(path, rules: rules).part(split),
        let bare = try? LabelMapFolder(
          pictures: pictures, labels: labels, numbering: LabelNumbering(names: [], ids: []))
      else { throw error }
      opened = bare
      problem = error
      set = nil
    }
    count = opened.count
    notes = opened.notes
    let examined = min(sample ?? count, count)
    self.examined = examined
    let found = Mutex(Found())
    let isKnown = set != nil
    let total = count
    DispatchQueue.concurrentPerform(iterations: examined) { i in
      let index = i * total / examined
      do throws(ImageError) {
        let stored = try opened.storedLabels(of: index)
        // Numbers count also where one of them stands for no class.
        if let stored { found.withLock { $0.add(stored.map) } }
        guard isKnown else { return }
        let classes = try opened.labelMap(of: index)
        let ignored = classes.histogram[LabelMap.ignored] ?? 0
        found.withLock { found in
          if stored == nil { found.add(classes) }
          found.ignored += ignored
        }
      } catch {
        let broken = UndecodableImage(
          index: index, name: error.name ?? opened.name(of: index), reason: error.reason)
        found.withLock { $0.broken.append(broken) }
      }
    }
    let result = found.withLock { $0 }
    broken = result.broken.sorted { $0.index < $1.index }
    ignored = result.ignored
    sizes = result.sizes.map { (size: $0.key, count: $0.value) }.sorted { a, b in
      a.count != b.count
        ? a.count > b.count : (a.size.width, a.size.height) < (b.size.width, b.size.height)
    }
    let isStored = (try? opened.storedLabels(of: 0)) ?? nil != nil
    var names: [Int: String] = [:]
    for (label, name) in opened.numbering.names.enumerated() {
      names[isStored ? opened.numbering.ids[label] : label] = name
    }
    if isStored {
      for id in opened.numbering.ignoredIDs where names[id] == nil { names[id] = "ignored" }
      if isKnown, names[255] == nil { names[255] = "ignored" }
    }
    let numbers = Swift.Set(result.pixels.keys).union(
      names.filter { $0.value != "ignored" }.map(\.key))
    rows = numbers.sorted().map { number in
      Row(
        number: number, name: names[number], pixels: result.pixels[number] ?? 0,
        maps: result.maps[number] ?? 0)
    }
    let pixels = result.sizes.reduce(0) { $0 + $1.key.width * $1.key.height * $1.value }
    if isKnown, result.broken.isEmpty, pixels > 0, result.ignored == pixels {
      problem = .everyPixelIgnored(in: path)
    }
    self.problem = problem
  }

  private struct Found {
    var pixels: [Int: Int] = [:]
    var maps: [Int: Int] = [:]
    var sizes: [PixelSize: Int] = [:]
    var ignored = 0
    var broken: [UndecodableImage] = []

    mutating func add(_ map: LabelMap) {
      sizes[map.size, default: 0] += 1
      for (number, count) in map.histogram where number != LabelMap.ignored {
        pixels[Int(number), default: 0] += count
        maps[Int(number), default: 0] += 1
      }
    }
  }

  /// The summary, a line each.
  public var lines: [String] {
    let sampled = examined < count ? ", \(examined) examined" : ""
    var lines = ["pictures \(count) with label maps\(sampled)"]
    let shown = sizes.prefix(5).map { "\($0.size) (\($0.count))" }.joined(separator: ", ")
    lines.append("sizes    \(shown)\(sizes.count > 5 ? ", … \(sizes.count) different" : "")")
    let total = rows.reduce(0) { $0 + $1.pixels }
    lines.append("labels   \(rows.count { $0.pixels > 0 }) different; \(ignored) pixels ignored")
    let widest = min(30, rows.compactMap { $0.name?.count }.max() ?? 0)
    let most = max(1, rows.map(\.pixels).max() ?? 1)
    for row in rows {
      let name = String((row.name ?? (problem == nil ? "no class" : "")).prefix(30))
      let gap = String(repeating: " ", count: max(0, widest - name.count))
      let number = String(row.number)
      let bar = String(repeating: "#", count: (row.pixels * 24 + most - 1) / most)
      let share = total > 0 ? 100 * Double(row.pixels) / Double(total) : 0
      lines.append(
        String(repeating: " ", count: max(0, 6 - number.count)) + number + "  \(name)\(gap)  "
          + "\(Formatted.fixed(share, 2)) % in \(row.maps) maps  \(bar)")
    }
    return lines
  }
}
