import FileSystem
import Foundation
import Imaging

/// The images of one shard and their classes, found by reading its headers.
///
/// Files whose paths agree up to the first full stop of their names are one sample (WebDataset's
/// rule): an image, and perhaps its class in a `.cls` file (a number or a word) or in a `.json`
/// file (the value of `label`, `cls` or `class`). Any of them may be packed (`.jpg.gz`,
/// `.cls.zst`). Arrays (`.npy`) are the images of an archive without any picture.
///
/// The files of a sample should follow each other. Where an archive was written without sorting, an
/// image gets the class that has its name elsewhere in the archive, if no other image has that
/// name.
struct ShardScan {
  /// A class as a shard gives it.
  enum Label: Hashable {
    case number(Int32)
    case word(String)
  }

  private(set) var entries: [ShardIndex.Entry] = []
  /// The class of each entry.
  private(set) var labels: [Label?] = []
  /// Endings of files in samples without an image, with their numbers.
  private(set) var others: [String: Int] = [:]
  /// The first file of a sample without an image whose ending is of several parts: `img.0000.jpg`.
  private(set) var oddName: String?
  /// What of the archive is not used, a sentence each.
  private(set) var notes: [String] = []
  /// Classes in samples without an image; nil where such samples do not agree.
  private var strayLabels: [String: Label?] = [:]
  /// The numbers of the images without a class, by their samples' names.
  private var unlabeled: [String: [Int]] = [:]
  /// Images beside another of the same sample.
  private var extraImages: [String] = []
  /// Samples with an array and no picture.
  private var arrays: [Sample] = []

  /// Most bytes of a file with a class.
  static let largestLabel = 1 << 20
  /// Most files in one sample.
  static let mostFiles = 1000

  /// Reads an archive that is not packed from its beginning.
  init(_ stream: any ByteStream) throws(FileError) {
    var reader = TarReader(stream)
    var sample = Sample(key: "")
    while let entry = try reader.next() {
      guard let (key, ending) = parts(of: entry.name) else { continue }
      if key != sample.key {
        finish(sample)
        sample = Sample(key: key)
      }
      sample.files += 1
      guard sample.files <= Self.mostFiles else {
        throw FileError(.malformed, "has more than \(Self.mostFiles) files called \(key)")
      }
      let (kind, packing) = unpackedEnding(ending)
      sample.endings.append(kind)
      if sample.files == 1 { sample.first = entry.name }
      if ImageFormat.allExtensions.contains(kind) {
        guard sample.image == nil else {
          extraImages.append(entry.name)
          continue
        }
        guard entry.size <= ShardIndex.largestImage else {
          throw FileError(.tooLarge, "holds \(entry.name) of \(entry.size) bytes")
        }
        sample.image = ShardIndex.Entry(
          offset: entry.offset, size: entry.size, label: -1, packing: packing, name: entry.name)
      } else if ImageFormat.npy.extensions.contains(kind), sample.array == nil,
        entry.size <= ShardIndex.largestImage
      {
        sample.array = ShardIndex.Entry(
          offset: entry.offset, size: entry.size, label: -1, packing: packing, name: entry.name)
      } else if kind == "cls" || kind == "json", entry.size <= Self.largestLabel {
        let content = try packing.unpacked(
          reader.content(of: entry), limit: Self.largestLabel)
        // A `.cls` file is there for nothing else, so it wins.
        if kind == "cls" {
          sample.label = label(inText: content) ?? sample.label
        } else if sample.label == nil {
          sample.label = label(inJSON: content)
        }
      }
    }
    finish(sample)
    let areImages = entries.isEmpty
    for var sample in arrays {
      if areImages { sample.image = sample.array }
      sample.array = nil
      finish(sample)
    }
    arrays = []
    for (key, label) in strayLabels {
      guard let label, let images = unlabeled[key], images.count == 1 else { continue }
      labels[images[0]] = label
    }
    if !extraImages.isEmpty {
      let names = extraImages.prefix(3).map(\.shownPath).joined(separator: ", ")
      notes.append(
        extraImages.count == 1
          ? "1 image is not used because another has its name up to the first full stop: \(names)"
          : "\(extraImages.count) images are not used because others have their names up to the first "
            + "full stop: \(names)\(extraImages.count > 3 ? ", …" : "")")
    }
    if reader.unreadBytes > 0 {
      notes.append("\(reader.unreadBytes) bytes after the archive's end are not read")
    }
  }

  private struct Sample {
    var key: String
    var first = ""
    var image: ShardIndex.Entry?
    var array: ShardIndex.Entry?
    var label: Label?
    var endings: [String] = []
    var files = 0
  }

  private mutating func finish(_ sample: Sample) {
    if let image = sample.image {
      if sample.label == nil { unlabeled[sample.key, default: []].append(entries.count) }
      entries.append(image)
      labels.append(sample.label)
    } else if sample.array != nil {
      arrays.append(sample)
    } else {
      if let label = sample.label {
        let known = strayLabels[sample.key]
        strayLabels[sample.key] = .some(known == nil || known == .some(label) ? label : nil)
      }
      if oddName == nil, let ending = sample.endings.first, ending.utf8.contains(0x2E),
        ImageFormat.allExtensions.contains(fileExtension(ending))
      {
        oddName = sample.first
      }
      for ending in sample.endings { others[ending, default: 0] += 1 }
    }
  }
}

/// A path's part up to the first full stop of its last component, and what follows in lower case;
/// nil for hidden files and for such without an ending.
private func parts(of path: String) -> (key: String, ending: String)? {
  let name = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { path.utf8.index(after: $0) }
  let start = name ?? path.startIndex
  guard let stop = path.utf8[start...].firstIndex(of: UInt8(ascii: ".")), stop != start
  else { return nil }
  return (String(path[..<stop]), path[path.index(after: stop)...].lowercased())
}

/// An ending without that of how it is packed.
private func unpackedEnding(_ ending: String) -> (String, Packing) {
  for packing in [Packing.gzip, .zstd] where ending.hasSuffix(packing.suffix) {
    return (String(ending.dropLast(packing.suffix.count)), packing)
  }
  return (ending, .none)
}

private func label(inText bytes: [UInt8]) -> ShardScan.Label? {
  let text = String(pathBytes: bytes.prefix(256)).shownPath
    .trimmingCharacters(in: .whitespacesAndNewlines)
  if let number = Int32(text) { return .number(number) }
  return text.isEmpty || text.contains("\n") ? nil : .word(text)
}

private func label(inJSON bytes: [UInt8]) -> ShardScan.Label? {
  struct Labels: Decodable {
    enum Value: Decodable {
      case number(Int32)
      case word(String)

      init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(Int32.self) {
          self = .number(number)
        } else {
          self = .word(try container.decode(String.self))
        }
      }
    }

    var label: Value?
    var cls: Value?
    var `class`: Value?
  }
  guard let labels = try? JSONDecoder().decode(Labels.self, from: Data(bytes)) else { return nil }
  switch labels.label ?? labels.cls ?? labels.class {
  case .number(let number)?: return .number(number)
  case .word(let word)?: return word.contains("\n") ? nil : .word(word)
  case nil: return nil
  }
}
