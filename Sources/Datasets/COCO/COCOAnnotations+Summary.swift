extension COCOAnnotations {
  /// What is in the file, a line each: pictures, objects of each class, and what is wrong.
  public var summaryLines: [String] {
    var counts = [Int](repeating: 0, count: categories.count)
    for object in objects { counts[object.category] += 1 }
    let crowds = objects.count { $0.isCrowd }
    let masks = objects.count { hasMask($0) }
    var lines = [
      "pictures \(images.count) in \(lastComponent(path))",
      "objects  \(objects.count), \(masks) with masks, \(crowds) crowds",
      "classes  \(categories.count)",
    ]
    let most = max(1, counts.max() ?? 1)
    let widest = min(30, categories.map(\.name.count).max() ?? 0)
    for (category, count) in zip(categories, counts) {
      let gap = String(repeating: " ", count: max(0, widest - category.name.count))
      let bar = String(repeating: "#", count: (count * 24 + most - 1) / most)
      lines.append("  \(category.id)  \(category.name)\(gap)  \(count)  \(bar)")
    }
    return lines + problems.lines.map { "problem  \($0)" }
  }
}

extension COCOAnnotations {
  /// The same file with the objects of some of its pictures alone; the others stay, without objects.
  public func keepingObjects(ofPictures numbers: [Int]) -> COCOAnnotations {
    var kept = self
    let wanted = Set(numbers)
    if wanted.count < images.count { kept.objects.removeAll { !wanted.contains($0.image) } }
    return kept
  }
}
