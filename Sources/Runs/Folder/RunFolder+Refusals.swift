import FileSystem
import MaskedAutoencoders
import Torch

/// What keeps a run from being written into a folder. Nothing is changed by looking.
extension RunFolder {
  /// Refuses to resume a run of another kind, or from another encoder, and to replace a run of
  /// another kind.
  public static func requireSameKind(
    at path: String, _ opening: Opening, as kind: RunKind
  ) throws {
    guard opening != .new, let held = try RunKind.read(path) else { return }
    let obstacle =
      opening == .resume
      ? held.obstacle(toResuming: path, as: kind)
      : held.obstacle(toReplacing: path, by: kind)
    if let obstacle { throw RunFailure(.refusedOutput, obstacle) }
  }

  /// Refuses a folder inside the images, which would become images itself, and one that is to be
  /// replaced and holds what the run reads.
  ///
  /// - Parameters:
  ///   - models: Run folders, checkpoints and files that the run starts from.
  ///   - images: Sets that it is trained or validated on.
  package static func requireApart(
    _ path: String, _ opening: Opening, models: [String] = [], images: [String] = []
  ) throws {
    let out = canonicalPath(path)
    for set in images where isFolder(set) && canonicalPath(set).holds(out) {
      throw RunFailure(
        .refusedOutput,
        "\(path) is inside \(set), whose images are learned from, and a run writes pictures; name a "
          + "folder outside of it with --out")
    }
    guard opening == .overwrite else { return }
    for input in models + images where !input.contains("://") {
      let (folder, name) = input.folderAndName
      let places = [canonicalPath(input), canonicalPath(folder) + "/" + name]
      guard places.contains(where: out.holds) else { continue }
      let holds = canonicalPath(input) == out ? "is what" : "holds \(input), which"
      throw RunFailure(
        .refusedOutput,
        "\(path) \(holds) this run reads, so it is not overwritten; name another folder with --out")
    }
  }
}
