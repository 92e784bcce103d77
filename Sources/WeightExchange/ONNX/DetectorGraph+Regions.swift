import DenseHeads
import MaskedAutoencoders
import TensorFiles
internal import Torch

// R regions, N detections, C channels, P bins of a side, K classes.

/// What regions hold as operators of ONNX.
extension DetectorGraph {
  /// The whole detector, one image at a time: `pixel_values` `[1, C, S, S]`, normalised → `boxes`
  /// `[N, 4]`, x0, y0, x1 and y1 in pixels of the square, `scores` `[N]` from the highest on, `labels`
  /// `[N]` from 0, and, of a detector with masks, `masks` `[N, 28, 28]`, from 0 to 1.
  ///
  /// - Parameter isWhole: Whether pictures fill the square; otherwise there is a second input
  ///   `image_size` `[2]`.
  mutating func buildDetector(isWhole: Bool) -> ONNXGraph {
    let maps = pyramid(pixels(batch: 1))
    let bounds = bounds(isWhole: isWhole)
    let finest = Array(maps.prefix(4))
    let found = detections(finest, proposals(maps, within: bounds), within: bounds)
    parts.graph.output(found.boxes, as: "boxes", ["detections", 4])
    parts.graph.output(found.scores, as: "scores", ["detections"])
    parts.graph.output(found.labels, as: "labels", ["detections"], of: .int64)
    if shape.hasMasks {
      let cells = ONNXGraph.Size.fixed(MaskHead.side)
      parts.graph.output(
        masks(finest, found.boxes, found.labels), as: "masks", ["detections", cells, cells])
    }
    return parts.graph
  }

  // MARK: boxes

  /// ``BoxHead/detections(scores:codes:regions:extent:_:)`` of one head, or of a cascade: the boxes of the
  /// last one and the mean of all heads' shares.
  private mutating func detections(
    _ maps: [Value], _ proposals: Value, within bounds: Value
  ) -> (boxes: Value, scores: Value, labels: Value) {
    let heads = "roi_heads"
    var (regions, boxes, shares) = (proposals, proposals, [Value]())
    for stage in shape.stages.indices {
      let stageName = shape.cascade == nil ? "" : ".\(stage)"
      let name = "\(heads).box_head\(stageName)"
      let pooled = self.pooled(maps, regions, bins: BoxHead.bins, name)
      let (scores, codes) = boxHead(pooled, name, predictor: "\(heads).box_predictor\(stageName)")
      shares.append(
        parts.graph.node("Softmax", [scores], [("axis", .integer(1))], as: name + "/Softmax"))
      let step = Double(stage + 1)
      let decoded = self.decoded(
        codes, from: parts.reshaped(regions, [-1, 1, 4], as: name + "/Reshape.regions"),
        BoxCode(weights: [10 * step, 10 * step, 5 * step, 5 * step]), name + "/boxes")
      boxes = clipped(decoded, to: bounds, name + "/boxes")  // [R, 1 or K, 4]
      if stage + 1 < shape.stages.count {
        regions = parts.reshaped(boxes, [-1, 4], as: name + "/Reshape.next")
      }
    }
    var mean = shares[0]
    for (stage, share) in shares.enumerated().dropFirst() {
      mean = parts.graph.node("Add", [mean, share], as: "\(heads)/Add.\(stage)")
    }
    if shares.count > 1 {
      let count = parts.scalar("stages", Double(shares.count))
      mean = parts.graph.node("Div", [mean, count], as: heads + "/Div")
    }
    return thinned(boxes, mean)
  }

  /// Scores `[R, K + 1]` and codes `[R, K or 1, 4]` of regions.
  private mutating func boxHead(
    _ pooled: Value, _ name: String, predictor: String
  ) -> (scores: Value, codes: Value) {
    let x = convolved(pooled, name + ".conv")
    let flat = parts.reshaped(
      x, [-1, shape.channels * BoxHead.bins * BoxHead.bins], as: name + "/Reshape")
    let hidden = parts.graph.node("Relu", [linear(flat, name + ".fc1")], as: name + ".fc1/Relu")
    let codes = linear(hidden, predictor + ".bbox_pred")
    let kinds = shape.cascade == nil ? shape.classes : 1
    return (
      linear(hidden, predictor + ".cls_score"),
      parts.reshaped(codes, [-1, kinds, 4], as: predictor + "/Reshape")
    )
  }

  /// Of each class those of enough score, thinned; then the best of all, without boxes of no size.
  private mutating func thinned(
    _ boxes: Value, _ shares: Value
  ) -> (boxes: Value, scores: Value, labels: Value) {
    let name = "detections"
    let isShared = shape.cascade != nil  // one box for all classes
    // Classes with boxes of their own are a batch for the operator.
    let byClass = parts.transposed(boxes, [1, 0, 2], as: name + "/Transpose.boxes")
    let objects = parts.graph.nodes(
      "Split", [shares, parts.sizes([shape.classes, 1])], [("axis", .integer(1))],
      as: [name + "/Split.objects", name + "/Split.background"])
    let scores = parts.reshaped(
      parts.transposed(objects[0], [1, 0], as: name + "/Transpose.scores"),
      isShared ? [1, shape.classes, -1] : [shape.classes, 1, -1], as: name + "/Reshape.scores")
    let selected = parts.graph.node(
      "NonMaxSuppression",
      [
        byClass, scores, parts.sizes([shape.rules.detections]),
        parts.scalar("overlap", shape.rules.overlap),
        parts.scalar("score", shape.rules.score),
      ], as: name + "/NonMaxSuppression")  // [N, 3], by class, then by score
    let places = parts.graph.node(
      "Gather", [selected, parts.sizes([0, 2])], [("axis", .integer(1))], as: name + "/Gather")
    let kept = (
      boxes: parts.graph.node("GatherND", [byClass, places], as: name + "/GatherND.boxes"),
      scores: parts.graph.node("GatherND", [scores, selected], as: name + "/GatherND.scores"),
      labels: column(isShared ? 1 : 0, of: selected, name + "/labels")
    )
    let best = best(kept.scores, atMost: shape.rules.detections, name + "/best")
    let sorted = rows(best.places, of: kept.boxes, name + "/sorted.boxes")
    let labels = rows(best.places, of: kept.labels, name + "/sorted.labels")
    let isBox = parts.graph.node(
      "Greater", [shorterSide(sorted, name), parts.scalar("zero", 0)], as: name + "/Greater")
    let last = parts.reshaped(
      parts.graph.node("NonZero", [isBox], as: name + "/NonZero"), [-1], as: name + "/Reshape.last")
    return (
      rows(last, of: sorted, name + "/last.boxes"),
      rows(last, of: best.values, name + "/last.scores"),
      rows(last, of: labels, name + "/last.labels")
    )
  }

  // MARK: masks

  /// Shares of cells of each detection's own class: `[N, 28, 28]`.
  private mutating func masks(_ maps: [Value], _ boxes: Value, _ labels: Value) -> Value {
    let name = "roi_heads.mask_head"
    let pooled = self.pooled(maps, boxes, bins: MaskHead.bins, name)
    let large = parts.doubled(convolved(pooled, name + ".mask_fcn"), name + ".deconv")
    let scores = parts.convolved(
      parts.graph.node("Relu", [large], as: name + ".deconv/Relu"), name + ".predictor", kernel: 1)
    let own = parts.graph.node(
      "GatherND", [scores, parts.reshaped(labels, [-1, 1], as: name + "/Reshape.labels")],
      [("batch_dims", .integer(1))], as: name + "/GatherND")
    return parts.graph.node("Sigmoid", [own], as: name + "/Sigmoid")
  }

  // MARK: regions

  /// ``RegionAlign`` of a pyramid, each region from its level: `[R, C, P, P]`, in the regions' order.
  private mutating func pooled(
    _ maps: [Value], _ boxes: Value, bins: Int, _ name: String
  ) -> Value {
    let levels = self.levels(of: boxes, maps.count, name)
    let strides = DetectorShape.strides(patch: model.patch)
    var (pooled, order) = ([Value](), [Value]())
    for (level, map) in maps.enumerated() {
      let own = "\(name)/level.\(level)"
      let number = parts.graph.constant("level.\(level)", Tensor([Int64(level)], shape: []))
      let isOwn = parts.graph.node("Equal", [levels, number], as: own + "/Equal")
      let places = parts.reshaped(
        parts.graph.node("NonZero", [isOwn], as: own + "/NonZero"), [-1], as: own + "/Reshape")
      // All are of image 0.
      let images = parts.graph.node("Sub", [places, places], as: own + "/Sub")
      pooled.append(
        parts.graph.node(
          "RoiAlign", [map, rows(places, of: boxes, own), images],
          [
            ("output_height", .integer(bins)), ("output_width", .integer(bins)),
            ("sampling_ratio", .integer(0)), ("spatial_scale", .float(1 / strides[level])),
            ("mode", .text("avg")), ("coordinate_transformation_mode", .text("half_pixel")),
          ], as: own + "/RoiAlign"))
      order.append(places)
    }
    let all = parts.graph.node("Concat", pooled, [("axis", .integer(0))], as: name + "/Concat")
    let places = parts.graph.node(
      "Concat", order, [("axis", .integer(0))], as: name + "/Concat.order")
    // Where each region came to lie: the order of the list that says whose each is.
    let count = parts.graph.node("Shape", [places], as: name + "/Shape.order")
    let back = parts.graph.nodes(
      "TopK", [places, count], [("axis", .integer(0)), ("largest", .integer(0))],
      as: [name + "/TopK.order", name + "/TopK.back"])
    return rows(back[1], of: all, name + "/regions")
  }

  /// The level of each box, from 0: `[R, 4]` → `[R]`. An area is compared with the least area of each
  /// level, which gives the same numbers as the logarithm.
  private mutating func levels(of boxes: Value, _ count: Int, _ name: String) -> Value {
    let areas = parts.graph.node(
      "ReduceProd", [sides(boxes, name + "/level")],
      [("axes", .integers([1])), ("keepdims", .integer(1))], as: name + "/ReduceProd")
    let assignment = LevelAssignment(canonicalSide: Double(14 * model.patch), levels: count)
    let least = parts.graph.constant(
      "least_areas", Tensor((1..<count).map { assignment.leastArea(ofLevel: $0) }))
    let isAbove = parts.graph.node(
      "GreaterOrEqual", [areas, least], as: name + "/GreaterOrEqual")  // [R, levels − 1]
    let ones = parts.graph.node(
      "Cast", [isAbove], [("to", .integer(7))], as: name + "/Cast")  // INT64
    return parts.graph.node(
      "ReduceSum", [ones, parts.sizes([1])], [("keepdims", .integer(0))], as: name + "/ReduceSum")
  }

  // MARK: layers

  /// The convolutions of a head, each with its norm and the rectifier.
  private mutating func convolved(_ x: Value, _ name: String) -> Value {
    (0..<shape.convolutions).reduce(x) { x, index in
      let own = "\(name)\(index + 1)"
      return parts.graph.node("Relu", [normed(x, own, kernel: 3)], as: own + "/Relu")
    }
  }

  private mutating func linear(_ x: Value, _ name: String) -> Value {
    parts.graph.node(
      "Gemm", [x, parts.weight(name + ".weight"), parts.weight(name + ".bias")],
      [("transB", .integer(1))], as: name + "/Gemm")
  }
}
