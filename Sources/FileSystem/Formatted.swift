import Foundation

/// Numbers as people read them.
public enum Formatted {
  /// `1 h 12 min`, `4 min`, `35 s`, `3 d 4 h`.
  public static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e9 else { return "–" }
    let total = Int(max(0, seconds).rounded())
    switch total {
    case ..<60: return "\(total) s"
    case ..<600: return total % 60 == 0 ? "\(total / 60) min" : "\(total / 60) min \(total % 60) s"
    case ..<3600: return "\((total + 30) / 60) min"
    case ..<86_400:
      let minutes = (total + 30) / 60
      return minutes % 60 == 0 ? "\(minutes / 60) h" : "\(minutes / 60) h \(minutes % 60) min"
    default:
      let hours = (total + 1800) / 3600
      return hours % 24 == 0 ? "\(hours / 24) d" : "\(hours / 24) d \(hours % 24) h"
    }
  }

  /// `840 MB`, `1.3 GB`; a kilobyte has 1000 bytes.
  public static func bytes(_ count: Int) -> String {
    switch count {
    case ..<1_000_000: "\((count + 500) / 1000) kB"
    case ..<1_000_000_000: "\((count + 500_000) / 1_000_000) MB"
    default: "\(fixed(Double(count) / 1e9, 1)) GB"
    }
  }

  /// With so many digits after the point, in any locale.
  public static func fixed(_ value: Double, _ digits: Int) -> String {
    String(format: "%.\(digits)f", value)
  }

  /// `9.8e-04`
  public static func scientific(_ value: Double) -> String { String(format: "%.1e", value) }
}
