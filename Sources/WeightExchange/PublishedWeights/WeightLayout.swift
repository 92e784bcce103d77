public import MaskedAutoencoders

extension ModelConfiguration {
  /// Names and shapes of all weights, in the order of the data's way through the model.
  ///
  /// The names are those of the original's checkpoints, which for the encoder are timm's too.
  /// Position tables are among them: `pos_embed` `[1, 1+N, D]`.
  ///
  /// - Parameter decoder: Whether to go on after the encoder's last normalisation, where the model
  ///   has a decoder.
  public func weightShapes(decoder includesDecoder: Bool = true) -> [(name: String, shape: [Int])] {
    let positions = 1 + grid.count
    var shapes: [(name: String, shape: [Int])] = [
      ("cls_token", [1, 1, encoder.width]),
      ("pos_embed", [1, positions, encoder.width]),
      ("patch_embed.proj.weight", [encoder.width, channels, patch, patch]),
      ("patch_embed.proj.bias", [encoder.width]),
    ]
    for block in 0..<max(0, encoder.depth) {
      shapes += encoder.blockShapes(prefix: "blocks.\(block).", qkvBias: qkvBias)
    }
    shapes += affine("norm", encoder.width)
    guard includesDecoder, let decoder else { return shapes }
    let isLinear = decoder.depth == 0
    if !isLinear { shapes += linear("decoder_embed", encoder.width, decoder.width) }
    shapes.append(("mask_token", [1, 1, encodesMaskTokens ? encoder.width : decoder.width]))
    if !isLinear { shapes.append(("decoder_pos_embed", [1, positions, decoder.width])) }
    for block in 0..<max(0, decoder.depth) {
      shapes += decoder.blockShapes(prefix: "decoder_blocks.\(block).", qkvBias: qkvBias)
    }
    if !isLinear { shapes += affine("decoder_norm", decoder.width) }
    shapes += linear("decoder_pred", decoder.width, predictedValues)
    shapes += target.target.buffers(for: self).map {
      ("\(TargetBuffer.scope).\($0.name)", $0.shape)
    }
    return shapes
  }
}

extension TransformerShape {
  fileprivate func blockShapes(
    prefix: String, qkvBias: Bool
  ) -> [(name: String, shape: [Int])] {
    affine(prefix + "norm1", width)
      + linear(prefix + "attn.qkv", width, 3 * width, bias: qkvBias)
      + linear(prefix + "attn.proj", width, width)
      + affine(prefix + "norm2", width)
      + linear(prefix + "mlp.fc1", width, hidden)
      + linear(prefix + "mlp.fc2", hidden, width)
  }
}

private func affine(_ name: String, _ width: Int) -> [(name: String, shape: [Int])] {
  [(name + ".weight", [width]), (name + ".bias", [width])]
}

private func linear(
  _ name: String, _ inputs: Int, _ outputs: Int, bias: Bool = true
) -> [(name: String, shape: [Int])] {
  let weight = (name: name + ".weight", shape: [outputs, inputs])
  return bias ? [weight, (name + ".bias", [outputs])] : [weight]
}
