@testable import FileSystem
@testable import TensorFiles
@testable import Torch

/// Readers of files of weights, up to the point where tensors are made of them: that takes
/// libtorch, which is not looked for here.
let weightTargets: [FuzzTarget] = [
  FuzzTarget(name: "zip", run: readZip, repair: nil),
  FuzzTarget(name: "pth", run: { _ = try? PyTorchFile(InputFile.holding($0)) }, repair: nil),
  FuzzTarget(name: "pickle", run: readPickle, repair: nil),
  FuzzTarget(
    name: "npy", run: { _ = try? NpyFile(InputFile.holding($0)) },
    repair: { begin(&$0, with: [0x93] + Array("NUMPY".utf8)) }),
  FuzzTarget(
    name: "safetensors", run: { _ = try? SafetensorsFile(InputFile.holding($0)) },
    repair: repairSafetensors),
]

private func readZip(_ bytes: [UInt8]) {
  guard let file = try? MappedFile(InputFile.holding(bytes)),
    let archive = try? ZipArchive(file)
  else { return }
  for range in archive.entries.values {
    precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
  }
}

private func readPickle(_ bytes: [UInt8]) {
  var pickle = Pickle(bytes)
  guard let root = try? pickle.run() else { return }
  _ = pickle.states(in: root)
}
