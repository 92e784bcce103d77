import Evaluation
import TestSupport
import Testing
import Torch

@Suite struct RobustnessScoresTests {
  private struct Case: Decodable {
    var subset: [Int]
    var file: String
    var top1: Double
    var top5: Double
    var meanError: Double
    var meanCorruptionError: Double
  }

  private struct Manifest: Decodable {
    struct Subset: Decodable {
      var names: [String]
      var indices: [Int]
    }
    var subsets: [String: Subset]
    var synsets: String
  }

  private let golden = Golden("robustness")

  @Test func subsetsOfImageNet() throws {
    let manifest: Manifest = try golden.manifest()
    let all = ImageNetClasses.wordNetIDs
    #expect(all.count == 1000 && all.joined(separator: " ") == manifest.synsets)
    for (name, known) in manifest.subsets {
      let subset = try ClassSubset(known.names, among: all)
      #expect(subset.indices == known.indices, "ImageNet-\(name)")
      #expect(subset.count == 200 && !subset.isWhole)
    }
    #expect(try ClassSubset(all, among: all).isWhole)
  }

  @Test func accuracyAmongASubset() throws {
    let known = try #require(try golden.cases(of: Case.self).first)
    let tensors = try golden.tensors(known.file)
    let logits = try tensors["logits"].array(of: Float.self)
    let labels = try tensors["labels"].array(of: Int64.self).map { Int($0) }
    let names = (0..<20).map { "class \($0)" }
    let subset = try ClassSubset(known.subset.map { names[$0] }, among: names)
    var scores = SubsetScores(subset)
    scores.add(logits: Array(logits[..<400]), labels: Array(labels[..<20]))
    scores.add(logits: Array(logits[400...]), labels: Array(labels[20...]))
    #expect(scores.tally.total == 64)
    #expect(scores.tally.top1 == known.top1)
    #expect(scores.tally.top5 == known.top5)
    #expect(scores.calibration.total == 64)
  }

  @Test func restriction() throws {
    let subset = try ClassSubset(["d", "b"], among: ["a", "b", "c", "d"])
    #expect(subset.indices == [3, 1] && subset.classes == 4)
    #expect(subset.restricted([0, 1, 2, 3, 10, 11, 12, 13]) == [3, 1, 13, 11])
    #expect(subset.restricted([]) == [])
    let error = #expect(throws: ClassSubset.NameMistake.self) {
      try ClassSubset(["x", "b"], among: ["a", "b", "c", "d", "e"])
    }
    #expect(
      error?.description
        == "has a class that the model lacks (\"x\"); the model's are \"a\", \"b\", \"c\", …")
  }

  /// ImageNet has two classes each called crane and maillot.
  @Test func namesThatTwoClassesHave() throws {
    let all = ["a", "crane", "b", "crane"]
    let whole = try ClassSubset(all, among: all)
    #expect(whole.isWhole && whole.names == all)
    #expect(try ClassSubset(["b", "a"], among: all).indices == [2, 0])
    let error = #expect(throws: ClassSubset.NameMistake.self) {
      try ClassSubset(["a", "crane"], among: all)
    }
    #expect(error?.description == "has a class \"crane\", as 2 of the model's are called (1, 3)")
    let chosen = ClassSubset([3, 0], of: all)
    #expect(chosen.names == ["crane", "a"] && chosen.classes == 4)
    #expect(chosen.restricted([0, 1, 2, 3]) == [3, 0])
  }

  @Test func meanCorruptionError() throws {
    let known = try #require(try golden.cases(of: Case.self).first)
    let errors = try golden.tensors(known.file)["errors"].array(of: Double.self)
    var scores = CorruptionScores()
    for (i, corruption) in Corruption.allCases.enumerated() {
      for severity in 1...5 {
        #expect(scores.meanError == nil && scores.meanCorruptionError == nil)
        #expect(scores.missing.first == corruption)
        scores.set(errors[5 * i + severity - 1], of: corruption.rawValue, severity: severity)
      }
    }
    #expect(scores.missing.isEmpty)
    #expect(abs(try #require(scores.meanError) - known.meanError) < 1e-12)
    #expect(abs(try #require(scores.meanCorruptionError) - known.meanCorruptionError) < 1e-12)
  }

  @Test func errorsByHand() throws {
    var scores = CorruptionScores()
    #expect(scores.csvLines.last == "mean,,,,,,,")
    for severity in 1...5 {
      scores.set(Double(severity) / 10, of: "fog", severity: severity)
      scores.set(0.5, of: "spatter", severity: severity)
    }
    var tally = TopKAccuracy(classes: 2)
    tally.add(scores: [1, 0, 1, 0, 1, 0, 0, 1], labels: [0, 0, 0, 0])
    scores.set(tally, of: "snow", severity: 2)
    #expect(scores.error(of: "snow", severity: 2) == 0.25)
    #expect(scores.error(of: "snow") == nil)
    #expect(abs(try #require(scores.error(of: "fog")) - 0.3) < 1e-12)
    #expect(abs(try #require(scores.corruptionError(of: .fog)) - 0.3 / 0.819324) < 1e-12)
    #expect(scores.corruptions == ["snow", "fog", "spatter"])
    #expect(scores.missing.count == 14)
    #expect(
      scores.csvLines.dropFirst() == [
        "snow,,0.25,,,,,", "fog,0.1,0.2,0.3,0.4,0.5,0.3,\(0.3 / 0.819324)",
        "spatter,0.5,0.5,0.5,0.5,0.5,0.5,", "mean,,,,,,,",
      ])
  }

  /// A model that is as wrong as AlexNet everywhere.
  @Test func alexNetIsTheMeasure() {
    var scores = CorruptionScores()
    for corruption in Corruption.allCases {
      for severity in 1...5 {
        scores.set(corruption.alexNetError, of: corruption.rawValue, severity: severity)
      }
    }
    #expect(abs((scores.meanCorruptionError ?? 0) - 1) < 1e-12)
  }
}
