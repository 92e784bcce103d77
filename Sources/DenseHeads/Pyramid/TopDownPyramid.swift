public import Torch
public import TorchNN

// B batch, D width of the maps, C channels of the pyramid; level 0 is the finest.

/// A feature pyramid network (Lin et al., 2017): each map is joined with the coarser ones, enlarged by
/// nearest neighbours, and smoothed. Table 4's form has batch normalisation after each convolution and
/// no activation.
public struct TopDownPyramid: Module {
  public let scope: Scope
  private let laterals: [NormedConv2d]
  private let outputs: [NormedConv2d]

  /// Declares `fpn_lateral2` … and `fpn_output2` … (detectron2's names).
  ///
  /// - Parameters:
  ///   - widths: Channels of each map, from the finest.
  ///   - first: The number in the names of the finest level: log₂ of its stride, 2 for patches of 16.
  public init(
    widths: [Int], channels: Int, norm: NormedConv2d.Norm = .batch, first: Int = 2,
    in scope: Scope
  ) {
    self.scope = scope
    // Kaiming uniform with a = 1.
    func bound(_ fanIn: Int) -> Initializer { .uniform(bound: (3 / Double(fanIn)).squareRoot()) }
    var (laterals, outputs) = ([NormedConv2d](), [NormedConv2d]())
    for (level, width) in widths.enumerated() {
      laterals.append(
        NormedConv2d(
          width, channels, kernel: 1, norm: norm, initializing: bound(width),
          in: scope["fpn_lateral\(first + level)"]))
      outputs.append(
        NormedConv2d(
          channels, channels, kernel: 3, norm: norm, initializing: bound(9 * channels),
          in: scope["fpn_output\(first + level)"]))
    }
    (self.laterals, self.outputs) = (laterals, outputs)
  }

  /// Maps `[B, D, H, W]`, from the finest, each about half as large as the one before → `[B, C, H, W]`
  /// of the same sizes.
  public func callAsFunction(_ maps: [Tensor], training: DenseTraining? = nil) -> [Tensor] {
    precondition(maps.count == laterals.count, "\(maps.count) maps; expected \(laterals.count)")
    var joined = zip(laterals, maps).map { $0($1, training: training) }
    for level in joined.indices.dropLast().reversed() {
      let size = joined[level].shape
      joined[level] =
        joined[level]
        + joined[level + 1].interpolated(rows: size[2], columns: size[3], mode: .nearest)
    }
    return zip(outputs, joined).map { $0($1, training: training) }
  }
}
