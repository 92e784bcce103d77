public import Torch

// B batch, N patches, K kept.

/// Which patches of each image the encoder sees; every image of a batch keeps as many.
///
/// A mask is an order of the patches, `[B, N]`: the first `K` are visible, the others hidden. The
/// caller draws it and passes it in, so that results depend on the arguments alone.
public struct PatchMask {
  /// Patch numbers, visible ones first: `[B, N]` int64.
  public let order: Tensor
  /// Visible patches of an image, `K`.
  public let kept: Int
  /// Numbers of the visible patches: `[B, K]` int64.
  public let visible: Tensor
  /// Numbers of the hidden patches: `[B, N − K]` int64.
  public let hidden: Tensor
  /// ``visible`` as rows of the batch's patches laid end to end: `[B·K]`.
  let visibleRows: Tensor
  /// ``hidden`` as rows of the batch's patches laid end to end: `[B·(N − K)]`.
  let hiddenRows: Tensor

  /// Takes the first `kept` patches of each row as visible.
  ///
  /// - Parameter order: A permutation of `0..<N` for each image, `[B, N]` int64.
  public init(order: Tensor, keeping kept: Int) {
    let shape = order.shape
    precondition(shape.count == 2, "an order of patches is [B, N], not \(shape)")
    precondition(
      (1..<shape[1]).contains(kept),
      "a mask of \(shape[1]) patches keeps between 1 and \(shape[1] - 1), not \(kept)")
    self.order = order
    self.kept = kept
    visible = order[.all, ..<kept]
    hidden = order[.all, kept...]
    let starts =
      Tensor.arange(0..<shape[0], device: order.device).unsqueezed(1)
      * shape[1]
    let rows = order + starts
    visibleRows = rows[.all, ..<kept].flattened()
    hiddenRows = rows[.all, kept...].flattened()
  }

  /// Keeps the patches with the smallest noise (§3 “Simple implementation”).
  ///
  /// - Parameter noise: `[B, N]`.
  public init(noise: Tensor, keeping kept: Int) {
    self.init(order: noise.argsort(along: 1), keeping: kept)
  }

  /// Images in the batch, `B`.
  public var batch: Int { order.shape[0] }
  /// Patches of an image, `N`.
  public var patches: Int { order.shape[1] }

  /// Where each patch stands in ``order``: `[B, N]` int64.
  public var restoring: Tensor { order.argsort(along: 1) }

  /// 1 where a patch is hidden, 0 where it is visible: `[B, N]` float32.
  public var indicator: Tensor {
    let flags = Tensor.ones(order.shape, device: order.device)
    flags[.all, ..<kept].fill(0)
    return flags.gathered(restoring, along: 1)
  }

  /// The masks of some of the images: `[B, N]` → `[rows, N]`.
  public func selecting(_ rows: [Int]) -> PatchMask {
    rows.count == batch
      ? self : PatchMask(order: order.selected(Tensor(rows), along: 0), keeping: kept)
  }

  /// The same mask on another device.
  public func to(_ device: Device) -> PatchMask {
    device == order.device ? self : PatchMask(order: order.sent(to: device), keeping: kept)
  }
}
