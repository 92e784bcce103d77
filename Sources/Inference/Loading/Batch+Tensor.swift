public import Datasets
import Imaging
public import Torch

extension Batch {
  /// The pixels as a tensor `[B, C, H, W]`, or `[B, V, C, H, W]` of several views, of normalised float32
  /// over the batch's memory, moved where the device is another one; a GPU gets them without anyone waiting for the copy. Bytes
  /// are moved as they are and normalised there, to the same numbers.
  public func tensor(on device: Device) -> Tensor {
    let shape = [count] + (views > 1 ? [views] : []) + [channels, size.height, size.width]
    func wrapped(_ type: DType) -> Tensor {
      Tensor(wrapping: pixels, shape: shape, dtype: type, owner: storage).sent(to: device)
    }
    switch output {
    case .floats: return wrapped(.float32)
    case .bytes:
      func each(_ values: [Float]) -> Tensor {
        Tensor(values).reshaped([1, channels, 1, 1]).sent(to: device)
      }
      // Product and sum round one after the other, as they do on the loader's side.
      return wrapped(.uint8).to(.float32) * each(normalization.scale) + each(normalization.offset)
    }
  }
}
