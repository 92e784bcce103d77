import FileSystem
import Runs
import Training

/// Takes the time of a session, whichever way it ends, and adds it to that of the run's earlier ones.
struct SessionWatch {
  private let run: String
  private let startingStep: Int

  /// - Parameter startingStep: The step that the session begins at.
  init(_ folder: RunFolder, startingAt startingStep: Int) {
    run = folder.path
    self.startingStep = startingStep
  }

  /// Does the work of the session.
  func time<Result>(_ work: () throws -> Result) throws -> Result {
    let start = ContinuousClock.now
    func note() throws {
      _ = try RunResults.addSession(
        of: (ContinuousClock.now - start) / .seconds(1), startingAt: startingStep, to: run)
    }
    do {
      let result = try work()
      try note()
      return result
    } catch {
      try? note()
      throw error
    }
  }

  /// Seconds of all sessions of the run so far.
  func seconds() throws -> Double { try RunResults.read(run).sessionSeconds ?? 0 }
}
