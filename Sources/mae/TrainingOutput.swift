import Runs
import Training

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Writes to standard output as much as it takes. Training outlives a terminal that is gone, a reader
/// that has seen enough and a full disk: `train.log` has the lines too.
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

/// Opens nothing in the place of standard streams that were closed, so that no file of a run gets their
/// number and what is said.
func reserveStandardStreams() {
  for stream: Int32 in 0...2 where fcntl(stream, F_GETFD) < 0 { _ = open("/dev/null", O_RDWR) }
}

/// Looks at the folder of a run before anything is read from it: a run that was being replaced when
/// its follower was killed is put back, and a run of another kind is refused.
func look(into path: String, _ opening: RunFolder.Opening, as origin: RunOrigin) throws {
  if try RunFolder.putBackReplaced(in: path) {
    complain(
      "note: the run that \(path) held is back; the one that was to replace it ended before its "
        + "first checkpoint")
  }
  try RunFolder.requireSameKind(at: path, opening, as: origin)
}

/// Says that a run that was to be replaced stays, where the new one ends before its first checkpoint.
func noteReturn(of folder: RunFolder) {
  guard folder.holdsReplaced else { return }
  complain("note: \(folder.path) keeps the run that it held; the new one had no checkpoint yet")
}
