/// A way to fill in hidden patches without having learned anything; what a model must beat.
public enum InpaintingBaseline: String, Hashable, Sendable, CaseIterable {
  /// Each channel's mean over the visible pixels of the image.
  case meanFill = "mean of the visible pixels"
  /// A copy of the visible patch whose centre is nearest, in pixels; of equally near ones that of the
  /// lower index.
  case nearestPatch = "nearest visible patch"

  /// The image with its hidden patches filled in. `[C, H, W]` → `[C, H, W]`
  ///
  /// `visible` has a mark for each patch, at least one of them true.
  public func filled(_ image: [Float], _ layout: PatchLayout, visible: [Bool]) -> [Float] {
    layout.check(image, visible)
    precondition(visible.contains(true), "no patch is visible")
    return switch self {
    case .meanFill: Self.withMeans(image, layout, visible)
    case .nearestPatch: Self.withCopies(image, layout, visible)
    }
  }

  /// The mean squared error on the hidden patches of an image, over their pixels and channels.
  public func hiddenError(_ image: [Float], _ layout: PatchLayout, visible: [Bool]) -> Double {
    layout.hiddenError(
      of: filled(image, layout, visible: visible), against: image, visible: visible)
  }

  private static func withMeans(
    _ image: [Float], _ layout: PatchLayout, _ visible: [Bool]
  ) -> [Float] {
    var result = image
    let pixels = layout.height * layout.width
    let shown = (0..<pixels).filter {
      visible[layout.patch(y: $0 / layout.width, x: $0 % layout.width)]
    }
    for channel in 0..<layout.channels {
      let sum = shown.reduce(0.0) { $0 + Double(image[channel * pixels + $1]) }
      let mean = Float(sum / Double(shown.count))
      for patch in visible.indices where !visible[patch] {
        for row in 0..<layout.patchHeight {
          let start = layout.offset(channel: channel, patch: patch, row: row)
          for index in start..<start + layout.patchWidth { result[index] = mean }
        }
      }
    }
    return result
  }

  private static func withCopies(
    _ image: [Float], _ layout: PatchLayout, _ visible: [Bool]
  ) -> [Float] {
    var result = image
    for patch in visible.indices where !visible[patch] {
      let source = nearest(to: patch, layout, visible)
      for channel in 0..<layout.channels {
        for row in 0..<layout.patchHeight {
          let from = layout.offset(channel: channel, patch: source, row: row)
          let to = layout.offset(channel: channel, patch: patch, row: row)
          for column in 0..<layout.patchWidth { result[to + column] = image[from + column] }
        }
      }
    }
    return result
  }

  private static func nearest(to patch: Int, _ layout: PatchLayout, _ visible: [Bool]) -> Int {
    func distance(_ other: Int) -> Int {
      let dy = (other / layout.columns - patch / layout.columns) * layout.patchHeight
      let dx = (other % layout.columns - patch % layout.columns) * layout.patchWidth
      return dy * dy + dx * dx
    }
    // `min` keeps the first of equal ones.
    return visible.indices.filter { visible[$0] }.min { distance($0) < distance($1) } ?? patch
  }
}
