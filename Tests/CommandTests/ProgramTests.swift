import Foundation
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// What runs programs for the other tests must itself end.
@Suite struct ProgramTests {
  private func sleeper(_ bench: Bench) throws -> Running {
    try Running(
      ["/bin/sleep", "600"], in: bench.path, environment: [:], output: bench("out"),
      errors: bench("err"))
  }

  @Test func `a program that hangs is killed, and the test fails`() throws {
    let bench = try Bench()
    let running = try sleeper(bench)
    withKnownIssue { _ = try running.wait(limit: .milliseconds(50)) }
    #expect(running.hasEnded())
    #expect(try running.wait().status == -SIGKILL)
  }

  @Test func `what does not come is not waited for without end`() throws {
    let bench = try Bench()
    let running = try sleeper(bench)
    withKnownIssue { try running.wait(limit: .milliseconds(50)) { bench.exists("never") } }
    #expect(try running.wait().status == -SIGKILL)
  }
}
