import Runs
import Torch
import TorchNN

extension LoadedModel {
  /// Refuses what was computed where it is not all finite: classes, accuracies, files and pictures
  /// that are made of it would say nothing, and not look so.
  ///
  /// - Parameters:
  ///   - rows: `[B, …]`
  ///   - image: What row `i` is of.
  /// - Throws: ``RunFailure`` that names the image, and the weight that is not finite if there is
  ///   one.
  func requireFinite(_ rows: Tensor, of image: (Int) -> String) throws(RunFailure) {
    if withoutGradients({ rows.isFinite().all().item() }) == 1 { return }
    let values: [Float] = rows.to(.float32).to(.cpu).floats()
    let width = max(1, values.count / max(1, rows.shape.first ?? 1))
    let row = (values.firstIndex { !$0.isFinite } ?? 0) / width
    let what = "\(source): what it computes of \(image(row)) is not a finite number"
    let weight = withoutGradients {
      usedWeights.first { $0.tensor.isFinite().all().item() != 1 }
    }
    if let weight {
      throw RunFailure(
        .badData,
        "\(what), as the weight \(weight.name) is not: training went wrong, or the file is damaged")
    }
    throw RunFailure(.notFinite, "\(what), though its weights are; use --precision float32")
  }
}
