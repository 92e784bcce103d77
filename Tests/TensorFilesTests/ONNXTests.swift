@testable import TensorFiles
import Foundation
import TestSupport
import Testing

@testable import Torch

/// ONNX files, read by a decoder that shares nothing with the writer; field numbers are those of
/// onnx.proto.
@Suite struct ONNXTests {
  let folder = TemporaryFolder()

  /// `y = x · W + 1`, with a weight large enough to go into another file.
  private func graph() -> ONNXGraph {
    var graph = ONNXGraph(name: "line")
    let x = graph.input("x", ["batch", 20])
    let weight = graph.constant("weight", Self.weight.transposed(0, 1))
    let product = graph.node("MatMul", [x, weight], as: "product")
    let one = graph.constant("one", Tensor(Float(1)))
    let sum = graph.node("Add", [product, graph.constant("one", Tensor(Float(1)))], as: "sum")
    _ = (one, graph.constant("sizes", Tensor([3, -1])))
    let softmax = graph.node(
      "Softmax", [sum],
      [("axis", .integer(-1)), ("scale", .float(0.5)), ("of", .integers([1, 2]))],
      as: "softmax")
    graph.output(softmax, as: "y", ["batch", 30])
    graph.metadata = [("a", "1"), ("names", "ä")]
    return graph
  }

  private static var weight: Tensor { Tensor((0..<600).map { Float($0) }, shape: [30, 20]) }

  private func text(_ value: ProtobufValue?) -> String? {
    value?.bytes.map { String(decoding: $0, as: UTF8.self) }
  }

  private func message(_ value: ProtobufValue?) throws -> [Int: [ProtobufValue]] {
    try protobufFields(try #require(value?.bytes))
  }

  @Test func graphIsReadBack() throws {
    let path = folder.path + "/line.onnx"
    try graph().write(to: path)
    #expect(!FileManager.default.fileExists(atPath: ONNXGraph.dataPath(of: path)))
    let model = try protobufFields([UInt8](Data(contentsOf: URL(filePath: path))))
    #expect(model[1] == [.varint(8)])  // the format's version
    #expect(text(model[2]?.first) == "swift-mae")
    #expect(try message(model[8]?.first)[2] == [.varint(17)])  // the opset
    let entries = try (model[14] ?? []).map { try message($0) }
    #expect(entries.map { text($0[1]?.first) } == ["a", "names"])
    #expect(entries.map { text($0[2]?.first) } == ["1", "ä"])

    let graph = try message(model[7]?.first)
    #expect(text(graph[2]?.first) == "line")
    let nodes = try (graph[1] ?? []).map { try message($0) }
    #expect(
      nodes.map { text($0[4]?.first) } == ["MatMul", "Add", "Softmax", "Identity"])
    #expect(nodes.map { text($0[2]?.first) } == ["product", "sum", "softmax", "y"])
    #expect(nodes[0][1]?.map { text($0) } == ["x", "weight"])
    #expect(nodes[1][1]?.map { text($0) } == ["product", "one"])
    let attributes = try (nodes[2][5] ?? []).map { try message($0) }
    #expect(attributes.map { text($0[1]?.first) } == ["axis", "scale", "of"])
    #expect(attributes[0][3] == [.varint(UInt64(bitPattern: -1))])
    #expect(attributes[1][2] == [.fixed32(Float(0.5).bitPattern)])
    #expect(attributes[2][8] == [.varint(1), .varint(2)])
    #expect(attributes.map { $0[20] } == [[.varint(2)], [.varint(1)], [.varint(7)]])

    let input = try message(graph[11]?.first)
    #expect(text(input[1]?.first) == "x")
    let tensor = try message(message(input[2]?.first)[1]?.first)
    #expect(tensor[1] == [.varint(1)])
    let sizes = try (message(tensor[2]?.first)[1] ?? []).map { try message($0) }
    #expect(text(sizes[0][2]?.first) == "batch" && sizes[1][1] == [.varint(20)])

    let constants = try (graph[5] ?? []).map { try message($0) }
    #expect(constants.map { text($0[8]?.first) } == ["weight", "one", "sizes"])
    #expect(constants[0][1] == [.varint(20), .varint(30)])
    #expect(constants.map { $0[2] } == [[.varint(1)], [.varint(1)], [.varint(7)]])
    #expect(constants[1][1] == nil)  // a number has no sizes
    let bytes = try #require(constants[0][9]?.first?.bytes)
    #expect(bytes == Self.bytes(of: Self.weight.transposed(0, 1)))
    #expect(constants[2][9]?.first?.bytes == Self.bytes(of: [3, -1] as [Int64]))
  }

  @Test func largeConstantsGoIntoAFileOfTheirOwn() throws {
    let path = folder.path + "/line.onnx"
    try graph().write(to: path, inlining: 2000)
    let model = try protobufFields([UInt8](Data(contentsOf: URL(filePath: path))))
    let graph = try message(model[7]?.first)
    let constants = try (graph[5] ?? []).map { try message($0) }
    // Small ones stay: a shape has to be known before the other file is opened.
    #expect(constants.map { $0[9] == nil } == [true, false, false])
    #expect(constants.map { $0[14] } == [[.varint(1)], nil, nil])
    let entries = try (constants[0][13] ?? []).map { try message($0) }
    let place = Dictionary(
      uniqueKeysWithValues: entries.map {
        (text($0[1]?.first) ?? "", text($0[2]?.first) ?? "")
      })
    #expect(place == ["location": "line.onnx.data", "offset": "0", "length": "2400"])
    let data = try [UInt8](Data(contentsOf: URL(filePath: path + ".data")))
    #expect(data == Self.bytes(of: Self.weight.transposed(0, 1)))
  }

  @Test func constantsBeginAtPages() throws {
    var graph = ONNXGraph(name: "two")
    _ = graph.constant("a", Tensor.ones([500]))
    _ = graph.constant("b", Tensor.full([1025], 2))
    _ = graph.constant("c", Tensor.full([300], 3))
    let path = folder.path + "/two.onnx"
    try graph.write(to: path, inlining: 0)
    let data = try [UInt8](Data(contentsOf: URL(filePath: path + ".data")))
    try #require(data.count == 3 * 4096 + 1200)
    for (start, value) in [(0, Float(1)), (4096, 2), (3 * 4096, 3)] {
      #expect(littleEndianFloat(data[start..<start + 4]) == value)
    }
    #expect(data[2000..<4096].allSatisfy { $0 == 0 })
  }

  private static func bytes<Element: BitwiseCopyable>(of values: [Element]) -> [UInt8] {
    values.withUnsafeBytes { Array($0) }
  }

  private static func bytes(of tensor: Tensor) -> [UInt8] { bytes(of: tensor.floats()) }

  private func littleEndianFloat(_ bytes: ArraySlice<UInt8>) -> Float {
    Float(bitPattern: UInt32(littleEndianNumber(bytes)))
  }
}
