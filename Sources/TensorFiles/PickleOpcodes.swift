import FileSystem
import Torch

extension Pickle {
  /// Carries out one instruction of protocols 2 to 5.
  mutating func execute(_ code: UInt8) throws(Failure) {
    switch code {
    // The protocol's number; the length of what follows, which is there in any case.
    case 0x80: _ = try bytes(1)
    case 0x95: _ = try bytes(8)

    case UInt8(ascii: "("): marks.append(stack.count)
    case UInt8(ascii: "0"):
      if stack.count == marks.last { marks.removeLast() } else { _ = try pop() }
    case UInt8(ascii: "1"): _ = try popToMark()
    case UInt8(ascii: "2"): stack.append(try top())

    case UInt8(ascii: "N"): stack.append(.none)
    case 0x88: stack.append(.bool(true))
    case 0x89: stack.append(.bool(false))
    case UInt8(ascii: "K"): stack.append(.int(try unsigned(1)))
    case UInt8(ascii: "M"): stack.append(.int(try unsigned(2)))
    case UInt8(ascii: "J"):
      stack.append(.int(Int(Int32(truncatingIfNeeded: try unsigned(4)))))
    case 0x8a: stack.append(try long(try unsigned(1)))
    case 0x8b: stack.append(try long(try unsigned(4)))
    case UInt8(ascii: "G"):
      let bits = try bytes(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      stack.append(.double(Double(bitPattern: bits)))

    case 0x8c: stack.append(try text(try unsigned(1)))
    case UInt8(ascii: "X"): stack.append(try text(try unsigned(4)))
    case 0x8d: stack.append(try text(try unsigned(8)))
    // Bytes, and the text of Python 2.
    case UInt8(ascii: "C"), UInt8(ascii: "U"): try skip(try unsigned(1))
    case UInt8(ascii: "B"), UInt8(ascii: "T"): try skip(try unsigned(4))
    case 0x8e, 0x96: try skip(try unsigned(8))

    case UInt8(ascii: ")"): pushList([])
    case UInt8(ascii: "]"), 0x8f: pushList([])
    case UInt8(ascii: "t"), UInt8(ascii: "l"), 0x91: pushList(try popToMark())
    case 0x85, 0x86, 0x87: try tuple(Int(code) - 0x84)
    case UInt8(ascii: "a"):
      let item = try pop()
      try append([item])
    case UInt8(ascii: "e"), 0x90:
      let items = try popToMark()
      try append(items)

    case UInt8(ascii: "}"): pushDictionary()
    case UInt8(ascii: "d"):
      let items = try popToMark()
      pushDictionary()
      try setItems(items)
    case UInt8(ascii: "s"):
      let value = try pop()
      let key = try pop()
      try setItems([key, value])
    case UInt8(ascii: "u"):
      let items = try popToMark()
      try setItems(items)

    case UInt8(ascii: "q"): memo[try unsigned(1)] = try top()
    case UInt8(ascii: "r"): memo[try unsigned(4)] = try top()
    case 0x94: memo[memo.count] = try top()
    case UInt8(ascii: "h"): stack.append(try remembered(try unsigned(1)))
    case UInt8(ascii: "j"): stack.append(try remembered(try unsigned(4)))

    case UInt8(ascii: "c"):
      let module = try line()
      stack.append(try Self.named(try line(), of: module))
    case 0x93:
      guard case (.string(let name), .string(let module)) = (try pop(), try pop()) else {
        throw broken("a function without a name")
      }
      stack.append(try Self.named(name, of: module))
    case UInt8(ascii: "R"): try reduce()
    case 0x81:
      let arguments = try pop()
      try make(try pop(), arguments)
    case 0x92:
      _ = try pop()
      let arguments = try pop()
      try make(try pop(), arguments)
    case UInt8(ascii: "b"): try build()
    case UInt8(ascii: "Q"): try persistentLoad()
    default:
      let hexadecimal = String(code, radix: 16)
      throw broken("the instruction 0x\(hexadecimal), which files of tensors do not have,")
    }
  }

  private mutating func skip(_ count: Int) throws(Failure) {
    _ = try bytes(count)
    stack.append(.opaque)
  }

  private mutating func tuple(_ count: Int) throws(Failure) {
    var values: [Value] = []
    for _ in 0..<count { values.append(try pop()) }
    pushList(values.reversed())
  }

  private func remembered(_ place: Int) throws(Failure) -> Value {
    guard let value = memo[place] else { throw broken("a memory that is not there") }
    return value
  }

  /// What a name stands for: one of the few functions there are, or something that is not made.
  private static func named(_ name: String, of module: String) throws(Failure) -> Value {
    if let known = PickleGlobal(module: module, name: name) { return .global(known) }
    if PickleForeign.isKnown(module: module, name: name) { return .opaque }
    throw Failure(
      message: "asks for \((module + "." + name).quoted()), which is neither a tensor nor a plain "
        + "container; nothing of it was run", isForeign: true)
  }

  /// Calls one of the few functions there are. A call of anything else that is known makes nothing.
  private mutating func reduce() throws(Failure) {
    let last = try pop()
    let arguments = try list(last)
    if try top() == .opaque { return }
    guard case .global(let function) = try pop() else { throw broken("a call of no function") }
    switch function {
    case .orderedDictionary:
      var pairs: [(key: Value, value: Value)] = []
      for case let items in try arguments.first.map(list) ?? [] {
        let pair = try list(items)
        guard pair.count == 2 else { throw broken("a pair that is none") }
        pairs.append((pair[0], pair[1]))
      }
      pushDictionary(pairs)
    case .defaultDictionary: pushDictionary()
    case .size:
      guard let first = arguments.first else { throw broken("a size of nothing") }
      pushList(try list(first))
    case .rebuildTensor:
      let tensor = try tensor(arguments)
      stored += 2 * tensor.shape.count
      stack.append(.tensor(tensor))
    case .rebuildParameter:
      guard case .tensor(let tensor)? = arguments.first else {
        throw broken("a parameter that is no tensor")
      }
      stack.append(.tensor(tensor))
    case .storage, .untypedStorage, .namespace:
      throw broken("a call of what is no function")
    }
  }

  /// Makes an object without a call.
  private mutating func make(_ type: Value, _ arguments: Value) throws(Failure) {
    if type == .opaque {
      stack.append(.opaque)
      return
    }
    guard case .global(let type) = type, type == .namespace || type == .orderedDictionary,
      try list(arguments).isEmpty
    else { throw broken("an object of a type that is not plain") }
    pushDictionary()
  }

  /// Gives an object its fields. Those of a dictionary that is one are of no interest.
  private mutating func build() throws(Failure) {
    let state = try pop()
    if try top() == .opaque { return }
    guard case .dictionary = try top() else { throw broken("fields for what has none") }
    _ = state
  }

  /// A storage: `("storage", type, key, device, count)`.
  private mutating func persistentLoad() throws(Failure) {
    let description = try pop()
    let parts = try list(description)
    guard parts.count >= 5, case .string("storage") = parts[0], case .global(let type) = parts[1],
      case .string(let key) = parts[2], case .int(let count) = parts[4], count >= 0
    else { throw broken("a storage that is none") }
    switch type {
    case .storage(let dtype):
      stack.append(.storage(PickledStorage(key: key, dtype: dtype, count: count)))
    case .untypedStorage:
      stack.append(.storage(PickledStorage(key: key, dtype: .uint8, count: count)))
    default: throw broken("a storage of no type")
    }
  }

  /// `(storage, offset, sizes, strides, …)`.
  private func tensor(_ arguments: [Value]) throws(Failure) -> PickledTensor {
    guard arguments.count >= 4, case .storage(let storage) = arguments[0],
      case .int(let offset) = arguments[1]
    else { throw broken("a tensor without a storage") }
    let (shape, strides) = (try integers(arguments[2]), try integers(arguments[3]))
    guard
      let tensor = PickledTensor(storage: storage, offset: offset, shape: shape, strides: strides)
    else {
      throw broken(
        "a tensor of shape \(brief(shape)) with strides \(brief(strides)) from \(offset), which "
          + "its storage of \(storage.count) elements does not hold,")
    }
    return tensor
  }

  private func list(_ value: Value) throws(Failure) -> [Value] {
    guard case .list(let list) = value else { throw broken("a tuple that is none") }
    return lists[list]
  }

  private func integers(_ value: Value) throws(Failure) -> [Int] {
    let values = try list(value)
    guard values.count <= 64 else { throw broken("a tensor of \(values.count) dimensions") }
    var numbers: [Int] = []
    for value in values {
      guard case .int(let number) = value else { throw broken("a size that is no number") }
      numbers.append(number)
    }
    return numbers
  }
}

/// The functions and types that files of tensors may name.
enum PickleGlobal: Hashable {
  case orderedDictionary
  case defaultDictionary
  case namespace
  case rebuildTensor
  case rebuildParameter
  case size
  case storage(DType)
  case untypedStorage

  private static let known: [String: PickleGlobal] = [
    "collections.OrderedDict": .orderedDictionary,
    "collections.defaultdict": .defaultDictionary,
    "argparse.Namespace": .namespace,
    "torch._utils._rebuild_tensor": .rebuildTensor,
    "torch._utils._rebuild_tensor_v2": .rebuildTensor,
    "torch._utils._rebuild_parameter": .rebuildParameter,
    "torch.Size": .size,
    "torch.DoubleStorage": .storage(.float64),
    "torch.FloatStorage": .storage(.float32),
    "torch.HalfStorage": .storage(.float16),
    "torch.BFloat16Storage": .storage(.bfloat16),
    "torch.LongStorage": .storage(.int64),
    "torch.IntStorage": .storage(.int32),
    "torch.ShortStorage": .storage(.int16),
    "torch.CharStorage": .storage(.int8),
    "torch.ByteStorage": .storage(.uint8),
    "torch.BoolStorage": .storage(.bool),
    "torch.storage.UntypedStorage": .untypedStorage,
    "torch.storage._UntypedStorage": .untypedStorage,
  ]

  /// One of the few known; nil for any other name.
  init?(module: String, name: String) {
    guard let known = Self.known[module + "." + name] else { return nil }
    self = known
  }
}
