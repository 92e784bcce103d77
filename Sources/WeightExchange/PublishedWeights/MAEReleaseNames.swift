import MaskedAutoencoders

/// The names that the original's and timm's classifiers have beyond this library's.
enum MAEReleaseNames {
  /// A linear probe of the original is a batch normalisation and a layer, numbered.
  private static let probe = [
    "head.0.running_mean": "head_norm.running_mean",
    "head.0.running_var": "head_norm.running_var",
    "head.1.weight": "head.weight",
    "head.1.bias": "head.bias",
  ]

  /// This library's name of a weight.
  static func native(_ name: String) -> String { probe[name] ?? name }
}
