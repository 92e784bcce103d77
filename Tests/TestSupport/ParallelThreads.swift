import Foundation
import Synchronization

/// Runs `body` on as many threads at once, with their numbers, and gives what each of them gave.
package func onThreads<Output: Sendable>(
  _ count: Int, _ body: @escaping @Sendable (Int) throws -> Output
) throws -> [Output] {
  let outputs = Outputs<Output>()
  for number in 0..<count {
    let thread = Thread {
      let output = Result { try body(number) }
      outputs.found.withLock { $0[number] = output }
      outputs.changed.signal()
    }
    thread.stackSize = 8 << 20
    thread.start()
  }
  for _ in 0..<count { outputs.changed.wait() }
  return try outputs.found.withLock { found in try (0..<count).compactMap { try found[$0]?.get() } }
}

private final class Outputs<Output: Sendable>: Sendable {
  let found = Mutex<[Int: Result<Output, any Error>]>([:])
  let changed = DispatchSemaphore(value: 0)
}
