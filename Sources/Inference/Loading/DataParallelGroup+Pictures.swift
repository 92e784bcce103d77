import DataParallel
import Foundation
import Runs
import Torch

/// Pictures shared by several processes, whose results are counted in the pictures' order: what is
/// made of them is what one process makes of them.
extension DataParallelGroup {
  /// Pictures of a rank in a round: enough that ranks seldom wait, few enough that none is waited for
  /// long and the results of a round fit anywhere.
  private static var picturesOfRound: Int { 64 }

  /// What one rank has computed in a round, as it travels.
  private struct Share<Part: Codable>: Codable {
    var parts: [Part] = []
    var failure: String?
  }

  /// Computes pictures in blocks, each rank some of the blocks, and gives every rank all results in
  /// order. Blocks are the same for any number of ranks.
  ///
  /// - Parameters:
  ///   - count: How many pictures there are.
  ///   - block: Pictures computed at a time.
  ///   - compute: Computes some pictures, by their numbers.
  ///   - body: Takes the result of each block, on every rank.
  /// - Throws: What `compute` throws, on the ranks where it does not as a ``RunFailure`` with the same
  ///   words, and what `body` throws.
  func inOrder<Part: Codable>(
    _ count: Int, by block: Int, _ compute: (Range<Int>) throws -> Part,
    each body: (Part) throws -> Void
  ) throws {
    func pictures(_ number: Int) -> Range<Int> {
      number * block..<min(count, (number + 1) * block)
    }
    let blocks = (count + block - 1) / block
    guard !isSingle else {
      for number in 0..<blocks { try body(compute(pictures(number))) }
      return
    }
    let round = self.count * max(1, Self.picturesOfRound / block)
    for start in stride(from: 0, to: blocks, by: round) {
      let end = min(blocks, start + round)
      func first(of rank: Int) -> Int { start + rank * (end - start) / self.count }
      var share = Share<Part>()
      var own: (any Error)?
      do {
        for number in first(of: rank)..<first(of: rank + 1) {
          share.parts.append(try compute(pictures(number)))
        }
      } catch {
        (own, share.failure) = (error, "\(error)")
      }
      let all = try gatherShares(share)
      if let own { throw own }
      if let words = all.compactMap(\.failure).first { throw RunFailure(.badData, words) }
      for share in all { for part in share.parts { try body(part) } }
    }
  }

  private func gatherShares<Part: Codable>(_ share: Share<Part>) throws -> [Share<Part>] {
    let bytes = Array(try JSONEncoder().encode(share))
    var lengths = [Int](repeating: 0, count: count)
    lengths[rank] = bytes.count
    lengths = try sum(lengths)
    let all = try concatenated(Tensor(bytes, shape: [bytes.count])).array(of: UInt8.self)
    var first = 0
    return try lengths.map { length in
      defer { first += length }
      return try JSONDecoder().decode(
        Share<Part>.self, from: Data(all[first..<first + length]))
    }
  }
}
