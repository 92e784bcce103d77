public import Torch
public import TorchNN

// B batch, C channels, H × W pixels, h × w tokens, V tokens of the vocabulary.

/// The discrete VAE of DALL-E (Ramesh et al., 2021, §2.1 and A.1): a picture as a grid of tokens of
/// a vocabulary, and back.
///
/// Written from the paper and from the names and shapes of the published weights, which load as they
/// are below `encoder.` and `decoder.`. Nothing deviates from the published network; widths, groups
/// and vocabulary can be others.
public struct ImageTokenizer: Module {
  public let scope: Scope
  /// The shapes.
  public let configuration: TokenizerConfiguration
  /// Pictures to tokens.
  public let encoder: TokenizerEncoder
  /// Tokens to pictures.
  public let decoder: TokenizerDecoder

  /// Declares all weights, the encoder's below `encoder`, the decoder's below `decoder`.
  ///
  /// - Precondition: `configuration.problems` is empty.
  public init(_ configuration: TokenizerConfiguration, in scope: Scope) {
    precondition(
      configuration.problems.isEmpty,
      configuration.problems.map { "\($0.path) \($0.message)" }.joined(separator: "; "))
    self.scope = scope
    self.configuration = configuration
    encoder = TokenizerEncoder(configuration) { name, shape, initial in
      scope["encoder"].parameter(name, shape, initial)
    }
    decoder = TokenizerDecoder(configuration) { name, shape, initial in
      scope["decoder"].parameter(name, shape, initial)
    }
  }

  /// What pictures of 0…1 become when each is coded by its likeliest tokens: `[B, C, H, W]` →
  /// `[B, C, H, W]`.
  public func reconstruction(of images: Tensor) -> Tensor {
    decoder.images(of: encoder.tokens(of: images))
  }

  /// The two terms of the training loss (Ramesh et al., 2021, §2.1), each a scalar.
  public struct Loss {
    /// The mean over pixels and channels of minus the logarithm of their density.
    public let likelihood: Tensor
    /// The mean over positions of the divergence of their tokens' distribution from the uniform
    /// one, in nats.
    public let divergence: Tensor
  }

  /// The loss of pictures, with a relaxed sample of tokens.
  ///
  /// - Parameters:
  ///   - images: `[B, C, H, W]` of 0…1.
  ///   - uniform: Random numbers of 0…1 that the sample is drawn by: `[B, V, h, w]`.
  ///   - temperature: Of the relaxation; towards 0 it becomes a sample of single tokens.
  ///   - minimumScale: Added to the scale of each pixel's distribution, see
  ///     ``logitLaplaceLoss(_:_:minimumScale:)``.
  public func loss(
    _ images: Tensor, uniform: Tensor, temperature: Double, minimumScale: Double = 0
  ) -> Loss {
    let scores = encoder(images).to(.float32)
    let relaxed = gumbelSoftmax(scores, uniform: uniform, temperature: temperature)
    let logs = scores.logSoftmax(along: 1)
    let entropies = (logs.exp() * logs).sum([1]).mean()
    let most = Tensor(Float(configuration.vocabulary)).sent(to: images.device).log()
    return Loss(
      likelihood: logitLaplaceLoss(
        decoder(relaxed).to(.float32), images, minimumScale: minimumScale),
      divergence: entropies + most)
  }
}

/// The tokenizer's encoder: pictures to scores of tokens.
public struct TokenizerEncoder {
  private let stack: TokenizerStack

  /// Takes weights from a closure, which is given each one's name, shape and first values.
  public init(
    _ configuration: TokenizerConfiguration,
    declaring declare: (_ name: String, _ shape: [Int], _ initial: Initializer) -> Tensor
  ) {
    stack = withoutActuallyEscaping(declare) { declare in
      TokenizerStack(
        first: (configuration.channels, configuration.hiddenWidth, 7),
        widths: configuration.widths, blocks: configuration.blocks, kernels: [3, 3, 3, 1],
        outputs: configuration.vocabulary, declare)
    }
  }

  /// The score of each token at each place: pictures of 0…1, `[B, C, H, W]` → `[B, V, h, w]`.
  public func callAsFunction(_ images: Tensor) -> Tensor {
    stack(stack.input(mappedPixels(images))) { $0.maxPool2d(2) }
  }

  /// The likeliest token of each place, row by row: pictures of 0…1, `[B, C, H, W]` → `[B, h·w]`
  /// int64.
  public func tokens(of images: Tensor) -> Tensor {
    callAsFunction(images).argmax(along: 1).flattened(from: 1)
  }
}

/// The tokenizer's decoder: tokens to pictures.
public struct TokenizerDecoder {
  private let configuration: TokenizerConfiguration
  private let stack: TokenizerStack

  /// Takes weights from a closure, which is given each one's name, shape and first values.
  public init(
    _ configuration: TokenizerConfiguration,
    declaring declare: (_ name: String, _ shape: [Int], _ initial: Initializer) -> Tensor
  ) {
    self.configuration = configuration
    stack = withoutActuallyEscaping(declare) { declare in
      TokenizerStack(
        first: (configuration.vocabulary, configuration.initialWidth, 1),
        widths: configuration.widths.reversed(), blocks: configuration.blocks,
        kernels: [1, 3, 3, 3], outputs: 2 * configuration.channels, declare)
    }
  }

  /// Mean and log scale of each pixel's distribution, before the sigmoid: shares of tokens, which
  /// add up to 1 along the vocabulary, `[B, V, h, w]` → `[B, 2·C, H, W]`.
  public func callAsFunction(_ shares: Tensor) -> Tensor { statistics(stack.input(shares)) }

  /// The pictures of tokens: `[B, h·w]` int64 → `[B, C, H, W]` of 0…1.
  public func images(of tokens: Tensor) -> Tensor {
    // The first convolution of a single token is a column of its weights.
    let columns = stack.input.weight.flattened(from: 1).transposed(0, 1)  // [V, D]
    let place = [tokens.shape[0], configuration.rows, configuration.columns, -1]
    let first = (columns.selected(tokens.flattened(), along: 0) + stack.input.bias)
      .reshaped(place).permuted([0, 3, 1, 2]).contiguous()
    let mean = statistics(first).to(.float32).split(configuration.channels, along: 1)[0]
    return unmappedPixels(mean.sigmoid())
  }

  private func statistics(_ first: Tensor) -> Tensor {
    stack(first) { x in
      let shape = x.shape
      return x.interpolated(rows: 2 * shape[2], columns: 2 * shape[3], mode: .nearest)
    }
  }
}
