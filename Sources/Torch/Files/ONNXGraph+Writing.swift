extension ONNXGraph {
  /// Bytes of constants that go into the graph's own file; the format allows no file of 2 GiB.
  public static let inlineLimit = 1_900_000_000

  /// The file beside the graph's that holds constants which are too large for it.
  public static func dataPath(of path: String) -> String { path + ".data" }

  /// Writes the graph; constants go through memory one at a time.
  ///
  /// Where there are more bytes of constants than `limit`, all go into a file of their own beside it,
  /// which onnxruntime and others open by its name: the two have to stay together.
  ///
  /// - Throws: ``FileError`` when the disk is full or the folder cannot be written.
  public func write(to path: String, inlining limit: Int = inlineLimit) throws(FileError) {
    let bytes = constants.reduce(0) { $0 + $1.tensor.count * $1.tensor.dtype.size }
    var places: [Int]?
    if bytes > limit { places = try writeData(beside: path) }
    let data = splitPath(Self.dataPath(of: path)).name
    let headers = constants.enumerated().map { index, constant in
      header(of: constant.name, constant.tensor, data: places.map { (data, $0[index]) })
    }
    var graph = ProtobufMessage()
    for node in nodes { graph.add(1, node) }
    graph.add(2, name)
    for input in inputs { graph.add(11, input) }
    for output in outputs { graph.add(12, output) }
    // A message is preceded by its length, so that of the graph is added up before it is written.
    let isInline = places == nil
    func isolated(_ index: Int) -> (message: ProtobufMessage, data: Int) {
      let tensor = constants[index].tensor
      let data = isInline ? tensor.count * tensor.dtype.size : 0
      var message = headers[index]
      if isInline { message.open(9, count: data) }  // raw_data
      return (message, data)
    }
    let frames = constants.indices.map { index in
      let (message, data) = isolated(index)
      var frame = ProtobufMessage()
      frame.open(5, count: message.bytes.count + data)
      return frame.bytes + message.bytes
    }
    let constantBytes = frames.reduce(0) { $0 + $1.count } + (isInline ? bytes : 0)
    var opening = ProtobufMessage()
    opening.add(1, Int64(Self.formatVersion))
    opening.add(2, "swift-mae")
    opening.open(7, count: graph.bytes.count + constantBytes)
    try replaceFile(at: path) { (file) throws(FileError) in
      try file.write(opening.bytes)
      try file.write(graph.bytes)
      for (frame, constant) in zip(frames, constants) {
        try file.write(frame)
        if isInline { try file.write(constant.tensor) }
      }
      try file.write(closing.bytes)
    }
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

  /// A constant's `TensorProto` up to its bytes.
  private func header(
    of name: String, _ tensor: Tensor, data: (file: String, offset: Int)?
  ) -> ProtobufMessage {
    var message = ProtobufMessage()
    for size in tensor.shape { message.add(1, Int64(size)) }
    message.add(2, Self.type(of: tensor))
    message.add(8, name)
    guard let data else { return message }
    message.add(13, Self.entry("location", data.file))
    message.add(13, Self.entry("offset", "\(data.offset)"))
    message.add(13, Self.entry("length", "\(tensor.count * tensor.dtype.size)"))
    message.add(14, Int64(1))  // EXTERNAL
    return message
  }

  /// Writes all constants into the file beside the graph's, each at a multiple of a page, where it
  /// can be mapped; returns where each begins.
  private func writeData(beside path: String) throws(FileError) -> [Int] {
    let page = 4096
    var places: [Int] = []
    try replaceFile(at: Self.dataPath(of: path)) { (file) throws(FileError) in
      var end = 0
      for (_, tensor) in constants {
        let start = (end + page - 1) / page * page
        try file.write([UInt8](repeating: 0, count: start - end))
        try file.write(tensor)
        places.append(start)
        end = start + tensor.count * tensor.dtype.size
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
