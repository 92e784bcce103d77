import Datasets
import DenseHeads
import MaskedAutoencoders
import Runs
import TensorFiles
import Torch
import WeightExchange

/// A detector as others publish it: weights in ViTDet's names (detectron2's), whose shapes say what it
/// is.
struct PublishedDetector {
  /// Shapes, classes and pixels.
  let description: ModelDescription
  /// Weights by this library's names.
  let tensors: [String: Tensor]
  /// What is not as the file has it or was assumed, each as a sentence.
  let notes: [String]

  /// Whether names are a detector's.
  static func isDetector(_ names: some Sequence<String>) -> Bool {
    names.contains {
      ["roi_heads.box_predictor.cls_score.weight", "roi_heads.box_predictor.0.cls_score.weight"]
        .contains($0)
    }
  }

  /// Reads a `.pth` or safetensors file.
  ///
  /// - Throws: ``RunFailure`` where it is no detector of a kind that is known, `FileError`.
  init(_ path: String) throws {
    let file = try NamedTensors(path)
    guard Self.isDetector(file.tensors.keys) else {
      throw RunFailure(
        .badData,
        "\(path): holds no detector; give a run folder of mae detect train, a checkpoint, or a file "
          + "in ViTDet's names")
    }
    tensors = DetectorFormat.vitDet.native(file.tensors)
    do {
      description = try Self.description(of: tensors.mapValues(\.shape))
    } catch {
      throw RunFailure(.badData, "\(path): \(error)")
    }
    let isCOCO = description.detector?.shape.classes == cocoCategories.count
    notes =
      file.notes + [
        "the names are ViTDet's",
        isCOCO
          ? "the 80 classes have no names and are taken for COCO's"
          : "the \(description.detector?.shape.classes ?? 0) classes have no names and are numbered",
        "not in the file and assumed: ImageNet's mean and deviation, RGB, anchors of eight cells",
      ]
  }

  /// What shapes of weights are of.
  ///
  /// - Throws: ``RunFailure`` that names what is missing.
  static func description(of shapes: [String: [Int]]) throws -> ModelDescription {
    func shape(_ name: String, _ rank: Int) throws -> [Int] {
      guard let found = shapes[name], found.count == rank else {
        throw RunFailure(
          .badData,
          "has no \(name) of \(rank) dimensions, which a detector in ViTDet's form has")
      }
      return found
    }
    func count(_ name: (Int) -> String) -> Int {
      var count = 0
      while shapes[name(count)] != nil { count += 1 }
      return count
    }
    let net = "backbone.net."
    let embedding = try shape(net + "patch_embed.proj.weight", 4)
    let positions = try shape(net + "pos_embed", 3)
    let (width, channels, patch) = (embedding[0], embedding[1], embedding[2])
    let grid = Int(Double(positions[1] - 1).squareRoot().rounded())
    let depth = count { "\(net)blocks.\($0).norm1.weight" }
    let hidden = try shape(net + "blocks.0.mlp.fc1.weight", 2)[0]
    guard depth > 0, grid * grid + 1 == positions[1] else {
      throw RunFailure(
        .badData, "has \(positions[1]) positions; expected those of a square and a class token")
    }
    let reaches = try (0..<depth).map {
      (try shape("\(net)blocks.\($0).attn.rel_pos_h", 2)[0] + 1) / 2
    }
    let headWidth = try shape(net + "blocks.0.attn.rel_pos_h", 2)[1]
    let whole = reaches.max() ?? grid
    let window = reaches.min().flatMap { $0 < whole ? $0 : nil }
    let model = ModelConfiguration(
      height: grid * patch, width: grid * patch, channels: channels, patch: patch,
      encoder: TransformerShape(
        width: width, depth: depth, heads: max(1, width / headWidth),
        mlpRatio: Double(hidden) / Double(width)), decoder: nil)
    let stages = count { "roi_heads.box_predictor.\($0).cls_score.weight" }
    let stage = stages > 0 ? ".0" : ""
    let classes = try shape("roi_heads.box_predictor\(stage).cls_score.weight", 2)
    let several = count { "proposal_generator.rpn_head.conv.conv\($0).weight" }
    var own = DetectorShape(
      backbone: BackboneShape(
        taps: [depth], hasClassToken: false, window: window,
        globalBlocks: window == nil ? [] : (1...depth).filter { reaches[$0 - 1] == whole },
        relativePositions: .decomposed, relativeGrid: PatchGrid(rows: whole, columns: whole)),
      channels: try shape("backbone.simfp_4.0.weight", 4)[0],
      convolutions: count { "roi_heads.box_head\(stage).conv\($0 + 1).weight" },
      proposalConvolutions: max(1, several), hidden: classes[1],
      norm: shapes["roi_heads.box_head\(stage).conv1.norm.running_mean"] == nil ? .channel : .batch,
      hasMasks: shapes["roi_heads.mask_head.predictor.weight"] != nil,
      classes: classes[0] - 1)
    own.anchorSizes = DetectorShape.strides(patch: patch).map { 8 * $0 }
    // A file does not say at which shares its heads were trained: detectron2's.
    if stages > 0 { own.cascade = (0..<stages).map { 0.5 + 0.1 * Double($0) } }
    let isCOCO = own.classes == cocoCategories.count
    let pixels = PixelStandard.default(channels: channels).standard
    return ModelDescription(
      model: model,
      detector: DetectorDescription(
        shape: own,
        categories: isCOCO
          ? cocoCategories
          : (0..<own.classes).map { .init(id: .number($0 + 1), name: "\($0 + 1)") },
        side: whole * patch), mean: pixels.mean, std: pixels.std)
  }
}
