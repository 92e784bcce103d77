public import Torch

/// A target whose buffers are found from the training images before the first step.
public protocol FittedTarget: PatchTarget {
  /// Training images that are looked at; all of them where there are fewer.
  var images: Int { get }
  /// Begins with no patches.
  func fitting(for configuration: ModelConfiguration) -> any TargetFitting
}

/// What is gathered from training images for a ``FittedTarget``.
public protocol TargetFitting: AnyObject {
  /// Takes the patches of some images as the model is given them, `[B, N, P·P·C]`.
  func add(_ patches: Tensor)
  /// The buffers; asked once, after at least one image.
  func result() -> FittedBuffers
}

/// Buffers that were found from images.
public struct FittedBuffers {
  /// By their names, without the prefix, of any floating type.
  public let tensors: [String: Tensor]
  /// What there is to say of them: the rest of a sentence.
  public let words: String

  /// Describes buffers.
  public init(tensors: [String: Tensor], words: String) {
    self.tensors = tensors
    self.words = words
  }
}

extension MaskedAutoencoder {
  /// Puts tensors in the place of the target's buffers.
  ///
  /// - Parameter tensors: By the buffers' names, of their shapes; those that are not named stay.
  public func setTargetBuffers(_ tensors: [String: Tensor]) {
    withoutGradients {
      for (name, tensor) in tensors { decoder.buffers[name]?.copy(tensor) }
    }
  }
}
