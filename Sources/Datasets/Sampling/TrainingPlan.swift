import Imaging

/// Epochs without end.
///
/// An image is shown `repeats` times in a row, so that as many epochs are one pass over the set.
///
/// A shuffled set of one part: what is left of an epoch after its last whole step is dropped; a set
/// smaller than a step is repeated until it fills one. A weighted mixture: its parts take turns
/// without a break, each in epochs of its own, and nothing is dropped. Nor is it of a set in its
/// own order, where it would be the same images every time.
struct TrainingPlan: Sendable {
  /// The rows of each batch that are filled here.
  let share: BatchShare
  private let seed: UInt64
  private let repeats: Int
  /// Batches in a pass over the set.
  private let batchesPerPass: Int
  private let parts: [Part]
  /// The parts' turns in a set that is drawn from without a break between epochs; nil for one whose
  /// epochs begin anew.
  private let turns: MixtureRound?
  /// The order of a set in lanes.
  private let lanes: LaneOrder?

  private struct Part {
    /// Number of its first image.
    var first: Int
    var orders: ImageOrders
  }

  /// A place in the passes over a part, and how often its image was drawn in this pass before: as a
  /// repeat, or where a pass goes through the set more than once to fill a step.
  private struct Draw {
    var part = 0
    var pass: Int
    var place: Int
    var before: Int
    /// The lane that the place is in.
    var lane: Int?
  }

  init(
    _ layout: DatasetLayout, _ sampling: Sampling, batch: Int, seed: UInt64,
    rank: DataParallelRank = .single
  ) {
    share = rank.share(of: batch)
    self.seed = seed
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
    let isUnbroken = parts.count > 1 || sampling.shuffle == .none
    turns = isUnbroken ? MixtureRound(draws: layout.parts.map(\.draws)) : nil
    let steps = sampling.stepsPerEpoch(images: first, batch: batch)
    repeats = sampling.repeats
    batchesPerPass = steps * sampling.accumulation * sampling.repeats
    if case .lanes(let count, let buffer) = sampling.shuffle, parts.count == 1, first >= count {
      lanes = LaneOrder(
        seed: seed, runs: layout.parts[0].runs, lanes: count, buffer: buffer,
        batch: batch / repeats)
    } else {
      lanes = nil
    }
  }

  /// The images that this process reads of a set in lanes; nil where it may read any.
  var ownImages: [Range<Int>]? {
    lanes.map { lanes in lanes.images(of: Set(share.rows.map { lanes.lane(of: $0 / repeats) })) }
  }

  func choice(number: Int, slot: Int, attempt: Int) -> (index: Int, random: SampleRandom)? {
    let draw = draw(number: number, slot: slot)
    let part = parts[draw.part]
    let index: Int
    if let lane = draw.lane, let lanes {
      let count = lanes.count(of: lane)
      guard attempt < count else { return nil }
      index = lanes.image(
        epoch: draw.pass, lane: lane, position: (draw.place + attempt) % count)
    } else {
      guard attempt < part.orders.count else { return nil }
      let place = (draw.place + attempt) % part.orders.count
      index = part.first + part.orders.image(epoch: draw.pass, place: place)
    }
    // A replacement may appear in the same pass in its own right; it is then cut differently.
    let occurrence = draw.before << 32 + attempt
    return (
      index, SampleRandom(seed: seed, epoch: draw.pass, sample: index, occurrence: occurrence)
    )
  }

  private func draw(number: Int, slot: Int) -> Draw {
    guard let turns else {
      let (pass, batchOfPass) = number.quotientAndRemainder(dividingBy: batchesPerPass)
      let (drawn, turn) = position(batchOfPass, slot)
      if let place = lanes?.place(drawn: drawn) {
        return Draw(
          pass: pass, place: place.position, before: place.lap * repeats + turn, lane: place.lane)
      }
      let (lap, place) = drawn.quotientAndRemainder(dividingBy: parts[0].orders.count)
      return Draw(pass: pass, place: place, before: lap * repeats + turn)
    }
    let (drawn, turn) = position(number, slot)
    let (part, before) = turns[drawn]
    let (pass, place) = before.quotientAndRemainder(dividingBy: parts[part].orders.count)
    return Draw(part: part, pass: pass, place: place, before: turn)
  }

  /// The number of a drawn image, counted from batch 0, and which of its repeats it is.
  private func position(_ batchNumber: Int, _ slot: Int) -> (drawn: Int, turn: Int) {
    let position = batchNumber * share.total + share.rows[slot]
    return (position / repeats, position % repeats)
  }
}
