public import FileSystem
import Torch

extension ONNXGraph {
  /// Bytes of constants that go into the graph's own file; the format allows no file of 2 GiB.
  public static let inlineLimit = 1_900_000_000

  /// Constants up to so many bytes stay in the graph's file: shapes are inferred from some of them
  /// before another file is opened.
  private static let smallConstant = 1024

  /// The file beside the graph's that holds constants which are too large for it.
  public static func dataPath(of path: String) -> String { path + ".data" }

  /// Writes the graph; constants go through memory one at a time.
  ///
  /// Where there are more bytes of constants than `limit`, all but small ones go into a file of
  /// their own beside it, which onnxruntime and others open by its name: the two have to stay
  /// together.
  ///
  /// - Throws: ``/FileSystem/FileError`` when the disk is full or the folder cannot be written.
  public func write(to path: String, inlining limit: Int = inlineLimit) throws(FileError) {
    let bytes = constants.reduce(0) { $0 + $1.tensor.byteCount }
    var places = [Int?](repeating: nil, count: constants.count)
    if bytes > limit { places = try writeData(beside: path) }
    let data = splitPath(Self.dataPath(of: path)).name
    let parts = zip(constants, places).map { constant, place in
      (
        frame: frame(of: constant.name, constant.tensor, data: place.map { (data, $0) }),
        tensor: place == nil ? constant.tensor : nil
      )
    }
    let graph = messages
    // A message is preceded by its length, so that of the graph is added up before it is written.
    let length = parts.reduce(graph.bytes.count) {
      $0 + $1.frame.count + ($1.tensor?.byteCount ?? 0)
    }
    var opening = ProtobufMessage()
    opening.add(1, Int64(Self.formatVersion))
    opening.add(2, "swift-mae")
    opening.open(7, count: length)
    try replaceFile(at: path) { (file) throws(FileError) in
      try file.write(opening.bytes)
      try file.write(graph.bytes)
      for part in parts {
        try file.write(part.frame)
        if let tensor = part.tensor { try file.write(tensor) }
      }
      try file.write(closing.bytes)
    }
  }

  /// The graph but for its constants.
  private var messages: ProtobufMessage {
    var graph = ProtobufMessage()
    for node in nodes { graph.add(1, node) }
    graph.add(2, name)
    for input in inputs { graph.add(11, input) }
    for output in outputs { graph.add(12, output) }
    return graph
  }

  /// The opset and the metadata, which follow the graph.
  private var closing: ProtobufMessage {
    var version = ProtobufMessage()
    version.add(2, Int64(Self.opset))
    var message = ProtobufMessage()
    message.add(8, version)
    for (key, value) in metadata { message.add(14, Self.entry(key, value)) }
    return message
  }

  /// A constant's field of the graph up to its bytes, or whole where they are in another file.
  private func frame(
    of name: String, _ tensor: Tensor, data: (file: String, offset: Int)?
  ) -> [UInt8] {
    var message = ProtobufMessage()
    for size in tensor.shape { message.add(1, Int64(size)) }
    message.add(2, Self.type(of: tensor))
    message.add(8, name)
    var inside = 0
    if let data {
      message.add(13, Self.entry("location", data.file))
      message.add(13, Self.entry("offset", "\(data.offset)"))
      message.add(13, Self.entry("length", "\(tensor.byteCount)"))
      message.add(14, Int64(1))  // EXTERNAL
    } else {
      inside = tensor.byteCount
      message.open(9, count: inside)  // raw_data
    }
    var frame = ProtobufMessage()
    frame.open(5, count: message.bytes.count + inside)
    return frame.bytes + message.bytes
  }

  /// Writes large constants into the file beside the graph's, each at a multiple of a page, where
  /// it can be mapped; returns where each begins.
  private func writeData(beside path: String) throws(FileError) -> [Int?] {
    let page = 4096
    var places: [Int?] = []
    try replaceFile(at: Self.dataPath(of: path)) { (file) throws(FileError) in
      var end = 0
      for (_, tensor) in constants {
        guard tensor.byteCount > Self.smallConstant else {
          places.append(nil)
          continue
        }
        let start = (end + page - 1) / page * page
        try file.write([UInt8](repeating: 0, count: start - end))
        try file.write(tensor)
        places.append(start)
        end = start + tensor.byteCount
      }
    }
    return places
  }

  private static func entry(_ key: String, _ value: String) -> ProtobufMessage {
    var message = ProtobufMessage()
    message.add(1, key)
    message.add(2, value)
    return message
  }
}

extension Tensor {
  /// Bytes of the elements row by row.
  fileprivate var byteCount: Int { count * dtype.size }
}
