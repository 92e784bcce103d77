/// A host with accelerators and network cards, as its maker's sheets describe it.
package struct Machine: Hashable, Sendable {
  /// What it is called: accelerator, number and speed of network cards.
  package var name: String
  /// Dense products in 16 bits a second of one accelerator, in operations.
  package var peak: Double
  /// The same in float32.
  package var peakFloat32: Double
  /// The part of the peak that whole training steps reach.
  package var utilization: Double
  /// Bytes of memory of one accelerator.
  package var memory: Double
  /// Bytes a second from and to that memory.
  package var memoryBandwidth: Double
  /// Accelerators of a host.
  package var gpus: Int
  /// Bytes a second of large all-reduces inside a host, as nccl-tests count them.
  package var bus: Double
  /// Network cards of a host.
  package var cards: Int
  /// Nominal bytes a second of a card.
  package var card: Double
  /// The part of the network's nominal rate that large all-reduces reach.
  package var wire = 0.85
  /// Seconds of the smallest all-reduce: of one host, and for each doubling of hosts.
  package var latency = (host: 15e-6, doubling: 24e-6)

  /// Bytes a second of large all-reduces over hosts with so many accelerators in use.
  package func bus(hosts: Int, gpus used: Int) -> Double {
    hosts == 1 ? bus : min(bus, wire * card * Double(min(cards, max(1, used * cards / gpus))))
  }

  /// Seconds of the smallest all-reduce.
  package func latency(hosts: Int) -> Double {
    latency.host + latency.doubling * Double(hosts).logarithm2
  }

  package static func == (one: Machine, other: Machine) -> Bool { one.name == other.name }
  package func hash(into hasher: inout Hasher) { hasher.combine(name) }

  /// Machines that can be named. 30 % of the peak is what current accelerators are taken to reach;
  /// V100's share is what the published 42 hours come to, TPUv3's fits the paper's Table 2.
  package static let named: [Machine] = [
    gpu("h100-8x400g", h100, bus: 400e9, cards: 8, gigabits: 400),
    gpu("h100-1x100g", h100, bus: 400e9, cards: 1, gigabits: 100),
    gpu("h100-1x25g", h100, bus: 400e9, cards: 1, gigabits: 25),
    gpu("a100-8x200g", a100, bus: 230e9, cards: 8, gigabits: 200),
    gpu("a100-4x100g", (312e12, 19.5e12, 0.30, 40e9, 1.5e12), bus: 230e9, cards: 4, gigabits: 100),
    gpu("v100-4x100g", (125e12, 15.7e12, 0.105, 16e9, 0.9e12), bus: 130e9, cards: 4, gigabits: 100),
  ]

  private typealias Accelerator = (
    peak: Double, float32: Double, utilization: Double, memory: Double, bandwidth: Double
  )
  private static let h100: Accelerator = (989e12, 67e12, 0.30, 80e9, 3.35e12)
  private static let a100: Accelerator = (312e12, 19.5e12, 0.30, 80e9, 2.0e12)

  private static func gpu(
    _ name: String, _ gpu: Accelerator, bus: Double, cards: Int, gigabits: Double
  ) -> Machine {
    Machine(
      name: name, peak: gpu.peak, peakFloat32: gpu.float32, utilization: gpu.utilization,
      memory: gpu.memory, memoryBandwidth: gpu.bandwidth, gpus: 8, bus: bus, cards: cards,
      card: gigabits * 1e9 / 8)
  }

  /// A slice of 128 cores of TPUv3, two cores a chip of 123 TFLOP/s and 900 GB/s.
  package static let tpu = Machine(
    name: "tpuv3", peak: 61.5e12, peakFloat32: 61.5e12, utilization: 0.354, memory: 16e9,
    memoryBandwidth: 0.45e12, gpus: 128, bus: 70e9, cards: 1, card: 70e9)
}
