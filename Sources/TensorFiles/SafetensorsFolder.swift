public import FileSystem
public import Torch

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// Named tensors in one safetensors file or in the several that an index lists, as Hugging Face
/// publishes large models.
public struct SafetensorsFolder: Sendable {
  /// The file or folder as it was named.
  public let path: String
  /// The files, one where the model is not split.
  public let files: [SafetensorsFile]
  private let owners: [String: Int]

  /// Opens `path` itself where it is a file; in a folder, `model.safetensors` or the files that
  /// `model.safetensors.index.json` lists.
  ///
  /// - Throws: ``/FileSystem/FileError`` when nothing of that kind is there, or a file breaks its
  ///   format.
  public init(_ path: String) throws(FileError) {
    self.path = path
    if isFolder(path) {
      let single = path + "/model.safetensors"
      let index = single + ".index.json"
      if isFile(single) {
        files = [try SafetensorsFile(single)]
      } else if isFile(index) {
        files = try Self.shards(of: index, in: path)
      } else {
        throw FileError(
          path: path, kind: .unreadable,
          message: "holds neither model.safetensors nor model.safetensors.index.json")
      }
    } else {
      files = [try SafetensorsFile(path)]
    }
    var owners: [String: Int] = [:]
    for (i, file) in files.enumerated() {
      for entry in file.entries where owners.updateValue(i, forKey: entry.name) != nil {
        throw .malformed(file.path, "tensor \(entry.name.quoted()) is in another file too")
      }
    }
    self.owners = owners
  }

  /// What the headers say of every tensor.
  public var entries: [SafetensorsFile.Entry] { files.flatMap(\.entries) }

  /// The free text of all headers.
  public var metadata: [String: String] {
    files.reduce(into: [:]) { $0.merge($1.metadata) { first, _ in first } }
  }

  /// A tensor by name.
  public func tensor(_ name: String) throws(FileError) -> Tensor {
    guard let owner = owners[name] else {
      throw .malformed(path, "holds no tensor \(name.quoted()) among its \(owners.count)")
    }
    return try files[owner].tensor(name)
  }

  /// All tensors by name.
  public func tensors() throws(FileError) -> [String: Tensor] {
    var tensors: [String: Tensor] = [:]
    for file in files { tensors.merge(try file.tensors()) { first, _ in first } }
    return tensors
  }

  /// The files of an index, which must hold what it says they hold.
  private static func shards(
    of index: String, in folder: String
  ) throws(FileError) -> [SafetensorsFile] {
    struct Index: Decodable { let weight_map: [String: String] }
    let text = try MappedFile.contents(of: index)
    guard let weights = try? JSONDecoder().decode(Index.self, from: Data(text)).weight_map else {
      throw .malformed(index, "is no index of safetensors files: 'weight_map' is not there")
    }
    var files: [String: SafetensorsFile] = [:]
    for name in Set(weights.values).sorted() {
      guard !name.isEmpty, !name.contains("/"), name != ".." else {
        throw .malformed(index, "names the file \(name.quoted()), which is outside its folder")
      }
      files[name] = try SafetensorsFile(folder + "/" + name)
    }
    for (tensor, name) in weights where files[name]?.entry(tensor) == nil {
      throw .malformed(index, "tensor \(tensor.quoted()) is not in \(name), where it should be")
    }
    return files.sorted { $0.key < $1.key }.map(\.value)
  }
}
