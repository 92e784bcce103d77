import FileSystem
public import Imaging

/// A numbered set of images, some with a class.
///
/// Every conformance passes `checkImageDataset` of the tests: the same answers at every call and
/// from every thread, labels inside the classes, names that differ.
public protocol ImageDataset: Sendable {
  /// Number of images.
  var count: Int { get }
  /// The classes' names in the order of their numbers; nil where the images have none.
  var classes: [String]? { get }
  /// The class of an image; nil where there are no classes.
  func label(of index: Int) -> Int?
  /// What to call an image in messages: its path, or the file it is in and its number there.
  func name(of index: Int) -> String
  /// How the images lie in storage; one run unless the set says otherwise.
  var layout: DatasetLayout { get }
  /// What is wrong with the classes of a set whose images can be used without them; ``classes`` is
  /// nil then.
  var labelProblem: DatasetError? { get }
  /// What lies at the set's path and is not used, a sentence each, for people.
  var notes: [String] { get }
  /// The image, still encoded where the set holds files. May block on input.
  func content(of index: Int) throws(ImageError) -> ImageContent
}

extension ImageDataset {
  /// Nothing is left out.
  public var notes: [String] { [] }

  /// Nothing is wrong.
  public var labelProblem: DatasetError? { nil }

  /// Checks that every image has a class, for those who learn or count by classes.
  ///
  /// - Parameter path: what the set is called in messages.
  /// - Throws: `DatasetError` where the classes cannot be used or an image has none. A set without
  ///   any classes passes.
  /// - Complexity: O(`count`)
  public func checkLabels(path: String) throws(DatasetError) {
    if let labelProblem { throw labelProblem }
    guard classes != nil else { return }
    var missing: [Int] = []
    for index in 0..<count where label(of: index) == nil { missing.append(index) }
    guard let first = missing.first else { return }
    throw DatasetError(
      .malformed, path: path,
      "gives no class to \(missing.count) of its \(count) images (first \(name(of: first))); give one "
        + "to every image")
  }

  /// Decodes an image as a model takes it and throws what is wrong with it.
  ///
  /// - Parameters:
  ///   - channels: Channels of the model.
  ///   - raster: How images are read as rasters; nil for pictures.
  package func check(
    _ index: Int, of channels: Int, raster: RasterSettings?
  ) throws(ImageError) {
    guard let raster else {
      _ = try image(at: index, channels: channels)
      return
    }
    do throws(ImageError) {
      _ = try content(of: index).filledRaster(raster, channels: channels)
    } catch {
      throw ImageError(error.kind, name: error.name ?? name(of: index), error.reason)
    }
  }

  /// The whole image with 1 or 3 channels.
  public func image(at index: Int, channels: Int = 3) throws(ImageError) -> ByteImage {
    do throws(ImageError) {
      return try content(of: index).image(channels: channels)
    } catch {
      throw ImageError(error.kind, name: error.name ?? name(of: index), error.reason)
    }
  }
}

/// A set that may keep what of it is read on this machine.
protocol PartlyReadDataset: ImageDataset {
  /// Says that only some images are going to be read, so that these are kept and no others.
  ///
  /// - Parameter processes: how many on this host keep parts of their own in one place.
  func expectReading(_ images: [Range<Int>], processes: Int)
}

/// A set to whose notes more can be added.
protocol NotedDataset: ImageDataset {
  var notes: [String] { get set }
}

/// Which part of a set that has been divided by its makers.
public enum DatasetSplit: String, CaseIterable, Codable, Hashable, Sendable {
  /// What a model learns from: a subfolder `train`, or the files `train-…` of an IDX folder. A set
  /// that is not divided is training data as a whole.
  case training
  /// What it is validated on: a subfolder `val`, `valid`, `validation`, `dev` or `test`, or
  /// `t10k-…`.
  case validation
}

/// Why a set of images cannot be used; one line that says what was found and what to do.
public struct DatasetError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What kind of failure it was.
  public enum Kind: String, Hashable, Sendable {
    /// There is nothing at the path.
    case missing
    /// The set is not divided, or lacks the part asked for.
    case missingSplit
    /// There is something, and it holds no images.
    case empty
    /// There is something that is none of the kinds of set that are read, or is damaged.
    case malformed
    /// Too many of its images could not be decoded.
    case tooManyBroken
    /// It exists and cannot be read.
    case unreadable
  }

  /// What kind of failure it was.
  public var kind: Kind
  /// The path of the set.
  public var path: String
  /// What was found, what was expected and what to do.
  public var reason: String

  /// Creates an error.
  public init(_ kind: Kind, path: String, _ reason: String) {
    self.kind = kind
    self.path = path.shownPath
    self.reason = reason.shownPath
  }

  /// The path and the reason.
  public var description: String { "\(path): \(reason)".oneLine }
}

extension DatasetError {
  /// An image file's error as one of the set it describes.
  init(_ error: ImageError, path: String) {
    let kind: Kind =
      switch error.kind {
      case .missing: .missing
      case .unreadable: .unreadable
      default: .malformed
      }
    self.init(kind, path: path, error.reason)
  }
}

extension DatasetError {
  /// A file's error as one of the set that it belongs to: a full disk is of kind `unreadable`.
  init(_ error: FileError) {
    let kind: Kind =
      switch error.kind {
      case .missing: .missing
      case .malformed, .tooLarge: .malformed
      case .unreadable, .unwritable, .failed: .unreadable
      }
    self.init(kind, path: error.path, error.message)
  }
}
