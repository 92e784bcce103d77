public import FileSystem
public import MaskedAutoencoders
public import Torch
public import TorchNN

/// The weights of a masked autoencoder, of its encoder or of a classifier made of it, as others
/// publish them, with what they say of their model.
///
/// ```swift
/// let weights = try PublishedWeights.read("vit-mae-base")   // a folder of Hugging Face's
/// try weights.write(to: "encoder.safetensors", as: .timm)
/// ```
public struct PublishedWeights {
  /// The model that the weights are of.
  public var configuration: ModelConfiguration
  /// Weights by this library's names, exactly those of
  /// `ModelConfiguration.weightShapes(decoder:)` or, of a classifier,
  /// `ModelConfiguration.weightShapes(head:)`.
  public var tensors: [String: Tensor]
  /// How the file named them.
  public var format: PublishedFormat
  /// The head and its classes; nil where the weights are of no classifier.
  public var classifier: ClassifierDescription?
  /// How patches were hidden in pre-training, where the file says it.
  public var masking: Masking?
  /// How pixels are prepared for the model, where the file says it.
  public var pixels: PixelStandard?
  /// How images are resized and cut, where a file says it.
  public var preprocessing: Preprocessing?
  /// What a file says of how images are prepared and cannot be followed, each as a sentence.
  public var preprocessingNotes: [String] = []
  /// What is not as the file has it: a prefix that was taken off its names, weights that were left
  /// out, scales that were folded into others. Each as a sentence.
  public var readingNotes: [String] = []
  /// What the file does not say of its model and was assumed, each as a sentence.
  public var assumptions: [String]

  /// Whether the decoder is among the weights; without it nothing can be reconstructed.
  public var hasDecoder: Bool { tensors.keys.contains(where: PublishedFormat.isDecoder) }

  /// Names and shapes that the weights must have.
  var expectedShapes: [(name: String, shape: [Int])] {
    classifier.map { configuration.weightShapes(head: $0.head) }
      ?? configuration.weightShapes(decoder: hasDecoder)
  }

  /// Takes weights under this library's names.
  public init(
    configuration: ModelConfiguration, tensors: [String: Tensor],
    format: PublishedFormat = .original, classifier: ClassifierDescription? = nil,
    masking: Masking? = nil, pixels: PixelStandard? = nil,
    preprocessing: Preprocessing? = nil, assumptions: [String] = []
  ) {
    self.configuration = configuration
    self.tensors = tensors
    self.format = format
    self.classifier = classifier
    self.masking = masking
    self.pixels = pixels
    self.preprocessing = preprocessing
    self.assumptions = assumptions
  }
}

/// Weights that could not be read or written.
public enum PublishedWeightsError: Error, CustomStringConvertible, Sendable {
  /// A file is missing, broken, or could not be written.
  case file(FileError)
  /// The weights do not fit the model that the file says it is.
  case mismatch(path: String, WeightMismatch)
  /// The file does not say which model it is of, or one that is not supported.
  case model(path: String, message: String)

  public var description: String {
    switch self {
    case .file(let error): "\(error)"
    case .mismatch(let path, let mismatch): "\(path): \(mismatch)"
    case .model(let path, let message): "\(path): \(message)"
    }
  }
}
