import FileSystem
import Foundation
public import Torch

/// How the processes of a run come together.
///
/// They *greet* each other in the store and agree on a name, under which everything of this meeting
/// lies. A launcher may keep its store over attempts (torchrun's agent does), and what an earlier
/// attempt has left there, such as the addresses of dead ranks, breaks the next one otherwise.
public struct Meeting {
  /// The place of this process.
  public var launch: Launch
  /// What the ranks were started with; those that differ are refused.
  public var words: [String]
  /// Seconds that ranks wait for each other to come.
  public var patienceAtStart: Double
  /// Seconds that ranks wait for each other in a step; a checkpoint is written within them.
  public var patience: Double
  /// Where this rank's tensors live; a GPU without a number is the rank's own on its host.
  public var device: (_ localRank: Int) throws -> Device
  /// Takes notes while others are waited for, each a sentence.
  public var note: (String) -> Void
  /// Called on another thread when another rank has ended: ends this process.
  public var onFailure: @Sendable (RankFailure) -> Void

  /// Prepares a meeting; what is left out is the usual.
  public init(
    _ launch: Launch, words: [String] = [], patienceAtStart: Double = 600, patience: Double = 600,
    device: @escaping (_ localRank: Int) throws -> Device = { _ in .cpu },
    note: @escaping (String) -> Void = { _ in },
    onFailure: @escaping @Sendable (RankFailure) -> Void
  ) {
    self.launch = launch
    self.words = words
    self.patienceAtStart = patienceAtStart
    self.patience = patience
    self.device = device
    self.note = note
    self.onFailure = onFailure
  }

  /// What a rank says of itself.
  struct Greeting: Codable, Equatable {
    var word: String
    var host: String
    var cores: String
    var engine: String
    var words: [String]
  }

  /// What rank 0 answers when all are there.
  private struct Roster: Codable {
    var hosts: [String]
    var cores: [String]
    var refusal: String?
    var status: Int32?
  }

  /// Waits for all ranks and joins them; gives this rank's device besides.
  ///
  /// - Throws: ``RankFailure`` with who did not come or differs; what `device` throws.
  public func join() throws -> (group: DataParallelGroup, device: Device) {
    let end = ContinuousClock.now + .seconds(patienceAtStart)
    let store = try openStore(until: end)
    let greeting = Greeting(
      word: Self.randomWord(), host: ProcessInfo.processInfo.hostName,
      cores: CoreSet.own.description, engine: Engine.version, words: words)
    let name: String
    let roster: Roster
    do throws(TorchError) {
      (name, roster) =
        launch.rank == 0
        ? try welcomeAll(store, greeting, until: end) : try greet(store, greeting, until: end)
    } catch {
      throw RankFailure(
        "the ranks could not agree at \(launch.meeting): \(error.message.firstLineOfError)")
    }
    if let refusal = roster.refusal {
      if launch.rank == 0 { Thread.sleep(forTimeInterval: 0.5) }  // the others read it first
      throw RankFailure(refusal, status: roster.status ?? RankFailure.configuration)
    }
    return try assemble(store, name, roster)
  }

  private func assemble(
    _ store: KeyStore, _ name: String, _ roster: Roster
  ) throws -> (group: DataParallelGroup, device: Device) {
    let host = roster.hosts[launch.rank]
    let neighbours = roster.hosts.indices.filter { roster.hosts[$0] == host }
    let localRank = launch.localRank ?? neighbours.firstIndex(of: launch.rank) ?? 0
    let share = HostShare(
      localRank: neighbours.firstIndex(of: launch.rank) ?? 0,
      cores: neighbours.map { CoreSet(parsing: roster.cores[$0]) ?? .own })
    let device = try device(localRank)
    let group = try connect(store, name, roster, share, device)
    try group.measure(on: device)
    return (group, device)
  }

  private func connect(
    _ store: KeyStore, _ name: String, _ roster: Roster, _ share: HostShare, _ device: Device
  ) throws(RankFailure) -> DataParallelGroup {
    do throws(TorchError) {
      let own = try store.prefixed("mae/\(name)")
      let processes = try ProcessGroup(
        own, name: "\(name)-\(launch.rank)", rank: launch.rank, count: launch.ranks,
        address: address, device: device,
        timeout: patience)
      let watched = try KeyStore.at(
        launch.meeting, ranks: launch.ranks, serves: false, port: store.port, timeout: 30)
      let watch = PeerWatch(
        try watched.prefixed("mae/\(name)"), rank: launch.rank, hosts: roster.hosts,
        meeting: launch.meeting.description, isServedByFirst: launch.meeting.isServedByFirst,
        onFailure: onFailure)
      return DataParallelGroup(
        processes, own, watch, hosts: roster.hosts, share: share, patience: patience,
        errorFile: launch.errorFile)
    } catch {
      throw RankFailure(
        "the ranks met at \(launch.meeting) and could not connect to each other "
          + "(\(error.message.firstLineOfError)); if this host has several networks, name the right "
          + "one in GLOO_SOCKET_IFNAME")
    }
  }

  // MARK: Store

  private func openStore(until end: ContinuousClock.Instant) throws(RankFailure) -> KeyStore {
    let serves = launch.rank == 0 && launch.meeting.isServedByFirst
    if case .tcp(let host, let port, _) = launch.meeting, !serves {
      try waitForServer(host, port, until: end)
    }
    do throws(TorchError) {
      return try KeyStore.at(
        launch.meeting, ranks: launch.ranks, serves: serves, timeout: max(5, patienceAtStart))
    } catch {
      if serves, case .tcp(let host, let port, _) = launch.meeting,
        error.message.contains("EADDRINUSE") || error.message.contains("in use")
      {
        throw RankFailure(
          "port \(port) of \(host) is in use by another program; set MASTER_PORT to another one on "
            + "all hosts, or use mae launch on one host")
      }
      throw RankFailure(
        "the store at \(launch.meeting) cannot be opened: \(error.message.firstLineOfError)")
    }
  }

  /// Tries until the store is served, so that what is waited for can be said.
  private func waitForServer(
    _ host: String, _ port: Int, until end: ContinuousClock.Instant
  ) throws(RankFailure) {
    let start = ContinuousClock.now
    var said = 0
    while true {
      if canConnect(host: host, port: port) { return }
      let seconds = (ContinuousClock.now - start).seconds
      guard ContinuousClock.now < end else {
        throw RankFailure(
          "nothing answers at \(host):\(port), where rank 0 is expected, within "
            + "\(Int(patienceAtStart)) s. Look at rank 0's output, at MASTER_ADDR and MASTER_PORT and at "
            + "the firewall, or give more time with --patience-start")
      }
      if Int(seconds) / 10 > said {
        said = Int(seconds) / 10
        note("waiting for rank 0 at \(host):\(port) since \(Int(seconds)) s")
      }
      Thread.sleep(forTimeInterval: min(1, 0.05 + seconds / 10))
    }
  }

  // MARK: Greeting

  private static func randomWord() -> String {
    String(UInt64.random(in: .min ... .max), radix: 36)
  }

  private func welcomeAll(
    _ store: KeyStore, _ own: Greeting, until end: ContinuousClock.Instant
  ) throws(TorchError) -> (String, Roster) {
    let name = Self.randomWord()
    let start = ContinuousClock.now
    var greetings: [Greeting?] = [own] + Array(repeating: nil, count: launch.ranks - 1)
    var isHere = [true] + [Bool](repeating: false, count: launch.ranks - 1)
    var said = 0
    while isHere.contains(false) {
      for rank in 1..<launch.ranks where !isHere[rank] {
        if try store.has("hello/\(rank)") {
          let text = try store.get("hello/\(rank)", timeout: 30)
          if let greeting = try? JSONDecoder().decode(Greeting.self, from: Data(text.utf8)),
            greeting != greetings[rank]
          {
            greetings[rank] = greeting
            try store.set("welcome/\(greeting.word)", name)
          }
        }
        isHere[rank] = try store.has("here/\(name)/\(rank)")
      }
      guard isHere.contains(false) else { break }
      let seconds = (ContinuousClock.now - start).seconds
      let missing = rankList(isHere.indices.filter { !isHere[$0] })
      let here = isHere.count { $0 }
      guard ContinuousClock.now < end else {
        let refusal =
          "\(missing) did not come to \(launch.meeting) within \(Int(patienceAtStart)) s (\(here) of "
          + "\(launch.ranks) are here). Look at their output, or give more time with --patience-start"
        let roster = Roster(
          hosts: [], cores: [], refusal: refusal, status: RankFailure.tryAgain)
        try answer(store, name, roster)
        return (name, roster)
      }
      if Int(seconds) / 10 > said {
        said = Int(seconds) / 10
        note(
          "waiting for \(missing) (\(here) of \(launch.ranks) are here) at \(launch.meeting) since "
            + "\(Int(seconds)) s")
      }
      Thread.sleep(forTimeInterval: launch.ranks > 64 ? 0.2 : 0.02)
    }
    let all = greetings.compactMap(\.self)
    let roster = Roster(
      hosts: all.map(\.host), cores: all.map(\.cores), refusal: Self.difference(all))
    try answer(store, name, roster)
    return (name, roster)
  }

  private func answer(_ store: KeyStore, _ name: String, _ roster: Roster) throws(TorchError) {
    guard let data = try? JSONEncoder().encode(roster) else { return }
    try store.set("go/\(name)", String(decoding: data, as: UTF8.self))
  }

  private func greet(
    _ store: KeyStore, _ own: Greeting, until end: ContinuousClock.Instant
  ) throws(TorchError) -> (String, Roster) {
    guard let data = try? JSONEncoder().encode(own) else {
      preconditionFailure("a greeting is text and can be encoded")
    }
    try store.set("hello/\(launch.rank)", String(decoding: data, as: UTF8.self))
    func left() -> Double { max(5, (end - .now).seconds + 10) }
    let name = try store.get("welcome/\(own.word)", timeout: left())
    try store.set("here/\(name)/\(launch.rank)", "1")
    let text = try store.get("go/\(name)", timeout: left())
    guard let roster = try? JSONDecoder().decode(Roster.self, from: Data(text.utf8)) else {
      return (name, Roster(hosts: [], cores: [], refusal: "rank 0 runs another version of mae"))
    }
    return (name, roster)
  }

  /// What two ranks were started with differently; nil where all agree.
  static func difference(_ greetings: [Greeting]) -> String? {
    guard let first = greetings.first else { return nil }
    for (rank, other) in greetings.enumerated() where other.engine != first.engine {
      return
        "rank \(rank) (\(other.host)) has libtorch \(other.engine), rank 0 (\(first.host)) has "
        + "\(first.engine); install the same on all hosts"
    }
    for (rank, other) in greetings.enumerated() where other.words != first.words {
      let pair = zip(other.words, first.words).first { $0 != $1 }
      let (theirs, ours) =
        pair
        ?? (
          other.words.dropFirst(first.words.count).first ?? "nothing more",
          first.words.dropFirst(other.words.count).first ?? "nothing more"
        )
      return
        "rank \(rank) (\(other.host)) was started with \(theirs), rank 0 with \(ours); start all "
        + "ranks with the same words"
    }
    return nil
  }

  /// The words of a command line that all ranks must have in common: where one writes, computes and
  /// with how many threads is its own affair.
  public static func commonWords(of arguments: some Sequence<String>) -> [String] {
    let own = ["--out", "--device", "--threads"]
    var words: [String] = []
    var skips = false
    for word in arguments {
      if skips {
        skips = false
      } else if own.contains(word) {
        skips = true
      } else if !own.contains(where: { word.hasPrefix($0 + "=") }) {
        words.append(word)
      }
    }
    return words
  }

  /// Where the other ranks reach this one: an address of the network on which it meets them. The
  /// host's own name often leads to the loopback, where other hosts find nobody.
  private var address: ProcessGroup.Address {
    if let interface = ProcessInfo.processInfo.environment["GLOO_SOCKET_IFNAME"], !interface.isEmpty
    {
      return .interface(interface)
    }
    switch launch.meeting {
    case .file: return .address("127.0.0.1")
    case .tcp(let host, let port, _):
      return localAddress(towards: host, port: port).map { .address($0) } ?? .hostName
    }
  }
}

extension MeetingPoint {
  /// Whether rank 0 keeps the store.
  var isServedByFirst: Bool {
    switch self {
    case .tcp(_, _, let servedByAgent): !servedByAgent
    case .file: false
    }
  }
}

extension KeyStore {
  /// The store of a meeting point.
  ///
  /// - Parameter port: The port that is served, where the system chose it.
  static func at(
    _ meeting: MeetingPoint, ranks: Int, serves: Bool, port: Int? = nil, timeout: Double
  ) throws(TorchError) -> KeyStore {
    switch meeting {
    case .file(let path): try .file(path, count: ranks)
    case .tcp(let host, let given, _):
      try .tcp(host: host, port: port ?? given, serves: serves, timeout: timeout)
    }
  }
}

extension Duration {
  /// As a number.
  var seconds: Double { self / .seconds(1) }
}

extension String {
  /// libtorch's reason without the lines that follow it.
  var firstLineOfError: String { split(separator: "\n").first.map(String.init) ?? self }
}
