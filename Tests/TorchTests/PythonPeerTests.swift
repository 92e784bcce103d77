import Foundation
import TestSupport
import Testing
import Torch

/// Python's c10d as an oracle: a process of PyTorch and this one in one group. Runs where
/// `PEER_PYTHON` names a Python with PyTorch.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["PEER_PYTHON"] != nil))
struct PythonPeerTests {
  private static let peer = """
    import datetime, sys, torch, torch.distributed as dist
    store = dist.TCPStore("127.0.0.1", int(sys.argv[1]), is_master=False,
                          timeout=datetime.timedelta(seconds=30))
    dist.init_process_group("gloo", store=store, rank=1, world_size=2,
                            timeout=datetime.timedelta(seconds=30))
    values = torch.tensor([10.0, 0.5])
    dist.all_reduce(values)
    print(values.tolist())
    first = torch.tensor([-1.0])
    dist.broadcast(first, 0)
    print(first.tolist())
    # A reducer beside ours: the same network, the other half of the images.
    weight = torch.nn.Parameter(torch.ones(3, 4))
    model = torch.nn.Linear(4, 3, bias=False)
    model.weight = weight
    model = torch.nn.parallel.DistributedDataParallel(model)
    model(torch.full((2, 4), 2.0)).square().mean().backward()
    print(weight.grad.flatten().tolist())
    """

  @Test func `PyTorch and this library reduce together`() throws {
    let folder = TemporaryFolder()
    let script = folder.write(Array(Self.peer.utf8), to: "peer.py")
    let store = try KeyStore.tcp(host: "127.0.0.1", port: 0, serves: true, timeout: 30)
    let python = Process()
    python.executableURL = URL(
      fileURLWithPath: ProcessInfo.processInfo.environment["PEER_PYTHON"] ?? "")
    python.arguments = [script, "\(store.port)"]
    let output = Pipe()
    python.standardOutput = output
    try python.run()
    // The prefix of PyTorch's first group, over a store that it is given.
    let group = try ProcessGroup(
      store.prefixed("0/"), name: "python", rank: 0, count: 2, timeout: 30)
    #expect(try group.allReduce(Tensor([Float(1), 2])).floats() == [11, 2.5])
    try group.broadcast([Tensor([Float(7)])])
    // What DistributedDataParallel does before its first pass: shapes are compared, then weights.
    let weight = Tensor.ones([3, 4])
    weight.requiresGradient = true
    let reducer = try GradientReducer([("weight", weight)], over: group)
    try group.broadcast([weight])
    try reducer.averageNextPass()
    Tensor.full([2, 4], 1).linear(weight).squared().mean().backward()
    python.waitUntilExit()
    let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      .split(separator: "\n")
    #expect(said.first == "[11.0, 2.5]")
    #expect(said.dropFirst().first == "[7.0]")
    // d/dW of the mean of (4·x)²: 8x²·2/6·2 … by hand: 1 → 8/3, 2 → 32/3, their mean 20/3.
    let gradient = try #require(weight.gradient).floats()
    #expect(said.last.map(String.init) == "\(gradient.map(Double.init))")
  }
}
