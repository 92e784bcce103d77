import Foundation
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// What runs programs for the other tests must itself end.
@Suite struct ProgramTests {
  private func sleeper(_ sandbox: CommandSandbox) throws -> Running {
    try Running(
      ["/bin/sleep", "600"], in: sandbox.path, environment: [:], output: sandbox("out"),
      errors: sandbox("err"))
  }

  @Test func `a program that hangs is killed, and the test fails`() throws {
    let sandbox = try CommandSandbox()
    let running = try sleeper(sandbox)
    withKnownIssue { _ = try running.wait(limit: .milliseconds(50)) }
    #expect(running.hasEnded())
    #expect(try running.wait().status == -SIGKILL)
  }

  @Test func `what does not come is not waited for without end`() throws {
    let sandbox = try CommandSandbox()
    let running = try sleeper(sandbox)
    withKnownIssue { try running.wait(limit: .milliseconds(50)) { sandbox.exists("never") } }
    #expect(try running.wait().status == -SIGKILL)
  }
}
