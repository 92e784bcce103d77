@testable import Datasets
@testable import Imaging

/// Readers of sets of images, and of what packs them.
let datasetTargets: [FuzzTarget] = [
  FuzzTarget(name: "tar", maxLength: 8192, run: readTar, repair: repairTar),
  FuzzTarget(name: "tar-index", run: readTarIndex, repair: repairTarIndex),
  FuzzTarget(name: "idx", run: readIDX, repair: nil),
  FuzzTarget(name: "cifar", run: readCIFAR, repair: nil),
  FuzzTarget(name: "gzip", run: { unpack($0, as: .gzip) }, repair: repairGzip),
  FuzzTarget(name: "zstd", run: { unpack($0, as: .zstd) }, repair: repairZstd),
]

/// Opens an archive as a set and reads all of its images, as training does.
private func readTar(_ bytes: [UInt8]) {
  // Packed archives are unpacked into a cache on disk; gzip and zstd are targets of their own.
  guard Packing(recognizing: bytes) == .none else { return }
  let path = InputFile.holding(bytes, name: "input.tar")
  guard let set = try? ShardDataset(path: path, shards: [path], cache: InputFile.folder) else {
    return
  }
  for i in 0..<set.count {
    _ = set.label(of: i)
    precondition(set.name(of: i).hasPrefix(path))
    _ = try? set.content(of: i)
  }
}

/// The file beside an archive that says where its images are.
private func readTarIndex(_ bytes: [UInt8]) {
  if let set = try? ShardSetIndex(bytes) { precondition(set.names.count >= set.indexes.count) }
  guard let index = try? ShardIndex(bytes) else { return }
  _ = index.classes
  for i in 0..<index.count {
    _ = index.label(i)
    _ = index.name(i)
    let place = index.place(i)
    precondition(place.offset + place.size <= index.archiveSize)
  }
  _ = try? ShardClasses([index], shards: ["shard"], wanted: nil)
}

/// Images and labels in one input: the first two bytes say where the labels begin.
private func readIDX(_ bytes: [UInt8]) {
  guard bytes.count >= 2 else { return }
  let rest = bytes.dropFirst(2)
  let split = min(Int(bytes[0]) << 8 | Int(bytes[1]), rest.count)
  let images = InputFile.holding(rest.prefix(split), name: "images")
  let labels = InputFile.holding(rest.dropFirst(split), name: "labels")
  for file in [nil, labels] {
    guard let set = try? IDXDataset(images: images, labels: file) else { continue }
    // The first and the last; between them is nothing to be seen.
    for i in [0, set.count - 1] {
      _ = set.label(of: i)
      _ = try? set.content(of: i)
    }
  }
}

/// A part of CIFAR-100 and the names of its classes, an odd number of bytes for CIFAR-10.
private func readCIFAR(_ bytes: [UInt8]) {
  let isTen = bytes.count % 2 == 1
  let image = isTen ? "test_batch.bin" : "test.bin"
  let names = isTen ? "batches.meta.txt" : "fine_label_names.txt"
  let record = isTen ? 3073 : 3074
  let split = bytes.count < record ? bytes.count : bytes.count / record * record
  _ = InputFile.holding(bytes.prefix(split), name: image)
  _ = InputFile.holding(bytes.dropFirst(split), name: names)
  for all in [[image], [image, names]] {
    guard
      let set = try? CIFARDataset(
        path: InputFile.folder, kind: isTen ? .ten : .hundred, names: all, split: .validation)
    else { continue }
    for i in 0..<set.count {
      guard let label = set.label(of: i), let classes = set.classes else { continue }
      precondition(classes.indices.contains(label))
      _ = try? set.content(of: i)
    }
  }
}

private func unpack(_ bytes: [UInt8], as packing: Packing) {
  let limit = 1 << 20
  if let whole = try? packing.unpacked(bytes, limit: limit) {
    precondition(whole.count <= limit)
  }
  // A single packed file of known size, as IDX files come.
  if packing == .gzip {
    _ = try? unpackedGzip(bytes, prefix: 4) { head in
      head.reduce(0) { $0 << 4 | Int($1 & 15) }
    }
  }
}
