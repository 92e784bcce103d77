package import FileSystem

/// COCO's numbers for people and for other programs.
extension AveragePrecision {
  /// The twelve numbers, a line each, then the classes; without true objects there is a dash.
  ///
  /// - Precondition: there is a name for each class.
  public func lines(names: [String], title: String) -> [String] {
    precondition(names.count == classes, "\(names.count) names for \(classes) classes")
    var lines = [title]
    for (name, value) in zip(Summary.names, summary.values) {
      lines.append(
        "  \(name)\(String(repeating: " ", count: 7 - name.count))\(Self.percent(value))")
    }
    let widest = min(40, names.map(\.count).max() ?? 0)
    for k in 0..<classes {
      let gap = String(repeating: " ", count: max(0, widest - names[k].count))
      lines.append(
        "  \(names[k])\(gap)  AP \(Self.percent(averagePrecision(of: k)))  AP50 "
          + "\(Self.percent(averagePrecision(at: [0], of: k)))  of \(truths[k])")
    }
    return lines
  }

  private static func percent(_ value: Double) -> String {
    value < 0 ? "–" : Formatted.fixed(100 * value, 2)
  }

  /// The numbers as JSON; null without true objects.
  ///
  /// - Precondition: there is a name for each class.
  package func json(names: [String]) -> JSONValue {
    precondition(names.count == classes, "\(names.count) names for \(classes) classes")
    func number(_ value: Double) -> JSONValue { value < 0 ? .null : .number(value) }
    var fields: [String: JSONValue] = [:]
    for (name, value) in zip(Summary.names, summary.values) { fields[name] = number(value) }
    fields["classes"] = .list(
      (0..<classes).map { k in
        .object([
          "name": .string(names[k]), "AP": number(averagePrecision(of: k)),
          "AP50": number(averagePrecision(at: [0], of: k)),
          "AP75": number(averagePrecision(at: [5], of: k)), "truths": .integer(truths[k]),
        ])
      })
    return .object(fields)
  }

  /// Precision at each recall of each class at an overlap of 0.5, as the lines of a CSV file.
  ///
  /// - Precondition: there is a name for each class.
  public func curveLines(names: [String]) -> [String] {
    precondition(names.count == classes, "\(names.count) names for \(classes) classes")
    let known = (0..<classes).filter { truths[$0] > 0 }
    let curves = known.map { curve(of: $0) ?? [] }
    let head = (["recall"] + known.map { CSVText.field(names[$0]) }).joined(separator: ",")
    return [head]
      + Self.recalls.enumerated().map { place, recall in
        ([Formatted.fixed(recall, 2)] + curves.map { String($0[place]) }).joined(separator: ",")
      }
  }
}
