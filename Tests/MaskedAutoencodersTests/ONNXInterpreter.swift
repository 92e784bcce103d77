import Foundation
import TestSupport
import Torch

/// Runs the operators of an ONNX file one by one, as their specification says: enough of them for a
/// Vision Transformer, so that what is written can be checked without another program. A detector's are
/// in a file of their own.
struct ONNXInterpreter {
  typealias Message = [Int: [ProtobufValue]]

  let opset: UInt64
  let metadata: [String: String]
  let inputs: [String: [String]]
  let outputs: [String: [String]]
  /// Constants by name.
  private(set) var constants: [String: Tensor] = [:]
  private let nodes: [Message]

  struct Unsupported: Error { let what: String }

  init(_ path: String) throws {
    let model = try protobufFields([UInt8](Data(contentsOf: URL(filePath: path))))
    func message(_ value: ProtobufValue?) throws -> Message {
      try protobufFields(value?.bytes ?? [])
    }
    func shapes(_ values: [ProtobufValue]?) throws -> [String: [String]] {
      try (values ?? []).map { try message($0) }.reduce(into: [:]) { shapes, value in
        let tensor = try message(message(value[2]?.first)[1]?.first)
        shapes[Self.text(value[1]?.first)] = try (message(tensor[2]?.first)[1] ?? []).map {
          let size = try message($0)
          return size[2] == nil ? "\(Self.int(size[1]?.first))" : Self.text(size[2]?.first)
        }
      }
    }
    let graph = try message(model[7]?.first)
    opset = UInt64(Self.int(try message(model[8]?.first)[2]?.first))
    metadata = try (model[14] ?? []).map { try message($0) }.reduce(into: [:]) {
      $0[Self.text($1[1]?.first)] = Self.text($1[2]?.first)
    }
    inputs = try shapes(graph[11])
    outputs = try shapes(graph[12])
    nodes = try (graph[1] ?? []).map { try message($0) }
    for constant in try (graph[5] ?? []).map({ try message($0) }) {
      constants[Self.text(constant[8]?.first)] = try Self.constant(constant, beside: path)
    }
  }

  private static func text(_ value: ProtobufValue?) -> String {
    String(decoding: value?.bytes ?? [], as: UTF8.self)
  }

  private static func int(_ value: ProtobufValue?) -> Int {
    if case .varint(let bits)? = value { Int(Int64(bitPattern: bits)) } else { 0 }
  }

  private static func constant(_ message: Message, beside path: String) throws -> Tensor {
    let shape = (message[1] ?? []).map { int($0) }
    var bytes = message[9]?.first?.bytes ?? []
    if int(message[14]?.first) == 1 {
      var entries: [String: String] = [:]
      for entry in message[13] ?? [] {
        let pair = try protobufFields(entry.bytes ?? [])
        entries[text(pair[1]?.first)] = text(pair[2]?.first)
      }
      let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
      let file = folder.joined(separator: "/") + "/" + (entries["location"] ?? "")
      let (start, count) = (Int(entries["offset"] ?? "") ?? 0, Int(entries["length"] ?? "") ?? 0)
      bytes = try Array([UInt8](Data(contentsOf: URL(filePath: file)))[start..<start + count])
    }
    return bytes.withUnsafeBytes { raw in
      int(message[2]?.first) == 7
        ? Tensor(Array(raw.bindMemory(to: Int64.self)), shape: shape)
        : Tensor(Array(raw.bindMemory(to: Float.self)), shape: shape)
    }
  }

  /// The outputs for inputs, by name.
  func callAsFunction(_ arguments: [String: Tensor]) throws -> [String: Tensor] {
    var values = constants.merging(arguments) { $1 }
    for node in nodes {
      let names = (node[1] ?? []).map { Self.text($0) }
      // Each value is computed before it is used.
      let inputs = try names.map { name in
        guard let value = values[name] else { throw Unsupported(what: "\(name) is not there") }
        return value
      }
      let results = try Self.run(Self.text(node[4]?.first), inputs, try Attributes(node))
      for (name, result) in zip((node[2] ?? []).map({ Self.text($0) }), results) {
        values[name] = result
      }
    }
    return values.filter { outputs[$0.key] != nil }
  }

  struct Attributes {
    var ints: [String: Int] = [:]
    var floats: [String: Double] = [:]
    var lists: [String: [Int]] = [:]
    var texts: [String: String] = [:]

    init(_ node: Message) throws {
      for value in node[5] ?? [] {
        let attribute = try protobufFields(value.bytes ?? [])
        let name = text(attribute[1]?.first)
        switch int(attribute[20]?.first) {
        case 1:
          if case .fixed32(let bits)? = attribute[2]?.first {
            floats[name] = Double(Float(bitPattern: bits))
          }
        case 2: ints[name] = int(attribute[3]?.first)
        case 3: texts[name] = text(attribute[4]?.first)
        case 7: lists[name] = (attribute[8] ?? []).map { int($0) }
        case let kind: throw Unsupported(what: "an attribute of type \(kind)")
        }
      }
    }
  }

  static func integers(_ tensor: Tensor) -> [Int] {
    tensor.array(of: Int64.self).map { Int($0) }
  }

  private static func run(
    _ type: String, _ x: [Tensor], _ attributes: Attributes
  ) throws -> [Tensor] {
    let axis = attributes.ints["axis"] ?? 0
    switch type {
    case "Identity": return [x[0]]
    case "Add": return [x[0] + x[1]]
    case "Mul": return [x[0] * x[1]]
    case "MatMul": return [x[0].matmul(x[1])]
    case "Erf": return [Op("erf")(x[0])]
    case "Softmax": return [x[0].softmax(along: axis)]
    case "Concat": return [concatenated(x, along: axis)]
    case "Conv":
      return [
        x[0].conv2d(
          x[1], x.count > 2 ? x[2] : nil, stride: attributes.lists["strides"]?[0] ?? 1,
          padding: attributes.lists["pads"]?[0] ?? 0)
      ]
    case "ConvTranspose":
      return [x[0].convTranspose2d(x[1], x[2], stride: attributes.lists["strides"]?[0] ?? 1)]
    case "MaxPool":
      return [
        x[0].maxPool2d(
          attributes.lists["kernel_shape"]?[0] ?? 1, stride: attributes.lists["strides"]?[0] ?? 1)
      ]
    case "Pad":
      let (edges, rank) = (integers(x[1]), x[0].rank)
      // The engine counts from the last dimension, both ends of each.
      return [
        x[0].padded((0..<rank).reversed().flatMap { [edges[$0], edges[rank + $0]] })
      ]
    case "BatchNormalization", "InstanceNormalization":
      func row(_ tensor: Tensor) -> Tensor {
        tensor.reshaped([1, -1] + [Int](repeating: 1, count: x[0].rank - 2))
      }
      let dimensions = Array(2..<x[0].rank)
      let isInstance = type == "InstanceNormalization"
      let mean = isInstance ? x[0].mean(dimensions, keepingDimensions: true) : row(x[3])
      let variance =
        isInstance
        ? (x[0] - mean).squared().mean(dimensions, keepingDimensions: true) : row(x[4])
      let normed =
        (x[0] - mean) / (variance + (attributes.floats["epsilon"] ?? 1e-5)).squareRoot()
      return [normed * row(x[1]) + row(x[2])]
    case "Transpose": return [x[0].permuted(attributes.lists["perm"] ?? [])]
    case "Shape":
      let sizes = x[0].shape[
        attributes.ints["start", default: 0]..<attributes.ints["end", default: x[0].rank]]
      return [Tensor(sizes.map { Int64($0) })]
    case "Reshape":
      let shape = integers(x[1]).enumerated().map { $1 == 0 ? x[0].shape[$0] : $1 }
      return [x[0].reshaped(shape)]
    case "Expand": return [x[0].expanded(integers(x[1]))]
    case "Split": return x[0].split(sizes: integers(x[1]), along: axis)
    case "Slice":
      return [
        integers(x[3]).enumerated().reduce(x[0]) { part, place in
          part.narrowed(
            place.element, to: integers(x[1])[place.offset]..<integers(x[2])[place.offset])
        }
      ]
    case "Gather":
      return [
        x[1].rank == 0
          ? x[0].selected(integers(x[1])[0], along: axis) : x[0].selected(x[1], along: axis)
      ]
    case "ReduceMean":
      return [
        x[0].mean(
          attributes.lists["axes"] ?? [], keepingDimensions: attributes.ints["keepdims"] == 1)
      ]
    case "Gemm" where attributes.ints["transB"] == 1: return [x[0].linear(x[1], x[2])]
    case "LayerNormalization":
      return [x[0].layerNorm(x[1], x[2], epsilon: attributes.floats["epsilon"] ?? 1e-5)]
    default: return try detecting(type, x, attributes)
    }
  }
}
