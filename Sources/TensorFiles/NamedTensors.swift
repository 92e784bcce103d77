public import FileSystem
public import Torch

/// Named tensors of a file of any format that is read here.
public struct NamedTensors {
  /// The tensors by name.
  public var tensors: [String: Tensor]
  /// Free text that came with them; only safetensors has any.
  public var metadata: [String: String]
  /// What a reader may not expect of where the tensors were found, each as a sentence.
  public private(set) var notes: [String] = []

  /// Reads a safetensors file, a file of `torch.save`, or the model in a folder of Hugging Face's:
  /// `model.safetensors`, the files of its index, or `pytorch_model.bin`.
  ///
  /// The format is told from the first bytes, not from the name.
  ///
  /// - Parameter key: Under which key of a file of `torch.save` the tensors are, see
  ///   ``PyTorchFile``.
  public init(_ path: String, key: String? = nil) throws(FileError) {
    let pickled = path + "/pytorch_model.bin"
    let hasSafetensors = ["", ".index.json"].contains { isFile(path + "/model.safetensors" + $0) }
    if isFolder(path), !hasSafetensors, isFile(pickled) {
      let file = try PyTorchFile(pickled, key: key)
      (tensors, metadata) = (try file.tensors(), [:])
      notes = [file.keyNote].compactMap(\.self)
    } else if !isFolder(path), try Self.isPickled(path) {
      let file = try PyTorchFile(path, key: key)
      (tensors, metadata) = (try file.tensors(), [:])
      notes = [file.keyNote].compactMap(\.self)
    } else {
      let folder = try SafetensorsFolder(path)
      if let key {
        throw .malformed(
          path,
          "is safetensors, which has no keys (--key \(key)); choose names by what they begin with: "
            + "--prefix")
      }
      (tensors, metadata) = (try folder.tensors(), folder.metadata)
    }
  }

  /// Whether a file begins as a zip file or a pickle does. So may the length at the beginning of a
  /// safetensors file, whose ninth byte is then a brace.
  private static func isPickled(_ path: String) throws(FileError) -> Bool {
    let start = try MappedFile(path).withBytes { Array($0.prefix(9)) }
    if start.count == 9, start[8] == UInt8(ascii: "{") { return false }
    return start.starts(with: [0x50, 0x4b]) || start.first == 0x80
  }
}
