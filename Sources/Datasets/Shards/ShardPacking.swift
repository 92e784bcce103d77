import Dispatch
import FileSystem
import Foundation
import Imaging
import Synchronization

/// Packs a set of images into WebDataset tar archives of equal numbers of images, each with an
/// index: `NAME-000000.tar`, `NAME-000000.tar.index`, …, and the indexes of all in one file,
/// `NAME.shards`, for sets on servers.
///
/// What is in an archive depends on the set and the settings alone, so a run that was broken off
/// continues: archives that are there and whole stay. Every archive is read back and compared
/// before it gets its name.
public struct ShardPacking: Hashable, Sendable {
  /// Images in an archive.
  public var imagesPerShard: Int
  /// Longest side; images with a longer one are made smaller and encoded anew. nil keeps all files
  /// as they are.
  public var maximumSide: Int?
  /// Which samples of images with 16 bits a sample become black and white where an image is encoded
  /// anew; nil keeps the upper 8 bits.
  public var valueRange: ClosedRange<Int>?
  /// libjpeg's quality of images that are encoded anew.
  public var quality: Int
  /// Share of the set that may be broken; broken images are left out and reported.
  public var brokenFraction: Double
  /// Where that share is set, for messages.
  public var brokenSetting = "brokenFraction"

  /// What has been packed.
  public struct Report: Hashable, Sendable {
    /// The archives, in order.
    public var shards: [String]
    /// Images in them.
    public var images: Int
    /// Bytes in them.
    public var bytes: Int
    /// Archives that were there already.
    public var kept: Int
    /// Images that were left out.
    public var broken: [UndecodableImage]
    /// The name with braces that stands for all archives.
    public var pattern: String
  }

  /// Creates settings; what is left out keeps files as they are, 5,000 an archive.
  public init(
    imagesPerShard: Int = 5000, maximumSide: Int? = nil, quality: Int = 95,
    brokenFraction: Double = 0.01
  ) {
    precondition(imagesPerShard >= 1, "\(imagesPerShard) images an archive; expected 1 or more")
    precondition((maximumSide ?? 1) >= 1, "a longest side of \(maximumSide ?? 0)")
    self.imagesPerShard = imagesPerShard
    self.maximumSide = maximumSide
    self.quality = quality
    self.brokenFraction = brokenFraction
  }

  /// Packs a set.
  ///
  /// - Parameters:
  ///   - folder: where the archives go; created if need be.
  ///   - name: what they are called.
  ///   - path: what the set is called in messages.
  ///   - report: told the number of archives that are done and of all, from any thread.
  /// - Throws: `DatasetError` where too many images are broken or nothing can be written; archives
  ///   that are done stay.
  public func pack(
    _ dataset: any ImageDataset, to folder: String, name: String = "images",
    path: String = "data", report: @Sendable (_ done: Int, _ all: Int) -> Void = { _, _ in }
  ) throws(DatasetError) -> Report {
    try checkSettings(dataset, folder: folder, name: name)
    let number = (dataset.count + imagesPerShard - 1) / imagesPerShard
    let limit = UndecodableImages.limit(fraction: brokenFraction, count: dataset.count)
    let done = Mutex<(results: [Int: Result<Packed, FileError>], broken: Int)>(([:], 0))
    DispatchQueue.concurrentPerform(iterations: number) { i in
      // After a failure the rest would be in vain.
      guard done.withLock({ $0.broken <= limit && !$0.results.values.contains(where: \.isFailure) })
      else { return }
      let shard = joined(folder, shardName(name, i))
      let range = i * imagesPerShard..<min((i + 1) * imagesPerShard, dataset.count)
      let result = Result { () throws(FileError) in
        try packed(dataset, range, to: shard)
      }
      let count = done.withLock { done in
        done.results[i] = result
        if case .success(let packed) = result { done.broken += packed.broken.count }
        return done.results.count
      }
      report(count, number)
    }
    let all = done.withLock { $0.results }
    var shards: [Packed] = []
    for i in 0..<number {
      guard let result = all[i] else { continue }
      do throws(FileError) {
        shards.append(try result.get())
      } catch {
        throw DatasetError(error.named(folder))
      }
    }
    var broken = UndecodableImages(limit: limit, setting: brokenSetting)
    try broken.add(
      shards.flatMap(\.broken), of: path, count: dataset.count)
    do throws(FileError) {
      var all: [(name: String, index: ShardIndex)] = []
      for i in 0..<number {
        let shard = joined(folder, shardName(name, i))
        all.append((shardName(name, i), try ShardIndex.of(ReadableFile(shard))))
      }
      try replaceFile(
        at: joined(folder, name + ShardSetIndex.suffix), with: ShardSetIndex(all).bytes)
    } catch {
      throw DatasetError(error.named(folder))
    }
    let last = shardDigits(max(0, number - 1))
    return Report(
      shards: (0..<number).map { joined(folder, shardName(name, $0)) },
      images: shards.reduce(0) { $0 + $1.images }, bytes: shards.reduce(0) { $0 + $1.bytes },
      kept: shards.count { $0.wasThere }, broken: broken.found,
      pattern: joined(folder, "\(name)-{\(shardDigits(0))..\(last)}.tar"))
  }

  /// Refuses a folder in which a set is packed in another way, and writes down this one.
  private func checkSettings(
    _ dataset: any ImageDataset, folder: String, name: String
  ) throws(DatasetError) {
    let values = valueRange.map { ", values \($0.lowerBound) to \($0.upperBound)" } ?? ""
    let side = maximumSide.map { "at most \($0) pixels a side, quality \(quality)\(values)" }
    let words =
      "\(dataset.count) images, \(imagesPerShard) an archive, \(side ?? "files as they are")\n"
    let path = joined(folder, name + ".packing")
    do throws(FileError) {
      if let before = try? wholeFile(path, limit: 1 << 16) {
        guard before == Array(words.utf8) else {
          let found = String(decoding: before.prefix(200), as: UTF8.self).dropLast()
          throw FileError(
            .unreadable, of: path,
            "says that the archives here hold \(found); remove them or choose another folder")
        }
        return
      }
      try replaceFile(at: path, with: Array(words.utf8))
    } catch {
      throw DatasetError(error.named(folder))
    }
  }

  private struct Packed: Sendable {
    var images: Int
    var bytes: Int
    var wasThere: Bool
    var broken: [UndecodableImage] = []
  }

  /// Writes one archive, or finds that it is there: whole, and with the keys it would get.
  private func packed(
    _ dataset: any ImageDataset, _ range: Range<Int>, to path: String
  ) throws(FileError) -> Packed {
    if let file = try? ReadableFile(path), let index = try? ShardIndex.of(file),
      isPacked(dataset, range, index)
    {
      return Packed(images: index.count, bytes: file.size, wasThere: true)
    }
    var writer = try ShardWriter(path + ".part")
    var broken: [UndecodableImage] = []
    do throws(FileError) {
      for i in range {
        let image: (bytes: [UInt8], ending: String)
        do throws(ImageError) {
          image = try encoded(dataset.content(of: i))
        } catch {
          broken.append(
            UndecodableImage(index: i, name: dataset.name(of: i), reason: error.reason))
          continue
        }
        try writer.append(
          image.bytes, key: key(dataset, i), ending: image.ending, label: dataset.label(of: i))
      }
      try writer.finish(as: path, classes: dataset.classes)
    } catch {
      writer.discard()
      throw error
    }
    return Packed(images: writer.count, bytes: writer.size, wasThere: false, broken: broken)
  }

  /// Whether an archive holds the range: the same keys, none missing, in order.
  private func isPacked(
    _ dataset: any ImageDataset, _ range: Range<Int>, _ index: ShardIndex
  ) -> Bool {
    index.count == range.count && index.classes == dataset.classes
      && zip(0..<index.count, range).allSatisfy { i, image in
        index.name(i).hasPrefix(key(dataset, image) + ".")
          && index.label(i) == Int32(dataset.label(of: image) ?? -1)
      }
  }

  /// The image as a file with its ending.
  private func encoded(
    _ content: ImageContent
  ) throws(ImageError) -> (bytes: [UInt8], ending: String) {
    let size = content.size
    let longest = max(size.width, size.height)
    if let maximumSide, longest > maximumSide {
      guard !content.isRaster else {
        throw ImageError(
          .unsupported,
          "is no picture, and \(longest) pixels are more than --maximum-side \(maximumSide); leave that out"
        )
      }
      func scaled(_ side: Int) -> Int { max(1, (side * maximumSide + longest / 2) / longest) }
      let small = try content.withValueRange(valueRange).image(
        channels: content.isGray ? 1 : 3,
        atMost: PixelSize(width: scaled(size.width), height: scaled(size.height)))
      return (try small.encodedAsJPEG(quality: quality), "jpg")
    }
    switch content {
    case .pixels(let image): return (try image.encodedAsPNG(), "png")
    case .encoded(let file):
      // Decoded once, so that what is packed is known to be whole.
      if content.isRaster { _ = try file.raster() } else { _ = try file.decoded() }
      return (file.bytes, file.format.extensions[0])
    }
  }

  /// The image's number and what can be kept of its name; unique, and short enough for a header.
  private func key(_ dataset: any ImageDataset, _ index: Int) -> String {
    let name = dataset.name(of: index)
    let stop = name.lastIndex(of: ".") ?? name.endIndex
    let kept = name[..<stop].utf8.suffix(70).map { byte -> UInt8 in
      let isPlain =
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
        || (0x61...0x7A).contains(byte) || byte == 0x2D
      return isPlain ? byte : 0x5F
    }
    let digits = String(index)
    return String(repeating: "0", count: max(0, 9 - digits.count)) + digits + "_"
      + String(decoding: kept, as: UTF8.self)
  }
}

private func shardDigits(_ number: Int) -> String {
  let digits = String(number)
  return String(repeating: "0", count: max(0, 6 - digits.count)) + digits
}

private func shardName(_ name: String, _ number: Int) -> String {
  "\(name)-\(shardDigits(number)).tar"
}

extension Result {
  fileprivate var isFailure: Bool {
    if case .failure = self { return true }
    return false
  }
}
