package import Foundation

/// The size a PNG file states.
package struct PNGHeader: Hashable {
  package var width: Int
  package var height: Int
  /// 1 gray, 2 gray and alpha, 3 colour, 4 colour and alpha.
  package var channels: Int

  package init?(_ data: Data) {
    let bytes = [UInt8](data.prefix(26))
    guard bytes.count == 26, bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
    else { return nil }
    func number(_ range: Range<Int>) -> Int { bytes[range].reduce(0) { $0 << 8 | Int($1) } }
    width = number(16..<20)
    height = number(20..<24)
    guard let channels = [0: 1, 2: 3, 3: 3, 4: 2, 6: 4][bytes[25]] else { return nil }
    self.channels = channels
  }
}
