@testable import TensorFiles
import Testing

@testable import Torch

@Suite struct PickleTests {
  func run(_ body: [UInt8]) -> Result<Pickle.Value, Pickle.Failure> {
    var pickle = Pickle(Forged.pickle(body))
    return Result { () throws(Pickle.Failure) in try pickle.run() }
  }

  func value(_ body: [UInt8]) throws -> Pickle.Value { try run(body).get() }

  @Test func readsPlainValues() throws {
    #expect(try value(Forged.code("N")) == .none)
    #expect(try value([0x88]) == .bool(true))
    #expect(try value([0x89]) == .bool(false))
    #expect(try value([UInt8(ascii: "K"), 200]) == .int(200))
    #expect(try value([UInt8(ascii: "M"), 1, 2]) == .int(513))
    #expect(try value([UInt8(ascii: "J"), 0xfe, 0xff, 0xff, 0xff]) == .int(-2))
    #expect(try value([0x8a, 0]) == .int(0))
    #expect(try value([0x8a, 1, 0x80]) == .int(-128))
    #expect(try value([0x8a, 2, 0x80, 0]) == .int(128))
    #expect(try value([0x8a, 9, 0, 0, 0, 0, 0, 0, 0, 0, 1]) == .opaque)
    #expect(try value([UInt8(ascii: "G"), 0x3f, 0xf8, 0, 0, 0, 0, 0, 0]) == .double(1.5))
    #expect(try value([0x8c, 2, 0xc3, 0xa4]) == .string("ä"))
    #expect(try value(Forged.text("abc")) == .string("abc"))
    #expect(try value([UInt8(ascii: "C"), 1, 0]) == .opaque)
    // Protocol 4: a frame, a memory without a number, a value taken from it.
    #expect(
      try value([0x95, 9, 0, 0, 0, 0, 0, 0, 0, 0x8c, 1, 0x61, 0x94] + Forged.code("0h\0"))
        == .string("a"))
  }

  @Test func readsAnOrderedDictionaryOfPairs() throws {
    let pairs =
      Forged.code("](") + Forged.tuple([Forged.text("w"), Forged.tensor()])
      + Forged.code("e")
    var pickle = Pickle(
      Forged.pickle(
        Forged.global("OrderedDict", "collections") + pairs + [0x85] + Forged.code("R")))
    let root = try pickle.run()
    #expect(pickle.states(in: root).map { $0.tensors.map(\.name) } == [["w"]])
  }

  @Test func theLastOfTwoEqualKeysCounts() throws {
    let pairs = [
      (Forged.text("w"), Forged.tensor(shape: [1])), (Forged.text("x"), Forged.code("N")),
      (Forged.text("w"), Forged.tensor(shape: [3])), (Forged.int(1), Forged.tensor()),
    ]
    var pickle = Pickle(Forged.pickle(Forged.dictionary(pairs)))
    let root = try pickle.run()
    let state = try #require(pickle.states(in: root).first)
    #expect(state.tensors.map(\.tensor.shape) == [[3]])
    #expect(state.others == ["x"] && state.key == nil)
  }

  /// Values as Python 3.11 pickles them beside weights, none of which is made.
  static let harmless: [(String, [UInt8])] = [
    (
      "numpy.float64(0.1)",
      Forged.global("scalar", "numpy.core.multiarray")
        + Forged.tuple([
          Forged.global("dtype", "numpy") + Forged.tuple([Forged.text("f8"), [0x89], [0x88]])
            + Forged.code("R") + Forged.tuple([Forged.int(3), Forged.text("<")]) + Forged.code("b"),
          Forged.global("encode", "_codecs")
            + Forged.tuple([Forged.text("a"), Forged.text("latin1")]) + Forged.code("R"),
        ]) + Forged.code("R")
    ),
    (
      "pathlib.PosixPath('/')",
      Forged.global("PosixPath", "pathlib") + Forged.tuple([Forged.text("/")]) + Forged.code("R")
    ),
    (
      "torch.device('cpu')",
      Forged.global("device", "torch") + Forged.tuple([Forged.text("cpu")]) + Forged.code("R")
    ),
    ("torch.float32", Forged.global("float32", "torch")),
    (
      "{1}",
      Forged.global("set", "__builtin__") + Forged.code("](") + Forged.int(1)
        + Forged.code("e") + [0x85] + Forged.code("R")
    ),
    (
      "collections.deque([1])",
      Forged.global("deque", "collections") + Forged.code(")R") + Forged.code("(") + Forged.int(1)
        + Forged.code("e")
    ),
    (
      "collections.Counter(a=1)",
      Forged.global("Counter", "collections") + Forged.code("}(") + Forged.text("a")
        + Forged.int(1) + Forged.code("u") + [0x85] + Forged.code("R")
    ),
    (
      "an object without a call",
      Forged.global("DictConfig", "omegaconf.dictconfig") + Forged.code(")") + [0x81]
        + Forged.code("}") + Forged.code("b")
    ),
  ]

  @Test(arguments: harmless)
  func `harmless values beside weights are not made, and the weights are read`(
    what: String, value: [UInt8]
  ) throws {
    var pickle = Pickle(
      Forged.pickle(
        Forged.dictionary([
          (Forged.text("lr"), value),
          (
            Forged.text("model"),
            Forged.dictionary([
              (Forged.text("w"), Forged.tensor())
            ])
          ),
        ])))
    let root = try pickle.run()
    let states = pickle.states(in: root)
    #expect(states.map(\.key) == ["model"] && states[0].tensors.map(\.name) == ["w"])
    #expect(try self.value(value) == .opaque)
  }

  @Test func `a dictionary with a default may hold the weights`() throws {
    var pickle = Pickle(
      Forged.pickle(
        Forged.global("defaultdict", "collections")
          + Forged.tuple([Forged.global("list", "__builtin__")]) + Forged.code("R(")
          + Forged.text("w") + Forged.tensor() + Forged.code("u")))
    let root = try pickle.run()
    #expect(pickle.states(in: root).first?.tensors.map(\.name) == ["w"])
  }

  /// One dictionary of many entries under many keys: time grows with the file, not with its square.
  @Test(.timeLimit(.minutes(1))) func `one dictionary under many keys is not looked into for each`()
    throws
  {
    let many = Forged.dictionary((0..<50_000).map { (Forged.text("k\($0)"), Forged.code("N")) })
    let body =
      many + Forged.code("q\00") + Forged.code("}(")
      + Array(
        (0..<50_000).map { Forged.text("x\($0)") + Forged.code("h\0") }.joined())
      + Forged.code("u")
    var pickle = Pickle(Forged.pickle(body))
    let root = try pickle.run()
    #expect(pickle.states(in: root).isEmpty)
  }

  static let refused: [([UInt8], String)] = [
    (Forged.global("system", "posix"), "asks for 'posix.system'"),
    ([0x8c, 2, 0x6f, 0x73, 0x8c, 4] + Forged.code("exec") + [0x93], "asks for 'os.exec'"),
    (
      Forged.global("eval", "builtins") + Forged.text("1") + [0x85] + Forged.code("R"),
      "asks for 'builtins.eval'"
    ),
    (Forged.global("_rebuild_tensor_v2 ", "torch._utils"), "asks for"),
    (Forged.global("load", "numpy"), "asks for 'numpy.load'"),
    (Forged.global("Popen", "subprocess"), "asks for 'subprocess.Popen'"),
    (Forged.global("a\u{1b}[31m\tb", "m"), #"asks for 'm.a\u{1B}[31m\tb'"#),
    (Forged.global("FloatStorage", "torch") + Forged.code(")R"), "a call of what is no function"),
    (Forged.global("Namespace", "argparse") + Forged.code(")R"), "a call of what is no function"),
    (Forged.global("FloatStorage", "torch") + Forged.code(")") + [0x81], "not plain"),
    (Forged.code("N)R"), "a call of no function"),
    (Forged.global("OrderedDict", "collections") + Forged.code("NR"), "a tuple that is none"),
    (Forged.global("Size", "torch") + Forged.code(")R"), "a size of nothing"),
    (Forged.global("_rebuild_parameter", "torch._utils") + Forged.code(")R"), "no tensor"),
    (Forged.global("_rebuild_tensor_v2", "torch._utils") + Forged.code(")R"), "without a storage"),
    (Forged.code("N}b"), "fields for what has none"),
    (Forged.code("NQ"), "a tuple that is none"),
    (Forged.code(")Q"), "a storage that is none"),
    (Forged.code("h\u{7}"), "a memory that is not there"),
    (Forged.code("j") + [0xff, 0xff, 0xff, 0xff], "a memory that is not there"),
    (Forged.code(""), "a value that is not there"),
    (Forged.code("N("), "a value that is not there"),
    (Forged.code("2"), "a value that is not there"),
    (Forged.code("t"), "a mark that is not there"),
    (Forged.code("NNa"), "items for what is no list"),
    (Forged.code("NNNs"), "items for what is no dictionary"),
    (Forged.code("}(Nu"), "items for what is no dictionary"),
    (Forged.code("i"), "the instruction 0x69"),
    ([0x82, 1], "the instruction 0x82"),
    ([0x8c, 1, 0xff], "text that is not UTF-8"),
    ([UInt8(ascii: "X"), 0xff, 0xff, 0xff, 0xff], "is cut short"),
    ([0x8d] + littleEndian(UInt64.max), "a number too large"),
    ([0x8b] + littleEndian(UInt32.max), "is cut short"),
    (Forged.code("c") + [UInt8](repeating: 0x61, count: 300), "a name without an end"),
  ]

  @Test(arguments: refused)
  func refusesWithAReason(body: [UInt8], reason: String) {
    guard case .failure(let error) = run(body) else {
      Issue.record("read as if nothing were wrong")
      return
    }
    #expect(error.message.contains(reason), "\(error.message)")
    #expect(!error.message.contains("\n") && error.message.count < 300)
  }

  /// Programs that double, nest or tie together what they hold, and one that is only long.
  @Test func boundsWhatAProgramHolds() throws {
    let depth = 400_000
    func repeated(_ text: String, _ count: Int) -> [UInt8] {
      Array(repeatElement(Forged.code(text), count: count).joined())
    }
    // Nested very deep: lists in lists, tuples in tuples; forgotten without recursion.
    #expect(try value(repeated("(", depth / 2) + repeated("l", depth / 2)) == .list(199_999))
    #expect(
      try value(Forged.code("N") + [UInt8](repeating: 0x85, count: depth)) == .list(399_999))
    // A list in itself.
    #expect(try value(Forged.code("]q\0h\0a")) == .list(0))
    // More values than any checkpoint has: on the stack, as marks, in memory, and by doubling.
    let limit = Pickle.valueLimit + 1
    #expect(failure(repeated("N", limit)).contains("describes more than"))
    #expect(failure(repeated("(", limit)).contains("describes more than"))
    #expect(failure(repeated(")", limit)).contains("describes more than"))
    let double =
      Forged.global("Size", "torch") + Forged.code("q\0](")
      + repeated("N", 1000) + Forged.code("e") + [0x85] + Forged.code("q\u{1}00")
    #expect(failure(double + repeated("h\0h\u{1}R0", 5000)).contains("describes more than"))
  }

  /// Time grows with the length of the program, not with its square: that would be minutes here.
  @Test(.timeLimit(.minutes(1))) func callsDoNotCopyTheStack() throws {
    let storage = Forged.tuple([
      Forged.text("storage"), Forged.global("FloatStorage", "torch"), Forged.text("0"),
      Forged.text("cpu"), Forged.int(4),
    ])
    func calls(_ sizes: [Int], _ count: Int) -> [UInt8] {
      let arguments = Forged.tuple([
        storage + Forged.code("Q"), Forged.int(0), Forged.tuple(sizes.map(Forged.int)),
        Forged.tuple(sizes.map { _ in Forged.int(0) }),
      ])
      let prepared =
        Forged.global("_rebuild_tensor_v2", "torch._utils") + Forged.code("q\0") + arguments
        + Forged.code("q\u{1}")
      let call = Forged.code("h\0h\u{1}R")
      return prepared + Forged.code("(") + Array(repeatElement(call, count: count).joined())
        + Forged.code("t")
    }
    _ = try value(calls([1], 100_000))
    let storages =
      storage + Forged.code("q\0Q(")
      + Array(repeatElement(Forged.code("h\0Q"), count: 100_000).joined()) + Forged.code("t")
    _ = try value(storages)
    // Dimensions take memory too.
    let wide = [Int](repeating: 1, count: 64)
    #expect(failure(calls(wide, 20_000)).contains("describes more than"))
  }

  func failure(_ body: [UInt8]) -> String {
    guard case .failure(let error) = run(body) else { return "none" }
    return error.message
  }
}
