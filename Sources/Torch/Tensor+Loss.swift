extension Tensor {
  private enum Ops {
    static let mse = Op("mse_loss")
    static let smoothL1 = Op("smooth_l1_loss")
    static let crossEntropy = Op("cross_entropy_loss")
    static let binaryCrossEntropy = Op("binary_cross_entropy_with_logits")
  }

  /// The mean of squared differences.
  public func meanSquaredError(
    to target: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.mse(self, target, file: file, line: line)
  }

  /// The mean of `d² / 2β` where the difference `d` is below `beta`, of `|d| − β/2` elsewhere.
  public func smoothL1Loss(
    to target: Tensor, beta: Double = 1, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.smoothL1(self, target, Named("beta", beta), file: file, line: line)
  }

  /// The mean cross-entropy of scores `[B, K]` or `[B, K, …]` with classes `[B]` or `[B, …]`
  /// (int64), or with shares of classes of the scores' shape that add up to 1.
  ///
  /// - Parameter ignored: A class number whose places do not count, such as the 255 of unlabelled
  ///   pixels.
  public func crossEntropy(
    with classes: Tensor, ignoring ignored: Int = -100,
    file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.crossEntropy(self, classes, Named("ignore_index", ignored), file: file, line: line)
  }

  /// The sum of cross-entropies instead of their mean, see
  /// ``crossEntropy(with:ignoring:file:line:)``; 0 where no place counts.
  public func crossEntropySum(
    with classes: Tensor, ignoring ignored: Int = -100,
    file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.crossEntropy(
      self, classes, Named("reduction", 2), Named("ignore_index", ignored), file: file, line: line)
  }

  /// The mean cross-entropy of `sigmoid(self)` with probabilities from 0 to 1, of the same shape.
  public func binaryCrossEntropy(
    with target: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.binaryCrossEntropy(self, target, file: file, line: line)
  }

  /// The sum of cross-entropies instead of their mean, see
  /// ``binaryCrossEntropy(with:file:line:)``; 0 of an empty tensor.
  public func binaryCrossEntropySum(
    with target: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.binaryCrossEntropy(self, target, Named("reduction", 2), file: file, line: line)
  }
}
