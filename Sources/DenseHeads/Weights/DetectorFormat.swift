public import Torch

/// In whose names a detector's weights are.
///
/// ViTDet's names (detectron2's) are this library's, but for a few tensors that take no part.
public enum DetectorFormat: String, Hashable, Sendable, CaseIterable {
  /// This library's.
  case native
  /// detectron2's.
  case vitDet = "vitdet"

  private static let classToken = "backbone.net.cls_token"

  /// The names that some checkpoints of detectron2's have and that are no weights: pixels' mean and
  /// deviation, and anchors, which follow from the shape.
  private static func isConstant(_ name: String) -> Bool {
    ["pixel_mean", "pixel_std"].contains(name)
      || name.hasPrefix("proposal_generator.anchor_generator.")
      || name.hasSuffix(".num_batches_tracked")
  }

  /// Weights of the format by this library's names. Nothing else is renamed or left out, so that what
  /// does not belong to a detector is found when the weights are loaded.
  public func native(_ weights: [String: Tensor]) -> [String: Tensor] {
    guard self == .vitDet else { return weights }
    var found = weights.filter { !Self.isConstant($0.key) }
    if found[Self.classToken] == nil, let positions = found["backbone.net.pos_embed"] {
      found[Self.classToken] = Tensor.zeros([1, 1, positions.shape[2]])
    }
    return found
  }

  /// This library's weights by the format's names.
  public func foreign(_ weights: [String: Tensor]) -> [String: Tensor] {
    self == .vitDet ? weights.filter { $0.key != Self.classToken } : weights
  }
}
