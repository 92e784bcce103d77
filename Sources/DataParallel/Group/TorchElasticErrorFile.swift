import FileSystem
import Foundation

/// The file in which torchrun looks for the cause of a failure, and shows it at its end.
enum TorchElasticErrorFile {
  private struct Content: Encodable {
    struct Message: Encodable {
      struct Extra: Encodable {
        let py_callstack: String
        let timestamp: String
      }
      let message: String
      let extraInfo: Extra
    }
    let message: Message
  }

  /// Writes a cause; one that cannot be written is left out, as it is on the terminal as well.
  static func write(_ cause: String, to path: String) {
    let time = "\(Int(Date().timeIntervalSince1970))"
    try? JSONFile.write(
      Content(
        message: .init(
          message: cause, extraInfo: .init(py_callstack: cause, timestamp: time))),
      to: path)
  }
}
