public import Foundation
import Torch

/// Writes `events.out.tfevents.*`, which TensorBoard reads: scalars and PNG pictures.
///
/// The x axis is the epoch times 1000, so that runs with different batch sizes compare.
public final class TensorBoardWriter {
  private let file: LogFile
  private let now: () -> Date

  /// Creates an event file in a folder that exists.
  ///
  /// A resumed run says at which epoch: TensorBoard then forgets what earlier files say of later ones.
  public init(
    in folder: URL, resumingAt epoch: Double? = nil, now: @escaping () -> Date = { Date() }
  ) throws(LogFailure) {
    self.now = now
    let stem = "events.out.tfevents.\(Int(now().timeIntervalSince1970))"
    // TensorBoard reads the files of a folder in the order of their names.
    let names = (0..<1000).lazy.map { $0 == 0 ? "\(stem).mae" : "\(stem).mae-\($0 + 1000)" }
    let free = names.map { folder.appending(path: $0) }
      .first { !FileManager.default.fileExists(atPath: $0.path) }
    guard let free else {
      throw LogFailure(path: folder.path, reason: "holds too many event files of this second")
    }
    file = try LogFile(at: free)
    var opening = ProtobufMessage()
    opening.add(1, now().timeIntervalSince1970)
    opening.add(3, "brain.Event:2")
    try append(opening)
    if let epoch {
      var session = ProtobufMessage()
      session.add(1, Int64(1))  // START
      try append(event(at: epoch, field: 7, session))
    }
  }

  /// The file written to.
  public var path: String { file.path }

  /// Adds values measured at one moment, each under its tag; a slash in a tag makes a group.
  public func write(
    scalars: [(tag: String, value: Double)], epoch: Double
  ) throws(LogFailure) {
    var summary = ProtobufMessage()
    for (tag, value) in scalars {
      var entry = ProtobufMessage()
      entry.add(1, tag)
      entry.add(2, Float(value))
      summary.add(1, entry)
    }
    try append(event(at: epoch, field: 5, summary))
  }

  /// Adds a picture, given as the bytes of a PNG file.
  public func write(image png: Data, tag: String, epoch: Double) throws(LogFailure) {
    guard let header = PNGHeader(png) else {
      throw LogFailure(path: file.path, reason: "cannot take the picture \(tag): it is no PNG")
    }
    var image = ProtobufMessage()
    image.add(1, Int64(header.height))
    image.add(2, Int64(header.width))
    image.add(3, Int64(header.channels))
    image.add(4, [UInt8](png))
    var entry = ProtobufMessage()
    entry.add(1, tag)
    entry.add(4, image)
    var summary = ProtobufMessage()
    summary.add(1, entry)
    try append(event(at: epoch, field: 5, summary))
  }

  private func event(at epoch: Double, field: Int, _ content: ProtobufMessage) -> ProtobufMessage {
    var event = ProtobufMessage()
    event.add(1, now().timeIntervalSince1970)
    event.add(2, Int64((epoch * 1000).rounded()))
    event.add(field, content)
    return event
  }

  /// One TFRecord: length, its checksum, the message, its checksum.
  private func append(_ message: ProtobufMessage) throws(LogFailure) {
    let length = UInt64(message.bytes.count).littleEndianBytes
    let record =
      length + CRC32C.masked(length).littleEndianBytes
      + message.bytes + CRC32C.masked(message.bytes).littleEndianBytes
    try file.append(record)
  }
}

/// The size a PNG file states.
struct PNGHeader: Hashable {
  var width: Int
  var height: Int
  /// 1 gray, 2 gray and alpha, 3 colour, 4 colour and alpha.
  var channels: Int

  init?(_ data: Data) {
    let bytes = [UInt8](data.prefix(26))
    guard bytes.count == 26, bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
    else { return nil }
    func number(_ range: Range<Int>) -> Int { bytes[range].reduce(0) { $0 << 8 | Int($1) } }
    width = number(16..<20)
    height = number(20..<24)
    guard let channels = [0: 1, 2: 3, 3: 3, 4: 2, 6: 4][bytes[25]] else { return nil }
    self.channels = channels
  }
}
