public import CTorch

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Where a tensor lives and is computed.
public struct Device: Hashable, Sendable, TorchArgument, CustomStringConvertible {
  /// A kind of processor, numbered as libtorch numbers them.
  public enum Kind: Int8, Sendable, CaseIterable {
    case cpu = 0
    case cuda = 1
    case mps = 13
    /// Shapes and types without elements.
    case meta = 14
    /// Main memory that is used as a GPU's is, for tests.
    case simulated = 20
  }

  /// The kind of processor.
  public let kind: Kind
  /// Which one of its kind.
  public let index: Int

  /// Names a device; ``require()`` says whether it is there.
  public init(_ kind: Kind, index: Int = 0) {
    self.kind = kind
    self.index = index
  }

  /// The processor everyone has.
  public static let cpu = Device(.cpu)

  /// A device whose tensors have a shape and a type and no memory. Operators work out the shape of
  /// their result and compute nothing; reading an element fails, and so does an operator that gets
  /// a tensor of another device besides. A model is run here to learn its shapes, or to find a
  /// tensor that is made on the wrong device, without a GPU.
  public static let meta = Device(.meta)

  /// A device that is used as a GPU is and computes in main memory, with libtorch's operators for the
  /// CPU. An operator that gets a tensor of another device besides fails, and what a GPU would have to
  /// be waited for is noted: ``takeSimulatedWaits()``. So what a run does to a GPU, and with which
  /// results, is tested without one.
  package static let simulated: Device = {
    if ct_simulate_device() != 0 { TorchFailure.report("simulate_device", #fileID, #line) }
    return Device(.simulated)
  }()

  /// What a GPU would have been waited for since this was last asked, on any thread: copies from the
  /// device, copies to it that did not go through page-locked memory, and operators whose results the
  /// host needs at once.
  package static func takeSimulatedWaits() -> [String] {
    guard let text = ct_simulated_waits() else { return [] }
    defer { free(text) }
    return String(cString: text).split(separator: "\n").map(String.init)
  }

  public var description: String { kind == .cuda ? "cuda:\(index)" : "\(kind)" }

  /// Devices of a kind that this machine and this libtorch can use.
  public static func count(_ kind: Kind) -> Int {
    kind == .simulated ? 1 : Int(ct_device_count(kind.rawValue))
  }

  /// Whether work is queued on the device while the host goes on.
  package var isAsynchronous: Bool { kind == .cuda || kind == .simulated }

  /// The first GPU where there is one, else the CPU.
  public static var best: Device {
    count(.cuda) > 0 ? Device(.cuda) : count(.mps) > 0 ? Device(.mps) : .cpu
  }

  /// Reads `auto`, `cpu`, `cuda`, `cuda:1` or `mps`, and checks that the device is there.
  ///
  /// - Throws: ``DeviceError`` with what was asked for and what there is.
  public init(named name: String) throws(DeviceError) {
    let parts = name.split(separator: ":", omittingEmptySubsequences: false)
    let kinds: [Substring: Kind] = ["cpu": .cpu, "cuda": .cuda, "mps": .mps]
    if name == "auto" {
      self = .best
    } else if name == "simulated" {
      self = .simulated  // for tests of the program; no message offers it
    } else if let kind = kinds[parts.first ?? ""], parts.count == 1 {
      self.init(kind)
    } else if parts.count == 2, parts[0] == "cuda", let index = Int(parts[1]), index >= 0 {
      self.init(.cuda, index: index)
    } else {
      throw DeviceError(
        message: "device '\(name)' is not one of auto, cpu, cuda, cuda:0, cuda:1, …, mps")
    }
    try require()
  }

  /// Checks that the device is there.
  ///
  /// - Throws: ``DeviceError`` with what was asked for and what there is.
  public func require() throws(DeviceError) {
    let there = Device.count(kind)
    if index < there { return }
    let found = Kind.allCases.filter { $0 != .simulated && Device.count($0) > 0 }
      .map { $0 == .cuda ? "cuda:0…\(Device.count(.cuda) - 1)" : "\($0)" }
    throw DeviceError(
      message: "device '\(self)' is not available with this libtorch on this machine; "
        + "there is \(found.joined(separator: ", "))")
  }

  /// Whether the device may multiply bfloat16 numbers faster than float32 ones: a CPU with
  /// instructions for it (AVX512_BF16 or AMX on x86, BF16 on arm64), or a GPU. Whether it does, a
  /// measurement says.
  public var hasBFloat16Products: Bool {
    switch kind {
    case .cpu, .simulated: ct_processor_has_bfloat16()
    case .cuda, .mps: true
    case .meta: false
    }
  }

  /// Waits until all work queued on the device is done.
  public func synchronize() {
    if kind == .cuda || kind == .mps, ct_synchronize(kind.rawValue, Int8(index)) != 0 {
      TorchFailure.report("synchronize", #fileID, #line)
    }
  }

  /// The most memory the allocator has given out on a GPU, in bytes; nil elsewhere.
  public var peakMemory: Int? {
    var bytes: Int64 = 0
    guard kind == .cuda || kind == .mps,
      ct_memory_peak(kind.rawValue, Int8(index), &bytes) == 0
    else { return nil }
    return Int(bytes)
  }

  public func push(to frame: ct_frame) {
    ct_push_device(frame, kind.rawValue, kind == .cuda ? Int8(index) : -1)
  }
}

/// A device that is not there, or a name that is not one.
public struct DeviceError: Error, CustomStringConvertible, Sendable {
  /// What was asked for and what there is.
  public let message: String
  public var description: String { message }
}
