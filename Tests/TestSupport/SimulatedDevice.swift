import Foundation
package import Torch

private let onlyOne = NSLock()

/// Calls `body` with the device that is used as a GPU is, ``/Torch/Device/simulated``, where no other
/// test uses it: what a GPU would have been waited for is counted for the whole process.
package func withSimulatedDevice<Result>(_ body: (Device) throws -> Result) rethrows -> Result {
  try onlyOne.withLock {
    _ = Device.takeSimulatedWaits()
    return try body(.simulated)
  }
}

/// What `body` gives, and what a GPU would have been waited for in it.
package func simulatedWaits<Result>(
  of body: () throws -> Result
) rethrows -> (result: Result, waits: [String]) {
  _ = Device.takeSimulatedWaits()
  let result = try body()
  return (result, Device.takeSimulatedWaits())
}
