public import CTorch

/// An operator of libtorch, found once by its schema name and called boxed.
///
/// Arguments are pushed in the schema's order, those left out have their defaults, and
/// ``Named`` fills one by keyword: `gelu(x, Named("approximate", "tanh"))`.
public struct Op: @unchecked Sendable {  // Sendable: a handle that is never changed nor freed.
  @usableFromInline let raw: ct_op
  /// The name without its namespace, with the overload where there is one: `add.Tensor`.
  public let name: String

  /// Finds an operator; a name that does not exist stops the program.
  public init(_ name: String, _ overload: String = "", namespace: String = "aten") {
    guard let found = ct_op_find(namespace + "::" + name, overload) else {
      fatalError(TorchError.last("\(namespace)::\(name)").description)
    }
    raw = found
    self.name = overload.isEmpty ? name : name + "." + overload
  }

  /// Finds an operator that not every build of libtorch has; nil where it is not there.
  init?(ifThere name: String, _ overload: String = "", namespace: String = "aten") {
    guard let found = ct_op_find(namespace + "::" + name, overload) else { return nil }
    raw = found
    self.name = name
  }

  /// The operator's schema, such as `aten::relu(Tensor self) -> Tensor`.
  public var schema: String { String(cString: ct_op_schema(raw)) }

  /// Calls an operator whose result is one tensor.
  @inlinable
  public func callAsFunction<each Argument: TorchArgument>(
    _ argument: repeat each Argument, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    let frame = ct_begin(raw)
    repeat (each argument).push(to: frame)
    var result: ct_tensor?
    guard ct_call1(frame, &result) == 0, let result else {
      TorchFailure.report(name, file, line)
      return Tensor()
    }
    return Tensor(owning: result)
  }

  /// Calls an operator and throws what libtorch says of it.
  @inlinable
  public func attempt<each Argument: TorchArgument>(
    _ argument: repeat each Argument
  ) throws(TorchError) -> Tensor {
    let frame = ct_begin(raw)
    repeat (each argument).push(to: frame)
    var result: ct_tensor?
    guard ct_call1(frame, &result) == 0, let result else { throw TorchError.last(name) }
    return Tensor(owning: result)
  }

  /// Calls an operator with several results or a list of tensors as its result; empty on failure.
  @inlinable @discardableResult
  public func all<each Argument: TorchArgument>(
    _ argument: repeat each Argument, file: StaticString = #fileID, line: UInt = #line
  ) -> [Tensor] {
    let frame = ct_begin(raw)
    repeat (each argument).push(to: frame)
    let count = ct_call(frame)
    guard count >= 0 else {
      TorchFailure.report(name, file, line)
      return []
    }
    defer { ct_end(frame) }
    if count == 1, ct_result_is_list(frame, 0) {
      return (0..<ct_result_list_count(frame, 0)).map {
        Tensor(owning: ct_result_list_tensor(frame, 0, $0))
      }
    }
    return (0..<count).map { Tensor(owning: ct_result_tensor(frame, $0)) }
  }
}

/// A value an operator can be given.
public protocol TorchArgument {
  /// Pushes the value as the next argument.
  func push(to frame: ct_frame)
}

/// A value that an operator can be given a list of.
public protocol TorchListElement {
  /// Pushes a list as the next argument.
  static func push(_ list: [Self], to frame: ct_frame)
}

/// An argument by its schema name.
public struct Named<Value: TorchArgument>: TorchArgument {
  @usableFromInline let name: String
  @usableFromInline let value: Value

  /// Names an argument.
  @inlinable
  public init(_ name: String, _ value: Value) {
    self.name = name
    self.value = value
  }

  @inlinable
  public func push(to frame: ct_frame) {
    ct_named(frame, name)
    value.push(to: frame)
  }
}

extension Tensor: TorchArgument, TorchListElement {
  @inlinable
  public func push(to frame: ct_frame) { ct_push_tensor(frame, handle.raw) }

  public static func push(_ list: [Tensor], to frame: ct_frame) {
    withUnsafeTemporaryAllocation(of: ct_tensor?.self, capacity: list.count) { raw in
      for (i, tensor) in list.enumerated() { raw.initializeElement(at: i, to: tensor.handle.raw) }
      withExtendedLifetime(list) { ct_push_tensors(frame, raw.baseAddress, raw.count) }
    }
  }
}

extension Int: TorchArgument, TorchListElement {
  @inlinable
  public func push(to frame: ct_frame) { ct_push_int(frame, Int64(self)) }

  @inlinable
  public static func push(_ list: [Int], to frame: ct_frame) {
    list.withUnsafeBufferPointer { list in
      list.withMemoryRebound(to: Int64.self) { ct_push_ints(frame, $0.baseAddress, $0.count) }
    }
  }
}

extension Double: TorchArgument, TorchListElement {
  @inlinable
  public func push(to frame: ct_frame) { ct_push_double(frame, self) }

  @inlinable
  public static func push(_ list: [Double], to frame: ct_frame) {
    list.withUnsafeBufferPointer { ct_push_doubles(frame, $0.baseAddress, $0.count) }
  }
}

extension Bool: TorchArgument, TorchListElement {
  @inlinable
  public func push(to frame: ct_frame) { ct_push_bool(frame, self) }

  @inlinable
  public static func push(_ list: [Bool], to frame: ct_frame) {
    list.withUnsafeBufferPointer { ct_push_bools(frame, $0.baseAddress, $0.count) }
  }
}

extension String: TorchArgument {
  public func push(to frame: ct_frame) {
    var text = self
    text.withUTF8 { bytes in
      bytes.withMemoryRebound(to: CChar.self) { ct_push_string(frame, $0.baseAddress, $0.count) }
    }
  }
}

extension Array: TorchArgument where Element: TorchListElement {
  @inlinable
  public func push(to frame: ct_frame) { Element.push(self, to: frame) }
}

extension Optional: TorchArgument where Wrapped: TorchArgument {
  @inlinable
  public func push(to frame: ct_frame) {
    if let value = self { value.push(to: frame) } else { ct_push_none(frame) }
  }
}
