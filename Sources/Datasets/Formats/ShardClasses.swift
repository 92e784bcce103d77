/// One numbering of the classes of all shards.
struct ShardClasses {
  let classes: [String]?
  /// For each shard the number of each of its classes; empty where nothing changes.
  let renumbering: [[Int32]]

  /// No classes.
  init(none count: Int) {
    classes = nil
    renumbering = Array(repeating: [], count: count)
  }

  /// - Parameter wanted: the classes that are to be used.
  init(
    _ indexes: [ShardIndex], shards: [String], wanted: [String]?
  ) throws(DatasetError) {
    var largest: Int32 = -1
    var unlabeled: Int?
    for (shard, index) in indexes.enumerated() {
      let most = Int32(clamping: index.classes?.count ?? ListDataset.mostClasses)
      for i in 0..<index.count {
        let label = index.label(i)
        guard label < most else {
          throw DatasetError(
            .malformed, path: shards[shard],
            "gives \(index.name(i)) the class \(label); expected at most \(most - 1)")
        }
        largest = max(largest, label)
        if label < 0, unlabeled == nil { unlabeled = shard }
      }
    }
    guard largest >= 0 else {
      if wanted != nil {
        throw DatasetError(
          .malformed, path: shards[0], "gives no image a class; expected .cls or .json files")
      }
      classes = nil
      renumbering = indexes.map { _ in [] }
      return
    }
    if wanted != nil, let unlabeled {
      throw DatasetError(
        .malformed, path: shards[unlabeled],
        "gives some images a class and others none; give one to every image or to none")
    }
    let named = indexes.map(\.classes)
    if named.allSatisfy({ $0 == nil }) {
      let limit = wanted?.count ?? ListDataset.mostClasses
      guard largest < limit else {
        throw DatasetError(
          .malformed, path: shards[0], "has a class \(largest); expected 0 to \(limit - 1)")
      }
      classes = wanted ?? (0...largest).map { String($0) }
      renumbering = indexes.map { _ in [] }
      return
    }
    guard let all = named as? [[String]] else {
      throw DatasetError(
        .malformed, path: shards[named.firstIndex { $0 == nil } ?? 0],
        "gives its classes numbers where other shards name them; give one kind")
    }
    let union = wanted ?? (Set(all).count == 1 ? all[0] : Set(all.joined()).sorted())
    var renumbering: [[Int32]] = []
    for (shard, names) in all.enumerated() {
      let map = try ClassNumbers(names, among: union, path: shards[shard])
      renumbering.append(names == union ? [] : map.numbers)
    }
    classes = union
    self.renumbering = renumbering
  }
}
