public import FileSystem
public import Torch

/// The tensors of a `.pth` or `.bin` file that `torch.save` of PyTorch 1.6 or later wrote.
///
/// Such a file is a zip file of raw storages and a pickle, a program that builds Python objects.
/// Here that program builds nothing but tensors, dictionaries, lists, tuples, numbers and text. It
/// can call no function: a file that asks for any but the few that tensors need is refused with its
/// name.
///
/// ```swift
/// let weights = try PyTorchFile("mae_pretrain_vit_base.pth").tensors()
/// ```
public struct PyTorchFile: Sendable {
  /// The file as it was named.
  public let path: String
  /// Under which key of the file's dictionary the tensors were found; nil at the top.
  public let key: String?
  /// Other keys of the file under which there are tensors.
  public let otherKeys: [String]
  /// Keys of the same dictionary that hold no tensors, in the file's order.
  public let others: [String]
  /// Names of the tensors, in the file's order.
  public let names: [String]

  private let specs: [String: PickledTensor]
  private let storages: [String: Range<Int>]
  private let archive: ZipArchive

  /// Keys under which checkpoints keep their weights, the first of which comes before any other.
  public static let stateKeys = ["model", "state_dict", "model_state"]

  /// Opens a file and reads what it says of its tensors.
  ///
  /// The tensors are those of the dictionary under the first of ``stateKeys`` that has any, else
  /// those of the file's dictionary itself, else those under the only other key that has any.
  ///
  /// - Parameter wanted: The key under which the tensors are, words after one another with dots
  ///   where dictionaries are nested; nil for what is said above.
  /// - Throws: ``/FileSystem/FileError`` when the file is missing, broken, of the format before
  ///   PyTorch 1.6, or asks for anything but tensors and plain containers.
  public init(_ path: String, key wanted: String? = nil) throws(FileError) {
    let file = try MappedFile(path)
    try Self.checkFormat(file)
    self.path = path
    do {
      archive = try ZipArchive(file)
    } catch {
      // The program's text in such an archive is compressed, which no file of weights is.
      throw error.message.contains("/code/") ? .malformed(path, Self.torchScript) : error
    }
    if archive.entries.keys.contains(where: { $0.hasSuffix("/constants.pkl") }) {
      throw .malformed(path, Self.torchScript)
    }
    let pickles = archive.entries.keys.filter { $0.hasSuffix("/data.pkl") }
    guard let name = pickles.first, pickles.count == 1, let range = archive.entries[name] else {
      throw .malformed(path, "is a zip file, but none of PyTorch's: it has no data.pkl")
    }
    let prefix = name.dropLast("data.pkl".count)
    guard range.count <= Pickle.limit else {
      throw .malformed(
        path, "describes its tensors in \(range.count) bytes; at most \(Pickle.limit) are read")
    }
    if let order = archive.entries[prefix + "byteorder"],
      file.withBytes({ !$0[order].elementsEqual("little".utf8) })
    {
      throw .malformed(path, "was written on a big-endian machine, which is not supported")
    }
    let program = file.withBytes { Array($0[range]) }
    var pickle = Pickle(program)
    let root: Pickle.Value
    do {
      root = try pickle.run()
    } catch {
      throw .malformed(path, error.message + (error.isForeign ? Self.cleaning : ""))
    }
    var states = pickle.states(in: root)
    // Weights have names with dots; a generator's state beside them has not.
    let layered = states.filter { $0.tensors.contains { $0.name.contains(".") } }
    if !layered.isEmpty, wanted == nil { states = layered }
    let state = try Self.chosen(among: states, key: wanted, path)
    key = state.key
    otherKeys = states.map(\.key).filter { $0 != state.key }.compactMap(\.self)
    names = state.tensors.map(\.name)
    others = state.others
    specs = Dictionary(state.tensors.map { ($0.name, $0.tensor) }, uniquingKeysWith: { $1 })
    var storages: [String: Range<Int>] = [:]
    for (_, tensor) in state.tensors {
      let storage = tensor.storage
      guard let range = archive.entries["\(prefix)data/\(storage.key)"] else {
        throw .malformed(path, "is cut short: its storage \(storage.key.quoted()) is missing")
      }
      let (bytes, overflow) = storage.count.multipliedReportingOverflow(by: storage.dtype.size)
      guard !overflow, bytes == range.count else {
        throw .malformed(
          path,
          "its storage \(storage.key.quoted()) has \(range.count) bytes; \(storage.count) "
            + "elements of type \(storage.dtype) are expected")
      }
      storages[storage.key] = range
    }
    self.storages = storages
  }

  /// How to make a file of weights alone of one that holds more, where it can be trusted.
  private static let cleaning =
    ". Where you trust the file, write its weights alone with PyTorch: s = torch.load('old.pth', "
    + "map_location='cpu', weights_only=False); torch.save(s['model'], 'new.pth'), or "
    + "s.state_dict() where it is a whole model"

  private static let torchScript =
    "is a TorchScript archive (torch.jit.save), which is a program with its weights. Write the "
    + "weights alone with PyTorch: torch.save(torch.jit.load('model.pt', "
    + "map_location='cpu').state_dict(), 'weights.pth')"

  /// The dictionary of tensors that is meant.
  private static func chosen(
    among states: [Pickle.State], key wanted: String?, _ path: String
  ) throws(FileError) -> Pickle.State {
    let keys = states.compactMap(\.key).map { $0.quoted() }
    if let wanted {
      if let state = states.first(where: { $0.key == wanted }) { return state }
      throw .malformed(
        path,
        "holds no dictionary of tensors under \(wanted.quoted()) (--key); "
          + (keys.isEmpty ? "it has none under any" : "there are some under \(list(keys))"))
    }
    for key in stateKeys {
      if let state = states.first(where: { $0.key == key }) { return state }
    }
    if let state = states.first(where: { $0.key == nil }) { return state }
    guard let state = states.first else {
      throw .malformed(
        path,
        "holds no dictionary of tensors, neither at its top nor under a key such as "
          + stateKeys.map { $0.quoted() }.joined(separator: ", "))
    }
    guard states.count == 1 else {
      throw .malformed(
        path, "holds tensors under the keys \(list(keys)); choose one with --key")
    }
    return state
  }

  private static func list(_ keys: [String]) -> String {
    let shown = keys.prefix(8).joined(separator: ", ")
    return keys.count > 8 ? "\(shown) and \(keys.count - 8) more" : shown
  }

  /// What a reader may not expect of ``key``: another than those that are customary, or one beside
  /// others. A sentence without a full stop; nil where there is nothing to say.
  public var keyNote: String? {
    let others = Self.list(otherKeys.map { $0.quoted() })
    let place = key.map { "under the key \($0.quoted())" } ?? "at the top of the file"
    if !otherKeys.isEmpty {
      return "the weights are those \(place); there are others under \(others) (--key)"
    }
    return key.map { Self.stateKeys.contains($0) } ?? true ? nil : "the weights are those \(place)"
  }

  /// A tensor by name, over the mapped bytes and with the strides it was saved with.
  public func tensor(_ name: String) throws(FileError) -> Tensor {
    var cache: [PickledStorage: Tensor] = [:]
    return try tensor(name, &cache)
  }

  /// All tensors by name; those that shared their memory when they were saved share it here.
  public func tensors() throws(FileError) -> [String: Tensor] {
    var cache: [PickledStorage: Tensor] = [:]
    var tensors: [String: Tensor] = [:]
    for name in names { tensors[name] = try tensor(name, &cache) }
    return tensors
  }

  private func tensor(
    _ name: String, _ cache: inout [PickledStorage: Tensor]
  ) throws(FileError) -> Tensor {
    guard let spec = specs[name], let range = storages[spec.storage.key] else {
      throw .malformed(path, "holds no tensor \(name.quoted()) among its \(names.count)")
    }
    let storage = spec.storage
    let whole: Tensor
    if let known = cache[storage] {
      whole = known
    } else {
      whole = try archive.file.tensor(range, shape: [storage.count], dtype: storage.dtype)
      cache[storage] = whole
    }
    do {
      return try Ops.asStrided.attempt(whole, spec.shape, spec.strides, spec.offset)
    } catch {
      throw .malformed(path, "tensor \(name.quoted()): \(error.message)")
    }
  }

  private enum Ops {
    static let asStrided = Op("as_strided")
  }

  /// Says what a file is that is no zip file.
  private static func checkFormat(_ file: MappedFile) throws(FileError) {
    let start = file.withBytes { Array($0.prefix(2)) }
    if start == [0x50, 0x4b] { return }
    if start.first == 0x80 {
      throw .malformed(
        file.path,
        "is in PyTorch's format from before version 1.6, or a plain pickle. Convert it "
          + "with PyTorch: torch.save(torch.load('old.pth', weights_only=True), 'new.pth')")
    }
    throw .malformed(file.path, "is not a file that torch.save wrote: it is no zip file")
  }
}
