import DataParallel

/// Callbacks, whose failures are said once and cost nothing.
final class Callbacks {
  private let callbacks: [any TrainingCallback]
  private let warn: (String) -> Void
  private var failed: Set<ObjectIdentifier> = []

  init(_ callbacks: [any TrainingCallback], warn: @escaping (String) -> Void) {
    self.callbacks = callbacks
    self.warn = warn
  }

  /// - Throws: Only what ends all processes: another one is lost.
  func each(_ call: (any TrainingCallback) throws -> Void) throws(RankFailure) {
    for callback in callbacks {
      do {
        try call(callback)
      } catch let error as RankFailure {
        throw error
      } catch {
        guard failed.insert(ObjectIdentifier(callback)).inserted else { continue }
        warn("\(error); training continues without what could not be written")
      }
    }
  }
}
