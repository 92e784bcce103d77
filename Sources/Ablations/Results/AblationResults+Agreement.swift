import FileSystem
import RecipeSyntax

extension AblationResults {
  /// In how many pairs of rows that the paper tells apart the order is the same here.
  struct Agreement: Hashable {
    /// Pairs of rows that differ in the paper by at least ``least``.
    var pairs: Int
    /// Those of them whose order is the same here.
    var same: Int

    /// Half a point: less than that the paper's own text treats as equal.
    static let least = 0.5
  }

  /// Compares the order of rows with the paper's.
  func agreement(
    _ ours: (Row) -> Samples, _ papers: (Row) -> Double?
  ) -> Agreement {
    let known = rows.compactMap { row in
      ours(row).mean.flatMap { mean in papers(row).map { (ours: mean, paper: $0) } }
    }
    var found = Agreement(pairs: 0, same: 0)
    for first in known.indices {
      for second in known.indices.dropFirst(first + 1) {
        let paper = known[first].paper - known[second].paper
        guard abs(paper) >= Agreement.least - 1e-9 else { continue }
        found.pairs += 1
        if paper * (known[first].ours - known[second].ours) > 0 { found.same += 1 }
      }
    }
    return found
  }

  /// What was found, as sentences.
  var sentences: [String] {
    var found: [String] = []
    for (name, ours, papers) in [
      ("fine-tuning", { (row: Row) in row.finetuned }, { (row: Row) in row.paper.finetuned }),
      ("the linear probe", { $0.probed }, { $0.paper.probed }),
    ] {
      guard let best = rows.max(by: { (ours($0).mean ?? -1) < (ours($1).mean ?? -1) }),
        let value = ours(best).mean
      else { continue }
      var sentence =
        "By \(name), the best row here is \(best.label) (\(Formatted.fixed(value, 2)) %)"
      if let most = rows.compactMap(papers).max() {
        let paper = rows.filter { papers($0) == most }.map(\.label)
        sentence +=
          "; the paper's is \(paper.joinedWords("and")) (\(Formatted.fixed(most, 1)) %)"
      }
      let order = agreement(ours, papers)
      if order.pairs > 0 {
        sentence +=
          ". Of \(order.pairs) pairs of rows that differ in the paper by half a point or more, "
          + "\(order.same) are in the same order here"
      }
      found.append(sentence + ".")
    }
    return found
  }
}
