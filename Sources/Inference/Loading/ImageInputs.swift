public import Datasets
import FileSystem
import Foundation
public import Imaging
import MaskedAutoencoders
import Torch

/// What the words after a command stand for: image files, folders, lists and other sets, one after
/// the other.
public struct ImageInputs: Sendable {
  /// Some of the images.
  public struct Part: Sendable {
    /// What the part is called in messages.
    public let name: String
    /// The images; their names are paths that lead to them, where they are files.
    public let images: any ImageDataset

    /// Names a set.
    public init(name: String, images: any ImageDataset) {
      self.name = name
      self.images = images
    }
  }

  /// The images, in the order of the words.
  public let parts: [Part]

  /// Number of images.
  public var count: Int { parts.reduce(0) { $0 + $1.images.count } }

  /// The classes of all parts in the order of their first appearance, so that those of a single set
  /// keep their numbers; nil where no part has any.
  public var classes: [String]? {
    let lists = parts.compactMap(\.images.classes)
    guard var all = lists.first else { return nil }
    var known = Set(all)
    for name in lists.dropFirst().joined() where known.insert(name).inserted { all.append(name) }
    return all
  }

  /// Takes what is open already.
  public init(_ parts: [Part]) { self.parts = parts }

  /// Opens what is at each path.
  ///
  /// - A file that is an image, or is called like one.
  /// - A folder: all images in it and below it. Divided sets have parts for those who name a split.
  /// - Whatever else `openDataset` reads, a text list of paths among it; both parts of a divided
  ///   set one after the other, unless a split is named.
  ///
  /// - Throws: `DatasetError` where nothing is at a path, or nothing that can be read.
  public init(_ paths: [String], split: DatasetSplit? = nil) throws(DatasetError) {
    var parts: [Part] = []
    var files: [String] = []
    func closeFiles() {
      guard !files.isEmpty else { return }
      let name = files.count == 1 ? files[0].shownPath : "\(files.count) files"
      parts.append(Part(name: name, images: ImageFiles(paths: files)))
      files = []
    }
    for word in paths {
      let path = try PathWords.path(word)
      let matches = PathWords.matches(path)
      if Self.isImageFile(path) {
        files.append(path)
      } else if !matches.isEmpty, matches.allSatisfy(Self.isImageFile) {
        files += matches
      } else {
        closeFiles()
        parts += try Self.open(path, split)
      }
    }
    closeFiles()
    self.parts = parts
  }

  private static func isImageFile(_ path: String) -> Bool {
    guard PathKind(path) == .file else { return false }
    let suffix = splitPath(path).name.split(separator: ".").dropFirst().last ?? ""
    return ImageFormat.allExtensions.contains(suffix.lowercased())
      || ImageFileDataset(path: path) != nil
  }

  private static func open(
    _ path: String, _ split: DatasetSplit?
  ) throws(DatasetError) -> [Part] {
    if let split { return [part(path, try openDataset(at: path, split: split))] }
    if let images = try FolderDataset(allImagesBelow: path) { return [part(path, images)] }
    let training = part(path, try openDataset(at: path))
    do throws(DatasetError) {
      return [training, part(path, try openDataset(at: path, split: .validation))]
    } catch {
      guard error.kind == .missingSplit else { throw error }
      return [training]
    }
  }

  private static func part(_ name: String, _ images: any ImageDataset) -> Part {
    let folder: String? =
      switch images {
      case let images as FolderDataset: images.path
      case let images as ListDataset: splitPath(images.path).folder
      default: nil
      }
    guard let folder, folder != "." else { return Part(name: name.shownPath, images: images) }
    return Part(
      name: name.shownPath, images: ImagesBelow(folder: folder.shownPath, images: images))
  }
}

/// Files by their paths, as one set.
public struct ImageFiles: ImageDataset {
  private let paths: StringTable

  /// Takes paths as they are; whether something is there shows when an image is read.
  public init(paths: some Sequence<String>) { self.paths = StringTable(paths) }

  init(packed paths: StringTable) { self.paths = paths }

  public var count: Int { paths.count }
  public var classes: [String]? { nil }
  public func label(of index: Int) -> Int? { nil }
  /// The path; bytes that are no text as `\xe9`.
  public func name(of index: Int) -> String { paths[index].shownPath }
  public func content(of index: Int) throws(ImageError) -> ImageContent {
    .encoded(try EncodedImage(path: paths[index]))
  }
}

/// One image file's bytes that came from somewhere else, such as standard input.
public struct ImageBytes: ImageDataset {
  private let bytes: [UInt8]
  private let name: String

  /// Takes a file's content; whether it is an image shows when it is read.
  public init(_ bytes: [UInt8], name: String) {
    self.bytes = bytes
    self.name = name
  }

  public var count: Int { 1 }
  public var classes: [String]? { nil }
  public func label(of index: Int) -> Int? { nil }
  public func name(of index: Int) -> String { name }
  public func content(of index: Int) throws(ImageError) -> ImageContent {
    .encoded(try EncodedImage(bytes: bytes))
  }
}

/// Decoded images in memory.
public struct DecodedImages: ImageDataset {
  private let images: [ByteImage]

  /// Takes images, which are called by their numbers.
  public init(_ images: [ByteImage]) { self.images = images }

  public var count: Int { images.count }
  public var classes: [String]? { nil }
  public func label(of index: Int) -> Int? { nil }
  public func name(of index: Int) -> String { "image \(index)" }
  public func content(of index: Int) -> ImageContent { .pixels(images[index]) }
}

/// A set whose names are paths below a folder, with names that lead there.
private struct ImagesBelow: ImageDataset {
  let folder: String
  let images: any ImageDataset

  var count: Int { images.count }
  var classes: [String]? { images.classes }
  var labelProblem: DatasetError? { images.labelProblem }
  var notes: [String] { images.notes }
  func label(of index: Int) -> Int? { images.label(of: index) }
  func name(of index: Int) -> String {
    let name = images.name(of: index)
    if name.hasPrefix("/") { return name }
    return folder.hasSuffix("/") ? folder + name : folder + "/" + name
  }
  func content(of index: Int) throws(ImageError) -> ImageContent {
    try images.content(of: index)
  }
}
