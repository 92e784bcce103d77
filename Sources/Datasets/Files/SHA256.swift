import FileSystem
import Foundation

/// The SHA-256 of a file in hexadecimal digits, by the system's program.
func sha256(of path: String) throws(FileError) -> String {
  let programs = [["sha256sum"], ["shasum", "-a", "256"]]
  for program in programs {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = program
    process.standardInput = FileHandle(forReadingAtPath: path)
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    do { try process.run() } catch { continue }
    let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    if process.terminationStatus == 0, let digest = digest(in: output) { return digest }
  }
  throw FileError(
    .unreadable, of: path, "cannot be checked: neither sha256sum nor shasum gives its SHA-256")
}

/// The digest that a line of `sha256sum` begins with; nil where it is none.
func digest(in text: String) -> String? {
  let word = text.drop { $0.isWhitespace }.prefix { !$0.isWhitespace }.lowercased()
  return word.utf8.count == 64 && word.allSatisfy(\.isHexDigit) ? word : nil
}
