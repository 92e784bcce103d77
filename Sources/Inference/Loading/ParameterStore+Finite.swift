import Torch
package import TorchNN

extension ParameterStore {
  /// Whether every weight is a finite number.
  package var isFinite: Bool {
    withoutGradients { entries.allSatisfy { $0.tensor.isFinite().all().item() == 1 } }
  }
}
