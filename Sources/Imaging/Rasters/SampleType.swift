import CImageCodecs

/// What a sample of a raster is stored as.
public enum SampleType: String, CaseIterable, Codable, Hashable, Sendable {
  case uint8, int8, uint16, int16, uint32, int32, float16, float32, float64

  /// Bytes of one sample.
  public var byteCount: Int { mae_sample_size(code) }

  /// Whether a sample may be no number or infinite.
  public var isFloatingPoint: Bool {
    switch self {
    case .float16, .float32, .float64: true
    default: false
    }
  }

  var code: mae_sample_type {
    let code =
      switch self {
      case .uint8: MAE_SAMPLE_UINT8
      case .int8: MAE_SAMPLE_INT8
      case .uint16: MAE_SAMPLE_UINT16
      case .int16: MAE_SAMPLE_INT16
      case .uint32: MAE_SAMPLE_UINT32
      case .int32: MAE_SAMPLE_INT32
      case .float16: MAE_SAMPLE_FLOAT16
      case .float32: MAE_SAMPLE_FLOAT32
      case .float64: MAE_SAMPLE_FLOAT64
      }
    return mae_sample_type(code)
  }

  /// TIFF's way to say it: bits of a sample and its format (1 or 4 whole numbers from 0 on, 2 signed,
  /// 3 floating-point); nil for what is not read.
  init?(bits: Int, format: Int) {
    switch (bits, format) {
    case (8, 1), (8, 4): self = .uint8
    case (8, 2): self = .int8
    case (16, 1), (16, 4): self = .uint16
    case (16, 2): self = .int16
    case (16, 3): self = .float16
    case (32, 1), (32, 4): self = .uint32
    case (32, 2): self = .int32
    case (32, 3): self = .float32
    case (64, 3): self = .float64
    default: return nil
    }
  }

  /// NumPy's name without the order of bytes: `u2`; nil for what is not read.
  init?(numpy name: Substring) {
    switch name {
    case "u1": self = .uint8
    case "i1": self = .int8
    case "u2": self = .uint16
    case "i2": self = .int16
    case "u4": self = .uint32
    case "i4": self = .int32
    case "f2": self = .float16
    case "f4": self = .float32
    case "f8": self = .float64
    default: return nil
    }
  }
}
