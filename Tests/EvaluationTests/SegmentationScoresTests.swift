import TestSupport
import Testing
import Torch

@testable import Evaluation

/// Scores of label maps against mmsegmentation's formula and the definition of boundary IoU.
@Suite struct SegmentationScoresTests {
  private struct Case: Decodable {
    var kind: String
    var classes, pairs: Int?
    var iou, accuracy, boundaryIoU: [Double?]?
    var meanIoU, meanAccuracy, overallAccuracy, meanBoundaryIoU: Double?
  }

  private static func labels(_ tensor: Tensor) -> [UInt16] {
    tensor.array(of: UInt8.self).map { $0 == 255 ? SegmentationScores.ignored : UInt16($0) }
  }

  private static func scored(_ order: [Int]? = nil) throws -> (SegmentationScores, Case) {
    let golden = Golden("labels")
    let known = try #require(try golden.cases(of: Case.self).first { $0.kind == "scores" })
    let tensors = try golden.tensors("labels.safetensors")
    var scores = try SegmentationScores(classes: #require(known.classes))
    let count = try #require(known.pairs)
    for number in order ?? Array(0..<count) {
      let truth = try tensors["truth-\(number)"]
      try scores.add(
        prediction: labels(tensors["prediction-\(number)"]), truth: labels(truth),
        width: truth.shape[1])
    }
    return (scores, known)
  }

  private func expect(_ found: [Double?], _ known: [Double?]?) throws {
    let known = try #require(known)
    #expect(found.count == known.count)
    for (a, b) in zip(found, known) {
      #expect((a == nil) == (b == nil))
      if let a, let b { #expect(abs(a - b) <= 1e-12) }
    }
  }

  @Test func goldens() throws {
    let (scores, known) = try Self.scored()
    try expect(scores.intersectionOverUnion, known.iou)
    try expect(scores.classAccuracy, known.accuracy)
    try expect(scores.boundaryIntersectionOverUnion, known.boundaryIoU)
    try expect([scores.meanIntersectionOverUnion], [known.meanIoU])
    try expect([scores.meanClassAccuracy], [known.meanAccuracy])
    try expect([scores.accuracy], [known.overallAccuracy])
    try expect([scores.meanBoundaryIntersectionOverUnion], [known.meanBoundaryIoU])
  }

  @Test func `any order and any division of a set gives the same scores and bytes`() throws {
    let (scores, _) = try Self.scored()
    let names = (0..<7).map { "class \($0)" }
    let (turned, _) = try Self.scored([2, 0, 1])
    #expect(turned == scores)
    var sum = SegmentationScores(classes: 7)
    for number in 0..<3 { try sum.add(Self.scored([number]).0) }
    #expect(sum == scores)
    #expect(sum.json(names: names) == scores.json(names: names))
    #expect(turned.lines(names: names) == scores.lines(names: names))
    #expect(scores.csvLines(names: names).count == 8)
  }

  @Test func `what is ignored is left out, and no class predicted is a mistake`() {
    var scores = SegmentationScores(classes: 3)
    let none = SegmentationScores.ignored
    scores.add(prediction: [0, 1, 1, none], truth: [0, 0, none, 1], width: 2)
    #expect(scores.intersectionOverUnion == [0.5, 0, nil])
    #expect(scores.classAccuracy == [0.5, 0, nil])
    #expect(scores.accuracy == 1.0 / 3)
    #expect(scores.ignoredPixels == 1 && scores.unpredicted == [0, 1, 0])
    #expect(scores.pixels == [2, 1, 0])
    let lines = scores.lines(names: ["a", "b", "c"])
    #expect(lines[0] == "mIoU            25.00 %")
    #expect(lines[5].hasPrefix("no class        predicted for 1 pixels"))
    #expect(lines.last?.contains("c  IoU –  accuracy –") == true)
  }

  @Test func `a thousand classes are counted as few are`() {
    var (many, few) = (SegmentationScores(classes: 1000), SegmentationScores(classes: 4))
    let truth: [UInt16] = [0, 1, 2, 3, 3, 2, 1, 0]
    let prediction: [UInt16] = [0, 1, 1, 3, 3, 3, 2, 0]
    many.add(prediction: prediction, truth: truth, width: 4)
    few.add(prediction: prediction, truth: truth, width: 4)
    #expect(Array(many.intersectionOverUnion.prefix(4)) == few.intersectionOverUnion)
    #expect(many.meanIntersectionOverUnion == few.meanIntersectionOverUnion)
  }
}
