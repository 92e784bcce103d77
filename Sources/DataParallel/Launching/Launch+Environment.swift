extension Launch {
  /// Finds the place of this process; nil where it is the only one.
  ///
  /// | launcher | place | on this host | meeting point |
  /// |---|---|---|---|
  /// | `mae launch` | `RANK`, `WORLD_SIZE` | `LOCAL_RANK`, `LOCAL_WORLD_SIZE` | `MAE_MEET=file:PATH` |
  /// | torchrun | the same | the same | `MASTER_ADDR`, `MASTER_PORT` |
  /// | PyTorchJob, by hand | the same | not said | `MASTER_ADDR`, `MASTER_PORT` |
  /// | Open MPI | `OMPI_COMM_WORLD_RANK`, `…_SIZE` | `…_LOCAL_RANK`, `…_LOCAL_SIZE` | `MASTER_ADDR` |
  /// | MPICH, Intel MPI | `PMI_RANK`, `PMI_SIZE` | `MPI_LOCALRANKID`, `MPI_LOCALNRANKS` | `MASTER_ADDR` |
  /// | Slurm's `srun` | `SLURM_PROCID`, `SLURM_STEP_NUM_TASKS` | `SLURM_LOCALID`, `SLURM_STEP_TASKS_PER_NODE` | the first host of `SLURM_STEP_NODELIST` |
  ///
  /// The first that is complete wins, in this order. MPI's launchers stand before Slurm because in a
  /// Slurm job they start their helpers by `srun`, whose variables the processes then see as well.
  /// `MASTER_ADDR` and `MASTER_PORT` are taken from any launcher's processes; without them MPI's
  /// processes of one host meet at 127.0.0.1 and Slurm's at a port that follows from the job.
  ///
  /// A batch script of Slurm that runs the program without `srun` has `SLURM_PROCID` and
  /// `SLURM_NTASKS` too; only a step that `srun` made counts.
  ///
  /// - Parameter note: Told, in one line, of what looks like many processes and is one.
  /// - Throws: ``LaunchError`` for half a set of variables, values that cannot be, and `RANK` or
  ///   `WORLD_SIZE` that contradict the launcher.
  public static func from(
    environment: [String: String], note: (String) -> Void = { _ in }
  ) throws(LaunchError) -> Launch? {
    let variables = LaunchVariables(environment)
    var half: LaunchError?
    for launcher in [Launcher.variables, .openMPI, .hydra, .srun, .pmi] {
      switch try finding(of: launcher, in: variables) {
      case .none: continue
      case .alone: return nil
      case .half(let error): half = half ?? error
      case .complete(let launch):
        try launch.refuseContradiction(variables)
        return launch.ranks > 1 ? launch : nil
      }
    }
    if let half { throw half }
    if variables["SLURM_JOB_ID"] != nil, let tasks = variables["SLURM_NTASKS"].flatMap({ Int($0) }),
      tasks > 1
    {
      note(
        "this is one process, though Slurm's job has \(tasks) tasks: start them with "
          + "srun mae …")
    }
    return nil
  }

  /// What the variables of one launcher amount to.
  enum Finding {
    case none
    /// One process, which meets nobody.
    case alone
    /// Some are there; what is missing.
    case half(LaunchError)
    /// A place, perhaps the only one.
    case complete(Launch)
  }

  private static func finding(
    of launcher: Launcher, in variables: LaunchVariables
  ) throws(LaunchError) -> Finding {
    switch launcher {
    case .maeLaunch, .torchrun, .variables: try byVariables(variables)
    case .openMPI: try byOpenMPI(variables)
    case .hydra: try byHydra(variables)
    case .srun: try bySrun(variables)
    case .pmi: try byPMI(variables)
    }
  }

  /// Says which variables of a set are missing where only some are there; nil where all or none are.
  private static func half(_ names: [String], in variables: LaunchVariables) -> Finding? {
    let (found, missing) = variables.presence(of: names)
    if found.isEmpty { return Finding.none }
    guard !missing.isEmpty else { return nil }
    return .half(
      LaunchError(
        "\(found.joinedWords) \(found.count == 1 ? "is" : "are") set, but "
          + "\(missing.joinedWords) \(missing.count == 1 ? "is" : "are") not; set "
          + "\(missing.count == 1 ? "it" : "them") for all processes, or unset "
          + (found.count == 1 ? "the other" : "the others")))
  }

  private func refuseContradiction(_ variables: LaunchVariables) throws(LaunchError) {
    guard ![.maeLaunch, .torchrun, .variables].contains(launcher) else { return }
    for (name, value) in [("WORLD_SIZE", ranks), ("RANK", rank)] {
      guard let given = variables[name], given != "\(value)" else { continue }
      throw LaunchError(
        "\(name) is \(given.excerpt), but by \(launcher) it is \(value); unset \(name)")
    }
  }

  // MARK: RANK and WORLD_SIZE

  private static func byVariables(_ variables: LaunchVariables) throws(LaunchError) -> Finding {
    // WORLD_SIZE=1 by itself is one process, unless another launcher's variables say more.
    if variables["RANK"] == nil, variables["MAE_MEET"] == nil, variables["WORLD_SIZE"] == "1" {
      return .none
    }
    if let meeting = variables["MAE_MEET"] { return try byMAE(meeting, variables) }
    if let half = half(["RANK", "WORLD_SIZE"], in: variables) { return half }
    let (rank, ranks) = try variables.place("RANK", of: "WORLD_SIZE")
    let isTorchrun = variables["TORCHELASTIC_RUN_ID"] != nil
    let local = try variables.localPlace("LOCAL_RANK", of: "LOCAL_WORLD_SIZE", world: ranks)
    try refusePodOfMany(variables, hasLocalPlace: local != nil)
    guard let host = variables["MASTER_ADDR"], let port = try masterPort(variables) else {
      if ranks == 1 { return .alone }
      return half(["RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"], in: variables) ?? .none
    }
    return .complete(
      Launch(
        launcher: isTorchrun ? .torchrun : .variables, rank: rank, ranks: ranks,
        localRank: local?.rank, localRanks: local?.ranks,
        meeting: .tcp(
          host: host, port: port,
          servedByAgent: variables["TORCHELASTIC_USE_AGENT_STORE"] == "True"),
        job: variables["TORCHELASTIC_RUN_ID"],
        attempt: try variables.number("TORCHELASTIC_RESTART_COUNT", in: 0...Int.max) ?? 0,
        errorFile: variables["TORCHELASTIC_ERROR_FILE"]))
  }

  private static func byMAE(
    _ meeting: String, _ variables: LaunchVariables
  ) throws(LaunchError) -> Finding {
    let scheme = "file:"
    guard meeting.hasPrefix(scheme), meeting.count > scheme.count else {
      throw LaunchError("MAE_MEET is \(meeting.excerpt); expected file:PATH")
    }
    if let half = half(["MAE_MEET", "RANK", "WORLD_SIZE"], in: variables) { return half }
    let (rank, ranks) = try variables.place("RANK", of: "WORLD_SIZE")
    let local = try variables.localPlace("LOCAL_RANK", of: "LOCAL_WORLD_SIZE", world: ranks)
    return .complete(
      Launch(
        launcher: .maeLaunch, rank: rank, ranks: ranks, localRank: local?.rank ?? rank,
        localRanks: local?.ranks ?? ranks, meeting: .file(String(meeting.dropFirst(scheme.count))),
        attempt: try variables.number("MAE_ATTEMPT", in: 0...Int.max) ?? 0))
  }

  /// A pod of a PyTorchJob with more than one process stands for as many ranks, which torchrun makes.
  private static func refusePodOfMany(
    _ variables: LaunchVariables, hasLocalPlace: Bool
  ) throws(LaunchError) {
    guard !hasLocalPlace, let count = variables["PET_NPROC_PER_NODE"], let processes = Int(count),
      processes > 1
    else { return }
    throw LaunchError(
      "PET_NPROC_PER_NODE is \(processes), so this pod stands for \(processes) processes, and "
        + "WORLD_SIZE counts all of them; start them with torchrun --no-python mae …, or take "
        + "nprocPerNode out of the job")
  }

  private static func masterPort(_ variables: LaunchVariables) throws(LaunchError) -> Int? {
    try variables.number("MASTER_PORT", in: 1...65_535)
  }

  // MARK: MPI

  private static func byOpenMPI(_ variables: LaunchVariables) throws(LaunchError) -> Finding {
    let names = ["OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"]
    if let half = half(names, in: variables) { return half }
    let (rank, ranks) = try variables.place(names[0], of: names[1])
    let local = try variables.localPlace(
      "OMPI_COMM_WORLD_LOCAL_RANK", of: "OMPI_COMM_WORLD_LOCAL_SIZE", world: ranks)
    return .complete(
      try ofMPI(
        .openMPI, rank, ranks, local, job: variables["PMIX_NAMESPACE"],
        advice: "mpirun -x MASTER_ADDR=HOST", variables))
  }

  private static func byHydra(_ variables: LaunchVariables) throws(LaunchError) -> Finding {
    guard variables["MPI_LOCALRANKID"] != nil || variables["MPI_LOCALNRANKS"] != nil else {
      return .none
    }
    let names = ["PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS"]
    if let half = half(names, in: variables) { return half }
    let (rank, ranks) = try variables.place(names[0], of: names[1])
    let local = try variables.localPlace(names[2], of: names[3], world: ranks)
    return .complete(
      try ofMPI(
        .hydra, rank, ranks, local, job: nil, advice: "mpiexec -genv MASTER_ADDR HOST", variables))
  }

  private static func byPMI(_ variables: LaunchVariables) throws(LaunchError) -> Finding {
    // Hydra's and Slurm's are read before.
    guard variables["MPI_LOCALRANKID"] == nil, variables["MPI_LOCALNRANKS"] == nil else {
      return .none
    }
    if let half = half(["PMI_RANK", "PMI_SIZE"], in: variables) { return half }
    let (rank, ranks) = try variables.place("PMI_RANK", of: "PMI_SIZE")
    let local = try variables.localPlace("PMI_LOCAL_RANK", of: "PMI_LOCAL_SIZE", world: ranks)
    return .complete(
      try ofMPI(
        .pmi, rank, ranks, local, job: nil, advice: "export MASTER_ADDR=HOST", variables))
  }

  /// A process that MPI's launcher started. MPI's own meeting is behind its library, so all ranks
  /// have to be told of a host, or be on one.
  private static func ofMPI(
    _ launcher: Launcher, _ rank: Int, _ ranks: Int, _ local: (rank: Int, ranks: Int)?,
    job: String?, advice: String, _ variables: LaunchVariables
  ) throws(LaunchError) -> Launch {
    let isOneHost = ranks == 1 || local?.ranks == ranks
    guard let host = variables["MASTER_ADDR"] ?? (isOneHost ? "127.0.0.1" : nil) else {
      let others = local.map { "only \($0.ranks) of \(ranks) processes are on this host" }
      throw LaunchError(
        "MASTER_ADDR is not set, and \(others ?? "it is not said which processes share a host"); "
          + "name the host of rank 0: \(advice)")
    }
    let port = try masterPort(variables) ?? job.map(Self.port(of:)) ?? 29_500
    return Launch(
      launcher: launcher, rank: rank, ranks: ranks, localRank: local?.rank,
      localRanks: local?.ranks, meeting: .tcp(host: host, port: port), job: job)
  }

  /// A port from 20000 to 39999 that follows from a job's name (FNV-1a).
  static func port(of job: String) -> Int {
    let hash = job.utf8.reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 }
    return 20_000 + Int(hash % 20_000)
  }

  // MARK: Slurm

  /// Steps from here on are Slurm's own: the batch script, an interactive shell.
  private static let firstSpecialStep = 0xFFFF_FFF0

  private static func bySrun(_ variables: LaunchVariables) throws(LaunchError) -> Finding {
    guard let step = try variables.number("SLURM_STEP_ID", in: 0...Int.max),
      step < firstSpecialStep
    else { return .none }
    let tasks = variables["SLURM_STEP_NUM_TASKS"] == nil ? "SLURM_NTASKS" : "SLURM_STEP_NUM_TASKS"
    let nodes =
      variables["SLURM_STEP_NODELIST"] == nil ? "SLURM_JOB_NODELIST" : "SLURM_STEP_NODELIST"
    let names = ["SLURM_STEP_ID", "SLURM_JOB_ID", "SLURM_PROCID", tasks]
    let wanted = variables["MASTER_ADDR"] == nil ? names + [nodes] : names
    if let half = half(wanted, in: variables) { return half }
    let (rank, ranks) = try variables.place("SLURM_PROCID", of: tasks)
    let job = try variables.number("SLURM_JOB_ID", in: 0...Int.max) ?? 0
    var host = variables["MASTER_ADDR"] ?? ""
    if host.isEmpty { host = try HostList.hosts(variables[nodes] ?? "")[0] }
    // Two steps of a job may run at once on the same hosts.
    let port = try masterPort(variables) ?? 20_000 + (job % 20_000 + step % 20_000 * 997) % 20_000
    return .complete(
      Launch(
        launcher: .srun, rank: rank, ranks: ranks,
        localRank: try variables.number("SLURM_LOCALID", in: 0...ranks - 1),
        localRanks: try tasksOfThisHost(variables, ranks: ranks),
        meeting: .tcp(host: host, port: port), job: "\(job)",
        attempt: try variables.number("SLURM_RESTART_COUNT", in: 0...Int.max) ?? 0))
  }

  private static func tasksOfThisHost(
    _ variables: LaunchVariables, ranks: Int
  ) throws(LaunchError) -> Int? {
    guard let text = variables["SLURM_STEP_TASKS_PER_NODE"] else { return nil }
    let tasks = try HostList.tasks(text)
    guard tasks.reduce(0, +) == ranks else {
      throw LaunchError(
        "SLURM_STEP_TASKS_PER_NODE is \(text.excerpt), which makes \(tasks.reduce(0, +)) tasks, "
          + "but the step has \(ranks)")
    }
    if Set(tasks).count == 1 { return tasks[0] }
    return try variables.number("SLURM_NODEID", in: 0...tasks.count - 1).map { tasks[$0] }
  }
}

extension [String] {
  /// `a, b and c`
  var joinedWords: String {
    count < 2 ? joined() : dropLast().joined(separator: ", ") + " and " + (last ?? "")
  }
}
