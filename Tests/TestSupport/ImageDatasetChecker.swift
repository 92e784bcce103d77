public import Datasets
import Imaging
public import Testing

/// Checks what every set of images must do: the same answers at every call, labels inside the
/// classes, names that are told apart.
public func checkImageDataset(
  _ dataset: any ImageDataset, sourceLocation: SourceLocation = #_sourceLocation
) {
  let indices = [0, dataset.count / 2, dataset.count - 1]
  for index in indices {
    #expect(
      dataset.name(of: index) == dataset.name(of: index), sourceLocation: sourceLocation)
    let first = try? dataset.image(at: index, channels: 3)
    #expect(first != nil, sourceLocation: sourceLocation)
    #expect((try? dataset.image(at: index, channels: 3)) == first, sourceLocation: sourceLocation)
    if let classes = dataset.classes {
      #expect(
        dataset.label(of: index).map { classes.indices.contains($0) } == true,
        sourceLocation: sourceLocation)
    } else {
      #expect(dataset.label(of: index) == nil, sourceLocation: sourceLocation)
    }
  }
  #expect(
    Set((0..<dataset.count).map { dataset.name(of: $0) }).count == dataset.count,
    sourceLocation: sourceLocation)
}
