import FileSystem
import Runs

/// The memory that frozen features and a classifier on them take, known before any is taken.
struct FeatureMemory: Hashable, Sendable {
  /// Images to train on, `n`, and to validate on, `m`.
  var training: Int
  var validation: Int
  /// Numbers of a feature, `D`.
  var width: Int
  /// Number of classes, `K`.
  var classes: Int
  /// The classifier.
  var method: FrozenFeatureEvaluation.Method

  /// Bytes of all features as float32: `4·D·(n + m)`.
  var features: Int { 4 * width * (training + validation) }

  /// Bytes that the classifier takes beside the features; bounded by the blocks it works in.
  var working: Int {
    switch method {
    case .nearestNeighbours(let neighbours):
      let block = min(training, neighbours.blockOfLabelled(width: width))
      let rows = min(validation, neighbours.blockRows)
      // A quarter more for the sorting of similarities.
      return 5 * block * (rows + width) + 4 * rows * width
        + 8 * min(neighbours.count, training) * validation
    case .linearProbe:
      let block = min(LinearProbe.blockBytes, training * LinearProbe.bytesOfRow(width, classes))
      // Ten pairs of L-BFGS and a few more vectors of all parameters.
      return 2 * block + 8 * 25 * classes * (width + 1)
    }
  }

  /// Bytes of both.
  var bytes: Int { features + working }

  /// Refuses a machine that has less.
  ///
  /// - Parameters:
  ///   - free: Bytes that the machine can give.
  ///   - name: What the training images are called in messages.
  /// - Throws: ``RunFailure`` that says what is needed, what there is and how many images would
  ///   fit.
  func require(free: Int, named name: String) throws(RunFailure) {
    guard bytes > free else { return }
    var less = self
    // A rough number of images that fit, so that the advice can be followed.
    let rest = Double(free) - Double(bytes - 4 * width * training)
    less.training = Self.rounded(min(training - 1, Int(max(0, rest / Double(4 * width)))))
    let advice =
      less.training >= max(2, classes) && less.bytes <= free
      ? "train on fewer images (--limit \(less.training) fits), or use a machine with more memory"
      : "use a machine with more memory"
    throw RunFailure(
      .badData,
      "\(name): \(training) + \(validation) features of \(width) numbers and \(method.name) take "
        + "\(Formatted.bytes(bytes)) of memory, and \(Formatted.bytes(free)) are free; \(advice)")
  }

  /// The number with two digits, rounded down.
  private static func rounded(_ count: Int) -> Int {
    var unit = 1
    while count / unit >= 100 { unit *= 10 }
    return count / unit * unit
  }
}
