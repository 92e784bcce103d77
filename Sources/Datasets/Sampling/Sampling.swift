/// In which order, and how often, training shows the images of a set.
public struct Sampling: Hashable, Sendable {
  /// How the images of an epoch are put in order.
  public var shuffle: Shuffle
  /// How often an image is shown in a row, each time cut differently (repeated augmentation; Hoffer
  /// et al., 2020, arXiv:1901.09335). An epoch is as many examples as without: a part of the
  /// images, other ones in the next, and in as many epochs as there are repeats every image comes
  /// so often.
  public var repeats: Int
  /// Batches that one step adds up; an epoch is a whole number of steps.
  public var accumulation: Int

  /// A kind of order; all of them follow from seed, epoch and position alone, so that none needs a
  /// list of images and a run can be resumed at any step.
  public enum Shuffle: Hashable, Sendable {
    /// Every order is as likely.
    case exact
    /// As a stream is shuffled that passes through a buffer of so many images: the set's shards in
    /// any order, each read from first to last, and only images that are less than a buffer apart
    /// are mixed. A set that is not in shards counts as shards of the buffer's size.
    case buffered(Int)
    /// So that each of many processes reads its part of the set: the shards, in an order that is drawn
    /// once, are cut into `count` lanes of which every batch takes as many images each, shuffled as
    /// through a buffer of `buffer` images in their lane. A batch of all processes is a multiple of
    /// two times the lanes (and of the repeats), the number of processes divides that of lanes. A
    /// mixture, and a set with fewer images than lanes, is shuffled exactly.
    case lanes(count: Int, buffer: Int)
    /// The set's own order, over and over: an epoch begins where the one before it ended.
    case none
  }

  /// Creates a way to sample; shuffled exactly, each image once, one batch a step unless given.
  public init(shuffle: Shuffle = .exact, repeats: Int = 1, accumulation: Int = 1) {
    if case .buffered(let size) = shuffle { precondition(size >= 1, "a buffer of \(size) images") }
    if case .lanes(let count, let buffer) = shuffle {
      precondition(count >= 1 && buffer >= 1, "\(count) lanes, a buffer of \(buffer) images")
    }
    precondition(repeats >= 1, "\(repeats) repeats")
    precondition(accumulation >= 1, "a step of \(accumulation) batches")
    self.shuffle = shuffle
    self.repeats = repeats
    self.accumulation = accumulation
  }

  /// Steps of one epoch of `images` images: as many as they fill. What is left over is left out of a
  /// shuffled epoch, other images each time; a set that does not fill a step is repeated until it
  /// fills one.
  ///
  /// - Parameter batch: Images of a batch, of all processes together.
  public func stepsPerEpoch(images: Int, batch: Int) -> Int {
    max(1, images / (batch * accumulation))
  }
}
