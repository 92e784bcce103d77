public import Torch
public import TorchNN

/// What makes a score for each class and pixel from an encoder's maps.
///
/// A head is a file, and a case of ``SegmenterShape/Decoder`` that names it.
public protocol SegmentationHead: Module {
  /// Scores of classes (logits): maps `[B, D, R, S]`, the finest first → `[B, K, R′, S′]`.
  ///
  /// - Parameter training: What is done in training only; nil outside of it.
  func callAsFunction(_ maps: [Tensor], training: DenseTraining?) -> Tensor
}

/// One layer on the last map: batch normalisation and a linear map of each patch (as features are
/// judged in Oquab et al., 2023, “DINOv2”, §7.4).
public struct LinearDecoder: SegmentationHead {
  public let scope: Scope
  private let norm: BatchNorm2d
  private let classifier: PixelClassifier

  /// Declares `bn` and `conv_seg`.
  public init(width: Int, classes: Int, in scope: Scope) {
    self.scope = scope
    norm = BatchNorm2d(width, in: scope["bn"])
    classifier = PixelClassifier(width, classes: classes, dropout: 0, in: scope)
  }

  public func callAsFunction(_ maps: [Tensor], training: DenseTraining?) -> Tensor {
    let last = maps[maps.count - 1]
    let normalized = norm(last, isTraining: training != nil)
    return classifier(normalized, training: training)
  }
}

/// A light decoder for small sets: each map of the pyramid at one width, those below added to those
/// above (Lin et al., 2017, “FPN”), all brought to the size of the finest and added up (Kirillov et
/// al., 2019, “Panoptic feature pyramid networks”).
public struct PyramidDecoder: SegmentationHead {
  public let scope: Scope
  private let laterals: [Conv2d]
  private let outputs: [ConvolutionBlock]
  private let classifier: PixelClassifier

  /// Declares `lateral_convs`, `fpn_convs` and `conv_seg`.
  ///
  /// - Parameter channels: The width of the decoder.
  public init(width: Int, channels: Int, classes: Int, dropout: Double = 0.1, in scope: Scope) {
    self.scope = scope
    laterals = (0..<4).map {
      Conv2d(width, channels, kernel: 1, in: scope["lateral_convs", $0])
    }
    outputs = (0..<4).map {
      ConvolutionBlock(channels, channels, kernel: 3, in: scope["fpn_convs", $0])
    }
    classifier = PixelClassifier(channels, classes: classes, dropout: dropout, in: scope)
  }

  public func callAsFunction(_ maps: [Tensor], training: DenseTraining?) -> Tensor {
    precondition(maps.count == 4, "\(maps.count) maps; expected 4")
    let levels = topDown(zip(laterals, maps).map { $0($1) })
    let same = zip(outputs, levels).map { output, level in
      output(level, training: training).resized(like: levels[0])
    }
    return classifier(same.dropFirst().reduce(same[0], +), training: training)
  }
}

/// Each map with all coarser ones, resized, added to it.
func topDown(_ maps: [Tensor]) -> [Tensor] {
  var maps = maps
  for level in maps.indices.dropFirst().reversed() {
    maps[level - 1] = maps[level - 1] + maps[level].resized(like: maps[level - 1])
  }
  return maps
}
