import Imaging

extension ImageDataset {
  /// Tells sets apart: 16 hexadecimal digits of all images' names (less the folders that all of
  /// them are in) and classes, and of the bytes of a few.
  ///
  /// A set that is moved or copied keeps it; one that images have come to or gone from does not.
  ///
  /// - Parameter samples: how many images are read, which may block on input.
  /// - Complexity: O(`count`)
  public func fingerprint(samples: Int = 8) -> String {
    let classes = classes ?? []
    let shared = sharedFolder(of: self)
    var state = classes.reduce(mixed(UInt64(count))) { hash($1.utf8, from: $0) }
    for index in 0..<count {
      state = hash(name(of: index).utf8.dropFirst(shared), from: state)
      state = mixed(state ^ UInt64(truncatingIfNeeded: label(of: index) ?? -1))
    }
    let read = Swift.min(samples, count)
    for sample in 0..<read {
      guard let content = try? content(of: sample * count / read) else { continue }
      switch content {
      case .encoded(let file): state = hash(file.bytes.prefix(1 << 16), from: state)
      case .pixels(let image): state = hash(image.pixels.prefix(1 << 16), from: state)
      }
    }
    let digits = String(state, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
