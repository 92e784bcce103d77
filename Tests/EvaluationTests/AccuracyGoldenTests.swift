import Evaluation
import TestSupport
import Testing
import Torch

/// Top-k against timm, calibration error against its definition in float64.
@Suite struct AccuracyGoldenTests {
  private struct Case: Decodable {
    var kind: String
    var file: String?
    var bins: Int?
    var top: [String: Double]?
    var calibrationError: Double?
  }

  @Test func goldens() throws {
    let golden = Golden("finetuning")
    let found = try golden.cases(of: Case.self).first { $0.kind == "accuracy" }
    let known = try #require(found)
    let tensors = try golden.tensors(#require(known.file))
    let logits = try tensors["logits"].array(of: Float.self)
    let labels = try tensors["labels"].array(of: Int64.self).map { Int($0) }
    var tally = TopKAccuracy(classes: 10)
    tally.add(scores: logits, labels: labels)
    let top = try #require(known.top)
    #expect(Set(top.keys) == ["1", "3", "5"])
    for (k, accuracy) in top {
      #expect(abs(tally.accuracy(top: try #require(Int(k))) - accuracy) < 1e-6, "top \(k)")
    }
    var calibration = Calibration(bins: try #require(known.bins))
    calibration.add(logits: logits, labels: labels)
    let error = try #require(known.calibrationError)
    #expect(abs(calibration.expectedError - error) < 1e-6)
    #expect(calibration.total == 200)
  }
}
