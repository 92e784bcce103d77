import ArgumentParser
import DataParallel
import FileSystem
import Foundation
import RecipeSyntax
import Torch

/// The same command as several processes of this machine.
struct LaunchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "launch",
    abstract: "Run a command as several processes of this machine, one for each GPU.",
    discussion: """
      COMMAND is a command of mae, written without its first word or with it, or any other program. \
      The number of processes is no part of a run: it computes the same with one and with eight, \
      and --resume goes on with another number.

      Examples:
        mae launch --processes 2 pretrain photos/ --out runs/first
        mae launch --restarts 3 pretrain photos/ --out runs/first --resume
        mae launch --processes 2 -- mae evaluate runs/first flowers/

      What rank 0 writes is shown as it is, lines of the others begin with [rank 1]. Ctrl-C reaches \
      each process once. The first process that fails ends the others, and its status is that of \
      mae launch: 75 where another process was lost, 128 + n for signal n. Only these two are \
      restarted, a training run then with --resume.

      On several machines use torchrun, srun, mpirun or Kubernetes, which mae understands: see \
      Documentation/ManyProcesses.md.
      """)

  @Option(
    help: ArgumentHelp(
      "How many, or auto: one for each GPU, one where there is none.", valueName: "number"),
    transform: ProcessCount.init(argument:))
  var processes = ProcessCount.auto

  @Option(help: "How often to start again when a process was lost.")
  var restarts = 0

  @Option(
    help: ArgumentHelp(
      "How long the others may take to end by themselves once one has failed.",
      valueName: "seconds"))
  var grace = 10.0

  @Option(
    help: ArgumentHelp(
      "How long they may take after SIGTERM, before they are killed.", valueName: "seconds"))
  var killAfter = 60.0

  @Argument(
    parsing: .captureForPassthrough,
    help: ArgumentHelp("What to run, with its arguments.", valueName: "command"))
  var command: [String] = []

  /// The words of the command without the `--` that may stand before them.
  private var words: [String] { Array(command.first == "--" ? command.dropFirst() : command[...]) }

  func validate() throws {
    // Whatever is no option of this command belongs to the command that is run, `--help` too.
    if let first = command.first, first.hasPrefix("-"), first != "--" {
      if ["--help", "-h"].contains(first) { throw CleanExit.helpRequest(self) }
      throw ValidationError("unknown option \(first); options of the command stand behind it")
    }
    if words.isEmpty {
      throw ValidationError("no command is given; expected one such as pretrain photos/ --out RUN")
    }
    if !(0...10_000).contains(restarts) {
      throw ValidationError("--restarts is \(restarts); expected 0 to 10000")
    }
    for (name, seconds) in [("grace", grace), ("kill-after", killAfter)]
    where !(0...86_400).contains(seconds) {
      throw ValidationError("--\(name) is \(seconds); expected 0 to 86400 seconds")
    }
    let launched = try LaunchedCommand(words, commands: MAE.commandNames, program: "mae")
    if launched.isLaunch { throw ValidationError("mae launch does not launch itself") }
    if restarts > 0, launched.trains, words.contains("--overwrite") {
      throw ValidationError(
        "--restarts and --overwrite exclude each other: a restart resumes the run that is there. "
          + "Name another folder with --out, or remove the old run first")
    }
  }

  func run() throws {
    let environment = ProcessInfo.processInfo.environment
    if let outer = try Launch.from(environment: environment) {
      throw LaunchError(
        "this is one of \(outer.ranks) processes that \(outer.launcher) started; let \(outer.launcher) "
          + "start mae itself, once for each GPU, without mae launch")
    }
    let launched = try LaunchedCommand(
      words, commands: MAE.commandNames,
      program: Bundle.main.executablePath ?? CommandLine.arguments[0])
    let count: Int
    switch processes {
    case .number(let number): count = number
    case .auto:
      try Engine.load()
      count = max(1, Device.count(.cuda))
    }
    let ranks = LocalRanks(
      launched.command, restartCommand: launched.restartCommand, processes: count,
      restarts: restarts, grace: .seconds(grace), killAfter: .seconds(killAfter))
    let status = try ranks.run(environment: environment) { warn("launch: \($0)") }
    if status != 0 { throw ExitCode(status) }
  }
}

/// A number of processes on one machine.
enum ProcessCount: CustomStringConvertible {
  case auto
  case number(Int)

  init(argument: String) throws {
    if argument == "auto" {
      self = .auto
    } else if let number = Int(argument), (1...1024).contains(number) {
      self = .number(number)
    } else {
      throw ValidationError("expected auto or 1 to 1024")
    }
  }

  var description: String {
    switch self {
    case .auto: "auto"
    case .number(let number): "\(number)"
    }
  }
}

/// What is run by `mae launch`: a command of this program, or another program.
struct LaunchedCommand {
  private static let training = ["pretrain", "finetune", "scratch"]

  /// The program and its arguments.
  let command: [String]
  /// The same for a restart: a training run is resumed.
  let restartCommand: [String]
  /// Whether a run folder comes of it.
  let trains: Bool
  /// Whether it would be a launcher again.
  let isLaunch: Bool

  /// Reads the words of a command line.
  ///
  /// A first word that is a command of `mae` means this program, and so does `mae` before one; what
  /// has a slash in its name is a path, and all else a program in `PATH`.
  ///
  /// - Parameters:
  ///   - commands: The names of `mae`'s commands.
  ///   - program: The path of this program.
  init(_ words: [String], commands: [String], program: String) throws {
    var own = words[...]
    if own.first == "mae" { own = own.dropFirst() }
    guard let name = own.first, commands.contains(name) else {
      if words.first == "mae" {
        let meant = own.first.flatMap { nearestName(to: $0, among: commands) }
        throw ValidationError(
          (own.first.map { "there is no command '\($0)'" } ?? "no command is given after mae")
            + (meant.map { "; did you mean \($0)?" } ?? "; see mae --help"))
      }
      command = words
      restartCommand = words
      trains = false
      isLaunch = false
      return
    }
    trains = Self.training.contains(name)
    isLaunch = name == "launch"
    command = [program] + own
    restartCommand =
      trains && !own.contains("--resume")
      ? [program, name, "--resume"] + own.dropFirst() : command
  }
}
