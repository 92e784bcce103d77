internal import CTorch

/// Work of a device that was captured once and is replayed as a whole, as `torch.cuda.CUDAGraph` is: the
/// host names no operator again, so that small operators wait for nobody.
///
/// A replay reads and writes the memory that the captured operators read and wrote. What changes from
/// one to the next is copied into tensors that were made before, with ``Tensor/copy(_:file:line:)``; what
/// comes out is in the tensors that the captured work left behind, until the next replay. Numbers that
/// were drawn, counted or read on the host while it was captured stay what they were.
public final class AcceleratorGraph {
  private let raw: ct_graph

  /// Whether work of the device can be captured: on CUDA devices, where the bridge was compiled with
  /// CUDA's headers.
  public static func isSupported(on device: Device) -> Bool {
    ct_graph_supported(device.kind.rawValue)
  }

  /// Captures what `body` asks of the device, without doing it: ``replay(file:line:)`` does.
  ///
  /// Everything that is set up at the first use, such as libraries' handles, must have been: run the
  /// same work before. Inside `body` nothing may be read back from the device, nor be copied to it,
  /// and gradients that it is to leave behind must be nil before.
  ///
  /// - Throws: What could not be captured, in libtorch's words; the device can be used as before.
  public init(on device: Device, _ body: () -> Void) throws(TorchError) {
    var graph: ct_graph?
    guard ct_graph_begin(device.kind.rawValue, Int8(device.index), &graph) == 0, let graph else {
      throw TorchError.last("graph capture")
    }
    do throws(TorchError) {
      try withTorchErrors(body)
    } catch {
      _ = ct_graph_end(graph, false)
      ct_graph_free(graph)
      throw error
    }
    guard ct_graph_end(graph, true) == 0 else {
      let error = TorchError.last("graph capture")
      ct_graph_free(graph)
      throw error
    }
    raw = graph
  }

  deinit { ct_graph_free(raw) }

  /// Does the captured work again. It is queued, and not waited for.
  public func replay(file: StaticString = #fileID, line: UInt = #line) {
    if ct_graph_replay(raw) != 0 { TorchFailure.report("graph replay", file, line) }
  }
}
