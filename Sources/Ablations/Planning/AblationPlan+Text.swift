import FileSystem
import Foundation
package import Torch
package import Training

extension AblationPlan {
  /// What would be run, a line each: rows, what each changes, and what it would take.
  ///
  /// - Parameters:
  ///   - device: Where steps would be done; a fraction of a second is measured there unless a machine
  ///     is named.
  ///   - machine: The machine whose sheet tells hours.
  package func lines(on device: Device, machine: Machine? = nil) throws -> [String] {
    let pace = machine.map { Pace.machine($0) } ?? .measured(scale.pretraining, on: device)
    let widths = (
      name: max(3, rows.map { Self.name($0).count }.max() ?? 0) + 2,
      changes: max(7, rows.map { Self.changes($0.row).count }.max() ?? 0) + 2
    )
    func cell(_ text: String, _ width: Int) -> String {
      text.padding(toLength: max(width, text.count), withPad: " ", startingAt: 0)
    }
    func right(_ text: String, _ width: Int) -> String {
      String(repeating: " ", count: max(0, width - text.count)) + text
    }
    var lines = [
      "\(ablation.title) (\(ablation.place)), \(scale.name) scale: \(data.images) images of "
        + "\(settings.names.data), \(data.labelled) labelled to fine-tune on, \(data.validated) to "
        + "validate on",
      "",
      cell("row", widths.name) + cell("changes", widths.changes) + right("paper", 13)
        + right("time", 11) + right("memory", 10) + right("disk", 10) + "  steps",
    ]
    var seen: Set<Int> = []
    var total = (hours: 0.0, memory: 0.0, disk: 0.0, steps: 0)
    for row in rows {
      var own = (hours: 0.0, memory: 0.0, disk: 0.0)
      var words: [String] = []
      for place in row.steps {
        let step = steps[place]
        let name = step.kind.rawValue
        guard seen.insert(place).inserted else {
          words.append("\(name) shared")
          continue
        }
        if try step.record()?.result != nil {
          words.append("\(name) done")
          continue
        }
        words.append(name)
        own.hours += step.cost.hours(on: pace)
        own.memory = max(own.memory, step.cost.memory)
        own.disk += step.cost.disk
        total.steps += 1
      }
      total.hours += own.hours
      total.memory = max(total.memory, own.memory)
      total.disk += own.disk
      lines.append(
        cell(Self.name(row), widths.name) + cell(Self.changes(row.row), widths.changes)
          + right(Self.paper(row.row), 13) + right(Self.time(own.hours), 11)
          + right(Formatted.bytes(Int(own.memory)), 10) + right(Formatted.bytes(Int(own.disk)), 10)
          + "  " + words.joined(separator: ", "))
    }
    lines += [
      "",
      "\(total.steps) steps to do: about \(Formatted.duration(3600 * total.hours)) "
        + "\(Self.place(pace, device)), \(Formatted.bytes(Int(total.memory))) of memory, "
        + "\(Formatted.bytes(Int(total.disk))) of disk",
    ]
    return lines
  }

  private static func name(_ row: Row) -> String { StepMaking.folder(row.row.name, row.seed) }

  static func changes(_ row: AblationRow) -> String {
    let length = row.length == 1 ? [] : ["length × \(AblationRow.text(row.length))"]
    let changes = row.changes + length + row.finetuning
    return changes.isEmpty ? "nothing" : changes.joined(separator: " ")
  }

  private static func paper(_ row: AblationRow) -> String {
    func text(_ value: Double?) -> String { value.map { Formatted.fixed($0, 1) } ?? "–" }
    return "\(text(row.paper.finetuned)) / \(text(row.paper.probed))"
  }

  private static func time(_ hours: Double) -> String {
    hours == 0 ? "–" : Formatted.duration(3600 * hours)
  }

  private static func place(_ pace: Pace, _ device: Device) -> String {
    switch pace {
    case .measured: "on this machine (\(device), measured on a block of the model)"
    case .machine(let machine): "on a host of \(machine.gpus) GPUs (\(machine.name))"
    }
  }
}
