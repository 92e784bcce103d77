import DenseHeads
import MaskedAutoencoders
import TensorFiles
internal import Torch

// A anchors, R boxes of edges x0, y0, x1, y1.

/// Boxes as operators of ONNX.
extension DetectorGraph {
  /// The right and lower edges of the picture, as what boxes are clipped to: `[4]`.
  ///
  /// - Parameter isWhole: Whether pictures fill the square. Otherwise there is an input `image_size` `[2]`:
  ///   the height and width of the picture at its left and upper edge.
  mutating func bounds(isWhole: Bool) -> Value {
    guard !isWhole else {
      return parts.graph.constant(
        "bounds", Tensor([Float](repeating: Float(side), count: 4), shape: [4]))
    }
    let size = parts.graph.input("image_size", [2])
    return parts.graph.node(
      "Gather", [size, parts.sizes([1, 0, 1, 0])], [("axis", .integer(0))], as: "bounds/Gather")
  }

  /// ``ProposalNetwork/proposals(scores:codes:_:extents:candidates:)`` of one image: boxes `[R, 4]` by
  /// descending score.
  ///
  /// Equal scores keep the order of anchors: TopK takes the first of equal values by ONNX's definition,
  /// and so does onnxruntime's NonMaxSuppression.
  mutating func proposals(_ maps: [Value], within bounds: Value) -> Value {
    let name = "proposal_generator"
    var (boxes, scores) = ([Value](), [Value]())
    for (level, map) in maps.enumerated() {
      let found = candidates(map, level: level, within: bounds)
      // A box without a size gets a score that is never taken.
      let isBox = parts.graph.node(
        "Greater", [shorterSide(found.boxes, "\(name)/level.\(level)"), parts.scalar("zero", 0)],
        as: "\(name)/Greater.\(level)")
      let own = parts.graph.node(
        "Where", [isBox, found.scores, parts.scalar("lowest", -3.4e38)],
        as: "\(name)/Where.\(level)")
      let selected = parts.graph.node(
        "NonMaxSuppression",
        [
          parts.reshaped(found.boxes, [1, -1, 4], as: "\(name)/Reshape.boxes.\(level)"),
          parts.reshaped(own, [1, 1, -1], as: "\(name)/Reshape.scores.\(level)"),
          parts.sizes([found.count]),
          parts.scalar("proposal_overlap", shape.rules.proposalOverlap),
          parts.scalar("low", -3.3e38),
        ], as: "\(name)/NonMaxSuppression.\(level)")  // [R, 3]: image, class, box
      let kept = column(2, of: selected, "\(name)/kept.\(level)")
      boxes.append(rows(kept, of: found.boxes, "\(name)/boxes.\(level)"))
      scores.append(rows(kept, of: own, "\(name)/scores.\(level)"))
    }
    let all = parts.graph.node("Concat", boxes, [("axis", .integer(0))], as: name + "/Concat.boxes")
    let logits = parts.graph.node(
      "Concat", scores, [("axis", .integer(0))], as: name + "/Concat.scores")
    let best = best(logits, atMost: shape.rules.proposals, name + "/best")
    return rows(best.places, of: all, name + "/proposals")
  }

  /// The best boxes of a level before they are thinned, clipped: `[R, 4]` and `[R]`.
  private mutating func candidates(
    _ map: Value, level: Int, within bounds: Value
  ) -> (boxes: Value, scores: Value, count: Int) {
    let own = "proposal_generator.rpn_head."
    func label(_ part: String) -> String { "\(own)\(part).level\(level)" }
    var x = map
    for index in 0..<shape.proposalConvolutions {
      let name = shape.proposalConvolutions == 1 ? "conv" : "conv.conv\(index)"
      x = parts.graph.node(
        "Relu", [parts.convolved(x, own + name, kernel: 3, as: label(name))],
        as: label(name) + "/Relu")
    }
    let cells = grids[level]
    let ratios = shape.anchorRatios.count
    let count = min(shape.rules.candidates, cells.count * ratios)
    let logits = parts.convolved(
      x, own + "objectness_logits", kernel: 1, as: label("objectness_logits"))
    let line = parts.reshaped(
      parts.transposed(logits, [0, 2, 3, 1], as: label("objectness_logits") + "/Transpose"), [-1],
      as: label("objectness_logits") + "/Reshape")  // [A]
    let top = parts.graph.nodes(
      "TopK", [line, parts.sizes([count])], [("axis", .integer(0))],
      as: [label("TopK") + ".values", label("TopK") + ".indices"])
    let deltas = parts.reshaped(
      parts.convolved(x, own + "anchor_deltas", kernel: 1, as: label("anchor_deltas")),
      [ratios, 4, cells.rows, cells.columns], as: label("anchor_deltas") + "/Reshape.split")
    let codes = parts.reshaped(
      parts.transposed(deltas, [2, 3, 0, 1], as: label("anchor_deltas") + "/Transpose"), [-1, 4],
      as: label("anchor_deltas") + "/Reshape")  // [A, 4]
    let anchors = Anchors(
      grids: [cells], strides: [DetectorShape.strides(patch: model.patch)[level]],
      sizes: [shape.anchorSizes[level]], ratios: shape.anchorRatios)
    let places = parts.graph.constant("anchors.\(level)", anchors.tensor)
    let boxes = decoded(
      rows(top[1], of: codes, label("codes")), from: rows(top[1], of: places, label("anchors")),
      BoxCode(), label("boxes"))
    return (clipped(boxes, to: bounds, label("boxes")), top[0], count)
  }

  /// ``BoxCode/decode(_:from:)``: codes and boxes `[…, 4]` → boxes `[…, 4]`.
  mutating func decoded(
    _ codes: Value, from references: Value, _ code: BoxCode, _ name: String
  ) -> Value {
    func two(_ value: Value, _ part: String) -> [Value] {
      parts.graph.nodes(
        "Split", [value, parts.sizes([2, 2])], [("axis", .integer(-1))],
        as: ["\(name)/Split.\(part).first", "\(name)/Split.\(part).last"])
    }
    func node(_ type: String, _ a: Value, _ b: Value, _ part: String) -> Value {
      parts.graph.node(type, [a, b], as: "\(name)/\(type).\(part)")
    }
    func unweighted(_ value: Value, _ weight: Double, _ part: String) -> Value {
      weight == 1 ? value : node("Div", value, parts.scalar("weight.\(weight)", weight), part)
    }
    let (edges, numbers) = (two(references, "edges"), two(codes, "codes"))
    let half = parts.scalar("half", 0.5)
    let sides = node("Sub", edges[1], edges[0], "sides")
    let centers = node("Add", edges[0], node("Mul", sides, half, "middle"), "centers")
    let steps = node("Mul", unweighted(numbers[0], code.weights[0], "steps"), sides, "steps")
    let newCenters = node("Add", steps, centers, "steps")
    let logarithms = node(
      "Min", unweighted(numbers[1], code.weights[2], "ratios"),
      parts.scalar("code_limit", BoxCode.limit), "ratios")
    let ratios = parts.graph.node("Exp", [logarithms], as: name + "/Exp")
    let halves = node("Mul", node("Mul", ratios, sides, "ratios"), half, "halves")
    return parts.graph.node(
      "Concat",
      [node("Sub", newCenters, halves, "low"), node("Add", newCenters, halves, "high")],
      [("axis", .integer(-1))], as: name + "/Concat")
  }

  /// Boxes `[…, 4]` within the picture.
  mutating func clipped(_ boxes: Value, to bounds: Value, _ name: String) -> Value {
    let low = parts.graph.node("Max", [boxes, parts.scalar("zero", 0)], as: name + "/Max.clip")
    return parts.graph.node("Min", [low, bounds], as: name + "/Min.clip")
  }

  /// The lesser of width and height of boxes: `[R, 4]` → `[R]`.
  mutating func shorterSide(_ boxes: Value, _ name: String) -> Value {
    parts.graph.node(
      "ReduceMin", [sides(boxes, name)], [("axes", .integers([1])), ("keepdims", .integer(0))],
      as: name + "/ReduceMin")
  }

  /// Width and height of boxes: `[R, 4]` → `[R, 2]`.
  mutating func sides(_ boxes: Value, _ name: String) -> Value {
    let edges = parts.graph.nodes(
      "Split", [boxes, parts.sizes([2, 2])], [("axis", .integer(-1))],
      as: [name + "/Split.low", name + "/Split.high"])
    return parts.graph.node("Sub", [edges[1], edges[0]], as: name + "/Sub.sides")
  }

  /// The rows of a value that are listed.
  mutating func rows(_ places: Value, of value: Value, _ name: String) -> Value {
    parts.graph.node("Gather", [value, places], [("axis", .integer(0))], as: name + "/Gather")
  }

  /// A column of a table: `[R, C]` → `[R]`.
  mutating func column(_ index: Int, of table: Value, _ name: String) -> Value {
    let place = parts.graph.constant("column.\(index)", Tensor([Int64(index)], shape: []))
    return parts.graph.node(
      "Gather", [table, place], [("axis", .integer(1))], as: name + "/Gather.column")
  }

  /// The greatest values of a line, of which there may be fewer, by descending value, and where they are.
  mutating func best(
    _ scores: Value, atMost limit: Int, _ name: String
  ) -> (values: Value, places: Value) {
    let count = parts.graph.node("Shape", [scores], as: name + "/Shape")
    let few = parts.graph.node("Min", [count, parts.sizes([limit])], as: name + "/Min")
    let top = parts.graph.nodes(
      "TopK", [scores, few], [("axis", .integer(0))],
      as: [name + "/TopK.values", name + "/TopK.indices"])
    return (top[0], top[1])
  }
}
