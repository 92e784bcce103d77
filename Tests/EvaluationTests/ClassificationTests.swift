import Evaluation
import Testing

@Suite struct ClassificationTests {
  @Test func accuraciesOfHandMadeScores() {
    var tally = TopKAccuracy(classes: 6)
    tally.add(
      scores: [
        9, 1, 2, 3, 4, 5,  // true class first
        9, 1, 2, 3, 4, 5,  // true class last
        9, 1, 2, 3, 4, 5,  // true class second to last: fifth
      ], labels: [0, 1, 2])
    #expect(tally.total == 3)
    #expect(tally.top1 == 1 / 3.0)
    #expect(tally.top5 == 2 / 3.0)
    #expect(tally.accuracy(top: 6) == 1)
    #expect(tally.accuracy(top: 100) == 1)
    #expect(tally.confusion[truth: 1, prediction: 0] == 1)
    #expect(tally.confusion.accuracy == tally.top1)
  }

  @Test func equalScoresGoToTheLowerIndex() {
    for label in 0..<3 {
      var tally = TopKAccuracy(classes: 3)
      tally.add(scores: [1, 1, 1], labels: [label])
      for k in 1...3 { #expect(tally.accuracy(top: k) == (label < k ? 1 : 0)) }
      #expect(tally.confusion[truth: label, prediction: 0] == 1)
    }
  }

  @Test func notANumberComesLast() {
    var tally = TopKAccuracy(classes: 2)
    tally.add(scores: [.nan, -100], labels: [1])
    tally.add(scores: [.nan, -100], labels: [0])
    #expect(tally.top1 == 0.5)
    #expect(TopKAccuracy(classes: 2).top1 == 0)
  }

  /// Every small confusion matrix: the definitions, written otherwise.
  @Test func everySmallMatrix() {
    for code in 0..<256 {
      let examples = (0..<4).map {
        (truth: code >> (2 * $0) & 1, prediction: code >> (2 * $0 + 1) & 1)
      }
      var matrix = ConfusionMatrix(classes: 3)
      for example in examples { matrix.add(truth: example.truth, prediction: example.prediction) }
      #expect(matrix.total == 4)
      let right = examples.count { $0.truth == $0.prediction }
      #expect(matrix.accuracy == Double(right) / 4)
      for label in 0..<3 {
        let own = examples.filter { $0.truth == label }
        let hits = own.count { $0.prediction == label }
        let union = examples.count { $0.truth == label || $0.prediction == label }
        #expect(
          matrix.classAccuracy[label] == (own.isEmpty ? nil : Double(hits) / Double(own.count)))
        #expect(
          matrix.intersectionOverUnion[label]
            == (union == 0 ? nil : Double(hits) / Double(union)))
      }
    }
  }

  @Test func meansLeaveOutAbsentClasses() {
    var matrix = ConfusionMatrix(classes: 4)
    for (truth, prediction) in [(0, 0), (0, 0), (0, 1), (0, 0), (1, 1), (2, 0)] {
      matrix.add(truth: truth, prediction: prediction)
    }
    #expect(matrix.classAccuracy == [0.75, 1, 0, nil])
    #expect(matrix.meanClassAccuracy == 1.75 / 3)
    #expect(matrix.intersectionOverUnion == [0.6, 0.5, 0, nil])
    #expect(matrix.meanIntersectionOverUnion == 1.1 / 3)
    #expect(ConfusionMatrix(classes: 2).meanClassAccuracy == 0)
    #expect(ConfusionMatrix(classes: 2).accuracy == 0)
  }

  @Test func neighboursVote() {
    let uniform = NeighborVote(classes: 3, weighting: .uniform)
    #expect(
      uniform.scores(similarities: [0.9, 0.1, 0.1, 0.1], labels: [0, 2, 2, 1])
        == [0.25, 0.25, 0.5])
    #expect(uniform.prediction(similarities: [0.9, 0.1], labels: [2, 1]) == 1)
    // One near neighbour against two at a distance of ln 3 temperatures: 1 against 2/3.
    let weighted = NeighborVote(classes: 3)
    let far = Float(0.9 - 0.07 * 1.0986122886681098)
    let scores = weighted.scores(similarities: [far, 0.9, far], labels: [2, 0, 2])
    #expect(abs(scores[0] - 0.6) < 1e-5)
    #expect(scores[1] == 0)
    #expect(abs(scores[2] - 0.4) < 1e-5)
    #expect(weighted.prediction(similarities: [far, 0.9, far], labels: [2, 0, 2]) == 0)
    #expect(
      NeighborVote(classes: 3, weighting: .uniform)
        .prediction(similarities: [far, 0.9, far], labels: [2, 0, 2]) == 2)
  }

  @Test func noTemperatureOverflows() {
    let vote = NeighborVote(classes: 2, weighting: .exponential(temperature: 1e-6))
    #expect(vote.scores(similarities: [1, 0.5], labels: [1, 0]) == [0, 1])
    #expect(vote.scores(similarities: [-1, -1], labels: [1, 0]) == [0.5, 0.5])
  }

  @Test func calibrationOfHandMadePredictions() {
    var calibration = Calibration(bins: 10)
    #expect(calibration.expectedError == 0)
    // Four predictions at 0.9, which is the top of bin 8, three right; two at 0.55, none right.
    for isCorrect in [true, true, true, false] {
      calibration.add(confidence: 0.9, isCorrect: isCorrect)
    }
    for _ in 0..<2 { calibration.add(confidence: 0.55, isCorrect: false) }
    #expect(calibration.bins[8].count == 4)
    #expect(calibration.bins[8].correct == 3)
    #expect(calibration.bins[5].count == 2)
    #expect(abs(calibration.expectedError - (4 * 0.15 + 2 * 0.55) / 6) < 1e-12)
    calibration.add(confidence: 0, isCorrect: false)
    calibration.add(confidence: 1, isCorrect: true)
    #expect(calibration.bins[0].count == 1)
    #expect(calibration.bins[9].count == 1)
  }

  @Test func confidenceIsThatOfTheSoftmax() {
    var calibration = Calibration(bins: 4)
    let log3 = Float(1.0986122886681098)
    calibration.add(logits: [log3, 0, 1000 + log3, 1000, .nan, 0], labels: [0, 1, 0])
    #expect(calibration.total == 2)
    #expect(abs(calibration.expectedError - 0.25) < 1e-4)
    calibration.add(logits: [], labels: [])
    #expect(calibration.total == 2)
  }
}

@Suite struct ConfusionTableTests {
  private var matrix: ConfusionMatrix {
    var matrix = ConfusionMatrix(classes: 3)
    for (truth, prediction, times) in [(0, 0, 8), (0, 1, 1), (0, 2, 1), (2, 1, 3), (2, 2, 1)] {
      for _ in 0..<times { matrix.add(truth: truth, prediction: prediction) }
    }
    return matrix
  }

  @Test func tables() {
    let names = ["cat", "dog, small", "\"fox\"\n"]
    #expect(
      Array(matrix.csvLines(names: names)) == [
        "true class,cat,\"dog, small\",\"\"\"fox\"\"\n\"", "cat,8,1,1", "\"dog, small\",0,0,0",
        "\"\"\"fox\"\"\n\",0,3,1",
      ])
    #expect(
      Array(matrix.classLines(names: ["a", "b", "c"])) == [
        "class,name,examples,correct,accuracy,mistaken for,times", "0,a,10,8,0.8,b,1", "1,b,0,0,,,",
        "2,c,4,1,0.25,b,3",
      ])
  }

  /// A mark that follows a quote makes one Character of both, and is still a quote to a reader.
  @Test func quotesWithMarks() {
    let name = "a\"\u{301},b"
    let lines = Array(matrix.csvLines(names: [name, "b", "c"]))
    #expect(lines[1] == "\"a\"\"\u{301},b\",8,1,1")
  }

  @Test func manyClassesNeedLittleMemory() {
    var matrix = ConfusionMatrix(classes: 1_000_000)
    matrix.add(truth: 999_999, prediction: 3)
    #expect(matrix[truth: 999_999, prediction: 3] == 1 && matrix.total == 1)
    #expect(matrix.mistakes().map(\.prediction) == [3])
  }

  @Test func mistakes() {
    let found = matrix.mistakes(limit: 2)
    #expect(
      found.map { [$0.truth, $0.prediction, $0.count] } == [[2, 1, 3], [0, 1, 1]])
    #expect(matrix.mistakes().count == 3)
    #expect(matrix.mostFrequentMistake(of: 1) == nil)
  }

  @Test func sums() {
    #expect(matrix.counts == [8, 1, 1, 0, 0, 0, 0, 3, 1])
    #expect(matrix.examples == [10, 0, 4])
    #expect(matrix.predictions == [8, 4, 2])
    var twice = matrix
    twice.add(matrix)
    #expect(twice.counts == matrix.counts.map { 2 * $0 })
    #expect(twice.total == 28)
  }
}
