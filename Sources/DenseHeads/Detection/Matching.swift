/// Which true box each box stands for (Ren et al., 2015, §3.1.2).
public struct Matching: Hashable, Sendable {
  /// The true box of each box that stands for one; −1 for background, −2 where it is left out.
  public let matches: [Int32]

  /// Stands for background.
  public static let background: Int32 = -1
  /// Is left out.
  public static let ignored: Int32 = -2

  /// Compares boxes with true ones by what they share. A box goes to the true one that it shares most
  /// with, of equal ones the first.
  ///
  /// - Parameters:
  ///   - foreground: From this share on a box stands for the true one.
  ///   - background: Below this share it stands for background; between the two it is left out.
  ///   - keepsBest: Whether also all those boxes stand for one that share as much with a true box as
  ///     the best for it. They keep the true box that they themselves share most with. A true box that
  ///     no box meets has none.
  /// - Complexity: O(boxes · truths)
  public init(
    _ boxes: [Box], with truths: [Box], foreground: Float, background: Float,
    keepsBest: Bool = false
  ) {
    var matches = [Int32](repeating: Self.background, count: boxes.count)
    guard !truths.isEmpty else {
      self.matches = matches
      return
    }
    var shares = [Float](repeating: -1, count: boxes.count)
    var best = [Float](repeating: 0, count: truths.count)
    var nearest = [Int32](repeating: 0, count: boxes.count)
    // Truths outside: each pass runs through plain arrays.
    boxes.withUnsafeBufferPointer { boxes in
      shares.withUnsafeMutableBufferPointer { shares in
        nearest.withUnsafeMutableBufferPointer { nearest in
          for (number, truth) in truths.enumerated() {
            var most: Float = 0
            for index in boxes.indices {
              let share = boxes[index].overlap(with: truth)
              if share > shares[index] {
                shares[index] = share
                nearest[index] = Int32(number)
              }
              if share > most { most = share }
            }
            best[number] = most
          }
        }
      }
    }
    for index in boxes.indices {
      if shares[index] >= foreground {
        matches[index] = nearest[index]
      } else if shares[index] >= background {
        matches[index] = Self.ignored
      }
    }
    if keepsBest {
      for (number, truth) in truths.enumerated() where best[number] > 0 {
        for index in boxes.indices where matches[index] < 0 && shares[index] >= best[number] {
          if boxes[index].overlap(with: truth) == best[number] { matches[index] = nearest[index] }
        }
      }
    }
    self.matches = matches
  }
}
