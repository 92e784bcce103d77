import DenseHeads
import Torch

/// The operators that only a detector has.
extension ONNXInterpreter {
  static func detecting(
    _ type: String, _ x: [Tensor], _ attributes: Attributes
  ) throws -> [Tensor] {
    let axis = attributes.ints["axis"] ?? 0
    switch type {
    case "Sub": return [x[0] - x[1]]
    case "Div": return [x[0] / x[1]]
    case "Exp": return [x[0].exp()]
    case "Min": return [x[0].minimum(x[1])]
    case "Max": return [x[0].maximum(x[1])]
    case "Relu": return [x[0].relu()]
    case "Sigmoid": return [x[0].sigmoid()]
    case "Greater": return [x[0] .> x[1]]
    case "GreaterOrEqual": return [x[0] .>= x[1]]
    case "Equal": return [x[0] .== x[1]]
    case "Where": return [Tensor.where(x[0], x[1], x[2])]
    case "Cast" where attributes.ints["to"] == 7: return [x[0].to(.int64)]
    case "NonZero": return [x[0].nonzero().transposed(0, 1)]
    case "ReduceSum":
      return [x[0].sum(integers(x[1]), keepingDimensions: attributes.ints["keepdims"] == 1)]
    case "ReduceMin" where attributes.lists["axes"] == [1]:
      return [x[0].selected(0, along: 1).minimum(x[0].selected(1, along: 1))]
    case "ReduceProd" where attributes.lists["axes"] == [1]:
      return [(x[0].selected(0, along: 1) * x[0].selected(1, along: 1)).unsqueezed(1)]
    case "TopK":
      // Of equal values the first.
      let sorted = x[0].stablySorted(along: axis, descending: attributes.ints["largest"] != 0)
      let few = 0..<integers(x[1])[0]
      return [sorted.values.narrowed(axis, to: few), sorted.indices.narrowed(axis, to: few)]
    case "NonMaxSuppression": return [nonMaxSuppression(x)]
    case "RoiAlign":
      guard attributes.texts["coordinate_transformation_mode"] == "half_pixel",
        attributes.texts["mode"] == "avg", let bins = attributes.ints["output_height"],
        x[2].array(of: Int64.self).allSatisfy({ $0 == 0 })
      else { throw Unsupported(what: "RoiAlign \(attributes)") }
      let align = RegionAlign(bins: bins, samples: attributes.ints["sampling_ratio"] ?? 0)
      return [align(x[0], [x[1].boxes], scale: attributes.floats["spatial_scale"] ?? 1)]
    case "GatherND": return [gathered(x[0], x[1], batch: attributes.ints["batch_dims"] ?? 0)]
    default: throw Unsupported(what: type)
    }
  }

  /// Boxes `[B, R, 4]`, scores `[B, K, R]` → numbers of image, class and box, `[N, 3]`.
  private static func nonMaxSuppression(_ x: [Tensor]) -> Tensor {
    let (images, count, classes) = (x[0].shape[0], x[0].shape[1], x[1].shape[1])
    let (limit, rule) = (integers(x[2])[0], NonMaximumSuppression(threshold: Float(x[3].item())))
    var found: [Int64] = []
    for image in 0..<images {
      let boxes = x[0][image].boxes
      for label in 0..<classes {
        let scores = x[1][image][label].floats()
        let enough = (0..<count).filter { scores[$0] > Float(x[4].item()) }
        let kept = rule.kept(enough.map { boxes[$0] }, scores: enough.map { scores[$0] })
        for place in kept.prefix(limit) {
          found += [Int64(image), Int64(label), Int64(enough[place])]
        }
      }
    }
    return Tensor(found, shape: [found.count / 3, 3])
  }

  /// The elements, or parts, that the rows of `places` name, after the first `batch` dimensions.
  private static func gathered(_ x: Tensor, _ places: Tensor, batch: Int) -> Tensor {
    let rows = places.shape[0]
    let depth = places.shape[1]
    var numbers = integers(places)
    if batch == 1 { numbers = (0..<rows).flatMap { [$0] + numbers[$0 * depth..<($0 + 1) * depth] } }
    let leading = Array(x.shape[..<(depth + batch)])
    let flat = (0..<rows).map { row in
      zip(leading, numbers[row * leading.count..<(row + 1) * leading.count]).reduce(0) {
        $0 * $1.0 + $1.1
      }
    }
    return x.contiguous().reshaped([leading.reduce(1, *)] + x.shape[leading.count...])
      .selected(Tensor(flat), along: 0)
  }
}
