/// An image of `[C, H, W]` floats that is cut into rows and columns of patches, numbered row by
/// row.
public struct PatchLayout: Hashable, Sendable {
  /// Channels, `C`.
  public let channels: Int
  /// Height in pixels, `H`; a multiple of `rows`.
  public let height: Int
  /// Width in pixels, `W`; a multiple of `columns`.
  public let width: Int
  /// Patches from top to bottom.
  public let rows: Int
  /// Patches from left to right.
  public let columns: Int

  /// Creates a layout.
  public init(channels: Int, height: Int, width: Int, rows: Int, columns: Int) {
    precondition(
      channels >= 1 && height >= 1 && width >= 1 && rows >= 1 && columns >= 1
        && height.isMultiple(of: rows) && width.isMultiple(of: columns),
      "\(rows) × \(columns) patches do not divide an image of \(channels) × \(height) × \(width)")
    self.channels = channels
    self.height = height
    self.width = width
    self.rows = rows
    self.columns = columns
  }

  /// Number of patches, `N`.
  public var patches: Int { rows * columns }
  /// Numbers in an image.
  public var values: Int { channels * height * width }
  /// Height of a patch in pixels.
  public var patchHeight: Int { height / rows }
  /// Width of a patch in pixels.
  public var patchWidth: Int { width / columns }

  /// The patch a pixel is in.
  func patch(y: Int, x: Int) -> Int { y / patchHeight * columns + x / patchWidth }

  /// Where the first pixel of a row of a patch is in the image's values.
  func offset(channel: Int, patch: Int, row: Int) -> Int {
    let y = patch / columns * patchHeight + row
    return (channel * height + y) * width + patch % columns * patchWidth
  }

  func check(_ image: [Float], _ visible: [Bool]) {
    precondition(image.count == values, "\(image.count) numbers for an image of \(values)")
    precondition(visible.count == patches, "\(visible.count) marks for \(patches) patches")
  }
}

extension PatchLayout {
  /// The mean squared error of a reconstruction on hidden patches, over their pixels and channels.
  ///
  /// `image` and `reconstruction` are `[C, H, W]`; `visible` has a mark for each patch, at least
  /// one of them false.
  public func hiddenError(
    of reconstruction: [Float], against image: [Float], visible: [Bool]
  ) -> Double {
    check(image, visible)
    check(reconstruction, visible)
    let hidden = visible.indices.filter { !visible[$0] }
    precondition(!hidden.isEmpty, "no patch is hidden")
    var sum = 0.0
    for patch in hidden {
      for channel in 0..<channels {
        for row in 0..<patchHeight {
          let start = offset(channel: channel, patch: patch, row: row)
          for index in start..<start + patchWidth {
            let difference = Double(reconstruction[index]) - Double(image[index])
            sum += difference * difference
          }
        }
      }
    }
    return sum / Double(hidden.count * channels * patchHeight * patchWidth)
  }
}
