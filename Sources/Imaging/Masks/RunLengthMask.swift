/// A mask of one object as the lengths of its runs, column by column: COCO's run-length encoding
/// (RLE; Lin et al., 2014, arXiv:1405.0312, and pycocotools).
///
/// The first run is of pixels outside the object and may be 0; after it no run is 0, so that equal
/// masks have equal runs.
public struct RunLengthMask: Hashable, Sendable {
  /// Pixels from left to right, `W`.
  public let width: Int
  /// Pixels from top to bottom, `H`.
  public let height: Int
  /// Lengths of runs that are outside and inside in turn; they add up to `H × W`.
  public let counts: [UInt32]

  /// Most pixels of a mask.
  static let mostPixels = 1 << 31

  /// Creates a mask from its runs, as COCO's plain form has them.
  ///
  /// - Throws: ``MaskError`` where a count is negative or the sum is not `height × width`.
  public init(width: Int, height: Int, counts: [Int]) throws(MaskError) {
    try Self.check(width: width, height: height)
    var sum = 0
    for (number, count) in counts.enumerated() {
      guard count >= 0 else {
        throw MaskError("run \(number + 1) of its RLE is \(count); expected 0 or more")
      }
      sum = min(sum, Self.mostPixels) + min(count, Self.mostPixels)
    }
    guard sum == width * height else {
      throw MaskError(
        "the runs of its RLE add up to \(sum) pixels; its size [\(height), \(width)] has "
          + "\(width * height)")
    }
    self.init(width: width, height: height, runs: counts.lazy.map { UInt32($0) })
  }

  /// Creates a mask from its pixels, row by row; what is not 0 is inside.
  ///
  /// - Precondition: there are `width × height` pixels.
  public init(width: Int, height: Int, pixels: [UInt8]) {
    precondition(
      pixels.count == width * height, "\(pixels.count) pixels of a mask of \(width)×\(height)")
    var counts: [UInt32] = []
    var inside = false
    var run: UInt32 = 0
    pixels.withUnsafeBufferPointer { pixels in
      for x in 0..<width {
        for y in 0..<height {
          if (pixels[y * width + x] != 0) != inside {
            counts.append(run)
            run = 0
            inside.toggle()
          }
          run += 1
        }
      }
    }
    counts.append(run)
    self.init(width: width, height: height, canonical: counts)
  }

  /// A mask without pixels inside.
  public init(emptyOfWidth width: Int, height: Int) {
    self.init(width: width, height: height, canonical: [UInt32(width * height)])
  }

  /// Takes runs that add up and may have zeros in between.
  init(width: Int, height: Int, runs: some Sequence<UInt32>) {
    var builder = RunBuilder()
    var inside = false
    for run in runs {
      builder.add(run, inside: inside)
      inside.toggle()
    }
    self.init(width: width, height: height, canonical: builder.counts)
  }

  /// Takes runs as they are kept.
  package init(width: Int, height: Int, canonical counts: [UInt32]) {
    self.width = width
    self.height = height
    self.counts = counts
  }

  static func check(width: Int, height: Int) throws(MaskError) {
    guard width >= 0, height >= 0, width <= mostPixels, height <= mostPixels,
      width * height <= mostPixels
    else {
      throw MaskError("its size is [\(height), \(width)]; expected height and width of a picture")
    }
  }

  /// The size.
  public var size: PixelSize { PixelSize(width: width, height: height) }

  /// Number of pixels inside.
  public var area: Int {
    var sum = 0
    for i in stride(from: 1, to: counts.count, by: 2) { sum += Int(counts[i]) }
    return sum
  }

  /// The smallest rectangle with all pixels inside; nil where there are none.
  public var box: PixelRectangle? {
    var (left, right, top, bottom) = (Int.max, 0, Int.max, 0)
    forEachRun { start, end in
      let (first, last) = (start / height, (end - 1) / height)
      left = min(left, first)
      right = max(right, last)
      if last > first {
        (top, bottom) = (0, height - 1)
      } else {
        top = min(top, start - first * height)
        bottom = max(bottom, end - 1 - first * height)
      }
    }
    guard left <= right else { return nil }
    return PixelRectangle(x: left, y: top, width: right - left + 1, height: bottom - top + 1)
  }

  /// The pixels row by row, 1 inside and 0 outside. `[H, W]`
  public var pixels: [UInt8] {
    var pixels = [UInt8](repeating: 0, count: width * height)
    pixels.withUnsafeMutableBufferPointer { pixels in
      forEachPixel { x, y in pixels[y * width + x] = 1 }
    }
    return pixels
  }

  /// Calls `body` with each pixel inside, column by column.
  @inline(__always)
  package func forEachPixel(_ body: (_ x: Int, _ y: Int) -> Void) {
    forEachRun { start, end in
      var x = start / height
      var y = start - x * height
      for _ in start..<end {
        body(x, y)
        y += 1
        if y == height {
          y = 0
          x += 1
        }
      }
    }
  }

  /// Calls `body` with the first place of each run inside and one past its last, counted column by
  /// column.
  @inline(__always)
  func forEachRun(_ body: (_ start: Int, _ end: Int) -> Void) {
    var place = 0
    for i in stride(from: 1, to: counts.count, by: 2) {
      let start = place + Int(counts[i - 1])
      place = start + Int(counts[i])
      body(start, place)
    }
  }
}

/// Why a mask cannot be read: what was found and what was expected.
public struct MaskError: Error, Hashable, Sendable, CustomStringConvertible {
  /// One sentence that begins with what was found.
  public var reason: String

  /// Creates an error.
  public init(_ reason: String) { self.reason = reason }

  /// The reason.
  public var description: String { reason }
}

/// Puts runs together so that none but the first is 0.
struct RunBuilder {
  private(set) var counts: [UInt32] = [0]

  mutating func add(_ run: UInt32, inside: Bool) {
    guard run > 0 else { return }
    // The last run is of pixels inside where there is an even number of them.
    if (counts.count % 2 == 0) == inside {
      counts[counts.count - 1] += run
    } else {
      counts.append(run)
    }
  }
}
