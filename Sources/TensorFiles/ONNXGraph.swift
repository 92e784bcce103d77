import FileSystem
public import Torch

/// A network in the ONNX format: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
///
/// Operators are those of opset 17. Values are named; each node gives names to what it computes.
///
/// ```swift
/// var graph = ONNXGraph(name: "half")
/// let x = graph.input("x", ["batch", 10])
/// graph.output(graph.node("Mul", [x, graph.constant("half", Tensor(Float(0.5)))]), as: "y", ["batch", 10])
/// try graph.write(to: "half.onnx")
/// ```
public struct ONNXGraph {
  /// The size of a dimension: a number, or a word where any number will do.
  public enum Size: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral {
    case fixed(Int)
    case named(String)

    public init(integerLiteral value: Int) { self = .fixed(value) }
    public init(stringLiteral value: String) { self = .named(value) }
  }

  /// A value that decides what a node does.
  public enum Attribute {
    case integer(Int)
    case float(Double)
    case integers([Int])
    case text(String)
  }

  /// The name of a value.
  public struct Value {
    let name: String
  }

  /// What the graph is called.
  public let name: String
  /// Free text, by key.
  public var metadata: [(key: String, value: String)] = []

  var nodes: [ProtobufMessage] = []
  var inputs: [ProtobufMessage] = []
  var outputs: [ProtobufMessage] = []
  /// Constants in the order of their use.
  private(set) var constants: [(name: String, tensor: Tensor)] = []
  private var names: Set<String> = []

  /// The opset of every operator.
  static let opset = 17
  /// The version of the format that goes with it.
  static let formatVersion = 8

  /// An empty graph.
  public init(name: String) { self.name = name }

  /// Declares a float32 input.
  public mutating func input(_ name: String, _ shape: [Size]) -> Value {
    claim(name)
    inputs.append(Self.description(of: name, shape))
    return Value(name: name)
  }

  /// Adds a constant; the same name again means the same constant.
  ///
  /// - Precondition: The tensor is float32 or int64.
  public mutating func constant(_ name: String, _ tensor: Tensor) -> Value {
    if names.contains(name), constants.contains(where: { $0.name == name }) {
      return Value(name: name)
    }
    claim(name)
    _ = Self.type(of: tensor)
    constants.append((name, tensor))
    return Value(name: name)
  }

  /// Adds an operator that computes one value.
  ///
  /// - Parameter name: The value's name.
  public mutating func node(
    _ type: String, _ arguments: [Value], _ attributes: [(String, Attribute)] = [],
    as name: String
  ) -> Value {
    nodes(type, arguments, attributes, as: [name])[0]
  }

  /// Adds an operator that computes several values.
  public mutating func nodes(
    _ type: String, _ arguments: [Value], _ attributes: [(String, Attribute)] = [],
    as results: [String]
  ) -> [Value] {
    var message = ProtobufMessage()
    for argument in arguments { message.add(1, argument.name) }
    for name in results {
      claim(name)
      message.add(2, name)
    }
    message.add(3, results[0])
    message.add(4, type)
    for (name, value) in attributes { message.add(5, Self.description(of: name, value)) }
    nodes.append(message)
    return results.map { Value(name: $0) }
  }

  /// Makes a value an output, under a name of its own.
  ///
  /// - Parameter type: What it is made of, float32 or int64.
  public mutating func output(
    _ value: Value, as name: String, _ shape: [Size], of type: DType = .float32
  ) {
    _ = node("Identity", [value], as: name)
    outputs.append(Self.description(of: name, shape, type))
  }

  private mutating func claim(_ name: String) {
    precondition(names.insert(name).inserted, "the name '\(name)' is given twice")
  }

  // MARK: messages

  /// A `ValueInfoProto`.
  private static func description(
    of name: String, _ shape: [Size], _ element: DType = .float32
  ) -> ProtobufMessage {
    var sizes = ProtobufMessage()
    for size in shape {
      var dimension = ProtobufMessage()
      switch size {
      case .fixed(let value): dimension.add(1, Int64(value))
      case .named(let word): dimension.add(2, word)
      }
      sizes.add(1, dimension)
    }
    var tensor = ProtobufMessage()
    tensor.add(1, type(of: element))
    tensor.add(2, sizes)
    var whole = ProtobufMessage()
    whole.add(1, tensor)
    var message = ProtobufMessage()
    message.add(1, name)
    message.add(2, whole)
    return message
  }

  /// An `AttributeProto`.
  private static func description(of name: String, _ value: Attribute) -> ProtobufMessage {
    var message = ProtobufMessage()
    message.add(1, name)
    switch value {
    case .float(let number):
      message.add(2, Float(number))
      message.add(20, Int64(1))
    case .integer(let number):
      message.add(3, Int64(number))
      message.add(20, Int64(2))
    case .integers(let numbers):
      for number in numbers { message.add(8, Int64(number)) }
      message.add(20, Int64(7))
    case .text(let words):
      message.add(4, words)
      message.add(20, Int64(3))
    }
    return message
  }

  /// The `TensorProto.DataType` of a constant.
  static func type(of tensor: Tensor) -> Int64 { type(of: tensor.dtype) }

  private static func type(of dtype: DType) -> Int64 {
    switch dtype {
    case .float32: 1
    case .int64: 7
    default: preconditionFailure("values are \(dtype), expected float32 or int64")
    }
  }
}
