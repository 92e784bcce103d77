import FileSystem
public import Imaging

/// Pictures in a folder, and in another the PNG files with the label of each of their pixels: numbers
/// in a palette or gray levels of 8 or 16 bits, or colours of a class table.
///
/// A picture and its labels have the same path below the two folders, but for the extension.
public struct LabelMapFolder: LabelMapDataset {
  /// The folder of the label maps.
  public let labelFolder: String
  public let numbering: LabelNumbering
  public let notes: [String]
  private let pictureFolder: String
  private let pictures: StringTable
  private let maps: StringTable
  private let ignoredColors: [UInt32]
  private let limits: ImageLimits

  /// Lists two folders.
  ///
  /// - Parameters:
  ///   - numbering: the classes, and their numbers or colours in the files.
  /// - Throws: `DatasetError` where a picture has no labels, or fewer than two have.
  public init(
    pictures folder: String, labels labelFolder: String, numbering: LabelNumbering,
    limits: ImageLimits = .standard
  ) throws(DatasetError) {
    try self.init(
      pictures: folder, labels: labelFolder, numbering: numbering, ignoredColors: [],
      limits: limits)
  }

  init(
    pictures folder: String, labels labelFolder: String, numbering: LabelNumbering,
    ignoredColors: [UInt32], limits: ImageLimits, atLeast least: Int = 2
  ) throws(DatasetError) {
    let listing = try FolderListing(folder)
    guard !listing.images.isEmpty else {
      throw DatasetError(.empty, path: folder, listing.whyEmpty)
    }
    let maps = try FolderListing(labelFolder)
    var places: [ExactName: Int] = [:]
    for (place, name) in maps.images.enumerated() {
      guard places.updateValue(place, forKey: ExactName(Self.stem(name))) == nil else {
        throw DatasetError(
          .malformed, path: labelFolder,
          "has two label maps called \(Self.stem(name).shownPath) with different extensions; keep one"
        )
      }
    }
    var (kept, keptMaps, missing): ([String], [String], [String]) = ([], [], [])
    for name in listing.images {
      if let place = places[ExactName(Self.stem(name))] {
        kept.append(name)
        keptMaps.append(maps.images[place])
      } else {
        missing.append(name)
      }
    }
    guard missing.isEmpty else {
      throw DatasetError(
        .malformed, path: labelFolder,
        "has no label map for \(missing.count) of \(listing.images.count) pictures of "
          + "\(folder.shownPath) (\(firstFew(missing))); add them (same name, .png), or take the "
          + "pictures out")
    }
    guard kept.count >= least else {
      throw DatasetError(
        .malformed, path: folder, "has \(kept.count) picture with labels; expected at least 2")
    }
    pictureFolder = folder
    self.labelFolder = labelFolder
    self.numbering = numbering
    self.ignoredColors = ignoredColors
    self.limits = limits
    pictures = StringTable(kept)
    self.maps = StringTable(keptMaps)
    var notes = listing.notes
    let unused = maps.images.count - kept.count
    if unused > 0 { notes.append("\(counted(unused, "label map")) without a picture") }
    self.notes = notes
  }

  /// A path without what follows the last full stop of its name.
  static func stem(_ path: String) -> String {
    let name = fileExtension(path)
    return name.isEmpty ? path : String(path.dropLast(name.count + 1))
  }

  public var count: Int { pictures.count }
  public func name(of index: Int) -> String { pictures[index].shownPath }
  public func content(of index: Int) throws(ImageError) -> ImageContent {
    .encoded(try EncodedImage(path: joined(pictureFolder, pictures[index]), limits: limits))
  }

  public func storedLabels(of index: Int) throws(ImageError) -> LabelMap.Stored? {
    try LabelMap.stored(in: labelFile(of: index))
  }

  private func labelFile(of index: Int) throws(ImageError) -> EncodedImage {
    try EncodedImage(path: joined(labelFolder, maps[index]), limits: limits)
  }

  public func labelMap(of index: Int) throws(ImageError) -> LabelMap {
    let file = try labelFile(of: index)
    try check(file, of: index)
    do throws(ImageError) {
      if numbering.hasColors, file.storedChannels == 3, file.bytes.count > 25, file.bytes[25] != 3 {
        return try numbering.classes(ofColors: file.decoded(channels: 3), ignored: ignoredColors)
      }
      return try numbering.classes(of: LabelMap.stored(in: file))
    } catch {
      throw ImageError(error.kind, name: error.name ?? file.name, error.reason)
    }
  }

  /// Checks that a label map has its picture's size. That of an array depends on which axis holds its
  /// channels: who reads it compares.
  private func check(_ file: EncodedImage, of index: Int) throws(ImageError) {
    guard case .encoded(let picture) = try content(of: index), picture.format != .npy,
      picture.size != file.size
    else {
      return
    }
    let isTurned = picture.orientation != .upright && file.size == picture.storedSize
    throw ImageError(
      .corrupt, name: file.name,
      "has \(file.size) pixels; its picture \(pictures[index].shownPath) has \(picture.size)"
        + (isTurned
          ? " once it is turned upright as its EXIF says: save the picture as it is shown, or turn "
            + "the label map"
          : ": write both at one size"))
  }
}
