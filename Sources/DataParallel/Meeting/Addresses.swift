#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

#if canImport(Glibc)
  private let stream = Int32(SOCK_STREAM.rawValue)
  private let datagram = Int32(SOCK_DGRAM.rawValue)
#else
  private let stream = SOCK_STREAM
  private let datagram = SOCK_DGRAM
#endif

/// Calls `body` with each address of a host until it gives something.
private func firstAddress<Result>(
  of host: String, port: Int, _ kind: Int32, _ body: (addrinfo) -> Result?
) -> Result? {
  var hints = addrinfo()
  hints.ai_family = AF_UNSPEC
  hints.ai_socktype = kind
  var list: UnsafeMutablePointer<addrinfo>?
  guard getaddrinfo(host, "\(port)", &hints, &list) == 0 else { return nil }
  defer { freeaddrinfo(list) }
  var next = list
  while let entry = next {
    if let result = body(entry.pointee) { return result }
    next = entry.pointee.ai_next
  }
  return nil
}

/// Whether something listens at a port; waits a second at most.
func canConnect(host: String, port: Int) -> Bool {
  firstAddress(of: host, port: port, stream) { address in
    let socket = socket(address.ai_family, address.ai_socktype, address.ai_protocol)
    guard socket >= 0 else { return nil }
    defer { close(socket) }
    _ = fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_NONBLOCK)
    if connect(socket, address.ai_addr, address.ai_addrlen) == 0 { return true }
    guard errno == EINPROGRESS else { return nil }
    var waiting = pollfd(fd: socket, events: Int16(POLLOUT), revents: 0)
    guard poll(&waiting, 1, 1000) == 1 else { return nil }
    var status: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    guard getsockopt(socket, SOL_SOCKET, SO_ERROR, &status, &size) == 0, status == 0 else {
      return nil
    }
    return true
  } ?? false
}

/// This host's address on the way to another one; nil where there is no way.
func localAddress(towards host: String, port: Int) -> String? {
  firstAddress(of: host, port: port, datagram) { address in
    let socket = socket(address.ai_family, address.ai_socktype, address.ai_protocol)
    guard socket >= 0 else { return nil }
    defer { close(socket) }
    // Nothing is sent: connecting a datagram socket only looks up the way.
    guard connect(socket, address.ai_addr, address.ai_addrlen) == 0 else { return nil }
    var own = sockaddr_storage()
    var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return withUnsafeMutablePointer(to: &own) { storage in
      storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        guard getsockname(socket, pointer, &size) == 0 else { return nil }
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        guard
          getnameinfo(pointer, size, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0
        else { return nil }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      }
    }
  }
}
