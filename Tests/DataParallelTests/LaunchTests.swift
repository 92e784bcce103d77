import DataParallel
import TestSupport
import Testing

/// The environment of each launcher, as its documents give it, and what it may lack.
@Suite struct LaunchTests {
  // MARK: launchers

  static let torchrun = [
    "RANK": "5", "WORLD_SIZE": "16", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "4",
    "GROUP_RANK": "1", "GROUP_WORLD_SIZE": "4", "ROLE_RANK": "5", "ROLE_WORLD_SIZE": "16",
    "MASTER_ADDR": "gpu-1", "MASTER_PORT": "29500", "TORCHELASTIC_USE_AGENT_STORE": "True",
    "TORCHELASTIC_RUN_ID": "job7", "TORCHELASTIC_RESTART_COUNT": "2",
    "TORCHELASTIC_MAX_RESTARTS": "3", "TORCHELASTIC_ERROR_FILE": "/tmp/e/5/error.json",
    "OMP_NUM_THREADS": "1",
  ]
  static let pod = [
    "RANK": "1", "WORLD_SIZE": "4", "MASTER_ADDR": "mae-master-0", "MASTER_PORT": "23456",
    "PET_NPROC_PER_NODE": "auto", "PET_NODE_RANK": "1", "PET_NNODES": "4",
  ]
  static let maeLaunch = [
    "RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2",
    "MAE_MEET": "file:/tmp/a folder/meet", "MAE_ATTEMPT": "1",
  ]
  static let srun = [
    "SLURM_JOB_ID": "1234567", "SLURM_STEP_ID": "0", "SLURM_PROCID": "9", "SLURM_NTASKS": "32",
    "SLURM_STEP_NUM_TASKS": "32", "SLURM_LOCALID": "1", "SLURM_NODEID": "1",
    "SLURM_STEP_TASKS_PER_NODE": "8(x4)", "SLURM_STEP_NODELIST": "gpu[001-003,9]",
    "SLURM_LAUNCH_NODE_IPADDR": "10.0.0.1", "SLURM_RESTART_COUNT": "1",
  ]
  static let openMPI = [
    "OMPI_COMM_WORLD_RANK": "3", "OMPI_COMM_WORLD_SIZE": "8", "OMPI_COMM_WORLD_LOCAL_RANK": "3",
    "OMPI_COMM_WORLD_LOCAL_SIZE": "4", "OMPI_UNIVERSE_SIZE": "8", "MASTER_ADDR": "node1",
  ]
  static let hydra = [
    "PMI_RANK": "3", "PMI_SIZE": "4", "MPI_LOCALRANKID": "1", "MPI_LOCALNRANKS": "2",
    "MASTER_ADDR": "node1", "MASTER_PORT": "4000",
  ]
  static let pmi = [
    "PMI_RANK": "3", "PMI_SIZE": "4", "PMI_LOCAL_RANK": "1", "PMI_LOCAL_SIZE": "2",
    "MASTER_ADDR": "node1",
  ]

  @Test func `torchrun's ranks are clients of its agent's store`() throws {
    #expect(
      try Launch.from(environment: Self.torchrun)
        == Launch(
          launcher: .torchrun, rank: 5, ranks: 16, localRank: 1, localRanks: 4,
          meeting: .tcp(host: "gpu-1", port: 29_500, servedByAgent: true), job: "job7",
          attempt: 2, errorFile: "/tmp/e/5/error.json"))
    var own = Self.torchrun
    own["TORCHELASTIC_USE_AGENT_STORE"] = "False"
    #expect(
      try Launch.from(environment: own)?.meeting == .tcp(host: "gpu-1", port: 29_500))
  }

  @Test func `a pod of a PyTorchJob does not know its place on its host`() throws {
    #expect(
      try Launch.from(environment: Self.pod)
        == Launch(
          launcher: .variables, rank: 1, ranks: 4,
          meeting: .tcp(host: "mae-master-0", port: 23_456)))
    var many = Self.pod
    many["PET_NPROC_PER_NODE"] = "8"
    expectRefusal(many, "PET_NPROC_PER_NODE is 8")
    // torchrun in such a pod has made the ranks.
    many.merge(["LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "2"]) { $1 }
    #expect(try Launch.from(environment: many)?.localRanks == 2)
  }

  @Test func `mae launch meets over a file`() throws {
    let expected = Launch(
      launcher: .maeLaunch, rank: 1, ranks: 2, localRank: 1, localRanks: 2,
      meeting: .file("/tmp/a folder/meet"), attempt: 1)
    #expect(try Launch.from(environment: Self.maeLaunch) == expected)
    // One that was started inside a job of another launcher.
    #expect(
      try Launch.from(environment: Self.srun.merging(Self.maeLaunch) { $1 }) == expected)
    for value in ["/tmp/meet", "file:", "tcp:host:1"] {
      expectRefusal(Self.maeLaunch.merging(["MAE_MEET": value]) { $1 }, "MAE_MEET is \(value)")
    }
    expectRefusal(
      ["MAE_MEET": "file:/tmp/meet", "RANK": "0"],
      "MAE_MEET and RANK are set, but WORLD_SIZE is not")
  }

  @Test func `srun's first host is the meeting point, its port follows from job and step`() throws {
    let launch = Launch(
      launcher: .srun, rank: 9, ranks: 32, localRank: 1, localRanks: 8,
      meeting: .tcp(host: "gpu001", port: 34_567), job: "1234567", attempt: 1)
    #expect(try Launch.from(environment: Self.srun) == launch)
    var second = Self.srun
    second["SLURM_STEP_ID"] = "1"
    #expect(
      try Launch.from(environment: second)?.meeting == .tcp(host: "gpu001", port: 35_564))
    var given = Self.srun
    given["MASTER_ADDR"] = "gpu009"
    given["MASTER_PORT"] = "4000"
    given["SLURM_STEP_NODELIST"] = nil
    #expect(try Launch.from(environment: given)?.meeting == .tcp(host: "gpu009", port: 4000))
  }

  @Test func `srun's uneven hosts`() throws {
    var uneven = Self.srun
    uneven["SLURM_STEP_TASKS_PER_NODE"] = "10(x3),2"
    for (node, tasks) in [("0", 10), ("3", 2)] {
      uneven["SLURM_NODEID"] = node
      #expect(try Launch.from(environment: uneven)?.localRanks == tasks)
    }
    uneven["SLURM_NODEID"] = nil
    #expect(try Launch.from(environment: uneven)?.localRanks == nil)
    uneven["SLURM_NODEID"] = "4"
    expectRefusal(uneven, "SLURM_NODEID is 4; expected a whole number from 0 to 3")
    uneven["SLURM_STEP_TASKS_PER_NODE"] = "10(x2),2"
    expectRefusal(uneven, "makes 22 tasks, but the step has 32")
    uneven["SLURM_STEP_TASKS_PER_NODE"] = nil
    #expect(try Launch.from(environment: uneven)?.localRanks == nil)
  }

  @Test func `a step's tasks count, not the job's`() throws {
    var smaller = Self.srun
    smaller["SLURM_STEP_NUM_TASKS"] = "16"
    smaller["SLURM_STEP_TASKS_PER_NODE"] = "8(x2)"
    #expect(try Launch.from(environment: smaller)?.ranks == 16)
    smaller["SLURM_STEP_NUM_TASKS"] = nil
    smaller["SLURM_NTASKS"] = "16"
    #expect(try Launch.from(environment: smaller)?.ranks == 16)
  }

  @Test func `a batch script without srun is one process and says so`() throws {
    var script = Self.srun
    script["SLURM_STEP_ID"] = nil
    script["SLURM_PROCID"] = "0"
    expectAlone(script, "this is one process, though Slurm's job has 32 tasks")
    // Slurm's own numbers for the batch script and an interactive shell.
    for step in ["4294967290", "4294967291"] {
      script["SLURM_STEP_ID"] = step
      expectAlone(script, "this is one process, though Slurm's job has 32 tasks")
    }
    script["SLURM_NTASKS"] = "1"
    expectAlone(script, nil)
    // mpirun and torchrun in such a script.
    script["SLURM_NTASKS"] = "32"
    #expect(
      try Launch.from(environment: script.merging(Self.openMPI) { $1 })?.launcher == .openMPI)
    #expect(
      try Launch.from(environment: script.merging(Self.torchrun) { $1 })?.launcher == .torchrun)
  }

  @Test func `mpirun starts its helper by srun, whose variables do not count`() throws {
    let helper = Self.srun.merging(["SLURM_NTASKS": "1", "SLURM_STEP_NUM_TASKS": "1"]) { $1 }
      .merging(["SLURM_PROCID": "0", "SLURM_STEP_TASKS_PER_NODE": "1"]) { $1 }
    for (variables, launcher) in [(Self.openMPI, Launcher.openMPI), (Self.hydra, .hydra)] {
      let launch = try Launch.from(environment: helper.merging(variables) { $1 })
      #expect(launch?.launcher == launcher && launch?.rank == 3)
    }
    // srun --mpi=pmi2 sets PMI's as well; they say the same.
    let both = Self.srun.merging(["PMI_RANK": "9", "PMI_SIZE": "32"]) { $1 }
    #expect(try Launch.from(environment: both)?.launcher == .srun)
  }

  @Test func `Open MPI needs the name of a host unless all ranks are on one`() throws {
    #expect(
      try Launch.from(environment: Self.openMPI)
        == Launch(
          launcher: .openMPI, rank: 3, ranks: 8, localRank: 3, localRanks: 4,
          meeting: .tcp(host: "node1", port: 29_500)))
    var nameless = Self.openMPI
    nameless["MASTER_ADDR"] = nil
    expectRefusal(
      nameless, "MASTER_ADDR is not set, and only 4 of 8 processes are on this host",
      "mpirun -x MASTER_ADDR=HOST")
    // Not even the helper's variables help.
    expectRefusal(Self.srun.merging(nameless) { $1 }, "MASTER_ADDR is not set")
    nameless["OMPI_COMM_WORLD_LOCAL_SIZE"] = nil
    expectRefusal(nameless, "it is not said which processes share a host")
    nameless["OMPI_COMM_WORLD_LOCAL_SIZE"] = "8"
    #expect(
      try Launch.from(environment: nameless)?.meeting == .tcp(host: "127.0.0.1", port: 29_500))
    // Two runs of a host do not meet each other where the job has a name.
    nameless["PMIX_NAMESPACE"] = "prterun-node1-4711@1"
    let first = try Launch.from(environment: nameless)?.meeting
    nameless["PMIX_NAMESPACE"] = "prterun-node1-4712@1"
    #expect(try Launch.from(environment: nameless)?.meeting != first)
    nameless["MASTER_PORT"] = "4000"
    #expect(
      try Launch.from(environment: nameless)?.meeting == .tcp(host: "127.0.0.1", port: 4000))
  }

  @Test func `MPICH, Intel MPI and others that speak PMI`() throws {
    let place = Launch(
      launcher: .hydra, rank: 3, ranks: 4, localRank: 1, localRanks: 2,
      meeting: .tcp(host: "node1", port: 4000))
    #expect(try Launch.from(environment: Self.hydra) == place)
    #expect(
      try Launch.from(environment: Self.pmi)
        == Launch(
          launcher: .pmi, rank: 3, ranks: 4, localRank: 1, localRanks: 2,
          meeting: .tcp(host: "node1", port: 29_500)))
    for (variables, advice) in [
      (Self.hydra, "mpiexec -genv MASTER_ADDR HOST"), (Self.pmi, "export MASTER_ADDR=HOST"),
    ] {
      var nameless = variables
      nameless["MASTER_ADDR"] = nil
      expectRefusal(nameless, "only 2 of 4 processes are on this host", advice)
    }
  }

  // MARK: one process

  @Test func `one process has no place`() throws {
    expectAlone([:], nil)
    expectAlone(["WORLD_SIZE": "1"], nil)
    expectAlone(["WORLD_SIZE": "1", "RANK": "0"], nil)
    expectAlone(["RANK": "", "WORLD_SIZE": ""], nil)
    expectAlone(["LOCAL_RANK": "3", "MASTER_ADDR": "gpu-1", "MASTER_PORT": "1"], nil)
    for (variables, rank, ranks) in Self.ranks {
      let local: [String: String] = [
        "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "1", "OMPI_COMM_WORLD_LOCAL_RANK": "0",
        "OMPI_COMM_WORLD_LOCAL_SIZE": "1", "MPI_LOCALRANKID": "0", "MPI_LOCALNRANKS": "1",
        "PMI_LOCAL_RANK": "0", "PMI_LOCAL_SIZE": "1", "SLURM_LOCALID": "0",
        "SLURM_STEP_TASKS_PER_NODE": "1", rank: "0", ranks: "1",
      ]
      // Of the variables above those that the launcher sets.
      expectAlone(variables.merging(local.filter { variables[$0.key] != nil }) { $1 }, nil)
    }
  }

  static let ranks = [
    (torchrun, "RANK", "WORLD_SIZE"), (pod, "RANK", "WORLD_SIZE"),
    (maeLaunch, "RANK", "WORLD_SIZE"), (srun, "SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),
    (openMPI, "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"), (hydra, "PMI_RANK", "PMI_SIZE"),
    (pmi, "PMI_RANK", "PMI_SIZE"),
  ]

  // MARK: refusals

  @Test func `half a set is refused with the name of what is missing`() {
    for (rank, ranks) in [
      ("RANK", "WORLD_SIZE"), ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
      ("PMI_RANK", "PMI_SIZE"),
    ] {
      expectRefusal([rank: "3"], "\(rank) is set, but \(ranks) is not; set it for all processes")
      expectRefusal([ranks: "4"], "\(ranks) is set, but \(rank) is not")
    }
    expectRefusal(
      ["RANK": "0", "WORLD_SIZE": "4"],
      "RANK and WORLD_SIZE are set, but MASTER_ADDR and MASTER_PORT are not; set them")
    for name in ["RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"] {
      var variables = Self.pod
      variables[name] = nil
      expectRefusal(variables, "\(name) is not")
    }
    for name in ["SLURM_JOB_ID", "SLURM_PROCID", "SLURM_STEP_NODELIST"] {
      var variables = Self.srun
      variables[name] = nil
      expectRefusal(
        variables, "\(name == "SLURM_STEP_NODELIST" ? "SLURM_JOB_NODELIST" : name) is not")
    }
    for name in ["PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS"] {
      var variables = Self.hydra
      variables[name] = nil
      expectRefusal(variables, "\(name) is not")
    }
  }

  @Test func `half a set does not matter where another is whole`() throws {
    let lone = Self.srun.merging(["RANK": "9"]) { $1 }
    #expect(try Launch.from(environment: lone)?.launcher == .srun)
    // As wrapper scripts for PyTorch set them before srun.
    let wrapped = Self.srun.merging(["WORLD_SIZE": "32", "MASTER_PORT": "4000"]) { $1 }
    #expect(try Launch.from(environment: wrapped)?.launcher == .srun)
  }

  @Test func `contradictions are refused`() {
    expectRefusal(
      Self.srun.merging(["WORLD_SIZE": "16"]) { $1 },
      "WORLD_SIZE is 16, but by srun it is 32; unset WORLD_SIZE")
    expectRefusal(
      Self.openMPI.merging(["RANK": "4"]) { $1 }, "RANK is 4, but by Open MPI it is 3")
    for (variables, rank, ranks) in Self.ranks {
      let count = variables[ranks] ?? ""
      for value in [count, "-1", "two", "1.5", "99999999999999999999"] {
        expectRefusal(variables.merging([rank: value]) { $1 }, "\(rank) is \(value)")
      }
      for value in ["0", "-2", "x"] {
        expectRefusal(variables.merging([ranks: value]) { $1 }, "\(ranks) is \(value)")
      }
    }
    expectRefusal(
      Self.torchrun.merging(["LOCAL_RANK": "4"]) { $1 },
      "LOCAL_RANK is 4, but LOCAL_WORLD_SIZE is 4; expected a whole number from 0 to 3")
    expectRefusal(
      Self.torchrun.merging(["LOCAL_WORLD_SIZE": "17"]) { $1 },
      "LOCAL_WORLD_SIZE is 17, more than the 16 processes there are")
    for port in ["0", "65536", "http"] {
      for variables in [Self.torchrun, Self.srun, Self.openMPI, Self.hydra] {
        expectRefusal(
          variables.merging(["MASTER_PORT": port]) { $1 },
          "MASTER_PORT is \(port); expected a whole number from 1 to 65535")
      }
    }
  }

  @Test func `a message is one line, however long the value`() throws {
    let long = String(repeating: "9", count: 5000)
    let error = try #require(
      throws: LaunchError.self
    ) {
      try Launch.from(environment: Self.torchrun.merging(["MASTER_PORT": long]) { $1 })
    }
    #expect(error.message.count < 200 && !error.message.contains("\n"))
  }

  @Test func `a meeting point's name`() {
    #expect("\(MeetingPoint.tcp(host: "gpu-1", port: 29_500))" == "gpu-1:29500")
    #expect("\(MeetingPoint.tcp(host: "fe80::1", port: 1))" == "[fe80::1]:1")
    #expect("\(MeetingPoint.file("/tmp/meet"))" == "/tmp/meet")
  }

  // MARK: help

  private func expectRefusal(
    _ environment: [String: String], _ words: String...,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    do throws(LaunchError) {
      let launch = try Launch.from(environment: environment)
      Issue.record(
        "no error for \(words), but \(String(describing: launch))", sourceLocation: sourceLocation)
    } catch {
      for word in words {
        #expect(error.message.contains(word), sourceLocation: sourceLocation)
      }
    }
  }

  private func expectAlone(
    _ environment: [String: String], _ note: String?,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    var notes: [String] = []
    do throws(LaunchError) {
      let launch = try Launch.from(environment: environment) { notes.append($0) }
      #expect(launch == nil, sourceLocation: sourceLocation)
    } catch {
      Issue.record("\(error)", sourceLocation: sourceLocation)
    }
    #expect(notes.count == (note == nil ? 0 : 1), "\(notes)", sourceLocation: sourceLocation)
    if let note, let first = notes.first {
      #expect(first.contains(note), sourceLocation: sourceLocation)
    }
  }
}
