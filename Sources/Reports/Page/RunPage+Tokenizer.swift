import DiscreteVAE
import FileSystem
import Runs

/// What an image tokenizer's page has beside those of other runs.
extension RunPage {
  static func tokenizerSummary(_ results: RunResults) -> [String] {
    guard let result = results.tokenizer else { return [] }
    var sentence =
      "\(percent(result.usage)) of \(result.vocabulary) tokens occur on \(result.images) pictures, with "
      + "a perplexity of \(Formatted.fixed(result.perplexity, 1)); the pictures that they code are off "
      + "by \(Formatted.fixed(result.meanSquaredError, 5)) (mean squared error of pixels of 0…1)"
    if let training = result.training {
      sentence +=
        "; learned from \(training.images) pictures in \(training.steps) steps, "
        + "\(Formatted.duration(training.seconds))"
    }
    return [sentence + ". No label was used."]
  }

  static func tokenizerHighlights(_ results: RunResults) -> [RunReport.Highlight] {
    guard let result = results.tokenizer else { return [] }
    return [
      .init(percent(result.usage), "of the vocabulary used"),
      .init(Formatted.fixed(result.perplexity, 1), "perplexity of the tokens"),
      .init(Formatted.fixed(result.meanSquaredError, 4), "squared error"),
    ]
  }

  static func tokenizerFacts(_ tokenizer: TokenizerConfiguration) -> [RunReport.Fact] {
    [
      .init(
        "image",
        "\(tokenizer.height) × \(tokenizer.width), \(tokenizer.channels) channels"),
      .init("tokens", "\(tokenizer.rows) × \(tokenizer.columns) of \(tokenizer.vocabulary)"),
      .init(
        "network",
        "\(tokenizer.groups) groups of \(tokenizer.blocks) blocks, \(tokenizer.hiddenWidth) wide at first"
      ),
    ]
  }
}
