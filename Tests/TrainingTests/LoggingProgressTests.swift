@testable import FileSystem
import Testing

@testable import Training

@Suite struct LoggingProgressTests {
  /// Collects what is shown.
  final class Screen {
    var texts: [String] = []
  }

  static func progress(step: Int, loss: Double? = 0.43214) -> Progress {
    Progress(
      epoch: Double(step) / 100, epochs: 5, step: step, steps: 500, loss: loss, rate: 9.76e-4,
      imagesPerSecond: 812.4, dataWait: 0.021, memory: 1_340_000_000, secondsLeft: 190)
  }

  @Test func `one position as text`() {
    #expect(
      Self.progress(step: 125).description
        == "epoch 1.25/5  step 125/500  loss 0.4321  3 min 10 s left  812 img/s  wait 2 %  "
        + "rate 9.8e-04  1.3 GB")
    var waiting = Self.progress(step: 125)
    waiting.bytesPerSecond = 45_000_000
    #expect(waiting.description == Self.progress(step: 125).description)
    waiting.dataWait = 0.25
    #expect(
      waiting.description.contains("  wait 25 % (data 45 MB/s, needs 60 MB/s)  "),
      "\(waiting.description)")
    waiting.utilization = 0.614
    #expect(waiting.description.contains("  812 img/s  MFU 61 %  wait 25 % "))
    let start = Progress(
      epoch: 0, epochs: 0.5, step: 0, steps: 10, loss: nil, rate: 0, imagesPerSecond: 4.71,
      dataWait: 0, memory: nil, secondsLeft: nil)
    #expect(
      start.description
        == "epoch 0.00/0.50  step 0/10  loss –  4.7 img/s  wait 0 %  rate 0.0e+00")
  }

  @Test func `terminals get one line rewritten in place`() {
    let screen = Screen()
    var line = ProgressLine(terminal: Terminal(isTerminal: true, columns: { 31 })) {
      screen.texts.append($0)
    }
    line.show(Self.progress(step: 1), at: 0)
    line.show(Self.progress(step: 2), at: 0.05)
    line.show(Self.progress(step: 3), at: 0.2)
    line.say("saved")
    line.show(Self.progress(step: 4), at: 0.21)
    line.finish()
    #expect(
      screen.texts == [
        "\repoch 0.01/5  step 1/500  loss\u{1B}[K", "\repoch 0.03/5  step 3/500  loss\u{1B}[K",
        "\r\u{1B}[Ksaved\nepoch 0.03/5  step 3/500  loss",
        "\repoch 0.04/5  step 4/500  loss\u{1B}[K", "\n",
      ])
  }

  @Test func `elsewhere plain lines now and then`() {
    let screen = Screen()
    var line = ProgressLine(terminal: .plain, plainInterval: 10) { screen.texts.append($0) }
    for second in 0..<25 { line.show(Self.progress(step: second), at: Double(second)) }
    line.say("saved")
    line.finish()
    line.finish()
    let steps = [0, 10, 20].map { Self.progress(step: $0).description + "\n" }
    #expect(screen.texts == steps + ["saved\n", Self.progress(step: 24).description + "\n"])
    #expect(!screen.texts.joined().contains("\u{1B}"))
  }

  @Test(arguments: [
    (0.0, "0 s"), (59.4, "59 s"), (60, "1 min"), (61, "1 min 1 s"), (600, "10 min"),
    (3570, "60 min"), (3600, "1 h"), (4320, "1 h 12 min"), (86_399, "24 h"), (100_000, "1 d 4 h"),
    (-5, "0 s"), (.infinity, "–"), (.nan, "–"),
  ])
  func durations(seconds: Double, text: String) {
    #expect(Formatted.duration(seconds) == text)
  }

  @Test(arguments: [(999, "1 kB"), (840_000_000, "840 MB"), (1_340_000_000, "1.3 GB")])
  func sizes(bytes: Int, text: String) {
    #expect(Formatted.bytes(bytes) == text)
  }

  @Test func `pace is that of the window`() {
    var pace = Throughput(window: 2)
    #expect(pace.imagesPerSecond == 0)
    #expect(pace.dataWait == 0)
    #expect(pace.secondsLeft(steps: 10) == nil)
    pace.add(images: 1000, seconds: 100, waiting: 100)
    #expect(pace.bytesPerSecond == nil)
    pace.add(images: 64, seconds: 2, waiting: 0, bytes: 3000)
    pace.add(images: 64, seconds: 6, waiting: 2, bytes: 5000)
    #expect(pace.bytesPerSecond == 1000)
    #expect(pace.imagesPerSecond == 16)
    #expect(pace.dataWait == 0.25)
    #expect(pace.secondsLeft(steps: 10) == 40)
  }

  @Test func `memory is that of a process`() throws {
    #expect(try (1_000_000...1_000_000_000_000).contains(#require(residentMemory())))
  }
}
