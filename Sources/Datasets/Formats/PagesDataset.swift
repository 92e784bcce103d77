import Dispatch
public import Imaging
import Synchronization

/// A set of TIFF files of which every page is an image, with the class of its file. Files of one page,
/// or of other formats, are one image each.
///
/// Named by `SET:pages=images`. The directories of all files are read when it is opened, and a file that
/// cannot be read stays one image, a broken one.
public struct PagesDataset: ImageDataset {
  private let base: any ImageDataset
  /// The first image of each file, and one past the last.
  private let starts: [Int]

  /// Counts the pages of a set's files.
  public init(_ base: any ImageDataset) {
    self.base = base
    let counts = Mutex([Int](repeating: 1, count: base.count))
    DispatchQueue.concurrentPerform(iterations: base.count) { index in
      guard case .encoded(let file)? = try? base.content(of: index),
        let pages = try? file.pages().count, pages > 1
      else { return }
      counts.withLock { $0[index] = pages }
    }
    starts = counts.withLock { $0 }.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }
  }

  /// The path and whether a word asks for pages; nil where it does not, or something of that name is
  /// there.
  static func split(_ word: String) throws(DatasetError) -> String? {
    guard let colon = word.firstRange(of: ":pages="), PathKind(word) == .nothing else { return nil }
    let (path, value) = (String(word[..<colon.lowerBound]), word[colon.upperBound...])
    guard value == "images" else {
      throw DatasetError(
        .malformed, path: path,
        "is followed by pages=\(value); expected pages=images, for an image of every page (pages as "
          + "channels are data.raster.pages of a recipe)")
    }
    return path
  }

  private func place(_ index: Int) -> (file: Int, page: Int) {
    var (low, high) = (0, base.count)
    while high - low > 1 {
      let middle = (low + high) / 2
      if starts[middle] <= index { low = middle } else { high = middle }
    }
    return (low, index - starts[low])
  }

  private func isAlone(_ file: Int) -> Bool { starts[file + 1] - starts[file] == 1 }

  public var count: Int { starts[starts.count - 1] }
  public var classes: [String]? { base.classes }
  public var labelProblem: DatasetError? { base.labelProblem }
  public var notes: [String] { base.notes }
  public func label(of index: Int) -> Int? { base.label(of: place(index).file) }

  /// The file's name, and of several pages the number from 1.
  public func name(of index: Int) -> String {
    let (file, page) = place(index)
    return base.name(of: file) + (isAlone(file) ? "" : " page \(page + 1)")
  }

  public func content(of index: Int) throws(ImageError) -> ImageContent {
    let (number, page) = place(index)
    let content = try base.content(of: number)
    guard !isAlone(number), case .encoded(let file) = content else { return content }
    let pages = try file.pages()
    guard pages.indices.contains(page) else {
      throw ImageError(.corrupt, name: file.name, "has fewer pages than when the set was opened")
    }
    return .encoded(pages[page])
  }
}
