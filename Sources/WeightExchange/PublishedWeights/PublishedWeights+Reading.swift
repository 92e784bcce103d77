import FileSystem
import MaskedAutoencoders
import TensorFiles
internal import Torch
import TorchNN

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

extension PublishedWeights {
  /// Reads weights of a masked autoencoder, of its encoder alone or of a classifier, in any of the
  /// formats.
  ///
  /// The model is taken from `config.json` in a folder or beside a file of Hugging Face's or
  /// timm's, from the configuration that ``write(to:as:)`` leaves in a file, or from the shapes of
  /// the weights.
  ///
  /// - Parameters:
  ///   - path: A safetensors file, a checkpoint that `torch.save` wrote, or a folder of Hugging
  ///     Face's or timm's with either.
  ///   - hints: What is known of the model; it comes before what the file says.
  ///   - ignored: Beginnings of names that are to be left out, such as `head.`; any other weight
  ///     that the model does not have is an error.
  /// - Throws: ``PublishedWeightsError`` with every weight that is missing, unexpected or of
  ///   another shape.
  public static func read(
    _ path: String, hints: ConfigurationHints = .init(), ignoring ignored: [String] = []
  ) throws(PublishedWeightsError) -> PublishedWeights {
    let file = try readTensors(path, key: hints.key)
    let unwrapped: UnwrappedWeights
    do {
      unwrapped = try UnwrappedWeights(file.tensors, prefix: hints.prefix)
    } catch {
      throw .model(path: path, message: error.message)
    }
    let tensors = unwrapped.tensors.filter { name, _ in
      !PublishedFormat.isUnused(name) && !ignored.contains { name.hasPrefix($0) }
    }
    guard let format = PublishedFormat.detected(in: tensors.keys) else {
      throw .model(
        path: path,
        message: "holds no Vision Transformer: none of its \(tensors.count) names is "
          + "one of the original's, Hugging Face's, timm's or MMPretrain's; they begin with "
          + UnwrappedWeights.beginnings(of: tensors.keys))
    }
    let names = CanonicalNames(tensors.mapValues(\.shape), format)
    let sources = ModelSources(
      path: path, metadata: file.metadata, shapes: names.native, format: format)
    var found = try sources.model(hints: hints)
    // A configuration may say of a decoder what its file does not hold.
    if !names.hasDecoder { found.configuration.decoder = nil }
    // Hints come last, and need not go together with the rest.
    let problems = found.configuration.problems.map { "\($0.path) \($0.message)" }
    guard problems.isEmpty else {
      throw .model(path: path, message: problems.joined(separator: "; "))
    }
    try names.check(against: found.configuration, head: found.classifier?.head, path: path)
    try sources.addPreprocessing(to: &found)
    found.readingNotes = file.notes + unwrapped.notes
    do {
      found.tensors = try format.toNative(tensors)
    } catch {
      throw .mismatch(path: path, error)
    }
    return found
  }

  private static func readTensors(
    _ path: String, key: String?
  ) throws(PublishedWeightsError) -> NamedTensors {
    do {
      return try NamedTensors(path, key: key)
    } catch {
      throw .file(error)
    }
  }

  /// The texts in a file's header where our own writer leaves what the weights do not say.
  static let configurationKey = "model_configuration"
  static let maskRatioKey = "mask_ratio"
  static let maskingKey = "masking"
  static let classifierKey = "classifier"
}

/// All that says what model weights are of: the file's header, its neighbours, and shapes.
private struct ModelSources {
  let path: String
  let metadata: [String: String]
  /// Shapes under this library's names.
  let shapes: [String: [Int]]
  let format: PublishedFormat

  /// The folder of the weights and of what lies beside them.
  private var folder: String {
    if isFolder(path) { return path }
    let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    return folder.isEmpty ? "/" : folder
  }

  /// The model, from the best source there is; the tensors are still to be filled in.
  func model(hints: ConfigurationHints) throws(PublishedWeightsError) -> PublishedWeights {
    let config = folder + "/config.json"
    if format == .huggingFace, isFile(config) {
      let file = try huggingFace(config)
      var weights = PublishedWeights(
        configuration: file.model.applying(hints), tensors: [:], format: format,
        masking: .random(ratio: file.maskRatio))
      // Who wants features of whole images sets it so, and saves the configuration with it.
      if file.maskRatio == 0 {
        weights.masking = nil
        weights.assumptions.append("mask_ratio is 0, and 0.75 is taken where patches are hidden")
      }
      return try classified(weights, pooling: nil, names: file.classNames, saidBy: config)
    }
    let own = try withMessages(of: path) { () throws(InferenceError) in
      try ownDescription(hints: hints)
    }
    if let own { return own }
    if format != .huggingFace, isFile(config), let timm = try timm(config) {
      return try withMessages(of: config) { () throws(InferenceError) in
        try inferred(timm.hints(hints, shapes: shapes), timm)
      }
    }
    return try withMessages(of: path) { () throws(InferenceError) in try inferred(hints, nil) }
  }

  /// What ``PublishedWeights/write(to:as:)`` left in the header; nil where it left nothing.
  private func ownDescription(
    hints: ConfigurationHints
  ) throws(InferenceError) -> PublishedWeights? {
    func decoded<Value: Decodable>(_ type: Value.Type, _ key: String) -> Value? {
      metadata[key].flatMap { try? JSONDecoder().decode(type, from: Data($0.utf8)) }
    }
    guard let model = decoded(ModelConfiguration.self, PublishedWeights.configurationKey),
      model.problems.isEmpty
    else { return nil }
    let classifier = decoded(ClassifierDescription.self, PublishedWeights.classifierKey)
    let hasHead = shapes["head.weight"] != nil
    if hasHead, classifier == nil { return nil }
    if hasHead, let classifier {
      try Self.check(classifier.classNames, tellApart: classifier.head.classes)
    }
    let ratio = metadata[PublishedWeights.maskRatioKey]
    let maskRatio = ratio.flatMap(Double.init)
    if let ratio, !(maskRatio.map { $0 > 0 && $0 < 1 } ?? false) {
      throw InferenceError(
        message:
          "\(PublishedWeights.maskRatioKey) is \(ratio.quoted(limit: 20)); expected a number "
          + "between 0 and 1")
    }
    return PublishedWeights(
      configuration: model.applying(hints), tensors: [:], format: format,
      classifier: hasHead ? classifier : nil,
      masking: decoded(Masking.self, PublishedWeights.maskingKey)
        ?? maskRatio.map { .random(ratio: $0) })
  }

  private static func check(
    _ names: [String], tellApart classes: Int
  ) throws(InferenceError) {
    guard names.count != classes else { return }
    throw InferenceError(
      message: "names \(names.count) classes, but the head tells \(classes) apart")
  }

  /// A model from shapes alone, or with what a file of timm's says besides.
  private func inferred(
    _ hints: ConfigurationHints, _ timm: TimmConfiguration?
  ) throws(InferenceError) -> PublishedWeights {
    let found = try InferredConfiguration(shapes: shapes, hints: hints, format: format)
    let weights = PublishedWeights(
      configuration: found.configuration, tensors: [:], format: format,
      assumptions: found.assumptions)
    return try classified(
      weights, pooling: timm?.pooling(shapes: shapes), names: timm?.classNames)
  }

  /// Adds the head that the weights have, if any.
  private func classified(
    _ weights: PublishedWeights, pooling: ClassifierHead.Pooling?, names: [String]?
  ) throws(InferenceError) -> PublishedWeights {
    var weights = weights
    let inferred = try InferredHead(
      shapes: shapes, pooling: format == .huggingFace ? .classToken : pooling)
    guard let head = inferred.head else { return weights }
    if let names { try Self.check(names, tellApart: head.classes) }
    if names == nil {
      weights.assumptions.append("the \(head.classes) classes have no names and are numbered")
    }
    weights.assumptions += inferred.assumptions
    weights.classifier = ClassifierDescription(
      head: head, classNames: names ?? numberedClasses(head.classes))
    return weights
  }

  private func classified(
    _ weights: PublishedWeights, pooling: ClassifierHead.Pooling?, names: [String]?,
    saidBy file: String
  ) throws(PublishedWeightsError) -> PublishedWeights {
    try withMessages(of: file) { () throws(InferenceError) in
      try classified(weights, pooling: pooling, names: names)
    }
  }

  private func huggingFace(
    _ config: String
  ) throws(PublishedWeightsError) -> HuggingFaceConfiguration {
    do {
      return try HuggingFaceConfiguration(json: try MappedFile.contents(of: config))
    } catch let error as HuggingFaceConfigurationError {
      throw .model(path: config, message: error.description)
    } catch let error as FileError {
      throw .file(error)
    } catch {
      throw .model(path: config, message: "\(error)")
    }
  }

  private func timm(_ config: String) throws(PublishedWeightsError) -> TimmConfiguration? {
    let text: [UInt8]
    do {
      text = try MappedFile.contents(of: config)
    } catch {
      throw .file(error)
    }
    return try withMessages(of: config) { () throws(InferenceError) in
      try TimmConfiguration(json: text)
    }
  }

  private func withMessages<Result>(
    of file: String, _ body: () throws(InferenceError) -> Result
  ) throws(PublishedWeightsError) -> Result {
    do {
      return try body()
    } catch {
      throw .model(path: file, message: error.message)
    }
  }

  /// Adds how images are prepared: what the folder states, and our own writer in the file's header.
  func addPreprocessing(to weights: inout PublishedWeights) throws(PublishedWeightsError) {
    let model = weights.configuration
    let own = metadata[PixelStandard.key].flatMap {
      PixelStandard(json: $0.utf8, channels: model.channels)
    }
    let stated = try statedPreprocessing(of: model)
    // A file alone may lie beside anything; a folder that we wrote may have been changed since.
    let isFolders = metadata[PublishedWeights.statedKey] != nil
    weights.pixels = isFolders ? stated?.pixels ?? own : own ?? stated?.pixels
    weights.preprocessing = PublishedWeights.preprocessing(header: metadata, stated: stated?.rule)
    weights.preprocessingNotes = stated?.notes ?? []
  }

  private func statedPreprocessing(
    of model: ModelConfiguration
  ) throws(PublishedWeightsError) -> StatedPreprocessing? {
    let (config, file) = (folder + "/config.json", folder + "/" + PixelStandard.fileName)
    var stated: StatedPreprocessing?
    var source = "config.json"
    if format != .huggingFace, isFile(config), let timm = try timm(config) {
      stated = timm.preprocessing(of: model)
    } else if isFile(file) {
      source = PixelStandard.fileName
      let text: [UInt8]
      do {
        text = try MappedFile.contents(of: file)
      } catch {
        throw .file(error)
      }
      stated =
        StatedPreprocessing(
          preprocessor: text, channels: model.channels, height: model.height, width: model.width)
        ?? StatedPreprocessing(notes: ["it is not a JSON object, and is not followed"])
    }
    guard var named = stated else { return nil }
    named.notes = named.notes.map { "\(source): \($0)" }
    return named
  }
}

extension ModelConfiguration {
  fileprivate func applying(_ hints: ConfigurationHints) -> ModelConfiguration {
    var model = self
    if let heads = hints.heads { model.encoder.heads = heads }
    if let heads = hints.decoderHeads { model.decoder?.heads = heads }
    if let target = hints.target { model.target = target }
    if let epsilon = hints.normEpsilon { model.normEpsilon = epsilon }
    if let grid = hints.grid {
      model.height = grid.rows * patch
      model.width = grid.columns * patch
    }
    return model
  }
}
