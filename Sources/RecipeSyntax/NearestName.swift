/// The name most like `word` among `names`, if any is alike enough to be what was meant.
///
/// Letter case does not count. Alike enough means that at most a third of the longer word, and at
/// least one letter, would have to change.
/// - Complexity: the product of the words' lengths, for each name.
package func nearestName(to word: String, among names: some Sequence<String>) -> String? {
  let wanted = Array(word.lowercased().prefix(64))
  var best: (name: String, distance: Int)?
  for name in names {
    let candidate = Array(name.lowercased().prefix(64))
    let distance = editDistance(wanted, candidate)
    let allowed = max(1, max(wanted.count, candidate.count) / 3)
    if distance <= allowed, distance < best?.distance ?? .max { best = (name, distance) }
  }
  return best?.name
}

/// The least number of letters to insert, delete, replace or swap with their neighbour.
func editDistance(_ a: [Character], _ b: [Character]) -> Int {
  var twoBack: [Int] = []
  var previous = Array(0...b.count)
  for i in a.indices {
    var current = [i + 1]
    current.reserveCapacity(b.count + 1)
    for j in b.indices {
      var cost = min(
        previous[j + 1] + 1, current[j] + 1, previous[j] + (a[i] == b[j] ? 0 : 1))
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, twoBack[j - 1] + 1) }
      current.append(cost)
    }
    twoBack = previous
    previous = current
  }
  return previous[b.count]
}
