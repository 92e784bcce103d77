import Imaging

/// Epochs without end.
///
/// A set of one part: what is left of an epoch after its last whole step is dropped; a set smaller
/// than a step is gone through as often as it takes to fill one. A weighted mixture: its parts take
/// turns without a break, each in epochs of its own, and nothing is dropped.
struct TrainingPlan: Sendable {
  let batch: Int
  private let seed: UInt64
  private let rank: Int
  private let ranks: Int
  /// Batches of this rank in an epoch.
  private let batchesPerEpoch: Int
  private let parts: [Part]
  /// The parts' turns; nil for a set of one part.
  private let turns: MixtureRound?

  private struct Part {
    /// Number of its first image.
    var first: Int
    var orders: ImageOrders
  }

  /// A place in a part's epochs. Laps are counted where an epoch is gone through more than once to
  /// fill a step.
  private struct Draw {
    var part = 0
    var epoch: Int
    var place: Int
    var lap = 0
  }

  init(
    _ layout: DatasetLayout, _ sampling: Sampling, batch: Int, seed: UInt64, rank: Int = 0,
    ranks: Int = 1
  ) {
    self.batch = batch
    self.seed = seed
    self.rank = rank
    self.ranks = ranks
    var parts: [Part] = []
    var first = 0
    for (number, part) in layout.parts.enumerated() {
      // Parts of a size shall not be in the same order.
      let own = number == 0 ? seed : mixed(seed &+ mixed(UInt64(number)))
      let orders = ImageOrders(seed: own, shuffle: sampling.shuffle, runs: part.runs)
      parts.append(Part(first: first, orders: orders))
      first += orders.count
    }
    self.parts = parts
    turns = parts.count > 1 ? MixtureRound(draws: layout.parts.map(\.draws)) : nil
    let steps = sampling.stepsPerEpoch(images: first, batch: batch, ranks: ranks)
    batchesPerEpoch = steps * sampling.accumulation
  }

  func choice(number: Int, slot: Int, attempt: Int) -> (index: Int, random: SampleRandom)? {
    let draw = draw(number: number, slot: slot)
    let part = parts[draw.part]
    guard attempt < part.orders.count else { return nil }
    let place = (draw.place + attempt) % part.orders.count
    let index = part.first + part.orders.image(epoch: draw.epoch, place: place)
    // A replacement may appear in the same epoch in its own right; it is then cut differently.
    let occurrence = draw.lap << 32 + attempt
    return (
      index, SampleRandom(seed: seed, epoch: draw.epoch, sample: index, occurrence: occurrence)
    )
  }

  private func draw(number: Int, slot: Int) -> Draw {
    guard let turns else {
      let (epoch, batchOfEpoch) = number.quotientAndRemainder(dividingBy: batchesPerEpoch)
      let position = (batchOfEpoch * ranks + rank) * batch + slot
      let (lap, place) = position.quotientAndRemainder(dividingBy: parts[0].orders.count)
      return Draw(epoch: epoch, place: place, lap: lap)
    }
    let (part, before) = turns[(number * ranks + rank) * batch + slot]
    let (epoch, place) = before.quotientAndRemainder(dividingBy: parts[part].orders.count)
    return Draw(part: part, epoch: epoch, place: place)
  }
}
