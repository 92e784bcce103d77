@testable import FileSystem
import Foundation
import TestSupport
import Testing

@testable import Training

/// Event files, read by a decoder that shares nothing with the writer.
@Suite struct LoggingTensorBoardTests {
  /// RFC 3720, B.4, and the check value of the CRC catalogue.
  @Test func `checksums equal published ones`() {
    #expect(CRC32C.checksum(Array("123456789".utf8)) == 0xE306_9283)
    #expect(CRC32C.checksum([]) == 0)
    #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(CRC32C.checksum([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
    #expect(CRC32C.checksum((0..<32).map { UInt8($0) }) == 0x46DD_794E)
    // Twelve zero bytes are not a fixed point: leading zeros count.
    #expect(CRC32C.masked([]) == 0xA282_EAD8)
  }

  /// The first record of every event file but for its time; the bytes as TensorFlow writes them.
  @Test func `opening record as known bytes`() throws {
    try withFolder { folder in
      let writer = try TensorBoardWriter(in: folder) { Date(timeIntervalSince1970: 0) }
      let bytes = try [UInt8](Data(contentsOf: URL(filePath: writer.path)))
      #expect(bytes.prefix(8) == [24, 0, 0, 0, 0, 0, 0, 0])
      let time: [UInt8] = [0x09, 0, 0, 0, 0, 0, 0, 0, 0]
      let version: [UInt8] = [0x1A, 13] + Array("brain.Event:2".utf8)
      #expect(Array(bytes[12..<36]) == time + version)
      #expect(bytes.count == 8 + 4 + 24 + 4)
    }
  }

  @Test func `scalars can be read back`() throws {
    try withFolder { folder in
      let writer = try TensorBoardWriter(in: folder) {
        Date(timeIntervalSince1970: 1_700_000_000.5)
      }
      try writer.write(
        scalars: [("train/loss", 0.5), ("train/rate", 1.5e-4)], epoch: 12.3456)
      try writer.write(scalars: [("train/loss", .nan)], epoch: 400_000)
      try writer.write(scalars: [], epoch: 0.128)
      #expect(writer.path.hasSuffix("/events.out.tfevents.1700000000.mae"))
      let records = try Self.records(of: writer.path)
      #expect(records.count == 4)
      let event = try protobufFields(records[1])
      #expect(event[1] == [.fixed64((1_700_000_000.5).bitPattern)])
      #expect(event[2] == [.varint(12_346)])
      let values = try protobufFields(#require(event[5]?.first?.bytes))[1] ?? []
      let loss = try protobufFields(#require(values.first?.bytes))
      #expect(
        loss == [1: [.bytes(Array("train/loss".utf8))], 2: [.fixed32(Float(0.5).bitPattern)]])
      let rate = try protobufFields(#require(values.last?.bytes))
      #expect(rate[2] == [.fixed32(Float(1.5e-4).bitPattern)])
      #expect(try protobufFields(records[2])[2] == [.varint(400_000_000)])
      #expect(try protobufFields(records[3])[2] == [.varint(128)])
    }
  }

  @Test func `pictures carry their size`() throws {
    try withFolder { folder in
      let writer = try TensorBoardWriter(in: folder)
      try writer.write(image: Self.png, tag: "reconstructions", epoch: 1)
      let event = try protobufFields(Self.records(of: writer.path)[1])
      let summary = try protobufFields(#require(event[5]?.first?.bytes))
      let value = try protobufFields(#require(summary[1]?.first?.bytes))
      #expect(value[1] == [.bytes(Array("reconstructions".utf8))])
      let image = try protobufFields(#require(value[4]?.first?.bytes))
      #expect(
        image == [
          1: [.varint(1)], 2: [.varint(300)], 3: [.varint(3)], 4: [.bytes([UInt8](Self.png))],
        ])
      #expect(throws: FileError.self) {
        try writer.write(image: Data("GIF89a".utf8), tag: "x", epoch: 1)
      }
    }
  }

  @Test func `resumed runs open another file that supersedes later events`() throws {
    try withFolder { folder in
      let now = { Date(timeIntervalSince1970: 5) }
      let first = try TensorBoardWriter(in: folder, now: now)
      let second = try TensorBoardWriter(in: folder, resumingAt: 2.5, now: now)
      let third = try TensorBoardWriter(in: folder, resumingAt: 3, now: now)
      #expect(
        [first.path, second.path, third.path].sorted() == [first, second, third].map(\.path))
      #expect(Set([first.path, second.path, third.path]).count == 3)
      let event = try protobufFields(Self.records(of: second.path)[1])
      #expect(event[2] == [.varint(2500)])
      #expect(event[7] == [.bytes([0x08, 0x01])])
    }
  }

  // MARK: An independent reader

  /// 300 × 1, colour.
  static let png = Data(
    [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52]
      + [0, 0, 1, 44, 0, 0, 0, 1, 8, 2, 0, 0, 0])

  /// Bit by bit, from the polynomial.
  static func slowMasked(_ bytes: some Sequence<UInt8>) -> UInt32 {
    var crc: UInt32 = 0xFFFF_FFFF
    for byte in bytes {
      for bit in 0..<8 {
        let odd = (crc ^ UInt32(byte >> bit)) & 1 == 1
        crc = crc >> 1 ^ (odd ? 0x82F6_3B78 : 0)
      }
    }
    crc = ~crc
    return (crc >> 15 | crc << 17) &+ 0xA282_EAD8
  }

  static func records(of path: String) throws -> [[UInt8]] {
    var rest = try [UInt8](Data(contentsOf: URL(filePath: path)))[...]
    var records: [[UInt8]] = []
    while !rest.isEmpty {
      let length = Int(littleEndianNumber(rest.prefix(8)))
      guard rest.count >= length + 16,
        littleEndianNumber(rest.dropFirst(8).prefix(4)) == slowMasked(rest.prefix(8))
      else { throw MalformedProtobuf() }
      let data = rest.dropFirst(12).prefix(length)
      guard littleEndianNumber(rest.dropFirst(12 + length).prefix(4)) == slowMasked(data)
      else { throw MalformedProtobuf() }
      records.append(Array(data))
      rest = rest.dropFirst(16 + length)
    }
    return records
  }
}
