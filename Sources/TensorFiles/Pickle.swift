/// Python's pickle, as far as a file of tensors needs it.
///
/// Values lie side by side in arrays and refer to each other by their places. However a file nests
/// or ties them together, reading and forgetting it takes memory in proportion to its length and no
/// recursion.
struct Pickle {
  /// A value on the stack or in a container.
  enum Value: Hashable {
    case none
    case bool(Bool)
    case int(Int)
    case double(Double)
    case string(String)
    /// Something that is carried along but never looked at or made, such as bytes, a very long
    /// number, or what a name of ``PickleForeign`` would make.
    case opaque
    /// A list, tuple or set, by its place in `lists`.
    case list(Int)
    /// A dictionary, or an object's fields, by its place in `dictionaries`.
    case dictionary(Int)
    case global(PickleGlobal)
    case storage(PickledStorage)
    case tensor(PickledTensor)
  }

  struct Failure: Error {
    let message: String
    /// Whether the file is whole and asks for something that is not made here.
    var isForeign = false
  }

  /// The longest program that is run, in bytes, and the most values it may hold at a time.
  static let limit = 32 << 20
  static let valueLimit = 1 << 20

  let program: [UInt8]
  var position = 0
  var stack: [Value] = []
  var marks: [Int] = []
  var memo: [Int: Value] = [:]
  var lists: [[Value]] = []
  var dictionaries: [[(key: Value, value: Value)]] = []
  /// Values ever put into containers; with those on the stack it measures the memory in use.
  var stored = 0

  init(_ program: [UInt8]) { self.program = program }

  /// Runs the program to its end and gives the value that it leaves.
  mutating func run() throws(Failure) -> Value {
    while true {
      guard position < program.count else { throw cutShort }
      let code = program[position]
      position += 1
      if code == UInt8(ascii: ".") { return try pop() }
      try execute(code)
      if stack.count + stored + memo.count + marks.count > Self.valueLimit {
        throw Failure(message: "describes more than \(Self.valueLimit) values; it holds no weights")
      }
    }
  }

  private var cutShort: Failure { Failure(message: "is cut short: its pickle has no end") }

  func broken(_ what: String) -> Failure {
    Failure(message: "has a broken pickle: \(what) at byte \(position)")
  }

  // MARK: reading the program

  mutating func bytes(_ count: Int) throws(Failure) -> ArraySlice<UInt8> {
    guard count >= 0, count <= program.count - position else { throw cutShort }
    defer { position += count }
    return program[position..<position + count]
  }

  /// A number of `size` bytes, the lowest first.
  mutating func unsigned(_ size: Int) throws(Failure) -> Int {
    let value = try bytes(size).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard let count = Int(exactly: value) else { throw broken("a number too large") }
    return count
  }

  mutating func text(_ count: Int) throws(Failure) -> Value {
    let utf8 = try bytes(count)
    guard let text = String(validating: utf8, as: UTF8.self) else {
      throw broken("text that is not UTF-8")
    }
    return .string(text)
  }

  /// Text up to the end of the line.
  mutating func line() throws(Failure) -> String {
    guard let end = program[position...].prefix(256).firstIndex(of: UInt8(ascii: "\n")) else {
      throw broken("a name without an end")
    }
    let text = String(decoding: program[position..<end], as: UTF8.self)
    position = end + 1
    return text
  }

  /// A whole number of any length in two's complement.
  mutating func long(_ count: Int) throws(Failure) -> Value {
    let digits = try bytes(count)
    guard digits.count <= 8 else { return .opaque }
    let negative = digits.last.map { $0 & 0x80 != 0 } ?? false
    let start: UInt64 = negative ? .max : 0
    return .int(Int(truncatingIfNeeded: digits.reversed().reduce(start) { $0 << 8 | UInt64($1) }))
  }

  // MARK: the stack

  mutating func pop() throws(Failure) -> Value {
    guard stack.count > (marks.last ?? 0), let value = stack.popLast() else {
      throw broken("a value that is not there")
    }
    return value
  }

  func top() throws(Failure) -> Value {
    guard stack.count > (marks.last ?? 0), let value = stack.last else {
      throw broken("a value that is not there")
    }
    return value
  }

  /// Takes the values above the last mark, and the mark.
  mutating func popToMark() throws(Failure) -> [Value] {
    guard let mark = marks.popLast() else { throw broken("a mark that is not there") }
    defer { stack.removeSubrange(mark...) }
    return Array(stack[mark...])
  }

  mutating func pushList(_ values: [Value]) {
    lists.append(values)
    stored += values.count + 1
    stack.append(.list(lists.count - 1))
  }

  mutating func pushDictionary(_ pairs: [(key: Value, value: Value)] = []) {
    dictionaries.append(pairs)
    stored += 2 * pairs.count + 1
    stack.append(.dictionary(dictionaries.count - 1))
  }

  mutating func append(_ values: [Value]) throws(Failure) {
    if try top() == .opaque { return }
    guard case .list(let list) = try top() else { throw broken("items for what is no list") }
    lists[list].append(contentsOf: values)
    stored += values.count
  }

  mutating func setItems(_ values: [Value]) throws(Failure) {
    if try top() == .opaque, values.count % 2 == 0 { return }
    guard case .dictionary(let dictionary) = try top(), values.count % 2 == 0 else {
      throw broken("items for what is no dictionary")
    }
    dictionaries[dictionary].append(contentsOf: Self.pairs(values))
    stored += values.count
  }

  static func pairs(_ values: [Value]) -> [(key: Value, value: Value)] {
    stride(from: 0, to: values.count - 1, by: 2).map { (values[$0], values[$0 + 1]) }
  }

  // MARK: what the program left

  /// A dictionary of tensors.
  struct State {
    /// Under which key of the root it is, words after one another with dots where dictionaries are
    /// nested; nil for the root itself.
    var key: String?
    var tensors: [(name: String, tensor: PickledTensor)] = []
    /// Keys of it that hold no tensor.
    var others: [String] = []
  }

  /// All dictionaries of tensors in a value: itself, those in it, and those in those.
  ///
  /// A name that is set twice has its last value, as in Python.
  func states(in root: Value) -> [State] {
    var states: [State] = []
    // One dictionary may be under many keys: looking into them must not take longer than reading.
    var budget = Self.valueLimit
    func look(into value: Value, key: String?, depth: Int) {
      guard case .dictionary(let place) = value, budget > 0 else { return }
      budget -= dictionaries[place].count + 1
      var found: [String: Value] = [:]
      var order: [String] = []
      for case (.string(let name), let value) in dictionaries[place] {
        if found.updateValue(value, forKey: name) == nil { order.append(name) }
      }
      var state = State(key: key)
      for name in order {
        if case .tensor(let tensor)? = found[name] {
          state.tensors.append((name, tensor))
        } else {
          state.others.append(name)
        }
      }
      if !state.tensors.isEmpty { states.append(state) }
      guard depth < 2 else { return }
      for name in state.others {
        guard let value = found[name] else { continue }
        look(into: value, key: key.map { "\($0).\(name)" } ?? name, depth: depth + 1)
      }
    }
    look(into: root, key: nil, depth: 0)
    return states
  }
}
