import FileSystem
import Foundation
import Imaging

/// Archives that are packed as a whole, unpacked into the user's cache.
enum UnpackedShards {
  /// Where the copies are.
  static var cacheFolder: String { userCacheFolder + "/shards" }

  /// Most bytes one archive is unpacked to.
  static let largest = 64 << 30

  /// Opens an archive; if it is packed, its unpacked copy, which is made where there is none
  /// yet in the folder `cache`.
  static func open(_ path: String, cache: String) throws(FileError) -> ReadableFile {
    let file = try ReadableFile(path)
    let head = try file.bytes(min(8, file.size), at: 0)
    let packing = Packing(recognizing: head)
    guard packing != .none else { return file }
    let copy = try cache + "/" + name(of: file)
    if let file = try? ReadableFile(copy) { return file }
    do throws(FileError) {
      try unpack(packing.unpacking(FileStream(file)), to: copy)
    } catch {
      throw error.named(path)
    }
    return try ReadableFile(copy)
  }

  /// What the copy of a file is called: told apart by path, size and the content's two ends.
  private static func name(of file: ReadableFile) throws(FileError) -> String {
    let ends = min(1 << 16, file.size)
    let first = try checksum(file.bytes(ends, at: 0))
    let last = try checksum(file.bytes(ends, at: file.size - ends))
    let key = "\(URL(fileURLWithPath: file.path).standardized.path)\0\(file.size)"
    let words = [checksum(Array(key.utf8)), first, last].map { String($0, radix: 16) }
    return words.joined(separator: "-") + ".tar"
  }

  private static func unpack(_ stream: any ByteStream, to path: String) throws(FileError) {
    try makeFolder(above: path)
    try replaceFile(at: path) { (output) throws(FileError) in
      var total = 0
      while true {
        let bytes = try stream.bytes(1 << 20)
        total += bytes.count
        guard total <= largest else {
          throw FileError(
            .tooLarge, "unpacks to more than \(largest >> 30) GiB; unpack it yourself")
        }
        try output.write(bytes)
        if bytes.count < 1 << 20 { break }
      }
    }
  }
}
