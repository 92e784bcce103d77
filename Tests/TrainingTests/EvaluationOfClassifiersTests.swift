@testable import Inference
@testable import Reports
@testable import Runs
import Datasets
import Evaluation
import Foundation
import Imaging
import MaskedAutoencoders
import TestSupport
import Testing
import Torch

/// Judging classifiers: classes by name, counts as computed directly.
@Suite struct EvaluationOfClassifiersTests {
  private func matching(
    _ own: [String], used: [Bool]? = nil, known: [String],
    _ competing: ClassMatching.Competing = .all
  ) throws -> ClassMatching {
    try ClassMatching(
      own, used: used ?? own.map { _ in true }, known: known, competing: competing, name: "set")
  }

  @Test func `classes are matched by name`() throws {
    let same = try matching(["a", "b"], known: ["a", "b"])
    #expect(same.subset.isWhole && same.numbers == [0, 1] && same.warnings.isEmpty)
    let shuffled = try matching(["c", "a", "b"], known: ["a", "b", "c"])
    #expect(shuffled.numbers == [2, 0, 1] && shuffled.warnings.isEmpty)
    let part = try matching(["c", "a"], known: ["a", "b", "c", "d"])
    #expect(part.subset.isWhole && part.numbers == [2, 0])
    #expect(
      part.warnings.count == 1 && part.warnings[0].contains("2 of the model's 4 classes ('b', 'd')")
    )
    let alone = try matching(["c", "a"], known: ["a", "b", "c", "d"], .set)
    #expect(alone.subset.indices == [2, 0] && alone.numbers == [0, 1])
  }

  @Test func `unknown classes are named`() throws {
    let error = #expect(throws: RunFailure.self) {
      try matching(["a", "x", "y", "z", "w"], known: ["a", "b"])
    }
    #expect(
      error?.message
        == "set has classes that the model does not know: 'x', 'y', 'z' and 1 more; it knows 'a', 'b'"
    )
    // A class that no image is of is of no account.
    let unused = try matching(["a", "x"], used: [true, false], known: ["a"])
    #expect(unused.numbers == [0, -1])
    #expect(throws: RunFailure.self) { try matching(["a", "x"], known: ["a"], .set) }
  }

  /// Two classes of the model are called the same, as ImageNet's cranes are.
  @Test func `names that two classes have`() throws {
    let known = ["a", "crane", "b", "crane"]
    // The same list, place by place.
    let same = try matching(known, known: known)
    #expect(same.subset.isWhole && same.numbers == [0, 1, 2, 3] && same.warnings.isEmpty)
    let some = try matching(known, used: [true, false, false, true], known: known, .set)
    #expect(some.subset.indices == [0, 3] && some.numbers == [0, -1, -1, 1])
    #expect(some.warnings.first?.contains("2 of the model's 4 classes ('crane', 'b')") == true)
    // Numbers.
    let numbers = try matching(["3", "0", "1"], known: known)
    #expect(numbers.subset.isWhole && numbers.numbers == [3, 0, 1])
    #expect(try matching(["3", "1"], known: known, .set).subset.indices == [3, 1])
    // Names that are told apart.
    #expect(try matching(["b", "a"], known: known).numbers == [2, 0])
    #expect(
      try matching(["b", "crane"], used: [true, false], known: known).numbers == [2, -1])
    // And the one that is not.
    for competing in ClassMatching.Competing.allCases {
      let error = #expect(throws: RunFailure.self) {
        try matching(["a", "b", "crane"], known: known, competing)
      }
      #expect(
        error?.message
          == "set has a class 'crane', as 2 of the model's classes are called (1, 3); call the set's "
          + "classes by the model's numbers, from 0 to 3")
    }
    // Two of the set's classes may be one of the model's.
    let twice = try matching(["a", "b", "a"], known: ["b", "a"], .set)
    #expect(twice.subset.indices == [1, 0] && twice.numbers == [0, 1, 0])
  }

  @Test func customs() throws {
    let ids = ImageNetClasses.wordNetIDs
    let known = (0..<1000).map { "class of words \($0)" }
    let part = try matching([ids[7], ids[3]], known: known)
    #expect(part.numbers == [7, 3])
    #expect(part.warnings.first?.contains("WordNet") == true)
    #expect(try matching([ids[7], ids[3]], known: known, .set).subset.indices == [7, 3])
    let numbers = try matching(["0", "1", "2"], known: ["a", "b", "c"])
    #expect(numbers.numbers == [0, 1, 2] && numbers.warnings.count == 1)
    #expect(throws: RunFailure.self) { try matching(["0", "3"], known: ["a", "b", "c"]) }
  }

  private let names = ["class 2", "class 0", "class 1", "class 3"]

  @Test(arguments: ClassMatching.Competing.allCases)
  func `counts are the classifiers`(competing: ClassMatching.Competing) throws {
    let fixture = try TemporaryRun()
    let model = try fixture.makeModel(classes: names)
    let labels = (0..<24).map { ($0 * 7) % 3 }
    let images = mixedPictures(24, broken: [3], labels: labels)
    let result = try EvaluationResult(
      of: images, named: "toys", by: BatchInference(model, batch: 5), competing: competing)
    #expect(result.broken.map(\.index) == [3])
    #expect(result.imagesPerSecond > 0)

    let kept = (0..<24).filter { $0 != 3 }
    let classifier = try model.requireClassifier()
    let logits: [Float] = try withoutGradients {
      classifier(try model.inputs(images, kept)).floats()
    }
    let chosen = competing == .all ? [0, 1, 2, 3] : [1, 2, 0]  // by the set's order: class 0, 1, 2
    var tally = TopKAccuracy(classes: chosen.count)
    var calibration = Calibration()
    let own = kept.indices.flatMap { row in chosen.map { logits[row * 4 + $0] } }
    let truth = kept.map { index in
      chosen.firstIndex { names[$0] == "class \(labels[index])" } ?? -1
    }
    tally.add(scores: own, labels: truth)
    calibration.add(logits: own, labels: truth)
    #expect(result.tally == tally)
    #expect(abs(result.calibration.expectedError - calibration.expectedError) < 1e-6)
    #expect(tally.top1 > 0 && tally.top1 < 1, "a test that any order passes")
  }

  @Test func `sets that cannot be judged`() throws {
    let fixture = try TemporaryRun()
    let pass = BatchInference(try fixture.makeModel(classes: names))
    #expect(throws: RunFailure.self) {
      try EvaluationResult(of: mixedPictures(2), named: "toys", by: pass)
    }
    #expect(throws: DatasetError.self) {
      try EvaluationResult(
        of: mixedPictures(2, broken: [0, 1], labels: [0, 1]), named: "toys", by: pass)
    }
    #expect(throws: RunFailure.self) {
      try EvaluationResult(
        of: mixedPictures(2, broken: [0, 1], labels: [0, 1]), named: "toys", by: pass,
        brokenLimit: .none)
    }
    #expect(throws: RunFailure.self) {
      try EvaluationResult(
        of: mixedPictures(2, labels: [0, 1]), named: "toys",
        by: BatchInference(try fixture.makeModel("plain")))
    }
  }

  @Test func corruptions() throws {
    let fixture = try TemporaryRun()
    let model = try fixture.makeModel(classes: ["class 0", "class 1"])
    var errors: [Double] = []
    for severity in 1...5 {
      let labels = (0..<6).map { ($0 + severity) % 2 }
      for (number, label) in labels.enumerated() {
        try fixture.write(
          "c/noise/fog/\(severity)/class \(label)/\(number).png",
          TemporaryRun.picture(number * severity, side: 16).encodedAsPNG())
      }
      let part = try openDataset(at: fixture("c/noise/fog/\(severity)"))
      let result = try EvaluationResult(of: part, named: "part", by: BatchInference(model))
      errors.append(1 - result.tally.top1)
    }
    let set = try RobustnessSet(path: fixture("c"))
    var judged: [Int] = []
    let result = try RobustnessEvaluation(
      of: set, named: "c", by: BatchInference(model),
      evaluated: { part, _ in judged.append(part.severity ?? 0) })
    #expect(judged == [1, 2, 3, 4, 5] && result.images == 30)
    #expect((1...5).map { result.scores.error(of: "fog", severity: $0) } == errors)
    let mean = errors.reduce(0, +) / 5
    #expect(abs((result.scores.corruptionError(of: .fog) ?? 0) - mean / 0.819324) < 1e-9)
    let kept = RunResults.Evaluated(result, model: "m", data: "c")
    #expect(kept.corruptionErrors?["fog"] == errors && kept.meanCorruptionError == nil)
  }

  @Test func `results are kept`() throws {
    let fixture = try TemporaryRun()
    try fixture.write("recipe.yaml", "")
    let model = try fixture.makeModel(classes: names)
    let images = mixedPictures(12, labels: (0..<12).map { $0 % 3 })
    let result = try EvaluationResult(of: images, named: "toys", by: BatchInference(model))
    let found = RunResults.Evaluated(result, top: 3, model: "m", data: "toys")
    #expect(found.topK?[3] == result.tally.accuracy(top: 3))
    try RunResults.update(fixture.path) { $0.evaluated["toys"] = found }
    #expect(try RunResults.read(fixture.path).evaluated == ["toys": found])
    try RunPage.write(for: fixture.path)
    #expect(try fixture.text("report.html").contains("Evaluated on other sets"))
  }
}
