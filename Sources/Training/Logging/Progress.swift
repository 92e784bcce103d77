import Datasets
import FileSystem
internal import Foundation

/// Where a run stands, for the eye.
public struct Progress: Hashable, Sendable {
  /// Epochs done, with their fraction.
  public var epoch: Double
  /// Epochs in all.
  public var epochs: Double
  /// Optimizer steps done.
  public var step: Int
  /// Optimizer steps in all.
  public var steps: Int
  /// The mean loss since the last entry of the logs; nil before there is one.
  public var loss: Double?
  /// The learning rate.
  public var rate: Double
  /// Images trained on in a second.
  public var imagesPerSecond: Double
  /// Model FLOP utilisation: the share of the machine's products that the model's own operations
  /// make up, 0...1 (Chowdhery et al., 2022, appendix B); nil where it is not known.
  public var utilization: Double?
  /// The part of the time spent waiting for data, 0...1.
  public var dataWait: Double
  /// Bytes of files that are read in a second, if known.
  public var bytesPerSecond: Double?
  /// Memory in use, in bytes, if known.
  public var memory: Int?
  /// Seconds until the end, if known.
  public var secondsLeft: Double?

  /// Creates a position.
  public init(
    epoch: Double, epochs: Double, step: Int, steps: Int, loss: Double?, rate: Double,
    imagesPerSecond: Double, utilization: Double? = nil, dataWait: Double,
    bytesPerSecond: Double? = nil, memory: Int?, secondsLeft: Double?
  ) {
    self.epoch = epoch
    self.epochs = epochs
    self.step = step
    self.steps = steps
    self.loss = loss
    self.rate = rate
    self.imagesPerSecond = imagesPerSecond
    self.utilization = utilization
    self.dataWait = dataWait
    self.bytesPerSecond = bytesPerSecond
    self.memory = memory
    self.secondsLeft = secondsLeft
  }
}

extension Progress: CustomStringConvertible {
  /// `epoch 1.25/5  step 292/1170  loss 0.4321  3 min left  812 img/s  MFU 61 %  wait 2 %  rate
  /// 9.8e-04  0.9 GB`, what matters most first: a narrow terminal cuts the end.
  public var description: String {
    var parts = [
      "epoch \(Formatted.fixed(epoch, 2))/\(Formatted.fixed(epochs, epochs == epochs.rounded() ? 0 : 2))",
      "step \(step)/\(steps)",
      "loss \(loss.map { Formatted.fixed($0, 4) } ?? "–")",
    ]
    if let secondsLeft { parts.append("\(Formatted.duration(secondsLeft)) left") }
    parts.append("\(Formatted.fixed(imagesPerSecond, imagesPerSecond < 100 ? 1 : 0)) img/s")
    if let utilization { parts.append("MFU \(Formatted.fixed(100 * utilization, 0)) %") }
    parts += [
      "wait \(Formatted.fixed(dataWait * 100, 0)) %" + rates,
      "rate \(Formatted.scientific(rate))",
    ]
    if let memory { parts.append(Formatted.bytes(memory)) }
    return parts.joined(separator: "  ")
  }

  /// Where steps wait for data, the rate at which it comes beside the one that they need.
  private var rates: String {
    guard let bytesPerSecond, dataWait >= 0.05, dataWait < 1 else { return "" }
    func rate(_ bytes: Double) -> String { "\(Formatted.bytes(Int(min(bytes, 1e15))))/s" }
    return
      " (data \(rate(bytesPerSecond)), needs \(rate(bytesPerSecond / (1 - dataWait))))"
  }
}
