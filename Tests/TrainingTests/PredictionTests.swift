@testable import Inference
@testable import Runs
import Datasets
import Foundation
import Imaging
import MaskedAutoencoders
import TestSupport
import Testing
import Torch

/// Telling the classes of images: as the classifier itself does, whatever the batches are.
@Suite struct PredictionTests {
  private let classes = ["cat", "dog", "fox", "owl", "yak", "zebu"]

  @Test(arguments: [1, 3, 64]) func predictionsAreTheClassifiers(batch: Int) throws {
    let fixture = try TemporaryRun()
    let model = try fixture.makeModel(classes: classes)
    let images = mixedPictures(10, broken: [0, 4, 5, 9])
    var found: [ImagePrediction] = []
    let predictor = try Predictor(BatchInference(model, batch: batch, workers: 2), top: 3)
    let count = try predictor.run(over: images, named: "toys") { found += $0 }
    #expect(count == 6)
    #expect(found.map(\.image) == (0..<10).map { "image \($0)" })
    #expect(
      found.indices.filter { found[$0].problem != nil } == [0, 4, 5, 9])
    #expect(found[4].problem == "is damaged on purpose" && found[4].topK.isEmpty)

    let classifier = try model.requireClassifier()
    for index in [1, 2, 3, 6, 7, 8] {
      let shares: [Float] = try withoutGradients {
        classifier(try model.inputs(images, [index])).softmax().floats()
      }
      let order = classes.indices.sorted { shares[$0] > shares[$1] }.prefix(3)
      #expect(found[index].topK.map(\.index) == Array(order))
      #expect(found[index].topK.map(\.label) == order.map { classes[$0] })
      for (prediction, place) in zip(found[index].topK, order) {
        #expect(abs(prediction.probability - Double(shares[place])) < 1e-5)
      }
    }
  }

  @Test func oneImageIsAsOneOfMany() throws {
    let fixture = try TemporaryRun(images: 3)
    let model = try fixture.makeModel(classes: classes)
    let files = ImageFiles(paths: (0..<3).map { fixture("images/0\($0).png") })
    var many: [ImagePrediction] = []
    try Predictor(BatchInference(model, batch: 3)).run(over: files, named: "files") { many += $0 }
    for (index, prediction) in many.enumerated() {
      let alone = try model.classify(contentsOf: fixture("images/0\(index).png"))
      #expect(alone.map(\.label) == prediction.topK.map(\.label))
      for (a, b) in zip(alone, prediction.topK) {
        #expect(abs(a.probability - b.probability) < 1e-6)
      }
    }
    #expect(try model.classify(contentsOf: fixture("images/00.png"), top: 100).count == 6)
    #expect(throws: ImageError.self) { try model.classify(contentsOf: fixture("nowhere.png")) }
  }

  @Test func aModelWithoutAHeadSaysSo() throws {
    let fixture = try TemporaryRun(images: 1)
    let model = try fixture.makeModel()
    #expect(throws: RunFailure.self) { try Predictor(BatchInference(model)) }
    #expect(throws: RunFailure.self) { try model.classify(contentsOf: fixture("images/00.png")) }
  }

  @Test func lheMostProbableClasses() {
    let labels = ["a", "b", "c", "d"]
    let best = Prediction.topK(3, of: [1, 3, 3, -2], labels: labels)
    #expect(best.map(\.label) == ["b", "c", "a"])
    let sum = 2 + exp(-2.0) + exp(-5.0)
    #expect(abs(best[0].probability - 1 / sum) < 1e-7)
    #expect(abs(best[2].probability - exp(-2.0) / sum) < 1e-7)
    // All classes' shares add up to 1, of large logits too.
    let all = Prediction.topK(4, of: [1000, 1001, -1000, 999], labels: labels)
    #expect(abs(all.reduce(0) { $0 + $1.probability } - 1) < 1e-9)
    #expect(all.map(\.index) == [1, 0, 3, 2])
    // What is not a number is not predicted.
    let odd = Prediction.topK(4, of: [.nan, 1, -.infinity, 0], labels: labels)
    #expect(odd.map(\.index).prefix(2) == [1, 3])
    #expect(odd.allSatisfy { $0.probability.isFinite })
    #expect(
      Prediction.topK(2, of: [.nan, .nan, .nan, .nan], labels: labels).map(\.probability) == [0, 0])
  }

  // MARK: text

  private let predictions = [
    ImagePrediction(
      image: "a, b.jpg",
      topK: [
        Prediction(label: "\"big\" cat", index: 4, probability: 0.75),
        Prediction(label: "dog", index: 1, probability: 0.125),
      ]),
    ImagePrediction(image: "c.jpg", problem: "is text; expected JPEG"),
  ]

  private func text(_ format: PredictionText.Format, _ parts: [[ImagePrediction]]) -> String {
    var text = PredictionText(format, top: 2)
    return text.opening + parts.map { text.text(for: $0) }.joined() + text.closing
  }

  @Test func texts() {
    let parts = predictions.map { [$0] }
    #expect(
      text(.table, [predictions])
        == "a, b.jpg  \"big\" cat 75.0 %  dog 12.5 %\nc.jpg     not decoded: is text; expected JPEG\n"
    )
    #expect(
      text(.csv, parts)
        == "image,label,probability,label_2,probability_2,error\n"
        + "\"a, b.jpg\",\"\"\"big\"\" cat\",0.75,dog,0.125,\n"
        + "c.jpg,,,,,is text; expected JPEG\n")
    let first = """
      {"image": "a, b.jpg", "predictions": [{"label": "\\"big\\" cat", "index": 4, \
      "probability": 0.75}, {"label": "dog", "index": 1, "probability": 0.125}]}
      """
    let second = "{\"image\": \"c.jpg\", \"error\": \"is text; expected JPEG\"}"
    #expect(text(.jsonl, parts) == first + "\n" + second + "\n")
    #expect(text(.json, parts) == "[\n  " + first + ",\n  " + second + "\n]\n")
    #expect(text(.json, []) == "[]\n")
  }

  @Test func jsonIsJSON() throws {
    let names = ["tab\tnew\nline\u{1}", "ünï \\ \"quoted\"", "😀"]
    let json = text(.json, [names.map { ImagePrediction(image: $0, problem: $0) }])
    let read = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [[String: String]]
    #expect(read?.map { $0["image"] } == names)
    #expect(read?.map { $0["error"] } == names)
  }
}
