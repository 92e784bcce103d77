import FileSystem
import Imaging
import Synchronization

/// Where a file on a server is: an address, or the one that a list has for it. Presigned addresses
/// end before a long run does; who writes fresh ones into the list lets the run go on.
final class RemoteAddress: Sendable {
  /// What stays the same when the address is renewed.
  let key: String
  private let list: AddressList?

  /// An address that stays what it is.
  init(_ url: String) {
    key = url
    list = nil
  }

  fileprivate init(_ key: String, in list: AddressList) {
    self.key = key
    self.list = list
  }

  /// The address to ask now.
  var url: String { list?.url(key) ?? key }
  /// Whether it is from a list, which may change.
  var isListed: Bool { list != nil }
  /// The list, for messages.
  var listPath: String? { list?.path }

  /// Reads the list again; whether it has another address than `used`.
  func renew(after used: String) -> Bool {
    guard let list else { return false }
    list.read()
    return url != used
  }

  /// The address of a file that belongs to this one: the list's, or with the ending before a
  /// question mark.
  func beside(_ ending: String) -> RemoteAddress {
    if let list, list.has(key + ending) { return RemoteAddress(key + ending, in: list) }
    let url = url
    let plain = url.prefix { $0 != "?" && $0 != "#" }
    return RemoteAddress(plain + ending + url[plain.endIndex...])
  }
}

/// A text file with an address a line, which may be written anew while it is used.
final class AddressList: Sendable {
  let path: String
  private let state: Mutex<[String: String]>
  /// The addresses of shards, in the list's order; others are of files that belong to them.
  let shards: [String]

  /// Most bytes of a list.
  private static let limit = 1 << 30

  /// Reads a list.
  ///
  /// - Throws: `DatasetError` where a line is no address.
  init(_ path: String) throws(DatasetError) {
    self.path = path
    let urls = try Self.lines(path)
    if let wrong = urls.firstIndex(where: { !HTTPClient.isAddress($0) }) {
      throw DatasetError(
        .malformed, path: path,
        "has the line \"\(HTTPClient.shown(urls[wrong]))\" among addresses; expected https:// addresses "
          + "of tar archives, one a line")
    }
    shards = urls.filter { ShardNames.isShard(Self.key($0)) }
    guard !shards.isEmpty else {
      throw DatasetError(
        .empty, path: path, "has no address of a tar archive (\(HTTPClient.shown(urls[0])))")
    }
    let known = Dictionary(urls.map { (Self.key($0), $0) }) { first, _ in first }
    state = Mutex(known)
    guard Set(shards.map(Self.key)).count == shards.count else {
      throw DatasetError(.malformed, path: path, "has the same address twice")
    }
  }

  /// The archives' addresses.
  var addresses: [RemoteAddress] { shards.map { RemoteAddress(Self.key($0), in: self) } }

  fileprivate func url(_ key: String) -> String? { state.withLock { $0[key] } }
  fileprivate func has(_ key: String) -> Bool { url(key) != nil }

  /// Reads the file again; what cannot be read changes nothing.
  fileprivate func read() {
    guard let urls = try? Self.lines(path) else { return }
    state.withLock { state in
      for url in urls where HTTPClient.isAddress(url) { state[Self.key(url)] = url }
    }
  }

  /// An address without what follows a question mark, which is new with every signature.
  private static func key(_ url: String) -> String {
    String(url.prefix { $0 != "?" && $0 != "#" })
  }

  private static func lines(_ path: String) throws(DatasetError) -> [String] {
    let bytes: [UInt8]
    do throws(ImageError) {
      bytes = try readText(path, limit: limit)
    } catch {
      throw DatasetError(error, path: path)
    }
    return bytes.split { $0 == 0x0A || $0 == 0x0D }.compactMap { line in
      let text = String(decoding: line, as: UTF8.self).trimmingSpaces
      return text.isEmpty || text.hasPrefix("#") ? nil : text
    }
  }

  /// Whether a file of text begins with an address.
  static func isOne(_ path: String) -> Bool {
    guard let file = try? ReadableFile(path),
      var bytes = try? file.bytes(min(file.size, 1 << 16), at: 0)
    else { return false }
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
    let lines = bytes.split { $0 == 0x0A || $0 == 0x0D }.lazy.map {
      String(decoding: $0.prefix(1024), as: UTF8.self).trimmingSpaces
    }
    guard let first = lines.first(where: { !$0.isEmpty && !$0.hasPrefix("#") }) else {
      return false
    }
    return HTTPClient.isAddress(first)
  }
}

extension String {
  fileprivate var trimmingSpaces: String {
    var text = self[...].drop { $0 == " " || $0 == "\t" }
    while let last = text.last, last == " " || last == "\t" { text.removeLast() }
    return String(text)
  }
}
