/// A place that a run's numbers and pictures go to besides `metrics.jsonl` and TensorBoard's
/// events.
///
/// It is called between steps, so it waits for no one.
package protocol RunLog: AnyObject {
  /// Takes numbers measured at a step; `metrics.jsonl` has them already.
  func record(step: Int, epoch: Double, values: [(name: String, value: Double)]) throws
  /// Takes a picture, a file of the run folder.
  ///
  /// - Parameter path: Below the run folder.
  func add(picture path: String) throws
  /// What there is to say since this was last asked, each as a sentence.
  func takeNotes() -> [String]
  /// Ends the session; what is under way is waited for.
  ///
  /// - Parameter shouldStop: Asked while waiting.
  /// - Returns: What there is to say of it.
  func end(_ ending: SessionEnding, shouldStop: () -> Bool) throws -> [String]
}

extension RunLog {
  package func add(picture path: String) {}
  package func takeNotes() -> [String] { [] }
  package func end(_ ending: SessionEnding, shouldStop: () -> Bool) -> [String] { [] }
}

/// How a session ends.
package enum SessionEnding: Hashable, Sendable {
  /// All steps are taken.
  case finished
  /// It was asked to stop; the run can be resumed.
  case stopped
  /// By an error.
  case failed
}
