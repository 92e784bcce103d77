package import MaskedAutoencoders
package import Runs
package import TorchNN

extension LoadedModel {
  /// A classifier that is in memory, such as one that is being trained, as it is now.
  ///
  /// - Parameters:
  ///   - store: The classifier's tensors.
  ///   - source: What it is called in messages.
  package init(
    _ classifier: ImageClassifier, in store: ParameterStore, _ description: ModelDescription,
    source: String
  ) {
    network = .classifier(classifier)
    self.store = store
    self.description = description
    self.source = source
    assumptions = []
    pixelAssumption = nil
  }
}
