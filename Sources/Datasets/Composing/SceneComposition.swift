import FileSystem
import Imaging

/// How scenes are composed of cut-outs and backgrounds, with exact masks: a set for detection and
/// segmentation made without annotating anything.
public struct SceneComposition: Hashable, Sendable {
  /// Side of a scene in pixels.
  public var size = 128
  /// Scenes to learn from.
  public var training = 2000
  /// Scenes to validate on, of other cut-outs and backgrounds.
  public var validation = 500
  /// Scenes without labels, of the cut-outs to learn from.
  public var unlabelled = 8000
  /// What is random follows from this, and nothing else.
  public var seed: UInt64 = 0
  /// Fewest and most objects in a scene.
  public var objects = 1...5
  /// Shortest and longest length of an object's longer side, as part of the scene's; all
  /// magnitudes between are as likely.
  public var lengths = 0.2031...0.6598
  /// JPEG quality of the scenes.
  public var quality = 92
  /// What the annotations say of the licence; nothing where it is nil.
  public var license: String?

  /// Scenes of 128 pixels with one to five objects.
  public init() {}

  /// An object of which fewer pixels can be seen is not annotated.
  static let fewestVisible = 30

  /// The garments of Fashion-MNIST on photographs at 64 pixels: one to three of 30 to 60 %.
  public static var garments: SceneComposition {
    var composition = SceneComposition()
    composition.size = 64
    composition.objects = 1...3
    composition.lengths = 0.3...0.6
    return composition
  }

  /// An object of a scene.
  struct Item {
    var label: Int
    var name: String
    /// What of it can be seen.
    var mask: RunLengthMask
  }

  /// A scene.
  struct Scene {
    var image: ByteImage
    var background: String
    /// From below to above.
    var items: [Item]
    /// Objects of which too little can be seen.
    var hidden: Int

    /// The label map: 0 is background, class k is k + 1.
    var labels: LabelMap {
      var map = LabelMap(width: image.width, height: image.height, of: 0)
      for item in items { map.set(UInt16(item.label + 1), in: item.mask) }
      return map
    }
  }

  /// Makes a scene; equal numbers give equal scenes.
  func scene(
    _ number: Int, of part: ScenePart, cutouts: some CutoutSource, backgrounds: BackgroundSource
  ) throws(ImageError) -> Scene {
    var random = SampleRandom(seed: seed, epoch: part.stream, sample: number)
    let split = part.split
    var (image, name) = try backgrounds.background(side: size, in: split, using: &random)
    var items: [Item] = []
    let count = objects.lowerBound + random.integer(below: objects.count)
    for _ in 0..<count {
      let label = random.integer(below: cutouts.classes.count)
      let index = random.integer(below: cutouts.count(of: label, in: split))
      let length =
        lengths.lowerBound * power(lengths.upperBound / lengths.lowerBound, random.uniform())
      let side = max(2, Int((Double(size) * length).rounded()))
      let isFlipped = random.integer(below: 2) == 1
      var object = try cutouts.cutout(index, label: label, in: split, side: side, using: &random)
        .scaled(toLongest: side)
      if isFlipped { object = object.flippedHorizontally }
      // Up to a fifth outside.
      func place(_ extent: Int) -> Int {
        let out = extent / 5
        return random.integer(below: size - extent + 2 * out + 1) - out
      }
      let (x, y) = (place(object.width), place(object.height))
      let mask = image.blend(object, x: x, y: y)
      for i in items.indices { items[i].mask = items[i].mask.subtracting(mask) }
      items.append(
        Item(label: label, name: cutouts.name(of: index, label: label, in: split), mask: mask))
    }
    let visible = items.filter { $0.mask.area >= Self.fewestVisible }
    return Scene(
      image: image, background: name, items: visible, hidden: items.count - visible.count)
  }

  /// What is wrong with the settings; nil where nothing is.
  public var problem: String? {
    if !(16...4096).contains(size) { return "--size is \(size); expected 16 to 4096" }
    if training < 0 || validation < 0 || unlabelled < 0 {
      return "a number of scenes is below 0"
    }
    if objects.lowerBound < 1 || objects.upperBound > 100 {
      return "there are \(objects.lowerBound) to \(objects.upperBound) objects; expected 1 to 100"
    }
    if lengths.lowerBound < 0.01 || lengths.upperBound > 1 {
      return
        "objects have \(lengths.lowerBound) to \(lengths.upperBound) of the side; expected 0.01 to 1"
    }
    return nil
  }
}

/// A part of a composed set.
enum ScenePart: String, CaseIterable, Hashable, Sendable {
  case train, val, unlabelled

  var split: DatasetSplit { self == .val ? .validation : .training }
  var stream: Int {
    switch self {
    case .train: 1
    case .val: 2
    case .unlabelled: 3
    }
  }
}

extension ByteImage {
  /// Puts a picture over this one and gives what it covers: where its alpha is above 127.
  mutating func blend(_ object: AlphaImage, x left: Int, y top: Int) -> RunLengthMask {
    var covered = [UInt8](repeating: 0, count: width * height)
    for y in max(0, top)..<min(height, top + object.height) {
      for x in max(0, left)..<min(width, left + object.width) {
        let from = (y - top) * object.width + x - left
        let to = y * width + x
        let alpha = Int(object.alpha.pixels[from])
        if alpha > 127 { covered[to] = 1 }
        for c in 0..<3 {
          let mixed =
            Int(pixels[3 * to + c]) * (255 - alpha) + Int(object.colors.pixels[3 * from + c])
            * alpha
          pixels[3 * to + c] = UInt8((mixed + 127) / 255)
        }
      }
    }
    return RunLengthMask(width: width, height: height, pixels: covered)
  }
}

/// `base` to the power of a number between 0 and 1, by arithmetic that is the same on every machine
/// (IEEE 754 rounds square roots and products alike everywhere; `pow` differs in its last digit).
func power(_ base: Double, _ exponent: Double) -> Double {
  var (result, root, rest) = (1.0, base, exponent)
  for _ in 0..<40 {
    root = root.squareRoot()
    rest *= 2
    if rest >= 1 {
      result *= root
      rest -= 1
    }
  }
  return result
}
