public import Torch

/// The true objects of an image, in pixels of the network's input.
public struct TrueObjects {
  /// Their boxes.
  public var boxes: [Box]
  /// Their classes, from 0.
  public var classes: [Int]
  /// The width and height of the picture within the input, without what was added to it at the right
  /// and below.
  public var extent: (width: Float, height: Float)
  /// The masks of some objects, each within a box that is divided into `side` × `side` cells: 0 or 1,
  /// row by row, one after the other; nil where there are none.
  public var masks: ((_ objects: [Int], _ within: [Box], _ side: Int) -> [Float])?

  /// Names objects.
  public init(
    boxes: [Box], classes: [Int], extent: (width: Float, height: Float),
    masks: ((_ objects: [Int], _ within: [Box], _ side: Int) -> [Float])? = nil
  ) {
    precondition(boxes.count == classes.count, "boxes and classes differ")
    self.boxes = boxes
    self.classes = classes
    self.extent = extent
    self.masks = masks
  }
}

/// What a detector does in training and not afterwards.
public struct DetectionTraining {
  /// What the encoder does.
  public var dense: DenseTraining
  /// What draws anchors and regions, for each image.
  public var draws: ImageDraws

  /// Training as it is set.
  public init(dense: DenseTraining = .init(), draws: ImageDraws) {
    self.dense = dense
    self.draws = draws
  }
}

/// The errors of a detector on a batch, scalars. What is learned from is their plain sum.
public struct DetectionLosses {
  /// Whether anchors hold an object.
  public var objectness: Tensor
  /// Where proposals lie.
  public var proposals: Tensor
  /// What regions hold.
  public var classes: Tensor
  /// Where objects lie.
  public var boxes: Tensor
  /// Masks; nil of a detector without.
  public var masks: Tensor?
  /// What regions hold and where objects lie, of each box head of a cascade, which the two above are
  /// the sums of; empty for a single head.
  public var stages: [(classes: Tensor, boxes: Tensor)] = []

  /// The parts by name.
  public var parts: [(name: String, error: Tensor)] {
    let heads =
      stages.isEmpty
      ? [("classes", classes), ("boxes", boxes)]
      : stages.enumerated().flatMap {
        [("classes_\($0 + 1)", $1.classes), ("boxes_\($0 + 1)", $1.boxes)]
      }
    return [("rpn_objectness", objectness), ("rpn_boxes", proposals)] + heads
      + (masks.map { [("masks", $0)] } ?? [])
  }

  /// Their sum.
  public var total: Tensor {
    let sum = objectness + proposals + classes + boxes
    return masks.map { sum + $0 } ?? sum
  }
}
