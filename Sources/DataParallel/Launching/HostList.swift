/// Slurm's short writing of many hosts and of many numbers.
public enum HostList {
  /// The most names that a list is expanded to.
  static let limit = 1 << 20

  /// The hosts of a list such as `gpu[001-004,9],login` or `rack[0-1]n[1-2]`, in order.
  ///
  /// A number keeps the digits it is written with: `n[08-10]` is n08, n09, n10. Several brackets of
  /// a name are expanded like nested loops, the last one innermost.
  ///
  /// - Throws: ``LaunchError`` for brackets that do not close, a range that is none, an empty name,
  ///   or more than a million names.
  public static func hosts(_ list: String) throws(LaunchError) -> [String] {
    func refusal(_ reason: String) -> LaunchError {
      LaunchError(
        "the list of hosts \(list.excerpt) \(reason); expected one such as gpu[001-004,9],login")
    }
    var hosts: [String] = []
    for word in try words(list, refusal) {
      var names = [""]
      var rest = word[...]
      while !rest.isEmpty {
        let plain = rest.prefix { $0 != "[" }
        rest = rest.dropFirst(plain.count)
        names = names.map { $0 + plain }
        guard rest.first == "[" else { break }
        let inside = rest.dropFirst().prefix { $0 != "]" }
        rest = rest.dropFirst(inside.count + 2)
        let numbers = try Self.numbers(inside, refusal)
        guard names.count * numbers.count <= limit else {
          throw refusal("has over a million names")
        }
        names = names.flatMap { name in numbers.map { name + $0 } }
      }
      hosts += names
      guard hosts.count <= limit else { throw refusal("has over a million names") }
    }
    return hosts
  }

  /// The words between the commas that stand outside brackets.
  private static func words(
    _ list: String, _ refusal: (String) -> LaunchError
  ) throws(LaunchError) -> [String] {
    var words = [""]
    var isInside = false
    for character in list {
      switch character {
      case "[" where isInside: throw refusal("has a bracket inside another")
      case "]" where !isInside: throw refusal("closes a bracket that is not open")
      case "[": isInside = true
      case "]": isInside = false
      case "," where !isInside:
        words.append("")
        continue
      default: break
      }
      words[words.count - 1].append(character)
    }
    guard !isInside else { throw refusal("has a bracket that is not closed") }
    guard words.allSatisfy({ !$0.isEmpty }) else { throw refusal("has an empty name") }
    return words
  }

  /// `001-003,9` → 001, 002, 003, 9
  private static func numbers(
    _ text: Substring, _ refusal: (String) -> LaunchError
  ) throws(LaunchError) -> [String] {
    var numbers: [String] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let ends = part.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
      guard let first = number(ends[0]), let last = number(ends.last ?? ""), first <= last else {
        throw refusal("has \(part.isEmpty ? "nothing" : String(part).excerpt) where numbers belong")
      }
      guard last - first < limit, numbers.count + last - first < limit else {
        throw refusal("has over a million names")
      }
      for value in first...last {
        let digits = String(value)
        numbers.append(
          String(repeating: "0", count: max(0, ends[0].count - digits.count)) + digits)
      }
    }
    return numbers
  }

  /// Digits and nothing else, not even a sign.
  private static func number(_ text: some StringProtocol) -> Int? {
    text.allSatisfy { $0.isASCII && $0.isNumber } ? Int(text) : nil
  }

  /// Tasks of each host as `SLURM_STEP_TASKS_PER_NODE` writes them: `8(x4),2` is 8, 8, 8, 8, 2.
  ///
  /// - Throws: ``LaunchError`` for anything else, or more than a million hosts.
  public static func tasks(_ list: String) throws(LaunchError) -> [Int] {
    var tasks: [Int] = []
    for part in list.split(separator: ",", omittingEmptySubsequences: false) {
      var count = part[...]
      var times = 1
      if let bracket = part.firstIndex(of: "("), part.hasSuffix(")") {
        count = part[..<bracket]
        let inside = part[bracket...].dropFirst().dropLast()
        times = inside.first == "x" ? number(inside.dropFirst()) ?? 0 : 0
      }
      guard let value = number(count), times >= 1, times <= limit - tasks.count else {
        throw LaunchError(
          "the tasks of hosts are \(list.excerpt); expected numbers such as 8(x4),2")
      }
      tasks += Array(repeating: value, count: times)
    }
    return tasks
  }
}
