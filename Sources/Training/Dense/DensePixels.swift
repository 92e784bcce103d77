import Datasets
import Imaging
import Torch

/// The pixels of a batch as a network takes them, `[B, C, H, W]` float32: bytes are normalised on the
/// device, floats are already.
///
/// - Parameter storage: Keeps the pixels alive.
func densePixels(
  _ pixels: UnsafeMutableRawPointer, as output: PixelOutput, shape: [Int],
  _ normalization: PixelNormalization, storage: BatchStorage, on device: Device
) -> Tensor {
  switch output {
  case .floats:
    return Tensor(wrapping: pixels, shape: shape, dtype: .float32, owner: storage).sent(to: device)
  case .bytes:
    let bytes = Tensor(wrapping: pixels, shape: shape, dtype: .uint8, owner: storage)
      .sent(to: device)
    func row(_ values: [Float]) -> Tensor {
      Tensor(values, shape: [1, values.count, 1, 1]).sent(to: device)
    }
    return bytes.to(.float32) * row(normalization.scale) + row(normalization.offset)
  }
}
