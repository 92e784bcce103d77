import Foundation
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// What runs programs for the other tests must itself end, and so must the program.
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

  #if canImport(Glibc)
    /// The dynamic linker says whose initialisers and destructors it calls.
    @Test func `a program that has computed ends without libtorch's destructors`() throws {
      let sandbox = try CommandSandbox()
      let outcome = try sandbox.mae(
        "weights", "inspect", Goldens.path("timm/square/model.safetensors"), "--heads", "3",
        environment: ["LD_DEBUG": "files", "LD_DEBUG_OUTPUT": sandbox("linker")])
      #expect(outcome.status == 0 && outcome.output.contains("parameters"))
      let report = try #require(sandbox.names("").first { $0.hasPrefix("linker.") })
      let lines = try sandbox.text(report).split(separator: "\n").filter {
        $0.contains("libtorch_cpu")
      }
      #expect(lines.contains { $0.contains("calling init") })
      #expect(!lines.contains { $0.contains("calling fini") })
    }
  #endif
}
