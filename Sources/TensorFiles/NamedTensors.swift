public import FileSystem
public import Torch

/// Named tensors of a file of any format that is read here.
public struct NamedTensors {
  /// The tensors by name.
  public var tensors: [String: Tensor]
  /// Free text that came with them; only safetensors has any.
  public var metadata: [String: String]

  /// Reads a safetensors file, a file of `torch.save`, or the model in a folder of Hugging Face's:
  /// `model.safetensors`, the files of its index, or `pytorch_model.bin`.
  ///
  /// The format is told from the first bytes, not from the name.
  public init(_ path: String) throws(FileError) {
    let pickled = path + "/pytorch_model.bin"
    let hasSafetensors = ["", ".index.json"].contains { isFile(path + "/model.safetensors" + $0) }
    if isFolder(path), !hasSafetensors, isFile(pickled) {
      (tensors, metadata) = (try PyTorchFile(pickled).tensors(), [:])
    } else if !isFolder(path), try Self.isPickled(path) {
      (tensors, metadata) = (try PyTorchFile(path).tensors(), [:])
    } else {
      let folder = try SafetensorsFolder(path)
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
