public import Torch
public import TorchNN

// B batch, N patches, V predicted values of a patch, P patch side, C channels.

/// What the decoder predicts for a patch, and how a prediction is compared with it
/// (§3 “Reconstruction target”; Table 1d).
///
/// Its stored properties are its parameters: recipes and `model.json` hold them beside ``name``,
/// and `--set model.target.NAME=…` changes them. Tensors that it needs are ``buffers(for:)``, which
/// are saved with the model. A target is found by its name once it stands in ``PatchTargets/all``.
public protocol PatchTarget: Codable, Hashable, Sendable {
  /// The word for it in recipes, in `model.json` and on the command line.
  static var name: String { get }
  /// The target with the default of every parameter.
  init()
  /// How a prediction is compared with ``values(for:)``.
  var criterion: PatchCriterion { get }
  /// Numbers that the decoder predicts for a patch, `V`: the width of `decoder_pred`.
  func valuesPerPatch(of configuration: ModelConfiguration) -> Int
  /// Tensors that the target needs and that are not trained, such as a fitted basis or the weights
  /// of a tokenizer. They are declared as `decoder_target.NAME` and loaded and saved with the
  /// decoder's weights; whoever fits them copies them there before training.
  func buffers(for configuration: ModelConfiguration) -> [TargetBuffer]
  /// What should be predicted for the chosen patches, without a gradient: `[…, V]` float32 for a
  /// squared error, `[…]` int64 class numbers for a cross-entropy.
  func values(for patches: TargetPatches) -> Tensor
  /// What is wrong with the parameters, each as the field's name and the rest of a sentence.
  func problems(for configuration: ModelConfiguration) -> [(path: String, message: String)]
  /// The `norm_pix_loss` of Hugging Face's ViTMAE that means this target; nil where none does, and
  /// such a model is not exported there.
  var normPixLoss: Bool? { get }
}

extension PatchTarget {
  public var criterion: PatchCriterion { .squaredError }
  public func buffers(for configuration: ModelConfiguration) -> [TargetBuffer] { [] }
  public func problems(
    for configuration: ModelConfiguration
  ) -> [(path: String, message: String)] { [] }
  public var normPixLoss: Bool? { nil }
}

/// A target whose predictions can be turned into pixels, and so into pictures.
public protocol DrawableTarget: PatchTarget {
  /// Pixels of the chosen patches as a prediction has them: `[…, V]` → `[…, P·P·C]`.
  func pixels(from prediction: Tensor, of patches: TargetPatches) -> Tensor
  /// Whether ``pixels(from:of:)`` takes something from the original that the model did not predict.
  var usesOriginalStatistics: Bool { get }
}

extension DrawableTarget {
  public var usesOriginalStatistics: Bool { false }
}

/// How predictions of patches are compared with what they should be.
public enum PatchCriterion: String, Codable, Hashable, Sendable, CaseIterable {
  /// The mean over a patch's values of the squared difference.
  case squaredError = "squared-error"
  /// The cross-entropy of `V` scores with one of `V` classes.
  case crossEntropy = "cross-entropy"

  /// The mean error of all patches, a scalar: predictions `[…, V]` and what they should be.
  public func loss(of prediction: Tensor, against values: Tensor) -> Tensor {
    switch self {
    case .squaredError: prediction.meanSquaredError(to: values)
    case .crossEntropy: prediction.rows.crossEntropy(with: values.flattened())
    }
  }

  /// The error of each patch: predictions `[…, V]` and what they should be → `[…]`.
  public func errors(of prediction: Tensor, against values: Tensor) -> Tensor {
    switch self {
    case .squaredError: (prediction - values).squared().mean([-1])
    case .crossEntropy:
      -prediction.logSoftmax().gathered(values.unsqueezed(-1), along: -1).squeezed(-1)
    }
  }
}

/// A tensor that a target needs, as it is declared.
public struct TargetBuffer {
  /// Its name, without the prefix.
  public let name: String
  /// Its shape.
  public let shape: [Int]
  /// Its first values, where no weights are loaded.
  public let initializer: Initializer

  /// Describes a tensor.
  public init(_ name: String, _ shape: [Int], _ initializer: Initializer) {
    self.name = name
    self.shape = shape
    self.initializer = initializer
  }

  /// The scope of all of them.
  package static let scope = "decoder_target"
}

/// Patches of a batch of images, of which some or all are to be predicted.
public struct TargetPatches {
  /// The model's shapes.
  public let configuration: ModelConfiguration
  /// All patches of the images, row by row, without a gradient: `[B, N, P·P·C]`.
  public let all: Tensor
  private let rows: Tensor?
  private let buffers: [String: Tensor]

  /// Takes patches of whole images.
  ///
  /// - Parameters:
  ///   - all: `[B, N, P·P·C]`, as ``patches(of:side:)`` cuts them.
  ///   - rows: The chosen ones, counted through the batch, `[M]` int64; nil for all.
  ///   - buffers: The tensors of ``PatchTarget/buffers(for:)`` by their names.
  public init(
    _ all: Tensor, of configuration: ModelConfiguration, choosing rows: Tensor? = nil,
    buffers: [String: Tensor] = [:]
  ) {
    self.configuration = configuration
    self.all = all.detached()
    self.rows = rows
    self.buffers = buffers
  }

  /// The chosen patches: `[B, N, P·P·C]`, or `[M, P·P·C]` where some are chosen.
  public var chosen: Tensor { chosen(from: all) }

  /// The chosen ones of what was computed for all patches: `[B, N, …]` → `[B, N, …]` or `[M, …]`.
  public func chosen(from values: Tensor) -> Tensor {
    guard let rows else { return values }
    return values.flattened(to: 1).selected(rows, along: 0)
  }

  /// The images, for a target that looks beyond a patch: `[B, C, H, W]`, normalised.
  public var images: Tensor {
    MaskedAutoencoders.images(from: all, grid: configuration.grid, side: configuration.patch)
  }

  /// A tensor of ``PatchTarget/buffers(for:)``.
  ///
  /// - Precondition: The target has declared it.
  public func buffer(_ name: String) -> Tensor {
    guard let tensor = buffers[name] else {
      preconditionFailure("the target has declared no buffer '\(name)'")
    }
    return tensor
  }
}

extension Tensor {
  /// `[…, V]` → `[M, V]`.
  fileprivate var rows: Tensor { shape.count > 2 ? flattened(to: shape.count - 2) : self }
}
