#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A file that could not be read or written, or that does not hold what it should.
public struct FileError: Error, CustomStringConvertible, Sendable {
  /// What kind of failure it was; a program turns it into its exit status.
  public enum Kind: Sendable {
    /// There is no such file.
    case missing
    /// The file is there and may not be read, or it is not known whether it is there.
    case unreadable
    /// What the file holds is not of its format, or not supported.
    case malformed
    /// It has, or unpacks to, more bytes than are read or there is room for.
    case tooLarge
    /// The file may not be created where it should go.
    case unwritable
    /// The system failed while reading or writing: a full disk, a broken device.
    case failed
  }

  /// The file as the user named it.
  public let path: String
  /// What kind of failure it was.
  public let kind: Kind
  /// What was found, what was expected, what to do.
  public let message: String

  /// Creates an error of a kind.
  public init(path: String, kind: Kind, message: String) {
    self.path = path
    self.kind = kind
    self.message = message
  }

  /// Creates an error of a kind; of bytes whose file is not known here where there is no path.
  package init(_ kind: Kind, of path: String = "", _ message: String) {
    self.init(path: path, kind: kind, message: message)
  }

  /// The same error, of a named file where it was of bytes without a file.
  package func named(_ path: String) -> FileError {
    self.path.isEmpty ? FileError(kind, of: path, message) : self
  }

  /// The path, where there is one, and the message.
  public var description: String {
    (path.isEmpty ? message : "\(path): \(message)").shownPath
  }
}

extension FileError {
  /// What a failed system call means to whoever named the file; `errno` is read at once.
  package static func system(_ action: String, _ path: String, _ fallback: Kind) -> FileError {
    let code = errno
    switch code {
    case ENOSPC, EDQUOT:
      return FileError(path: path, kind: .failed, message: "\(action): no space left on the disk")
    case EFBIG:
      return FileError(
        path: path, kind: .failed, message: "\(action): larger than files may be here")
    case EIO:
      return FileError(path: path, kind: .failed, message: "\(action): the device reports an error")
    default:
      let reason = String(cString: strerror(code))
      return FileError(
        path: path, kind: fallback,
        message: "\(action): \(reason.prefix(1).lowercased())"
          + reason.dropFirst())
    }
  }

  /// A file whose content is not what it should be.
  package static func malformed(_ path: String, _ message: String) -> FileError {
    FileError(path: path, kind: .malformed, message: message)
  }
}

extension String {
  /// The text in one line, for people: a line break as `\n`, other control characters by their
  /// numbers.
  package var oneLine: String {
    func breaks(_ scalar: Unicode.Scalar) -> Bool {
      scalar.value < 0x20 || 0x7F...0x9F ~= scalar.value || 0x2028...0x2029 ~= scalar.value
    }
    guard unicodeScalars.contains(where: breaks) else { return self }
    return unicodeScalars.reduce(into: "") { text, scalar in
      if breaks(scalar) {
        text += scalar.escaped(asASCII: true)
      } else {
        text.unicodeScalars.append(scalar)
      }
    }
  }

  /// At most `limit` characters of a name from a file, printable and quoted, for a message.
  package func quoted(limit: Int = 80) -> String {
    var text = "'"
    for scalar in unicodeScalars.prefix(limit) {
      let unprintable = scalar.properties.generalCategory == .control || scalar == "\u{2028}"
      text += unprintable ? scalar.escaped(asASCII: true) : String(Character(scalar))
    }
    return text + (unicodeScalars.count > limit ? "…'" : "'")
  }
}
