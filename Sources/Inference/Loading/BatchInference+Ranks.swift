import DataParallel
import Datasets
import Foundation
import Runs
import Torch

/// Images shared by several processes. They are computed in rounds: in each, every rank takes its
/// part of the images that follow, and the results are put together in the images' order. So what
/// is made of them is what one process makes of them.
extension BatchInference {
  /// Images of a rank in a round: enough that the ranks seldom wait for each other, few enough that
  /// the results of a round fit anywhere.
  static let imagesOfRound = 512

  /// What one rank has computed in a round.
  private struct Share {
    var indices: [Int] = []
    var rows: [Tensor] = []
    var broken: [UndecodableImage] = []
    var failure: (any Error)?
  }

  func runTogether(
    over images: any ImageDataset, named name: String,
    computing compute: @escaping @Sendable (LoadedModel, Tensor) -> Tensor,
    each body: (Part) throws -> Void
  ) throws -> Int {
    var seen = 0
    for start in stride(from: 0, to: images.count, by: Self.imagesOfRound * group.count) {
      let end = min(images.count, start + Self.imagesOfRound * group.count)
      func first(of rank: Int) -> Int { start + rank * (end - start) / group.count }
      let range = first(of: group.rank)..<first(of: group.rank + 1)
      let share = share(of: images, range, named: name, computing: compute)
      for part in try exchange(share, of: images, from: start) {
        seen += part.indices.count
        if givesAllRanks || group.isFirst { try body(part) }
      }
    }
    return seen
  }

  private func share(
    of images: any ImageDataset, _ range: Range<Int>, named name: String,
    computing compute: @escaping @Sendable (LoadedModel, Tensor) -> Tensor
  ) -> Share {
    var share = Share()
    guard !range.isEmpty else { return share }
    do {
      _ = try runHere(
        over: images.subset(range: range), named: name, computing: compute
      ) { part in
        share.indices += part.indices.map { $0 + range.lowerBound }
        if let rows = part.rows { share.rows.append(rows) }
        share.broken += part.broken.map { image in
          UndecodableImage(
            index: image.index + range.lowerBound, name: image.name, reason: image.reason)
        }
      }
    } catch {
      share.failure = error
    }
    return share
  }

  /// What all ranks have computed, in the images' order.
  private func exchange(
    _ share: Share, of images: any ImageDataset, from start: Int
  ) throws -> [Part] {
    // A rank without images does not know what a row looks like.
    let rank = share.rows.first.map { $0.rank } ?? 0
    var shape = [Int](repeating: 0, count: 8)
    if let rows = share.rows.first {
      precondition(rank <= 8, "rows of \(rank) dimensions")
      for (place, size) in rows.shape.enumerated() { shape[place] = size }
    }
    let notes = try group.maximum(
      [
        share.failure == nil ? 0 : 1, share.broken.isEmpty ? 0 : 1, share.indices.isEmpty ? 0 : 1,
        Double(rank),
      ] + shape.map(Double.init))
    if notes[0] > 0 {
      let texts = try group.gather(share.failure.map { "\($0)" } ?? "")
      if let own = share.failure { throw own }
      throw RunFailure(.badData, texts.first { !$0.isEmpty } ?? "another rank has failed")
    }
    let broken =
      notes[1] > 0
      ? try group.gather(String(decoding: try JSONEncoder().encode(share.broken), as: UTF8.self))
        .flatMap { try JSONDecoder().decode([UndecodableImage].self, from: Data($0.utf8)) } : []
    guard notes[2] > 0 else {
      return broken.isEmpty ? [] : [Part(indices: [], labels: [], rows: nil, broken: broken)]
    }
    let row = notes[4...].prefix(Int(notes[3])).dropFirst().map { Int($0) }
    let own = share.rows.isEmpty ? Tensor.zeros([0] + row) : concatenated(share.rows)
    let rows = try group.concatenated(own)
    let indices = try group.concatenated(Tensor(share.indices)).array(of: Int.self)
    return [
      Part(
        indices: indices, labels: indices.map { images.label(of: $0) ?? -1 }, rows: rows,
        broken: broken)
    ]
  }
}
