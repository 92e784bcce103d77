import Foundation
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

#if os(Linux)
  /// Real processes of one run: who starts them, what they compute together, and how they end.
  ///
  /// One thread each, a model of some thousand weights; scripts/check-processes has what takes longer.
  @Suite(.serialized) struct RanksCommandTests {
    private static let own = ["--threads", "1", "--device", "cpu"]
    private static let train =
      ["pretrain", "images", "--recipe", "tiny.yaml", "--out", "run"] + own

    /// A port that nobody has at the moment.
    private func freePort() throws -> Int {
      let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      defer { close(socket) }
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      var size = socklen_t(MemoryLayout<sockaddr_in>.size)
      let status = withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(socket, $0, size) == 0 ? getsockname(socket, $0, &size) : -1
        }
      }
      try #require(status == 0)
      return Int(UInt16(bigEndian: address.sin_port))
    }

    /// The variables of two processes, as if they were set by hand.
    private func places(count: Int = 2) throws -> [[String: String]] {
      let port = try freePort()
      return (0..<count).map {
        [
          "RANK": "\($0)", "WORLD_SIZE": "\(count)", "MASTER_ADDR": "127.0.0.1",
          "MASTER_PORT": "\(port)",
        ]
      }
    }

    /// Starts a command once in each environment.
    private func start(
      _ arguments: [String], _ places: [[String: String]], in sandbox: CommandSandbox
    ) throws -> [Running] {
      try places.map { try sandbox.start(arguments, environment: $0) }
    }

    private func sandbox(steps: Int = 6) throws -> CommandSandbox {
      let sandbox = try CommandSandbox()
      try sandbox.writeImages("images", count: 12)
      try sandbox.writeTinyRecipe(steps: steps)
      return sandbox
    }

    private func losses(_ run: String, in sandbox: CommandSandbox) throws -> [Double] {
      struct Record: Decodable { let loss: Double? }
      return try sandbox.text("\(run)/metrics.jsonl").split(separator: "\n")
        .compactMap { try JSONDecoder().decode(Record.self, from: Data($0.utf8)).loss }
    }

    private func expectSameLosses(
      _ run: String, as other: String, in sandbox: CommandSandbox,
      sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      let (found, expected) = (try losses(run, in: sandbox), try losses(other, in: sandbox))
      #expect(found.count == expected.count, sourceLocation: sourceLocation)
      for (one, other) in zip(found, expected) {
        #expect(abs(one - other) <= 1e-5 * abs(other), sourceLocation: sourceLocation)
      }
    }

    // MARK: launchers

    @Test func `two processes of mae launch compute what one does`() throws {
      let sandbox = try sandbox()
      try sandbox.done(
        "pretrain", "images", "--recipe", "tiny.yaml", "--out", "alone", "--threads", "1")
      let outcome = try sandbox.mae(["launch", "--processes", "2"] + Self.train)
      #expect(outcome.status == 0, "\(outcome.transcript)")
      #expect(outcome.output.contains("2 processes on this host"), "\(outcome.output)")
      try expectSameLosses("run", as: "alone", in: sandbox)
      #expect(sandbox.names("run/checkpoints") == sandbox.names("alone/checkpoints"))
    }

    @Test(arguments: ["by hand", "srun", "Open MPI", "MPICH"])
    func `every launcher's variables bring processes together`(launcher: String) throws {
      let sandbox = try sandbox(steps: 2)
      let port = "\(try freePort())"
      let environments: [[String: String]] = (0..<2).map { rank in
        switch launcher {
        case "srun":
          [
            "SLURM_JOB_ID": "77", "SLURM_STEP_ID": "0", "SLURM_PROCID": "\(rank)",
            "SLURM_STEP_NUM_TASKS": "2", "SLURM_LOCALID": "\(rank)", "SLURM_NODEID": "0",
            "SLURM_STEP_TASKS_PER_NODE": "2", "SLURM_STEP_NODELIST": "localhost",
            "MASTER_PORT": port,
          ]
        case "Open MPI":
          [
            "OMPI_COMM_WORLD_RANK": "\(rank)", "OMPI_COMM_WORLD_SIZE": "2",
            "OMPI_COMM_WORLD_LOCAL_RANK": "\(rank)", "OMPI_COMM_WORLD_LOCAL_SIZE": "2",
            "MASTER_PORT": port,
          ]
        case "MPICH":
          [
            "PMI_RANK": "\(rank)", "PMI_SIZE": "2", "MPI_LOCALRANKID": "\(rank)",
            "MPI_LOCALNRANKS": "2", "MASTER_PORT": port,
          ]
        default:
          [
            "RANK": "\(rank)", "WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": port,
          ]
        }
      }
      for running in try start(Self.train, environments, in: sandbox) {
        let outcome = try running.wait()
        #expect(outcome.status == 0, "\(outcome.transcript)")
      }
      #expect(try losses("run", in: sandbox).count == 2)
    }

    // MARK: ends

    @Test func `a killed process is named by the other, and the run goes on with one`() throws {
      let sandbox = try sandbox(steps: 400)
      let ranks = try start(
        Self.train + ["--patience", "20"], places(), in: sandbox)
      try ranks[0].wait { sandbox.exists("run/checkpoints/step-4") }
      ranks[1].signal(SIGKILL)
      let outcome = try ranks[0].wait()
      #expect(outcome.status == 75, "\(outcome.transcript)")
      #expect(outcome.errors.contains("error: rank 1 ("), "\(outcome.errors)")
      #expect(outcome.errors.contains("was lost at step"), "\(outcome.errors)")
      #expect(outcome.errors.contains("--resume"), "\(outcome.errors)")
      #expect(try ranks[1].wait().status == -SIGKILL)
      let resumed = try sandbox.mae(Self.train + ["--resume"])
      #expect(resumed.status == 0, "\(resumed.transcript)")
      #expect(try losses("run", in: sandbox).count == 400)
    }

    @Test func `SIGTERM to one process writes a checkpoint and ends both`() throws {
      let sandbox = try sandbox(steps: 100_000)
      let ranks = try start(Self.train, places(), in: sandbox)
      try ranks[0].wait { sandbox.exists("run/checkpoints/step-2") }
      ranks[1].signal(SIGTERM)
      let outcomes = try ranks.map { try $0.wait() }
      #expect(outcomes.map(\.status) == [143, 143], "\(outcomes.map(\.transcript))")
      #expect(outcomes[0].errors.contains("the checkpoint is safe in run/checkpoints/step-"))
    }

    @Test(.enabled(if: SmallDisk.isAllowed, "needs to mount a file system"))
    func `a full disk of the first process is the cause on both`() throws {
      let sandbox = try sandbox(steps: 100_000)
      let disk = try SmallDisk(at: sandbox("disk"), kilobytes: 20_000)
      var arguments = Self.train
      arguments[5] = "disk/run"
      let ranks = try start(arguments, places(), in: sandbox)
      try ranks[0].wait { sandbox.exists("disk/run/checkpoints/step-4") }
      disk.fill()
      let outcomes = try ranks.map { try $0.wait() }
      #expect(outcomes.map(\.status) == [74, 74], "\(outcomes.map(\.transcript))")
      #expect(outcomes[1].errors.contains("rank 0 ("), "\(outcomes[1].errors)")
    }

    // MARK: refusals

    @Test func `processes that were started with other words are refused`() throws {
      let sandbox = try sandbox()
      let places = try places()
      let ranks = try [
        sandbox.start(Self.train, environment: places[0]),
        sandbox.start(Self.train + ["--set", "seed=3"], environment: places[1]),
      ]
      for rank in ranks {
        let outcome = try rank.wait()
        #expect(outcome.status == 78, "\(outcome.transcript)")
        #expect(outcome.errors.contains("start all ranks with the same words"))
      }
      #expect(!sandbox.exists("run/checkpoints"))
    }

    @Test func `a process that does not come is named`() throws {
      let sandbox = try sandbox()
      let rank = try sandbox.start(
        Self.train + ["--patience-start", "1"], environment: places()[0])
      let outcome = try rank.wait()
      #expect(outcome.status == 75, "\(outcome.transcript)")
      #expect(outcome.errors.contains("rank 1 did not come to 127.0.0.1:"), "\(outcome.errors)")
    }

    @Test func `half a set of variables is refused before anything is opened`() throws {
      let sandbox = try sandbox()
      let outcome = try sandbox.mae(Self.train, environment: ["RANK": "1"])
      #expect(outcome.status == 64, "\(outcome.transcript)")
      #expect(outcome.errors.contains("RANK is set, but WORLD_SIZE is not"), "\(outcome.errors)")
      #expect(!sandbox.exists("run"))
    }
  }
#endif
