import Datasets
public import FileSystem
public import Foundation
import Imaging
import Torch

/// Writes `events.out.tfevents.*`, which TensorBoard reads: scalars and PNG pictures.
///
/// The x axis is the epoch times 1000, so that runs with different batch sizes compare.
public final class TensorBoardWriter {
  private let file: LogFile
  private let now: () -> Date

  /// Creates an event file in a folder that exists.
  ///
  /// A resumed run says at which epoch: TensorBoard then forgets what earlier files say of later
  /// ones.
  public init(
    in folder: URL, resumingAt epoch: Double? = nil, now: @escaping () -> Date = { Date() }
  ) throws(FileError) {
    self.now = now
    let stem = "events.out.tfevents.\(Int(now().timeIntervalSince1970))"
    // TensorBoard reads the files of a folder in the order of their names.
    let names = (0..<1000).lazy.map { $0 == 0 ? "\(stem).mae" : "\(stem).mae-\($0 + 1000)" }
    let free = names.map { folder.appending(path: $0) }
      .first { !FileManager.default.fileExists(atPath: $0.path) }
    guard let free else {
      throw FileError(
        path: folder.path, kind: .failed, message: "holds too many event files of this second")
    }
    file = try LogFile(at: free.path)
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
  ) throws(FileError) {
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
  public func write(image png: Data, tag: String, epoch: Double) throws(FileError) {
    guard let header = PNGHeader(png) else {
      throw FileError(
        path: file.path, kind: .failed, message: "cannot take the picture \(tag): it is no PNG")
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
  private func append(_ message: ProtobufMessage) throws(FileError) {
    let length = UInt64(message.bytes.count).littleEndianBytes
    let record =
      length + CRC32C.masked(length).littleEndianBytes
      + message.bytes + CRC32C.masked(message.bytes).littleEndianBytes
    try file.append(record)
  }
}
