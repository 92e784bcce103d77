import CFuzzer

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

// The program's `main` is libFuzzer's, which calls these functions by their names:
//
//   fuzz TARGET [libFuzzer's options and folders]

/// Set before the first input; the fuzzer uses one thread.
nonisolated(unsafe) private var target = FuzzTarget.all[0]

/// Takes the target's name out of the command line.
@_cdecl("LLVMFuzzerInitialize")
func start(
  _ count: UnsafeMutablePointer<Int32>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>
) -> Int32 {
  let name = count.pointee < 2 ? "" : arguments.pointee[1].map { String(cString: $0) } ?? ""
  guard let chosen = FuzzTarget.all.first(where: { $0.name == name }) else {
    for target in FuzzTarget.all { print(target.name) }
    exit(name == "list" ? 0 : 64)
  }
  target = chosen
  // In the place of the name.
  arguments.pointee[1] = strdup("-max_len=\(chosen.maxLength)")
  return 0
}

/// Seconds of processor time that an input may take. libFuzzer's own limit is by the clock, which
/// on a busy machine says little, and is there for what never ends.
private let mostSeconds = 2.0

@_cdecl("LLVMFuzzerTestOneInput")
func test(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  let start = clock()
  target.run(Array(UnsafeBufferPointer(start: bytes, count: count)))
  let seconds = Double(clock() - start) / Double(CLOCKS_PER_SEC)
  precondition(seconds <= mostSeconds, "took \(seconds) s of processor time")
  return 0
}

/// Makes a new input of one. A format that guards itself by checksums would refuse nearly all of
/// them, so most are repaired.
@_cdecl("LLVMFuzzerCustomMutator")
func mutate(
  _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int, _ most: Int, _ seed: UInt32
) -> Int {
  let changed = LLVMFuzzerMutate(bytes, count, most)
  guard let repair = target.repair, seed % 8 != 0 else { return changed }
  var content = Array(UnsafeBufferPointer(start: bytes, count: changed))
  repair(&content)
  let kept = min(content.count, most)
  bytes.update(from: content, count: kept)
  return kept
}
