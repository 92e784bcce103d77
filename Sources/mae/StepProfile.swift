import FileSystem
import Foundation
import Recipes
import Torch

/// Where the time of a training step goes: parts that add up to it.
struct StepProfile {
  /// A part of a step.
  enum Part: String, CaseIterable {
    case forward = "products: forward"
    case inputGradient = "products: input gradient"
    case weightGradient = "products: weight gradient"
    case attention = "attention"
    case elementwise = "norms, GELU, copies, the like"
    case optimizer = "optimizer"
    case data = "data: masks, cleared gradients"
    case waits = "waits for the device"
    case rest = "the rest: calls, autograd"

    /// Whether products of matrices are all it does.
    var isProducts: Bool {
      [.forward, .inputGradient, .weightGradient].contains(self)
    }
  }

  /// A phase of a step, whose operators were recorded together.
  enum Phase: CaseIterable { case data, forward, backward, optimizer, waits }

  /// Operators of a phase and the seconds it took on the clock, in the mean of the steps.
  struct Measured {
    let phase: Phase
    let seconds: Double
    let entries: [OperatorProfile.Entry]
  }

  /// Seconds of a part in a step.
  private(set) var seconds: [Part: Double] = [:]
  /// Floating-point operations of a part's products in a step.
  private(set) var operations: [Part: Double] = [:]
  /// Seconds of a part's products alone, one shape after the other.
  private(set) var secondsAlone: [Part: Double] = [:]
  /// Operators that are no products, by their seconds in a step.
  private(set) var others: [String: Double] = [:]
  /// Seconds of a step.
  let total: Double

  /// Divides the phases of some steps.
  ///
  /// - Parameter alone: Seconds of a product alone.
  init(_ phases: [Measured], steps: Int, alone: (OperatorProfile.Product) -> Double) {
    total = phases.reduce(0) { $0 + $1.seconds } / Double(steps)
    var known: [OperatorProfile.Product: Double] = [:]
    for measured in phases {
      var rest = measured.seconds
      for entry in measured.entries {
        let part = Self.part(of: entry, in: measured.phase)
        rest -= entry.seconds
        seconds[part, default: 0] += entry.seconds / Double(steps)
        guard part.isProducts, let product = entry.product else {
          others[entry.name, default: 0] += entry.seconds / Double(steps)
          continue
        }
        let least = known[product] ?? alone(product)
        known[product] = least
        let calls = Double(entry.calls) / Double(steps)
        operations[part, default: 0] += calls * product.operations
        secondsAlone[part, default: 0] += calls * least
      }
      let part: Part =
        switch measured.phase {
        case .data: .data
        case .waits: .waits
        case .optimizer: .optimizer
        case .forward, .backward: .rest
        }
      seconds[part, default: 0] += rest / Double(steps)
    }
  }

  private static func part(of entry: OperatorProfile.Entry, in phase: Phase) -> Part {
    switch phase {
    case .data: return .data
    case .optimizer: return .optimizer
    case .waits: return .waits
    case .forward, .backward: break
    }
    let name = entry.name
    if name.contains("attention") || name.contains("softmax") || name.hasSuffix("bmm") {
      return .attention
    }
    if let product = entry.product {
      if phase == .forward || name.hasSuffix("forward") { return .forward }
      return product.transposesFirst ? .weightGradient : .inputGradient
    }
    return name.hasPrefix("autograd::") ? .rest : .elementwise
  }

  /// The table, a line each.
  var lines: [String] {
    func cells(_ name: String, _ cells: [String]) -> String {
      name.padding(toLength: 32, withPad: " ", startingAt: 0)
        + cells.map { String(repeating: " ", count: max(1, 10 - $0.count)) + $0 }.joined()
    }
    func rate(_ operations: Double?, _ seconds: Double?) -> String {
      guard let operations, let seconds, seconds > 0 else { return "" }
      return fixed(operations / seconds / 1e9, 1)
    }
    func row(_ name: String, _ seconds: Double, _ operations: Double?, _ alone: Double?) -> String {
      cells(
        name,
        [
          fixed(seconds * 1000, 2), fixed(100 * seconds / total, 1) + " %",
          rate(operations, seconds), rate(operations, alone),
        ])
    }
    let products = Part.allCases.filter(\.isProducts)
    let (all, alone) = (
      products.reduce(0) { $0 + (operations[$1] ?? 0) },
      products.reduce(0) { $0 + (secondsAlone[$1] ?? 0) }
    )
    let slowest = others.sorted { $0.value > $1.value }.prefix(6)
      .map { "\($0.key) \(fixed($0.value * 1000, 2))" }
    return [cells("", ["ms", "share", "GFLOP/s", "alone"])]
      + Part.allCases.map { part in
        row(part.rawValue, seconds[part] ?? 0, operations[part], secondsAlone[part])
      }
      + [
        row("the step", total, all, alone),
        "Products alone would be \(fixed(100 * alone / total, 0)) % of the step.",
        "Longest of what is no product, ms: " + slowest.joined(separator: ", "),
      ]
  }
}
