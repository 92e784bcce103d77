import Testing

@testable import Harness

@Suite struct HarnessTests {
  @Test func `the median and quartiles are of sorted figures`() {
    let odd = Distribution([5, 1, 4, 2, 3])
    #expect(odd.median == 3 && odd.lowerQuartile == 2 && odd.upperQuartile == 4)
    #expect(odd.minimum == 1 && odd.maximum == 5)
    #expect(Distribution([4, 1]).median == 2.5)
    #expect(Distribution([2]).words(decimals: 1) == "2.0 (quartiles 2.0 to 2.0)")
    // A function that falls turns the order round.
    #expect(odd.map { 1 / $0 }.maximum == 1)
  }

  @Test func `candidates take turns in their order, and warm-up rounds are dropped`() throws {
    var calls: [String] = []
    var clock = 0.0
    func candidate(_ name: String) -> Candidate {
      Candidate(name) {
        calls.append(name)
        clock += 1
        return clock
      }
    }
    let turns = try Turns([candidate("a"), candidate("b")], rounds: 2, warmup: 1)
    #expect(calls == ["a", "b", "a", "b", "a", "b"])
    #expect(turns["a"].sorted == [3, 5])
    #expect(turns["b"].sorted == [4, 6])
  }

  @Test func `ratios are of one round`() throws {
    var figures = [8.0, 2, 30, 10]  // a, b, a, b
    let next = { figures.removeFirst() }
    let turns = try Turns(
      [Candidate("a", measure: next), Candidate("b", measure: next)], rounds: 2)
    #expect(turns.ratio("a", over: "b").sorted == [3, 4])
  }

  @Test func `a peer answers lines, and its failures are told`() throws {
    let peer = try Peer(
      command: "sh -c 'echo ready; while read -r w; do echo \"$w\" | sed s/two/2/; done'")
    #expect(try peer.number("1.5") == 1.5)
    #expect(try peer.number("7 two") == 2)
    #expect(throws: BenchmarkFailure.self) { try peer.number("three") }
    #expect(throws: BenchmarkFailure.self) { try Peer(command: "echo no") }
    #expect(throws: BenchmarkFailure.self) { try Peer(command: "true") }
    let short = try Peer(command: "sh -c 'echo ready; read -r w'")
    for _ in 0..<2 { #expect(throws: BenchmarkFailure.self) { try short.number("step") } }
  }

  @Test func `a whole process gives its output`() throws {
    let process = try WholeProcess("sh -c \(quoted("echo \"it's 2 workers: 81 images/s\""))")
    #expect(try process.number(after: "2 workers: ") == 81)
    #expect(throws: BenchmarkFailure.self) { try process.number(after: "3 workers: ") }
    #expect(throws: BenchmarkFailure.self) { try WholeProcess("false") }
  }

  @Test func `the machine's name has its parts`() {
    #expect(Machine.name.split(separator: ", ").count >= 4)
    let text = "processor: 0\nmodel name\t: A 1\nmodel name\t: B\n"
    #expect(Machine.value(of: "model name", in: text, separator: ":") == "A 1")
    #expect(Machine.value(of: "NAME", in: "NAME=\"Debian 13\"", separator: "=") == "Debian 13")
    #expect(Machine.value(of: "NAME", in: nil, separator: "=") == nil)
  }
}
