#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Sends bytes; those that the other side no longer takes are lost.
package func sendAll(_ socket: Int32, _ bytes: ArraySlice<UInt8>) {
  bytes.withUnsafeBytes { bytes in
    var sent = 0
    while sent < bytes.count {
      let put = send(
        socket, bytes.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(noSignal))
      if put <= 0 { return }
      sent += put
    }
  }
}

#if canImport(Darwin)
  private let noSignal = 0
  private let streamSocket = SOCK_STREAM
#else
  private let noSignal = MSG_NOSIGNAL
  private let streamSocket = Int32(SOCK_STREAM.rawValue)
#endif

/// A system call for a socket that failed.
package struct SocketError: Error { let code = errno }

private func address(_ port: Int) -> sockaddr_in {
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = UInt16(port).bigEndian
  address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
  return address
}

/// A connection to a port of this machine; nil where nobody listens.
package func connection(to port: Int) -> Int32? {
  let new = socket(AF_INET, streamSocket, 0)
  var target = address(port)
  let size = socklen_t(MemoryLayout<sockaddr_in>.size)
  let code = withUnsafePointer(to: &target) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(new, $0, size) }
  }
  if code == 0 { return new }
  close(new)
  return nil
}

/// A socket that listens on a port, or on one of its own.
package func listening(on port: Int = 0) throws -> (socket: Int32, port: Int) {
  let new = socket(AF_INET, streamSocket, 0)
  var own = address(port)
  var reuse: Int32 = 1
  setsockopt(new, SOL_SOCKET, SO_REUSEADDR, &reuse, socklen_t(MemoryLayout<Int32>.size))
  var size = socklen_t(MemoryLayout<sockaddr_in>.size)
  let code = withUnsafeMutablePointer(to: &own) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
      bind(new, pointer, size) == 0 && listen(new, 64) == 0
        && getsockname(new, pointer, &size) == 0
    }
  }
  guard code else {
    close(new)
    throw SocketError()
  }
  return (new, Int(UInt16(bigEndian: own.sin_port)))
}

/// A port that nobody listens on.
package func freePort() throws -> Int {
  let (socket, port) = try listening()
  close(socket)
  return port
}
