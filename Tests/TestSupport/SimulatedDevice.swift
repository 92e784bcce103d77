package import Torch

/// Calls `body` with the device that is used as a GPU is, ``/Torch/Device/simulated``.
///
/// For tests in a process of their own: libtorch counts the devices at the first backward pass, so that
/// a later one has none of its threads, and what a GPU would have been waited for is counted for the
/// whole process.
package func withSimulatedDevice<Result>(_ body: (Device) throws -> Result) rethrows -> Result {
  let device = Device.simulated
  _ = Device.takeSimulatedWaits()
  return try body(device)
}

/// What `body` gives, and what a GPU would have been waited for in it.
package func simulatedWaits<Result>(
  of body: () throws -> Result
) rethrows -> (result: Result, waits: [String]) {
  _ = Device.takeSimulatedWaits()
  let result = try body()
  return (result, Device.takeSimulatedWaits())
}
