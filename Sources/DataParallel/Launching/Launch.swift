/// The place of this process among those of a run, as whatever started them says in the environment.
///
/// ```swift
/// guard let launch = try Launch.from(environment: ProcessInfo.processInfo.environment) else {
///   return  // one process
/// }
/// print("rank \(launch.rank) of \(launch.ranks), by \(launch.launcher)")
/// ```
///
/// Nothing is opened or asked for here: see ``from(environment:note:)`` for the variables.
public struct Launch: Hashable, Sendable {
  /// Which program started the processes.
  public var launcher: Launcher
  /// This process, from 0 to `ranks - 1`.
  public var rank: Int
  /// Processes of the run, at least 2.
  public var ranks: Int
  /// This process among those of its host, from 0; nil where the launcher does not say.
  public var localRank: Int?
  /// Processes of the run on this host; nil where the launcher does not say.
  public var localRanks: Int?
  /// Where the processes find each other.
  public var meeting: MeetingPoint
  /// What the launcher calls the job; nil where it has no name.
  public var job: String?
  /// How often the launcher has started these processes anew; 0 for the first time.
  ///
  /// Under torchrun it is each agent's own count and may differ between hosts
  /// (pytorch/pytorch#135712).
  public var attempt: Int
  /// The file in which the launcher looks for the cause of a failure; nil for none.
  public var errorFile: String?

  /// Creates a place.
  public init(
    launcher: Launcher, rank: Int, ranks: Int, localRank: Int? = nil, localRanks: Int? = nil,
    meeting: MeetingPoint, job: String? = nil, attempt: Int = 0, errorFile: String? = nil
  ) {
    self.launcher = launcher
    self.rank = rank
    self.ranks = ranks
    self.localRank = localRank
    self.localRanks = localRanks
    self.meeting = meeting
    self.job = job
    self.attempt = attempt
    self.errorFile = errorFile
  }
}

/// A program that starts the processes of a run.
public enum Launcher: String, Hashable, Sendable, CaseIterable, CustomStringConvertible {
  /// `mae launch`, on one host.
  case maeLaunch = "mae launch"
  /// PyTorch's elastic launcher.
  case torchrun
  /// Variables set by hand, by Kubernetes' PyTorchJob, or by a script.
  case variables = "RANK and WORLD_SIZE"
  /// Open MPI's `mpirun`.
  case openMPI = "Open MPI"
  /// `mpiexec` of MPICH or Intel MPI, whose process manager is Hydra.
  case hydra = "MPICH or Intel MPI"
  /// Slurm's `srun`.
  case srun
  /// Another process manager that speaks PMI.
  case pmi = "PMI"

  public var description: String { rawValue }
}

/// Where the processes of a run find each other.
public enum MeetingPoint: Hashable, Sendable, CustomStringConvertible {
  /// A key-value store at a host's port. It is served by rank 0, or by the launcher's agent, of
  /// which all ranks are then clients.
  case tcp(host: String, port: Int, servedByAgent: Bool = false)
  /// A file of one host, which all ranks can open.
  case file(String)

  public var description: String {
    switch self {
    case .tcp(let host, let port, _): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    case .file(let path): path
    }
  }
}
