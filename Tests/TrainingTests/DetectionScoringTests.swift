import Datasets
import Evaluation
import Foundation
import Inference
import TestSupport
import Testing
import Torch

/// Average precision against pycocotools: all numbers, whole arrays.
@Suite struct DetectionScoringTests {
  private struct Case: Decodable {
    var name, kind: String
    var cells: [[Int]]
    var summary: [Double]
  }

  private static let golden = Golden("average-precision")

  private static func scoring(_ example: Case) throws -> DetectionScoring {
    let path = { (part: String) in
      golden.folder.appendingPathComponent("\(example.name)-\(part).json").path
    }
    let truth = try COCOAnnotations(path: path("truth"), forScoring: true)
    let isMasks = example.kind == "segm"
    let results = try DetectionResults(path: path("results"), of: truth, needsMasks: isMasks)
    return try DetectionScoring(results, against: truth, kind: isMasks ? .masks : .boxes)
  }

  @Test func `the twelve numbers and all of precision and recall are those of pycocotools`() throws
  {
    for example in try Self.golden.cases(of: Case.self) {
      let found = try Self.scoring(example).precision
      for (i, (a, b)) in zip(found.summary.values, example.summary).enumerated() {
        #expect(
          abs(a - b) <= 1e-12, "\(example.name) \(AveragePrecision.Summary.names[i]): \(a), \(b)")
      }
      let tensors = try Self.golden.tensors("\(example.name).safetensors")
      let (precision, recall) = try (
        tensors["precision"].array(of: Double.self), tensors["recall"].array(of: Double.self)
      )
      let (t, r, k, n) = (10, 101, found.classes, example.cells.count)
      var worst = 0.0
      for threshold in 0..<t {
        for label in 0..<k {
          for (number, cell) in example.cells.enumerated() {
            let place = (threshold * k + label) * 12 + cell[0] * 3 + cell[1]
            worst = max(
              worst, abs(found.recall[place] - recall[(threshold * k + label) * n + number]))
            for point in 0..<r {
              let row = (threshold * r + point) * k + label
              worst = max(
                worst,
                abs(found.precision[row * 12 + cell[0] * 3 + cell[1]] - precision[row * n + number])
              )
            }
          }
        }
      }
      #expect(worst <= 1e-12, "\(example.name)")
    }
  }

  private static func read(
    _ truth: String, _ results: String, masks: Bool = false
  ) throws -> DetectionScoring {
    let folder = TemporaryFolder()
    let set = try COCOAnnotations(
      path: folder.write(Array(truth.utf8), to: "truth.json"), forScoring: true)
    let found = try DetectionResults(
      path: folder.write(Array(results.utf8), to: "results.json"), of: set, needsMasks: masks)
    return try DetectionScoring(found, against: set, kind: masks ? .masks : .boxes)
  }

  private static let truth = """
    {"images": [{"id": 1, "file_name": "a", "width": 20, "height": 20}],
     "annotations": [
      {"id": 0, "image_id": 1, "category_id": 4, "bbox": [0, 0, 4, 4], "area": 16, "iscrowd": 0},
      {"id": 1, "image_id": 1, "category_id": 4, "bbox": [9, 9, 4, 4], "area": 16, "iscrowd": 0}],
     "categories": [{"id": 4, "name": "cat"}, {"id": 5, "name": "dog"}]}
    """

  @Test func `an object of id 0 is found like any other`() throws {
    let scoring = try Self.read(
      Self.truth,
      """
      [{"image_id": 1, "category_id": 4, "bbox": [0, 0, 4, 4], "score": 0.9},
       {"image_id": 1, "category_id": 4, "bbox": [9, 9, 4, 4], "score": 0.8}]
      """)
    #expect(abs(scoring.precision.summary.values[0] - 1) < 1e-12)
    #expect(scoring.precision.averagePrecision(of: 1) == -1)
    let lines = scoring.precision.lines(names: scoring.names, title: "boxes")
    #expect(lines[1] == "  AP     100.00" && lines.last == "  dog  AP –  AP50 –  of 0", "\(lines)")
  }

  @Test func `kinds of mistakes are counted, with what each costs`() throws {
    let truth = """
      {"images": [{"id": 1, "file_name": "a", "width": 99, "height": 99}],
       "annotations": [
        {"id": 1, "image_id": 1, "category_id": 4, "bbox": [0, 0, 10, 10], "area": 100, "iscrowd": 0},
        {"id": 2, "image_id": 1, "category_id": 4, "bbox": [20, 0, 10, 10], "area": 100, "iscrowd": 0},
        {"id": 3, "image_id": 1, "category_id": 4, "bbox": [40, 0, 10, 10], "area": 100, "iscrowd": 0},
        {"id": 4, "image_id": 1, "category_id": 4, "bbox": [60, 0, 10, 10], "area": 100, "iscrowd": 0}],
       "categories": [{"id": 4, "name": "cat"}, {"id": 5, "name": "dog"}]}
      """
    func detection(_ x: Int, _ width: Int, _ category: Int, _ score: Double) -> String {
      #"{"image_id": 1, "category_id": \#(category), "bbox": [\#(x), 0, \#(width), 10], "score": \#(score)}"#
    }
    let found = [
      detection(0, 10, 4, 0.9), detection(0, 10, 4, 0.8),  // right, and once more
      detection(20, 4, 4, 0.7),  // too narrow
      detection(40, 10, 5, 0.6),  // a dog where a cat is
      detection(85, 10, 4, 0.5),  // nothing there
      detection(42, 3, 5, 0.4),  // neither
    ]
    let errors = try Self.read(truth, "[\(found.joined(separator: ","))]").errors
    #expect(
      errors.counts == [
        .duplicate: 1, .localization: 1, .classification: 1, .background: 1, .both: 1, .missed: 1,
      ])
    // One of four: 26 of 101 recalls.
    #expect(abs(errors.averagePrecision - 26 / 101) < 1e-12)
    // A second found at rank 3, with one mistake above: recalls 0.26 to 0.5 at 2/3.
    let localization = try #require(errors.costs[.localization])
    #expect(abs(localization - 25 * (2.0 / 3) / 101) < 1e-12)
    // One object fewer: of three, 34 recalls.
    #expect(abs(try #require(errors.costs[.missed]) - (34 - 26) / 101.0) < 1e-12)
    #expect(errors.costs[.both] == 0 && errors.lines.count == 6)
  }

  @Test func `no detections at all are no error`() throws {
    let scoring = try Self.read(Self.truth, "[]")
    #expect(scoring.precision.summary.values[0] == 0)
  }

  @Test(arguments: [
    ("{}", "is no list; expected"),
    (#"[{"image_id": 2}]"#, "entry 0: is of the picture 2, which the annotations do not have"),
    (
      #"[{"image_id": 1, "category_id": 9}]"#,
      "is of the category 9; the annotations have 4 cat, 5 dog"
    ),
    (#"[{"image_id": 1, "category_id": 4, "bbox": [0, 0, 1, 1], "score": NaN}]"#, "has no score"),
    (#"[{"image_id": 1, "category_id": 4, "score": 1}]"#, "has no bbox"),
    (#"[{"image_id": 1, "#, "ends in the middle of entry 0"),
  ])
  func `what is wrong with results is named`(results: String, message: String) {
    do {
      _ = try Self.read(Self.truth, results)
      Issue.record("taken")
    } catch {
      #expect("\(error)".contains(message), "\(error)")
    }
  }

  @Test func `masks are needed on both sides`() {
    for (results, message) in [
      (
        #"[{"image_id": 1, "category_id": 4, "bbox": [0, 0, 1, 1], "score": 1}]"#,
        "has no segmentation"
      ),
      ("[]", "has objects without a mask (first id 0)"),
      (
        #"[{"image_id": 1, "category_id": 4, "score": 1, "segmentation": {"size": [2, 2], "counts": [4]}}]"#,
        "its size is [2, 2]; the picture has [20, 20]"
      ),
    ] {
      do {
        _ = try Self.read(Self.truth, results, masks: true)
        Issue.record("taken")
      } catch {
        #expect("\(error)".contains(message), "\(error)")
      }
    }
  }
}
