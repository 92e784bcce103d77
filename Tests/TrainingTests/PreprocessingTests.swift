import Foundation
import Imaging
import MaskedAutoencoders
import TestSupport
import Testing
import Torch
import WeightExchange

@testable import Inference
@testable import Runs

/// Images are prepared as the folder of published weights states it.
@Suite struct PreprocessingTests {
  static let golden = Golden("preprocessing")

  struct Case: Decodable, Sendable, CustomTestStringConvertible {
    let name: String
    let weights: String
    let images: [String]
    var testDescription: String { name }

    /// The folder with its weights.
    func folder(in fixture: TemporaryRun) throws -> String {
      let from = golden.folder.path
      try FileManager.default.copyItem(atPath: "\(from)/\(name)", toPath: fixture(name))
      try FileManager.default.copyItem(
        atPath: "\(from)/\(weights)", toPath: fixture(name + "/model.safetensors"))
      return fixture(name)
    }
  }

  @Test(arguments: try golden.cases(of: Case.self))
  func `pixels and logits are those of timm's and transformers' own pipelines`(
    _ test: Case
  ) throws {
    let fixture = try TemporaryRun(images: 1)
    let model = try LoadedModel(try test.folder(in: fixture))
    let classifier = try model.requireClassifier()
    let answers = try Self.golden.tensors("answers.safetensors")
    #expect(model.preprocessingNotes.isEmpty && model.pixelAssumption == nil)
    // A level of a byte, in normalised values.
    let level = 1 / (255 * (model.description.std.min() ?? 1))
    for image in test.images {
      let content = ImageContent.encoded(
        try EncodedImage(path: Self.golden.folder.path + "/\(image).png"))
      let pixels = try model.input(content)
      if image == "wide" {
        expectClose(
          pixels.selected(0, along: 0), try answers["\(test.name)/wide/pixels"],
          absolute: 1.01 * level, "\(image)")
      }
      let logits = withoutGradients { classifier(pixels) }.selected(0, along: 0)
      expectClose(
        logits, try answers["\(test.name)/\(image)/logits"],
        within: try Self.golden.tolerance(), "\(image)")
    }
  }

  /// The model as it is read from what a format's writer made of it.
  private func again(_ model: LoadedModel, as format: PublishedFormat, _ fixture: TemporaryRun)
    throws
    -> LoadedModel
  {
    let out = fixture("again-\(format)")
    try model.published.write(to: out, as: format)
    return try LoadedModel(out)
  }

  @Test(arguments: [16, 64, 224, 256], [PublishedFormat.timm, .huggingFace])
  func `an exported model of a run prepares images as the run does`(
    side: Int, format: PublishedFormat
  ) throws {
    let fixture = try TemporaryRun(images: 1)
    let model = try fixture.makeModel(classes: ["a", "b"], pooling: .classToken, side: side)
    let read = try again(model, as: format, fixture)
    #expect(read.description.evaluationTransform == model.description.evaluationTransform)
    #expect(read.description.preprocessing == nil && model.description.preprocessing == nil)
    // What the folder itself states, for programs that do not know of ours.
    let file = format == .timm ? "config.json" : "preprocessor_config.json"
    let text = try String(contentsOfFile: fixture("again-\(format)/\(file)"), encoding: .utf8)
    let cut = (64...224).contains(side)
    if format == .timm {
      #expect(text.contains(cut ? "\"crop_pct\" : 0.875" : "\"crop_pct\" : 1"), "\(text)")
    } else {
      #expect(text.contains("\"shortest_edge\" : \(cut ? side * 8 / 7 : side)"), "\(text)")
    }
  }

  @Test(arguments: try golden.cases(of: Case.self), [PublishedFormat.timm, .huggingFace])
  func `an exported model prepares images as the folder it came from states`(
    _ test: Case, format: PublishedFormat
  ) throws {
    let fixture = try TemporaryRun(images: 1)
    let model = try LoadedModel(try test.folder(in: fixture))
    let read = try again(model, as: format, fixture)
    #expect(read.description.preprocessing == model.description.preprocessing)
    #expect(read.description.evaluationTransform == model.description.evaluationTransform)
  }

  @Test func `a folder that was changed after the export is followed`() throws {
    let fixture = try TemporaryRun(images: 1)
    let model = try fixture.makeModel(classes: ["a", "b"], pooling: .classToken, side: 64)
    for (format, file, from, to) in [
      (PublishedFormat.timm, "config.json", "\"center\"", "\"squash\""),
      (.huggingFace, "preprocessor_config.json", "\"resample\" : 3", "\"resample\" : 2"),
    ] {
      _ = try again(model, as: format, fixture)
      let path = fixture("again-\(format)/\(file)")
      let text = try String(contentsOfFile: path, encoding: .utf8)
      #expect(text.contains(from), "\(text)")
      try text.replacing(from, with: to).write(toFile: path, atomically: true, encoding: .utf8)
      let rule = try LoadedModel(fixture("again-\(format)")).description.preprocessing
      #expect(format == .timm ? rule?.resize == .squash : rule?.interpolation == .bilinear)
    }
  }

  static let unfollowed: [(String, String, String)] = [
    ("hf-vit", "\"resample\": 9", "resample is 9, which is not followed; bilinear is taken"),
    ("hf-vit", "\"do_pad\": true", "do_pad is true, which is not followed"),
    ("hf-vit", "\"crop_pct\": 0.9", "crop_pct is 0.9, which is not followed"),
    ("hf-vit", "\"image_mean\": [1, 2]", "image_mean is [1, 2], expected 3 numbers"),
    ("hf-vit", "\"do_resize\": false", "do_resize is false"),
    ("hf-vit", "\"size\": {\"shortest_edge\": 40}", "without a crop"),
    ("hf-vit", "\"size\": {\"height\": 64, \"width\": 64}", "it makes images of 64 × 64"),
    ("hf-vit", "\"size\": \"large\"", "size is 'large', which is not followed"),
    ("hf-vit", "\"image_processor_type\": \"OddImageProcessor\"", "is of a OddImageProcessor"),
    ("timm-default", "\"crop_mode\": \"odd\"", "crop_mode is 'odd', which is not followed"),
    ("timm-default", "\"interpolation\": \"random\"", "interpolation is 'random'"),
    ("timm-default", "\"crop_pct\": \"all\"", "crop_pct is 'all', which is not followed"),
    ("timm-default", "\"crop_pct\": 0.0002", "crop_pct is 0.0002, which is not followed"),
    (
      "hf-crop", "\"size\": {\"shortest_edge\": 60000}, \"crop_size\": 1",
      "before the crop, which is not followed"
    ),
    ("timm-default", "\"std\": [0, 1, 1]", "std has a value that is not above 0"),
    ("timm-default", "\"input_size\": [3, 64, 64]", "input_size is [3, 64, 64]"),
  ]

  @Test(arguments: unfollowed)
  func `a field that cannot be followed is named`(name: String, field: String, note: String) throws
  {
    let fixture = try TemporaryRun(images: 1)
    let weights = name.hasPrefix("hf") ? "hf.safetensors" : "timm.safetensors"
    let folder = try Case(name: name, weights: weights, images: []).folder(in: fixture)
    let file = name.hasPrefix("hf") ? "preprocessor_config.json" : "config.json"
    let path = folder + "/" + file
    func object(_ text: Data) throws -> [String: Any] {
      try #require(JSONSerialization.jsonObject(with: text) as? [String: Any])
    }
    let changes = try object(Data("{\(field)}".utf8))
    var content = try object(Data(contentsOf: URL(filePath: path)))
    if name.hasPrefix("hf") {
      content.merge(changes) { $1 }
    } else {
      var weights = try #require(content["pretrained_cfg"] as? [String: Any])
      weights.merge(changes) { $1 }
      content["pretrained_cfg"] = weights
    }
    try JSONSerialization.data(withJSONObject: content).write(to: URL(filePath: path))
    let model = try LoadedModel(folder)
    #expect(
      model.preprocessingNotes.contains { $0.contains(note) && $0.hasPrefix(file) },
      "\(model.preprocessingNotes)")
    #expect(throws: Never.self) {
      _ = try model.classify(contentsOf: Self.golden.folder.path + "/tall.png")
    }
  }

  @Test func `descriptions keep the rule, and those without one are written as before`() throws {
    let fixture = try TemporaryRun(images: 1)
    let model = try fixture.makeModel(side: 64)
    var description = model.description
    let before = try JSONEncoder().encode(description)
    #expect(!String(decoding: before, as: UTF8.self).contains("preprocessing"))
    description.preprocessing = Preprocessing(
      resize: .longestSide, height: 70, width: 80, interpolation: .lanczos, centering: .lower,
      border: .mean)
    let text = try JSONEncoder().encode(description)
    #expect(try JSONDecoder().decode(ModelDescription.self, from: text) == description)
    description.preprocessing?.height = 0
    #expect(description.problems == ["preprocessing.height is 0; expected 1 to 65536"])
  }

  @Test func `a model for larger images resizes to larger ones`() throws {
    let fixture = try TemporaryRun(images: 1)
    let folder = try Case(name: "hf-crop", weights: "hf.safetensors", images: []).folder(
      in: fixture)
    let weights = try PublishedWeights.read(folder).adapting(height: 64, width: 64)
    #expect(weights.preprocessing?.height == 74 && weights.preprocessing?.resize == .shortestSide)
  }
}
