import FileSystem
import MaskedAutoencoders

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

extension PublishedWeights {
  /// What ``write(to:as:)`` cannot state of how images are prepared in a format, each as a sentence
  /// without a full stop.
  public func unstatedPreprocessing(as format: PublishedFormat) -> [String] {
    guard let rule = preprocessing else { return [] }
    let (height, width) = (configuration.height, configuration.width)
    switch format {
    case .original: return []
    case .timm: return rule.timmFields(height: height, width: width).unstated
    case .huggingFace:
      guard let pixels else { return [] }
      return rule.preprocessor(pixels, height: height, width: width).unstated
    }
  }

  /// The text of `preprocessor_config.json`; nil where nothing is known.
  var preprocessorFile: [UInt8]? {
    guard let pixels else { return nil }
    let (height, width) = (configuration.height, configuration.width)
    let rule =
      preprocessing
      ?? Preprocessing(resize: .squash, height: height, width: width, interpolation: .bicubic)
    return rule.preprocessor(pixels, height: height, width: width).json
  }

  /// Where our own writer leaves the rule in a file's header, whether it is the library's own, and
  /// what its folder states of it.
  private static let ruleKey = "preprocessing"
  private static let standardKey = "preprocessing_is_standard"
  static let statedKey = "preprocessing_stated"

  /// The texts of a file's header that say how images are resized and cut.
  func preprocessingTexts(as format: PublishedFormat) -> [String: String] {
    guard let preprocessing else { return [:] }
    var texts = [Self.ruleKey: Self.text(preprocessing)]
    if preprocessing.isStandard { texts[Self.standardKey] = "true" }
    let model = configuration
    let stated: Preprocessing?
    switch format {
    case .original: stated = nil
    case .timm:
      stated =
        StatedPreprocessing(
          timm: preprocessing.timmFields(height: model.height, width: model.width).fields,
          channels: model.channels, height: model.height, width: model.width
        ).rule
    case .huggingFace:
      stated = preprocessorFile.flatMap {
        StatedPreprocessing(
          preprocessor: $0, channels: model.channels, height: model.height, width: model.width)?
          .rule
      }
    }
    texts[Self.statedKey] = stated.map(Self.text)
    return texts
  }

  /// The rule of a file's header, unless the folder states another than it did when it was written:
  /// somebody has changed that.
  static func preprocessing(
    header: [String: String], stated: Preprocessing?
  ) -> Preprocessing? {
    guard var own = rule(header[ruleKey]) else { return stated }
    own.isStandard = header[standardKey] == "true"
    guard let stated else { return own }
    return rule(header[statedKey]) == stated ? own : stated
  }

  private static func text(_ rule: Preprocessing) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    // Words and whole numbers: there is nothing that could not be encoded.
    return (try? encoder.encode(rule)).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }

  private static func rule(_ text: String?) -> Preprocessing? {
    guard let text, let rule = try? JSONDecoder().decode(Preprocessing.self, from: Data(text.utf8)),
      rule.problems.isEmpty
    else { return nil }
    return rule
  }
}
