extension RunResults {
  /// How an image tokenizer does on pictures.
  public struct Tokenizer: Codable, Hashable, Sendable {
    /// The mean squared error of pixels of 0…1, coded by the likeliest tokens.
    public var meanSquaredError: Double
    /// The share of the vocabulary that occurs.
    public var usage: Double
    /// The exponential of the entropy of how often each token occurs: so many that occur equally
    /// often would tell as much.
    public var perplexity: Double
    /// How many different tokens there are.
    public var vocabulary: Int
    /// Pictures that were coded.
    public var images: Int
    /// How it was trained.
    public var training: Training?

    /// How a tokenizer was trained.
    public struct Training: Codable, Hashable, Sendable {
      /// Pictures that were learned from.
      public var images: Int
      /// The recipe's name.
      public var recipe: String
      /// Steps taken.
      public var steps: Int
      /// Passes over the data.
      public var epochs: Double
      /// Seconds of training, all sessions together.
      public var seconds: Double
      /// Values that were trained.
      public var parameters: Int

      /// Records what was done.
      public init(
        images: Int, recipe: String, steps: Int, epochs: Double, seconds: Double, parameters: Int
      ) {
        self.images = images
        self.recipe = recipe
        self.steps = steps
        self.epochs = epochs
        self.seconds = seconds
        self.parameters = parameters
      }
    }

    /// Records a result.
    public init(
      meanSquaredError: Double, usage: Double, perplexity: Double, vocabulary: Int, images: Int,
      training: Training? = nil
    ) {
      self.meanSquaredError = meanSquaredError
      self.usage = usage
      self.perplexity = perplexity
      self.vocabulary = vocabulary
      self.images = images
      self.training = training
    }
  }
}
