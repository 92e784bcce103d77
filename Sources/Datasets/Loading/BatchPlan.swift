import Imaging

/// Which image goes into which slot of which batch; a pure function.
enum BatchPlan: Sendable {
  case training(TrainingPlan)
  case sequential(SequentialPlan)

  /// Number of slots of a batch; nil after the last one.
  func slots(of batch: Int) -> Int? {
    switch self {
    case .training(let plan): plan.share.rows.count
    case .sequential(let plan): plan.slots(of: batch)
    }
  }

  /// Which rows of a whole batch so many slots are.
  func share(of slots: Int) -> BatchShare {
    switch self {
    case .training(let plan): plan.share
    case .sequential: .whole(slots)
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
