public import Datasets
import FileSystem
public import Figures
import Foundation
public import Imaging
import MaskedAutoencoders
import Runs

/// Folders that label maps and overlays of pictures are written to, one file a picture, called as
/// the picture is.
public struct SegmentationFolder {
  /// Pictures that were written.
  public private(set) var count = 0
  private let model: LoadedSegmenter
  private let labels: String?
  private let overlays: String?
  private let format: FigureFormat
  private let palette: LabelPalette?
  private let overwrite: Bool
  private var names: [String: String] = [:]

  /// Names folders, which are made with the first picture.
  ///
  /// - Parameters:
  ///   - labels: For label maps, with the numbers of the set that was learned from; nil for none.
  ///   - overlays: For pictures to look at; nil for none.
  ///   - format: What those are written as.
  ///   - palette: The colours of label maps for programs that show them; nil for gray levels.
  ///   - overwrite: Whether files that are there may be replaced.
  public init(
    _ model: LoadedSegmenter, labels: String?, overlays: String?, format: FigureFormat = .png,
    palette: LabelPalette? = nil, overwrite: Bool = false
  ) {
    self.model = model
    self.palette = palette
    self.labels = labels
    self.overlays = overlays
    self.format = format
    self.overwrite = overwrite
  }

  /// Segments a picture and writes what is asked for.
  ///
  /// - Parameter name: The picture's path or name; its last step without the extension names the
  ///   files.
  /// - Throws: ``/Runs/RunFailure`` where another picture has that name, a file is there, or the
  ///   scores are not finite; `FileError`, `ImageError`.
  public mutating func write(_ picture: ByteImage, named name: String) throws {
    try write(model.shown(.pixels(picture)), named: name)
  }

  /// The same of a picture or a raster.
  package mutating func write(_ picture: WholeImage, named name: String) throws {
    let stem = name.lastNameStem.isEmpty ? "picture" : name.lastNameStem
    if let other = names.updateValue(name, forKey: stem) {
      throw RunFailure(
        .refusedOutput,
        "\(name) and \(other) would both be written to \(stem).png; segment them into two folders")
    }
    let targets = [
      labels.map { "\($0)/\(stem).png" }, overlays.map { "\($0)/\(stem).\(format.pathExtension)" },
    ]
    for target in targets.compactMap(\.self) where !overwrite {
      guard !exists(target) else {
        throw RunFailure(
          .refusedOutput, "\(target) exists; replace it by --overwrite or name another folder")
      }
    }
    let result = try model.segment([picture]) { _ in name }[0]
    if let target = targets[0], let numbering = model.description.segmenter?.numbering {
      try Self.write(
        numbering.stored(result).encodedAsPNG(palette: palette?.bytes ?? []), to: target)
    }
    if let target = targets[1] {
      let drawn = LabelOverlay.drawing(picture.shown, result, names: model.classNames)
      try drawn.write(to: target)
    }
    count += 1
  }

  /// What was written, a line each.
  public var lines: [String] {
    [
      labels.map { "wrote \(count) label maps to \($0)" },
      overlays.map { "wrote \(count) overlays to \($0)" },
    ].compactMap(\.self)
  }

  private static func write(_ bytes: [UInt8], to path: String) throws {
    try makeFolder(above: path)
    try replaceFile(at: path) { (file) throws(FileError) in try file.write(bytes) }
  }
}
