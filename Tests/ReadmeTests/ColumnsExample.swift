import Datasets
import Figures
import Inference
import MaskedAutoencoders

/// The first image of a set as `run` fills it in, with columns hidden: a PNG file's bytes.
func columnsFilledIn(by run: String, _ images: String) throws -> [UInt8] {
  var reconstruction = try Reconstruction(LoadedModel(run))
  reconstruction.masking = Masking(ColumnMasking())
  let set = try openDataset(at: images)
  let sheet = try reconstruction.sheet(of: set, [0], ratios: [0.5, 0.75], seed: 1)
  return try sheet.encodedAsPNG()
}
