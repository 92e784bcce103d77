import FileSystem
import MaskedAutoencoders

extension StatedPreprocessing {
  /// What the classes of transformers take where a file does not say.
  private struct Defaults {
    var resample = 2
    var size: JSONValue
    /// Whether a size of one number is that of the short side.
    var isShortSide = false
    var crop: Int?
    var mean = [0.5, 0.5, 0.5]
    var std = [0.5, 0.5, 0.5]
  }

  private static func defaults(of type: String) -> Defaults? {
    let square: JSONValue = .object(["height": .integer(224), "width": .integer(224)])
    let short: JSONValue = .object(["shortest_edge": .integer(224)])
    switch type {
    case "ViT", "": return Defaults(size: square)
    case "DeiT":
      return Defaults(
        resample: 3, size: .object(["height": .integer(256), "width": .integer(256)]), crop: 224)
    case "BeiT", "Beit":
      return Defaults(
        resample: 3, size: .object(["height": .integer(256), "width": .integer(256)]))
    case "Siglip": return Defaults(resample: 3, size: square)
    case "Bit", "CLIP":
      return Defaults(
        resample: 3, size: short, isShortSide: true, crop: 224,
        mean: [0.48145466, 0.4578275, 0.40821073], std: [0.26862954, 0.26130258, 0.27577711])
    default: return nil
    }
  }

  /// Fields that say nothing of pixels.
  private static let silent: Set<String> = [
    "image_processor_type", "feature_extractor_type", "processor_class", "_processor_class",
    "auto_map", "do_convert_rgb", "data_format", "input_data_format", "return_tensors", "device",
    "disable_grouping", "_valid_processor_keys", "default_to_square", "image_seq_length",
    "transformers_version", "model_input_names",
  ]

  /// Reads a `preprocessor_config.json` for a model of `height` × `width` pixels; nil where it is
  /// no JSON object.
  init?(preprocessor json: [UInt8], channels: Int, height: Int, width: Int) {
    guard let object = JSONValue.object(json) else { return nil }
    var fields = PreprocessorFields(object)
    let type = fields.processorType
    let known = Self.defaults(of: type)
    let defaults =
      known ?? Defaults(size: .object(["height": .integer(224), "width": .integer(224)]))
    if known == nil {
      fields.notes.append(
        "it is of a \(type)ImageProcessor, which is not known; read as a ViTImageProcessor's")
    }
    pixels = fields.standard(channels: channels, mean: defaults.mean, std: defaults.std)

    let crops = fields.flag("do_center_crop", default: defaults.crop != nil)
    let crop =
      crops
      ? fields.rectangle(
        "crop_size", default: .integer(defaults.crop ?? 224), isShortSide: false) : nil
    var found = Preprocessing(
      resize: .none, height: height, width: width, interpolation: .bilinear, centering: .lower)
    if fields.flag("do_resize", default: true) {
      let isShortSide = object["default_to_square"]?.bool.map { !$0 } ?? defaults.isShortSide
      let size = fields.rectangle("size", default: defaults.size, isShortSide: isShortSide)
      found.resize = size.resize
      (found.height, found.width) = (size.height, size.width)
      found.interpolation = fields.interpolation(default: defaults.resample)
    }
    // What comes out has the size of the crop, or of what is resized to where nothing is cut.
    let result: (height: Int, width: Int)?
    if let crop {
      result = (crop.height, crop.width)
    } else if found.resize == .squash {
      result = (found.height, found.width)
    } else {
      result = nil
      fields.notes.append(
        found.resize == .none
          ? "do_resize is false, which leaves images of many sizes; those of another than "
            + "the model's \(height) × \(width) are squashed to it"
          : "size is \(object["size"]?.text ?? "that of one side") without a crop, which leaves images "
            + "of many sizes; they are squashed to the model's \(height) × \(width)")
      found.resize = .squash
      (found.height, found.width) = (height, width)
    }
    if let result, result != (height, width) {
      fields.notes.append(
        "it makes images of \(result.height) × \(result.width), and the model takes "
          + "\(height) × \(width); made larger or smaller in proportion")
      found = found.adapted(from: result, to: (height, width))
    }
    if !found.problems.isEmpty {
      fields.notes.append(
        "that would be \(found.height) × \(found.width) before the crop, which is not followed; "
          + "images are squashed to \(height) × \(width)")
      (found.resize, found.height, found.width) = (.squash, height, width)
    }
    for (key, harmless) in [("do_pad", "false"), ("do_flip_channel_order", "false")] {
      if let value = object[key], value.text != harmless, value.text != "null" {
        fields.notes.append("\(key) is \(value.text), which is not followed")
      }
    }
    fields.noteOthers(except: Self.silent)
    rule = found
    notes = fields.notes
  }
}

/// The fields of a `preprocessor_config.json`, with what is not followed of them.
private struct PreprocessorFields {
  let object: [String: JSONValue]
  var notes: [String] = []
  private var asked: Set<String> = ["do_pad", "pad_size", "do_flip_channel_order"]

  init(_ object: [String: JSONValue]) { self.object = object }

  /// `ViT` of `ViTImageProcessorFast` or `ViTFeatureExtractor`.
  var processorType: String {
    var name =
      (object["image_processor_type"] ?? object["feature_extractor_type"])?.string ?? ""
    for ending in ["Fast", "Pil", "ImageProcessor", "FeatureExtractor"] where name.hasSuffix(ending)
    {
      name.removeLast(ending.count)
    }
    return name
  }

  private mutating func value(_ key: String) -> JSONValue? {
    asked.insert(key)
    guard let value = object[key], value.text != "null" else { return nil }
    return value
  }

  mutating func flag(_ key: String, default fallback: Bool) -> Bool {
    guard let value = value(key) else { return fallback }
    if let flag = value.bool { return flag }
    notes.append("\(key) is \(value.text), expected true or false; \(fallback) is taken")
    return fallback
  }

  mutating func interpolation(default fallback: Int) -> Preprocessing.Interpolation {
    let value = value("resample")
    let number = value?.integer ?? fallback
    if let found = Preprocessing.Interpolation.allCases.first(where: { $0.pillow == number }) {
      if value == nil || value?.integer != nil { return found }
    }
    notes.append("resample is \(value?.text ?? ""), which is not followed; bilinear is taken")
    return .bilinear
  }

  /// A size: one number, a list, or an object in any of transformers' ways.
  mutating func rectangle(
    _ key: String, default fallback: JSONValue, isShortSide: Bool
  ) -> (resize: Preprocessing.Resize, height: Int, width: Int) {
    let value = value(key) ?? fallback
    func side(_ value: JSONValue?) -> Int? {
      value?.integer.flatMap { (1...65_536).contains($0) ? $0 : nil }
    }
    if let one = side(value) { return (isShortSide ? .shortestSide : .squash, one, one) }
    if let list = value.list, list.count == 2, let a = side(list[0]), let b = side(list[1]) {
      return (.squash, a, b)
    }
    if let sizes = value.object {
      if let height = side(sizes["height"]), let width = side(sizes["width"]) {
        return (.squash, height, width)
      }
      if let short = side(sizes["shortest_edge"]) {
        if let longest = sizes["longest_edge"], longest.text != "null" {
          notes.append("\(key).longest_edge is \(longest.text), which is not followed")
        }
        return (.shortestSide, short, short)
      }
      if let height = side(sizes["max_height"]), let width = side(sizes["max_width"]) {
        return (.longestSide, height, width)
      }
    }
    notes.append("\(key) is \(value.text), which is not followed; 224 × 224 is taken")
    return (.squash, 224, 224)
  }

  /// `do_rescale`, `rescale_factor`, `do_normalize`, `image_mean` and `image_std` as one: pixels of
  /// 0…1 less the mean, divided by the deviation.
  mutating func standard(channels: Int, mean: [Double], std: [Double]) -> PixelStandard? {
    var factor = 1.0
    let rescales = flag("do_rescale", default: true)
    let stated = value("rescale_factor")
    if rescales, let stated {
      let number = stated.double.map { 255 * $0 } ?? 0
      if number > 0, number.isFinite {
        factor = abs(number - 1) < 1e-9 ? 1 : number
      } else {
        notes.append("rescale_factor is \(stated.text), which is not followed; 1/255 is taken")
      }
    } else if !rescales {
      factor = 255
    }
    let normalizes = flag("do_normalize", default: true)
    let means = numbers("image_mean", channels: channels, default: mean)
    let stds = numbers("image_std", channels: channels, default: std)
    guard let means, let stds else { return nil }
    let standard =
      normalizes
      ? PixelStandard(mean: means.map { $0 / factor }, std: stds.map { $0 / factor })
      : PixelStandard(
        mean: [Double](repeating: 0, count: channels),
        std: [Double](repeating: 1 / factor, count: channels))
    if standard.fits(channels: channels) { return standard }
    notes.append("image_std has a value that is not above 0, which is not followed")
    return nil
  }

  private mutating func numbers(
    _ key: String, channels: Int, default fallback: [Double]
  ) -> [Double]? {
    guard let value = value(key) else {
      if fallback.count == channels { return fallback }
      return Set(fallback).count == 1 ? [Double](repeating: fallback[0], count: channels) : nil
    }
    if let one = value.double { return [Double](repeating: one, count: channels) }
    let list = value.list?.compactMap(\.double) ?? []
    if list.count == channels, list.count == value.list?.count { return list }
    notes.append(
      "\(key) is \(value.text), expected \(channels) numbers, one a channel; it is not followed")
    return nil
  }

  /// Names what nobody asked for.
  mutating func noteOthers(except silent: Set<String>) {
    for (key, value) in object.sorted(by: { $0.key < $1.key })
    where !asked.contains(key) && !silent.contains(key) && value.text != "null" {
      // A crop that is not done, a size of nothing resized: they have no effect in transformers
      // either.
      guard key != "crop_size", key != "size", key != "resample" else { continue }
      notes.append("\(key) is \(value.text), which is not followed")
    }
  }
}

extension Preprocessing {
  /// `preprocessor_config.json` for transformers, with what it cannot state: sentences without a
  /// full stop.
  func preprocessor(
    _ pixels: PixelStandard, height rows: Int, width columns: Int
  ) -> (json: [UInt8], unstated: [String]) {
    var fields: [String: JSONValue] = [
      "do_normalize": .bool(true), "do_rescale": .bool(true), "do_resize": .bool(resize != .none),
      "image_mean": .list(pixels.mean.map { .number($0) }),
      "image_std": .list(pixels.std.map { .number($0) }),
      "resample": .integer(interpolation.pillow), "rescale_factor": .number(1.0 / 255),
    ]
    var unstated: [String] = []
    func size(_ height: Int, _ width: Int) -> JSONValue {
      .object(["height": .integer(height), "width": .integer(width)])
    }
    var squashes = false
    switch resize {
    case .squash: fields["size"] = size(height, width)
    case .shortestSide where height == width:
      fields["size"] = .object(["shortest_edge": .integer(height)])
    case .shortestSide:
      squashes = true
      fields["size"] = size(rows, columns)
      unstated.append(
        "transformers has no crop of the middle in proportion for images that are not square; "
          + "it will squash them to \(rows) × \(columns)")
    case .longestSide:
      fields["size"] = .object(["max_height": .integer(height), "max_width": .integer(width)])
    case .none: fields["size"] = size(rows, columns)
    }
    let crops = !squashes && cuts(toHeight: rows, width: columns)
    if crops {
      fields["do_center_crop"] = .bool(true)
      fields["crop_size"] = size(rows, columns)
      if resize == .longestSide, border == .mean {
        unstated.append("transformers puts black around smaller images, not the mean")
      }
      if centering == .even {
        unstated.append(
          "transformers takes the lower of two middles, this model the even one: where they differ, "
            + "images are cut one pixel aside")
      }
    } else {
      fields["do_center_crop"] = .bool(false)
    }
    if isStandard {
      unstated.append(
        "transformers also resizes images of \(rows) × \(columns), which this model takes as they are"
      )
      if !cuts(toHeight: rows, width: columns) || (height, width) == (rows, columns) {
        unstated.removeLast()
      }
    }
    // In transformers 4 a ViTImageProcessor does not cut.
    fields["image_processor_type"] = .string(crops ? "BitImageProcessor" : "ViTImageProcessor")
    return (JSONValue.object(fields).fileText, unstated)
  }
}
