public import DenseHeads
public import Imaging
import MaskedAutoencoders
import Runs
package import Torch
import TorchNN

/// An object that was found on a picture.
public struct DetectedObject: Sendable {
  /// The number of its class.
  public var label: Int
  /// Its class.
  public var name: String
  /// How sure the detector is, from 0 to 1.
  public var score: Float
  /// Where, in pixels of the picture: edges between pixels, not rounded.
  public var box: Box
  /// Its pixels, of the picture's size; nil of a detector without masks.
  public var mask: RunLengthMask?
}

extension LoadedDetector {
  /// The objects on an image file, by descending score.
  ///
  /// - Parameter score: Objects of a score below it are left out; nil keeps the model's own bound.
  /// - Throws: `ImageError` where the file cannot be decoded.
  public func detect(contentsOf path: String, score: Float? = nil) throws -> [DetectedObject] {
    try detect(.encoded(EncodedImage(path: path)), score: score)
  }

  /// The objects on an image in memory, by descending score.
  public func detect(_ image: ImageContent, score: Float? = nil) throws -> [DetectedObject] {
    detect([try picture(of: image)], score: score)[0]
  }

  /// A whole image as the network's channels.
  package func picture(of image: ImageContent) throws(ImageError) -> WholeImage {
    try description.whole(image)
  }

  /// The objects on some pictures of any sizes.
  package func detect(_ pictures: [WholeImage], score: Float? = nil) -> [[DetectedObject]] {
    guard !pictures.isEmpty else { return [] }
    let inputs = pictures.map { input($0) }
    let device = store.device
    let found = withoutGradients {
      withAutocast(to: precision, on: device) {
        detector(
          concatenated(inputs.map(\.pixels), along: 0).sent(to: device),
          extents: inputs.map(\.extent))
      }
    }
    return pictures.indices.map { index in
      found[index].filter { $0.score >= score ?? 0 }.compactMap {
        object($0, on: pictures[index].size, inputs[index].scale)
      }
    }
  }

  private struct Input {
    /// `[1, C, S, S]`, normalised.
    var pixels: Tensor
    /// The picture's part of it.
    var extent: (width: Float, height: Float)
    /// Pixels of the picture in one of the input's, for each axis.
    var scale: (x: Float, y: Float)
  }

  /// A picture as the network sees it: its longer side fills the square, what is left is filled up.
  private func input(_ picture: WholeImage) -> Input {
    let (whole, side) = (picture.size, description.detector?.side ?? description.model.height)
    let factor = Double(side) / Double(max(whole.width, whole.height))
    func fitted(_ length: Int) -> Int {
      min(side, max(1, Int((Double(length) * factor + 0.5).rounded(.down))))
    }
    let size = PixelSize(width: fitted(whole.width), height: fitted(whole.height))
    let isGray = description.detector?.padding == .gray
    var pixels = square(picture, size, side: side)
    let own = (width: Float(size.width), height: Float(size.height))
    guard !isGray else {
      // As in the published code, which pads pictures to squares before they are resized: one factor
      // for both axes.
      let scale = Float(max(whole.width, whole.height)) / Float(side)
      return Input(
        pixels: pixels, extent: (Float(side), Float(side)), scale: (scale, scale))
    }
    pixels = Self.blanked(pixels, extents: [own])
    return Input(
      pixels: pixels, extent: own,
      scale: (Float(whole.width) / own.width, Float(whole.height) / own.height))
  }

  /// A picture at a size in a square, normalised: what is filled up is grey of a picture and the mean of
  /// a raster. `[1, C, S, S]`
  private func square(_ picture: WholeImage, _ size: PixelSize, side: Int) -> Tensor {
    let square = PixelSize(width: side, height: side)
    switch picture {
    case .picture(let picture):
      let channels = description.model.channels
      let resized = picture.resized(to: size, filter: .bilinear)
        .padded(to: square, fill: [UInt8](repeating: 128, count: channels))
      let bytes = Tensor(resized.pixels, shape: [side, side, channels])
      return normalized(bytes.permuted([2, 0, 1]).unsqueezed(0))
    case .raster(let raster, _):
      let resized = raster.resized(
        to: size, part: PixelRectangle(width: size.width, height: size.height),
        normalized: PixelNormalization(mean: description.mean, std: description.std)
      ).padded(to: square)
      return Tensor(resized.planes, shape: [1, raster.channels, side, side])
    }
  }

  /// Images with zeros beyond their extents: `[B, C, H, W]`.
  package static func blanked(
    _ images: Tensor, extents: [(width: Float, height: Float)]
  ) -> Tensor {
    let (height, width) = (images.shape[2], images.shape[3])
    if extents.allSatisfy({ Int($0.width) == width && Int($0.height) == height }) { return images }
    let rows = Tensor.arange(0..<height).to(.float32).unsqueezed(0)
    let columns = Tensor.arange(0..<width).to(.float32).unsqueezed(0)
    let count = extents.count
    let down = rows .< Tensor(extents.map(\.height), shape: [count, 1])
    let across = columns .< Tensor(extents.map(\.width), shape: [count, 1])
    let inside = (down.unsqueezed(2) .& across.unsqueezed(1)).unsqueezed(1)
    return images * inside.to(images.dtype).sent(to: images.device)
  }

  /// Bytes `[B, C, H, W]` as normalised float32, the same numbers as in training.
  private func normalized(_ bytes: Tensor) -> Tensor {
    let pixels = PixelNormalization(mean: description.mean, std: description.std)
    func row(_ values: [Float]) -> Tensor { Tensor(values, shape: [1, values.count, 1, 1]) }
    return bytes.to(.float32) * row(pixels.scale) + row(pixels.offset)
  }

  /// An object on the picture itself; nil where nothing of it lies there.
  private func object(
    _ found: Detection, on picture: PixelSize, _ scale: (x: Float, y: Float)
  ) -> DetectedObject? {
    let (width, height) = (picture.width, picture.height)
    let box = found.box.scaled(x: scale.x, y: scale.y)
      .clipped(width: Float(width), height: Float(height))
    guard box.width > 0, box.height > 0 else { return nil }
    var mask: RunLengthMask?
    if !found.mask.isEmpty {
      let pasted = PastedMask(
        found.mask, side: MaskHead.side, in: box, width: width, height: height)
      var pixels = [UInt8](repeating: 0, count: width * height)
      for row in 0..<pasted.height {
        for column in 0..<pasted.width where pasted.pixels[row * pasted.width + column] {
          pixels[(pasted.y + row) * width + pasted.x + column] = 1
        }
      }
      mask = RunLengthMask(width: width, height: height, pixels: pixels)
    }
    let names = classNames
    return DetectedObject(
      label: found.label,
      name: names.indices.contains(found.label) ? names[found.label] : "\(found.label)",
      score: found.score, box: box, mask: mask)
  }
}
