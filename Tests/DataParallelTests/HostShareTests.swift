@testable import DataParallel
import Testing

/// A host's cores and memory, divided.
@Suite struct HostShareTests {
  @Test func `processes that see the same cores divide them`() {
    for (cores, ranks, threads) in [
      (64, 8, 8), (2, 2, 1), (3, 2, 1), (64, 7, 9), (4, 8, 1), (6, 1, 6), (3, 3, 1), (49, 49, 1),
    ] {
      let all = Array(repeating: CoreSet(0..<cores), count: ranks)
      for rank in 0..<ranks {
        let share = HostShare(localRank: rank, cores: all, freeMemory: 1000)
        #expect(share.threads == threads && share.loaderWorkers == threads)
        #expect(share.visibleCores == cores && share.ranks == ranks)
        #expect(share.memory == 1000 / ranks)
      }
    }
  }

  @Test func `processes that are bound to cores of their own keep them`() {
    let bound = (0..<4).map { CoreSet($0 * 8..<$0 * 8 + 8) }
    for rank in 0..<4 {
      #expect(HostShare(localRank: rank, cores: bound, freeMemory: 0).threads == 8)
    }
    // Two that share a half, and one for itself.
    let mixed = [CoreSet(0..<8), CoreSet(0..<8), CoreSet(8..<16)]
    #expect(
      (0..<3).map { HostShare(localRank: $0, cores: mixed, freeMemory: 0).threads } == [4, 4, 8])
    // One sees all cores and shares some of them.
    let wide = [CoreSet(0..<16), CoreSet(0..<8)]
    #expect(
      (0..<2).map { HostShare(localRank: $0, cores: wide, freeMemory: 0).threads } == [12, 4])
  }

  @Test func `a container's limit of processor time is divided too`() {
    let all = Array(repeating: CoreSet(0..<64), count: 2)
    #expect(HostShare(localRank: 0, cores: all, quota: 8, freeMemory: 0).threads == 4)
    #expect(HostShare(localRank: 0, cores: all, quota: 0.5, freeMemory: 0).threads == 1)
    #expect(HostShare(localRank: 0, cores: all, quota: 1000, freeMemory: 0).threads == 32)
    #expect(HostShare.quota(in: "400000 100000\n") == 4)
    #expect(HostShare.quota(in: "50000 100000") == 0.5)
    for text in ["max 100000\n", "", "100", "0 100000", "100000 0", "-1 100000"] {
      #expect(HostShare.quota(in: text) == nil, "\(text)")
    }
  }

  @Test func `sets of cores are written as Linux writes them`() {
    for (text, cores) in [
      ("0", [0]), ("0-3", [0, 1, 2, 3]), ("0-1,8,10-11", [0, 1, 8, 10, 11]), ("5,7", [5, 7]),
    ] {
      #expect(CoreSet(parsing: text)?.cores == cores)
      #expect("\(CoreSet(cores.reversed()))" == text)
    }
    #expect(CoreSet(parsing: "3,1-2,2")?.description == "1-3")
    for text in ["", "a", "1-", "-1", "2-1", "1,", "0-99999999999", "1-2-3", "0-65535,0-65535"] {
      #expect(CoreSet(parsing: text) == nil, "\(text)")
    }
    #expect(!CoreSet.own.cores.isEmpty)
    #expect(HostShare(ranks: 1).threads >= 1 && HostShare(ranks: 1).memory > 0)
  }

  @Test func `the first lines say who has what`() {
    let all = Array(repeating: CoreSet(0..<64), count: 8)
    #expect(
      HostShare(localRank: 0, cores: all, freeMemory: 240_000_000_000).line
        == "8 processes on this host, each with 8 of 64 cores in sight: 8 threads, 8 for decoding, "
        + "30.0 GB of memory")
    #expect(
      HostShare(localRank: 0, cores: [CoreSet([5])], freeMemory: 5_000_000).line
        == "1 core: 1 thread, 1 for decoding, 5 MB of memory")
  }
}
