public import Datasets
public import Figures
import FileSystem
public import Imaging
import MaskedAutoencoders
public import Torch

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Looks for the images most like some others, by the cosine of their embeddings; the images looked
/// through come some at a time and are not kept.
public struct NeighbourSearch {
  /// An image that others are compared with.
  public struct Query {
    /// Its path or name.
    public let name: String
    /// The image itself, for pictures.
    public let content: ImageContent

    /// Names an image.
    public init(name: String, content: ImageContent) {
      self.name = name
      self.content = content
    }
  }

  /// An image that was found.
  public struct Neighbour: Sendable {
    /// The cosine of the angle between the embeddings, −1…1.
    public let similarity: Double
    /// Its path or name.
    public let name: String
    /// Its set and its number there.
    public let images: any ImageDataset
    /// Its number in the set.
    public let index: Int
  }

  /// What is compared with.
  public let queries: [Query]
  /// For each query the most similar images so far, the most similar first; of equally similar ones
  /// that which came first.
  public private(set) var found: [[Neighbour]]

  /// How images are shown as rasters; nil for pictures.
  public var raster: RasterSettings?

  private let count: Int
  private let directions: Tensor  // [D, Q]
  /// Similarity from which on an image may be the query itself.
  private static let identical: Float = 0.999

  /// Prepares a search for `count` neighbours of each query.
  ///
  /// - Parameter rows: The queries' embeddings, `[Q, D]`.
  public init(_ queries: [Query], rows: Tensor, count: Int) {
    precondition(
      rows.shape.count == 2 && rows.shape[0] == queries.count,
      "\(queries.count) queries with embeddings \(rows.shape)")
    self.queries = queries
    self.count = count
    directions = rows.unitLength.transposed(0, 1).contiguous()
    found = queries.map { _ in [] }
  }

  /// Compares embeddings `[n, D]` of images of a set, whose numbers there are `indices`. A file
  /// that is the query itself is passed over.
  public mutating func look(at rows: Tensor, of images: any ImageDataset, indices: [Int]) {
    precondition(rows.shape.first == indices.count, "\(indices.count) images, \(rows.shape)")
    let similarities: [Float] = rows.to(.float32).unitLength.matmul(directions).floats()  // [n, Q]
    for (row, index) in indices.enumerated() {
      for query in queries.indices {
        let similarity = similarities[row * queries.count + query]
        guard similarity.isFinite else { continue }
        if found[query].count == count, let last = found[query].last,
          Double(similarity) <= last.similarity
        {
          continue
        }
        let name = images.name(of: index)
        if similarity > Self.identical, isSameFile(name, queries[query].name) { continue }
        insert(
          Neighbour(similarity: Double(similarity), name: name, images: images, index: index),
          for: query)
      }
    }
  }

  private mutating func insert(_ neighbour: Neighbour, for query: Int) {
    let place =
      found[query].firstIndex { neighbour.similarity > $0.similarity } ?? found[query].count
    found[query].insert(neighbour, at: place)
    if found[query].count > count { found[query].removeLast() }
  }
}

/// Whether two paths lead to one file.
private func isSameFile(_ a: String, _ b: String) -> Bool {
  if a == b { return true }
  guard let first = fileStatus(a), let second = fileStatus(b) else { return false }
  return first.st_ino == second.st_ino && first.st_dev == second.st_dev
}

extension NeighbourSearch {
  /// The queries with their neighbours beside them.
  public func sheet(title: String) -> PictureSheet {
    let widest = found.map(\.count).max() ?? 0
    let columns = ["image"] + (0..<widest).map { "\($0 + 1)" }
    let rows = zip(queries, found).map { query, neighbours in
      var tiles = [tile(query.content)]
      tiles += neighbours.map { tile(try? $0.images.content(of: $0.index)) }
      while tiles.count < columns.count { tiles.append(tile(nil)) }
      let similarities = neighbours.map { Formatted.fixed($0.similarity, 3) }
      return PictureSheet.Row(
        "\(splitPath(query.name).name): \(similarities.joined(separator: ", "))", tiles: tiles)
    }
    return PictureSheet(
      title: title, groups: [.init(columns: columns)], rows: rows,
      footer: ["Below each row the cosine of its neighbours' embeddings with the image's."])
  }

  /// A small picture of an image; a gray one of what cannot be decoded.
  private func tile(_ content: ImageContent?) -> ByteImage {
    let side = 160
    let blank = ByteImage(
      width: side, height: side, channels: 3,
      pixels: [UInt8](repeating: 200, count: side * side * 3))
    guard let content else { return blank }
    let (width, height) = (content.size.width, content.size.height)
    let longest = max(width, height)
    func fitted(_ length: Int) -> Int { max(1, (length * side + longest / 2) / longest) }
    let size =
      longest <= side
      ? content.size : PixelSize(width: fitted(width), height: fitted(height))
    if let raster { return (try? content.shown(raster).resized(to: size)) ?? blank }
    return (try? content.image(channels: 3, atMost: size)) ?? blank
  }
}
