import FileSystem
import MaskedAutoencoders

extension StatedPreprocessing {
  /// Reads the fields of a `pretrained_cfg` that say how images are prepared, for a model of
  /// `height` × `width` pixels; what it leaves out has the value that timm gives it.
  init(timm fields: [String: JSONValue], channels: Int, height: Int, width: Int) {
    func value(_ key: String) -> JSONValue? {
      guard let value = fields[key], value.text != "null" else { return nil }
      return value
    }
    func numbers(_ key: String, default fallback: [Double]) -> [Double]? {
      guard let value = value(key) else { return fallback.count == channels ? fallback : nil }
      let list = value.list?.compactMap(\.double) ?? []
      if list.count == channels, list.count == value.list?.count { return list }
      notes.append(
        "\(key) is \(value.text), expected \(channels) numbers, one a channel; it is not followed")
      return nil
    }
    let mean = numbers("mean", default: [0.485, 0.456, 0.406])
    let std = numbers("std", default: [0.229, 0.224, 0.225])
    if let mean, let std {
      let standard = PixelStandard(mean: mean, std: std)
      if standard.fits(channels: channels) {
        pixels = standard
      } else {
        notes.append("std has a value that is not above 0, which is not followed")
      }
    }

    var rule = Preprocessing(
      resize: .shortestSide, height: height, width: width, interpolation: .bicubic)
    if let value = value("interpolation") {
      if let known = value.string.flatMap(Preprocessing.Interpolation.init) {
        rule.interpolation = known
      } else {
        notes.append("interpolation is \(value.text), which is not followed; bicubic is taken")
      }
    }
    switch value("crop_mode")?.string {
    case nil, "center"?, ""?: break
    case "squash"?: rule.resize = .squash
    case "border"?: (rule.resize, rule.border) = (.longestSide, .mean)
    default:
      notes.append(
        "crop_mode is \(fields["crop_mode"]?.text ?? ""), which is not followed; center is taken")
    }
    var fraction = 0.875
    if let value = value("crop_pct") {
      // timm takes its default for 0 as for nothing.
      if let number = value.double, number > 0.001, number <= 1000 {
        fraction = number
      } else if value.double != 0 {
        notes.append("crop_pct is \(value.text), which is not followed; 0.875 is taken")
      }
    }
    // timm resizes by the size that its file states. The model's may be another, as for weights
    // that were adapted.
    if let input = value("input_size") {
      let sides = input.list?.compactMap(\.integer) ?? []
      if sides.count != 3 || sides[1] != height || sides[2] != width {
        notes.append(
          "input_size is \(input.text), and the model takes \(height) × \(width); images are made "
            + "of that size")
      }
    }
    func resized(_ side: Int) -> Int { max(1, Int((Double(side) / fraction).rounded(.down))) }
    (rule.height, rule.width) = (resized(height), resized(width))
    if !rule.problems.isEmpty {
      notes.append(
        "crop_pct is \(fraction), which makes images of \(rule.height) × \(rule.width) and is not "
          + "followed; 0.875 is taken")
      fraction = 0.875
      (rule.height, rule.width) = (resized(height), resized(width))
    }
    self.rule = rule
  }
}

extension Preprocessing {
  /// The fields of a `pretrained_cfg` for a model of `rows` × `columns` pixels, with what it cannot
  /// state: sentences without a full stop.
  func timmFields(
    height rows: Int, width columns: Int
  ) -> (fields: [String: JSONValue], unstated: [String]) {
    var unstated: [String] = []
    var mode = "center"
    switch resize {
    case .squash: mode = "squash"
    case .shortestSide: break
    case .longestSide:
      mode = "border"
      if border == .black {
        unstated.append("timm puts the mean around smaller images, not black")
      }
    case .none:
      mode = "squash"
      unstated.append("timm resizes every image; this model's stay as they are")
    }
    let fraction = Self.cropFraction(rows: (rows, height), columns: (columns, width))
    if fraction == nil, resize != .none {
      unstated.append(
        "timm's crop_pct resizes both sides alike; this model's images are resized to "
          + "\(height) × \(width) for \(rows) × \(columns)")
    }
    if centering == .lower, cuts(toHeight: rows, width: columns) {
      unstated.append(
        "timm takes the even one of two middles, this model the lower: where they differ, images "
          + "are cut one pixel aside")
    }
    if isStandard, (height, width) != (rows, columns) {
      unstated.append(
        "timm also resizes and cuts images of \(rows) × \(columns), which this model takes as they are"
      )
    }
    return (
      [
        "interpolation": .string(interpolation.rawValue), "crop_mode": .string(mode),
        "crop_pct": .number(fraction ?? 1),
      ], unstated
    )
  }

  /// The shortest fraction by which timm comes from the model's sides to those resized to; nil
  /// where there is none.
  private static func cropFraction(
    rows: (to: Int, from: Int), columns: (to: Int, from: Int)
  ) -> Double? {
    func fits(_ fraction: Double) -> Bool {
      [rows, columns].allSatisfy {
        fraction > 0 && Int((Double($0.to) / fraction).rounded(.down)) == $0.from
      }
    }
    // The customary one before shorter ones that come to the same.
    if fits(0.875) { return 0.875 }
    let exact = Double(rows.to) / Double(rows.from)
    if (exact * 1000).rounded() / 1000 == exact, fits(exact) { return exact }
    // Fractions in the middle of what is rounded down to this size, with ever more decimals.
    var scale = 10.0
    for _ in 0..<12 {
      for side in [rows, columns] {
        for offset in [0.0, 0.25, 0.5, 0.75] {
          let fraction =
            (Double(side.to) / (Double(side.from) + offset) * scale).rounded() / scale
          if fits(fraction) { return fraction }
        }
      }
      scale *= 10
    }
    return nil
  }
}
