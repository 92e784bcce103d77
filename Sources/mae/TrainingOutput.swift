import Runs
import Training

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Writes to standard output as much as it takes. Training outlives a terminal that is gone, a
/// reader that has seen enough and a full disk: `train.log` has the lines too.
func say(_ text: String) {
  var rest = Array(text.utf8)[...]
  while !rest.isEmpty {
    let written = rest.withUnsafeBytes { write(1, $0.baseAddress, $0.count) }
    if written > 0 {
      rest = rest.dropFirst(written)
    } else if written == 0 || errno != EINTR {
      return
    }
  }
}

/// Opens nothing in the place of standard streams that were closed, so that no file of a run gets
/// their number and what is said.
func reserveStandardStreams() {
  for stream: Int32 in 0...2 where fcntl(stream, F_GETFD) < 0 { _ = open("/dev/null", O_RDWR) }
}
