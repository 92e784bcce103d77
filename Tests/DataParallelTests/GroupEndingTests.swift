@testable import DataParallel
import TestSupport
import Testing

/// When one process's failure ends the others, and which status is that of all.
@Suite struct GroupEndingTests {
  private let start = ContinuousClock.now

  /// A rule whose calls may stand in an expectation.
  private final class Rule {
    private var ending = GroupEnding(grace: .seconds(10), killAfter: .seconds(60))
    var cause: (rank: Int, end: ProcessEnd)? { ending.cause }
    var deadline: ContinuousClock.Instant? { ending.deadline }

    func ended(_ rank: Int, _ end: ProcessEnd, at now: ContinuousClock.Instant) -> Bool {
      ending.ended(rank, end, at: now)
    }
    func due(at now: ContinuousClock.Instant) -> GroupEnding.Action? { ending.due(at: now) }
  }

  @Test func `nothing is due while nobody fails`() {
    let ending = Rule()
    #expect(!ending.ended(0, .exit(0), at: start))
    #expect(ending.deadline == nil && ending.due(at: start + .seconds(1000)) == nil)
    #expect(ending.cause == nil)
  }

  @Test func `the others have 10 seconds, then 60 more`() {
    let ending = Rule()
    #expect(ending.ended(1, .exit(74), at: start))
    #expect(ending.deadline == start + .seconds(10))
    #expect(ending.due(at: start + .seconds(9.9)) == nil)
    #expect(ending.due(at: start + .seconds(10)) == .terminate)
    #expect(ending.due(at: start + .seconds(10)) == nil)
    #expect(ending.deadline == start + .seconds(70))
    #expect(ending.due(at: start + .seconds(71)) == .kill)
    #expect(ending.deadline == nil && ending.due(at: start + .seconds(200)) == nil)
    #expect(ending.cause?.rank == 1 && ending.cause?.end == .exit(74))
  }

  @Test func `the first failure is the status of all`() {
    withEvery("later", in: [ProcessEnd.exit(0), .exit(65), .exit(75), .signal(15)]) { later in
      let ending = Rule()
      #expect(ending.ended(0, .exit(70), at: start))
      #expect(!ending.ended(1, later, at: start))
      #expect(ending.cause?.end == .exit(70))
      #expect(ending.deadline == start + .seconds(10))
    }
  }

  @Test func `whoever lost another gives way to what the other ended with`() {
    withEvery("cause", in: [ProcessEnd.signal(9), .exit(74), .exit(70)]) { cause in
      let ending = Rule()
      #expect(ending.ended(0, .exit(75), at: start))
      #expect(!ending.ended(2, .exit(75), at: start))
      #expect(ending.cause?.rank == 0)
      #expect(!ending.ended(1, cause, at: start + .seconds(1)))
      #expect(ending.cause?.rank == 1 && ending.cause?.end == cause)
    }
    // Not where it was told to end.
    let ending = Rule()
    #expect(ending.ended(0, .exit(75), at: start))
    #expect(ending.due(at: start + .seconds(10)) == .terminate)
    #expect(!ending.ended(1, .signal(15), at: start + .seconds(11)))
    #expect(ending.cause?.end == .exit(75))
  }

  @Test func `a signal and 75 may come right, nothing else`() {
    for end in [ProcessEnd.signal(9), .signal(11), .exit(75)] {
      #expect(LocalRanks.mayComeRight(end), "\(end)")
    }
    for status: Int32 in [0, 1, 64, 65, 70, 73, 74, 78, 130, 137, 143] {
      #expect(!LocalRanks.mayComeRight(.exit(status)), "\(status)")
    }
  }

  @Test func `what waitpid gives`() {
    #expect(ProcessEnd(waitStatus: 75 << 8) == .exit(75))
    #expect(ProcessEnd(waitStatus: 255 << 8).status == 255)
    #expect(ProcessEnd(waitStatus: 9) == .signal(9))
    // With a core dump.
    #expect(ProcessEnd(waitStatus: 0x80 | 11) == .signal(11))
    #expect(ProcessEnd.signal(9).status == 137)
  }
}

/// Marks before lines that come in pieces.
@Suite struct MarkedLinesTests {
  @Test func `every way to cut a text gives the same lines`() {
    let text = Array("one\n\ntwo, é\nrest".utf8)
    withEvery("first cut", in: 0...text.count) { first in
      withEvery("second cut", in: first...text.count) { second in
        var lines = MarkedLines(mark: "[rank 1] ")
        var found = lines.add(text[..<first]) + lines.add(text[first..<second])
        found += lines.add(text[second...]) + lines.finish()
        #expect(
          String(decoding: found, as: UTF8.self)
            == "[rank 1] one\n[rank 1] \n[rank 1] two, é\n[rank 1] rest\n")
      }
    }
  }

  @Test func `a text without an end does not fill the memory`() {
    var lines = MarkedLines(mark: "")
    let whole = lines.add(Array(repeating: 65, count: 3 << 16))
    let (rest, nothing) = (lines.finish(), lines.finish())
    #expect(whole.count >= 2 << 16 && rest.count <= 1 << 16 + 1 && nothing.isEmpty)
  }
}
