import CZlib
import Imaging
import TestSupport
import Testing

@testable import Datasets

@Suite struct IDXDatasetTests {
  static func images(_ count: Int, height: Int = 3, width: Int = 2) -> [UInt8] {
    [0, 0, 8, 3, 0, 0, 0, UInt8(count), 0, 0, 0, UInt8(height), 0, 0, 0, UInt8(width)]
      + (0..<count * height * width).map { UInt8($0 % 256) }
  }

  static func labels(_ values: [UInt8]) -> [UInt8] {
    [0, 0, 8, 1, 0, 0, 0, UInt8(values.count)] + values
  }

  @Test(arguments: [false, true])
  func `a folder of images and labels`(_ isPacked: Bool) throws {
    let folder = try TemporaryFolder()
    func write(_ name: String, _ bytes: [UInt8]) throws {
      try folder.write(
        isPacked ? name + ".gz" : name, isPacked ? gzipped(bytes) : bytes)
    }
    try write("train-images-idx3-ubyte", Self.images(5))
    try write("train-labels-idx1-ubyte", Self.labels([0, 1, 2, 1, 0]))
    try write("t10k-images-idx3-ubyte", Self.images(2))
    try write("t10k-labels-idx1-ubyte", Self.labels([2, 1]))
    let train = try openDataset(at: folder.path)
    checkImageDataset(train)
    #expect(train.count == 5)
    #expect(train.classes == ["0", "1", "2"])
    #expect(train.label(of: 2) == 2)
    #expect(train.name(of: 4) == "train-images-idx3-ubyte[4]")
    #expect(
      try train.image(at: 1, channels: 1)
        == ByteImage(width: 2, height: 3, channels: 1, pixels: [6, 7, 8, 9, 10, 11]))
    #expect(try openDataset(at: folder.path, split: .validation).count == 2)
    let file = folder.path + "/t10k-images-idx3-ubyte" + (isPacked ? ".gz" : "")
    #expect(try openDataset(at: file).label(of: 0) == 2)
  }

  @Test func `classes of another part`() throws {
    let folder = try TemporaryFolder()
    try folder.write("train-images-idx3-ubyte", Self.images(3))
    try folder.write("train-labels-idx1-ubyte", Self.labels([0, 1, 3]))
    try folder.write("t10k-images-idx3-ubyte", Self.images(2))
    try folder.write("t10k-labels-idx1-ubyte", Self.labels([1, 0]))
    let classes = try openDataset(at: folder.path).classes
    #expect(classes == ["0", "1", "2", "3"])
    // A part may lack classes, and the other may number them in another way.
    let test = try openDataset(at: folder.path, split: .validation, classes: classes)
    checkImageDataset(test)
    #expect(test.classes == classes && (0..<2).map { test.label(of: $0) } == [1, 0])
    let turned = try openDataset(at: folder.path, classes: ["3", "1", "0"])
    checkImageDataset(turned)
    #expect((0..<3).map { turned.label(of: $0) } == [2, 1, 0])
    // No image may have a class that is not there.
    try folder.write("t10k-labels-idx1-ubyte", Self.labels([1, 7]))
    let file = folder.path + "/t10k-images-idx3-ubyte"
    for path in [folder.path, file] {
      let split: DatasetSplit = path == file ? .training : .validation
      let error = try #require(
        error { try openDataset(at: path, split: split, classes: classes) })
      #expect(error.kind == .malformed && error.reason.contains("\"7\""), "\(error)")
    }
  }

  @Test func `every prefix is refused`() throws {
    let whole = Self.images(3)
    for bytes in [whole, gzipped(whole)] {
      for count in 0..<bytes.count {
        let folder = try TemporaryFolder()
        try folder.write("train-images-idx3-ubyte", Array(bytes[..<count]))
        #expect(kind { try openDataset(at: folder.path) } == .malformed, "\(count)")
      }
    }
  }

  @Test func `headers are checked`() throws {
    let folder = try TemporaryFolder()
    func problem(_ bytes: [UInt8]) throws -> DatasetError.Kind? {
      let path = try folder.write("train-images-idx3-ubyte", bytes)
      return kind { try openDataset(at: path) }
    }
    #expect(try problem(Self.images(3) + [0]) == .malformed)
    #expect(try problem(gzipped(Self.images(3) + [0])) == .malformed)
    #expect(try problem(Self.labels([1, 2])) == .malformed)
    #expect(try problem(Self.images(0)) == .empty)
    var huge = Self.images(3)
    huge.replaceSubrange(4..<16, with: [UInt8](repeating: 0xFF, count: 12))
    #expect(try problem(huge) == .malformed)
    #expect(try problem(gzipped(huge)) == .malformed)
    try folder.write("train-labels-idx1-ubyte", Self.labels([1, 2]))
    #expect(try problem(Self.images(3)) == nil)
    #expect(
      labelError(folder.path + "/train-images-idx3-ubyte")?.reason
        == "has 2 labels for the 3 images of train-images-idx3-ubyte")
  }

  @Test func `no memory is taken for what a packed file cannot hold`() throws {
    let folder = try TemporaryFolder()
    // A gigabyte is declared and 6 bytes are there.
    var declared = Self.images(1)
    declared.replaceSubrange(4..<8, with: [0x0A, 0xAA, 0xAA, 0xAA])
    let path = try folder.write("train-images-idx3-ubyte", gzipped(declared))
    let error = try #require(error { try openDataset(at: path) })
    #expect(error.reason.contains("bytes unpack to 1073741836"), "\(error.reason)")
  }
}

func gzipped(_ bytes: [UInt8]) -> [UInt8] {
  var stream = z_stream()
  deflateInit2_(
    &stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
    Int32(MemoryLayout<z_stream>.size))
  defer { deflateEnd(&stream) }
  var input = bytes
  return [UInt8](unsafeUninitializedCapacity: bytes.count + 100) { out, count in
    input.withUnsafeMutableBufferPointer { input in
      stream.next_in = input.baseAddress
      stream.avail_in = UInt32(input.count)
      stream.next_out = out.baseAddress
      stream.avail_out = UInt32(out.count)
      deflate(&stream, Z_FINISH)
      count = out.count - Int(stream.avail_out)
    }
  }
}
