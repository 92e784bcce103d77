import Torch
public import TorchNN

extension TokenizerConfiguration {
  /// Names, shapes and first values of all weights, below `encoder` and `decoder`.
  public var weights: [(name: String, shape: [Int], initial: Initializer)] {
    var found: [(name: String, shape: [Int], initial: Initializer)] = []
    _ = TokenizerEncoder(self) { name, shape, initial in
      found.append(("encoder." + name, shape, initial))
      return Tensor()
    }
    _ = TokenizerDecoder(self) { name, shape, initial in
      found.append(("decoder." + name, shape, initial))
      return Tensor()
    }
    return found
  }

  /// Reads widths, groups, blocks and vocabulary from the shapes of weights below `encoder` and
  /// `decoder`; nil where they are of no such network.
  ///
  /// - Parameters:
  ///   - height: Of the images, which the weights do not say.
  ///   - width: Of the images.
  public init?(shapes: [String: [Int]], height: Int, width: Int) {
    func count(_ name: (Int) -> String) -> Int {
      var count = 0
      while shapes[name(count + 1)] != nil { count += 1 }
      return count
    }
    guard let input = shapes["encoder.blocks.input.w"], input.count == 4,
      let output = shapes["encoder.blocks.output.conv.w"], output.count == 4,
      let first = shapes["decoder.blocks.input.w"], first.count == 4
    else { return nil }
    self.init(
      height: height, width: width, channels: input[1],
      groups: count { "encoder.blocks.group_\($0).block_1.res_path.conv_1.w" },
      blocks: count { "encoder.blocks.group_1.block_\($0).res_path.conv_1.w" },
      hiddenWidth: input[0], initialWidth: first[0], vocabulary: output[0])
    guard problems.allSatisfy({ ["height", "width"].contains($0.path) }) else { return nil }
  }
}
