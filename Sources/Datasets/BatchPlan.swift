import Imaging

/// Which image goes into which slot of which batch; a pure function.
enum BatchPlan: Sendable {
  case training(TrainingPlan)
  case sequential(SequentialPlan)

  /// Number of slots of a batch; nil after the last one.
  func slots(of batch: Int) -> Int? {
    switch self {
    case .training(let plan): plan.batch
    case .sequential(let plan): plan.slots(of: batch)
    }
  }

  /// The `attempt`th choice for a slot; nil where there is no other.
  func choice(batch: Int, slot: Int, attempt: Int) -> (index: Int, random: SampleRandom)? {
    switch self {
    case .training(let plan): plan.choice(number: batch, slot: slot, attempt: attempt)
    case .sequential(let plan): plan.choice(batch: batch, slot: slot, attempt: attempt)
    }
  }
}

/// Epochs without end. What is left of an epoch after its last whole step is dropped; a set smaller
/// than a step is gone through as often as it takes to fill one.
struct TrainingPlan: Sendable {
  let batch: Int
  private let seed: UInt64
  private let rank: Int
  private let ranks: Int
  /// Batches of this rank in an epoch.
  private let batchesPerEpoch: Int
  private let orders: ImageOrders

  init(
    _ layout: DatasetLayout, _ sampling: Sampling, batch: Int, seed: UInt64, rank: Int = 0,
    ranks: Int = 1
  ) {
    self.batch = batch
    self.seed = seed
    self.rank = rank
    self.ranks = ranks
    orders = ImageOrders(seed: seed, shuffle: sampling.shuffle, layout: layout)
    let steps = sampling.stepsPerEpoch(images: orders.count, batch: batch, ranks: ranks)
    batchesPerEpoch = steps * sampling.accumulation
  }

  func choice(number: Int, slot: Int, attempt: Int) -> (index: Int, random: SampleRandom)? {
    let count = orders.count
    guard attempt < count else { return nil }
    let (epoch, batchOfEpoch) = number.quotientAndRemainder(dividingBy: batchesPerEpoch)
    let position = (batchOfEpoch * ranks + rank) * batch + slot
    let index = orders.image(epoch: epoch, place: (position + attempt) % count)
    // A replacement may appear in the same epoch in its own right; it is then cut differently.
    let occurrence = (position / count) << 32 + attempt
    return (
      index, SampleRandom(seed: seed, epoch: epoch, sample: index, occurrence: occurrence)
    )
  }
}

/// A range of a set from first to last, once.
struct SequentialPlan: Sendable {
  var range: Range<Int>
  var batch: Int
  var seed: UInt64

  func slots(of number: Int) -> Int? {
    let done = number * batch
    return done < range.count ? min(batch, range.count - done) : nil
  }

  func choice(batch number: Int, slot: Int, attempt: Int) -> (index: Int, random: SampleRandom)? {
    guard attempt == 0 else { return nil }
    let index = range.lowerBound + number * batch + slot
    return (index, SampleRandom(seed: seed, sample: index))
  }
}
