public import MaskedAutoencoders
internal import Torch
import TorchNN

extension ModelConfiguration {
  /// Names and shapes of all weights of a classifier, in the order of the data's way through it;
  /// the names are timm's, but for the batch normalisation of a linear probe (`head_norm`), which
  /// timm does not have.
  public func weightShapes(head: ClassifierHead) -> [(name: String, shape: [Int])] {
    let poolsFirst = head.pooling == .normalizedMean
    let width = [encoder.width]
    var shapes = weightShapes(decoder: false).filter {
      !poolsFirst || !$0.name.hasPrefix("norm.")
    }
    if poolsFirst { shapes += [("fc_norm.weight", width), ("fc_norm.bias", width)] }
    if head.normalizesBatches {
      shapes += [("head_norm.running_mean", width), ("head_norm.running_var", width)]
    }
    return shapes + [
      ("head.weight", [head.classes, encoder.width]), ("head.bias", [head.classes]),
    ]
  }
}

/// What the names and shapes of weights say of a classifier.
struct InferredHead {
  /// The head; nil where the weights are of no classifier.
  let head: ClassifierHead?
  /// What had to be assumed, each as a sentence without a full stop.
  var assumptions: [String] = []

  /// Reads a head from shapes under this library's names.
  ///
  /// - Parameter pooling: How tokens become one row, where that is known.
  /// - Throws: ``InferenceError`` where the head's shape is none.
  init(shapes: [String: [Int]], pooling: ClassifierHead.Pooling?) throws(InferenceError) {
    // A decoder beside a head is no model of ours: the head's weights are unexpected then.
    guard let weight = shapes["head.weight"],
      !shapes.keys.contains(where: PublishedFormat.isDecoder)
    else {
      head = nil
      return
    }
    guard weight.count == 2, (1...1_000_000).contains(weight[0]) else {
      throw InferenceError(
        message: "head.weight is \(weight); expected a row of \(shapes["cls_token"]?.last ?? 0) "
          + "for each of 1 to 1000000 classes")
    }
    let normalizesMean = shapes["fc_norm.weight"] != nil
    switch pooling {
    case .normalizedMean? where !normalizesMean, .classToken? where normalizesMean,
      .mean? where normalizesMean:
      throw InferenceError(
        message: "the head's pooling is said to be \(pooling?.rawValue ?? ""), but the weights "
          + (normalizesMean ? "have fc_norm" : "have no fc_norm"))
    default: break
    }
    if pooling == nil, !normalizesMean {
      assumptions.append("the head reads the class token, as there is no fc_norm")
    }
    head = ClassifierHead(
      pooling: pooling ?? (normalizesMean ? .normalizedMean : .classToken), classes: weight[0],
      normalizesBatches: shapes["head_norm.running_mean"] != nil)
  }
}

/// Classes without names of their own: `0`, `1`, ….
func numberedClasses(_ count: Int) -> [String] { (0..<count).map { "\($0)" } }

extension PublishedWeights {
  /// The same classifier without its batch normalisation, which becomes part of the head:
  /// `W′ = W / √(v + ε)`, `b′ = b − W′·m`. Other programs have no place for one there.
  ///
  /// Computed in double precision; weights without a batch normalisation stay as they are.
  public var withFoldedBatchNorm: PublishedWeights {
    guard classifier?.head.normalizesBatches == true,
      let mean = tensors["head_norm.running_mean"]?.to(.float64),
      let variance = tensors["head_norm.running_var"]?.to(.float64),
      let weight = tensors["head.weight"], let bias = tensors["head.bias"]
    else { return self }
    let scaled =
      weight.to(.float64) * (variance + ClassifierHead.batchNormEpsilon).reciprocalSquareRoot()
    var folded = self
    folded.classifier?.head.normalizesBatches = false
    folded.tensors["head_norm.running_mean"] = nil
    folded.tensors["head_norm.running_var"] = nil
    folded.tensors["head.weight"] = scaled.to(weight.dtype)
    folded.tensors["head.bias"] =
      (bias.to(.float64) - (scaled * mean).sum([1])).to(bias.dtype)
    return folded
  }
}
