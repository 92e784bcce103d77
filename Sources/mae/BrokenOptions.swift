import ArgumentParser
import Datasets
import Inference
import Training

/// How many images a command leaves out because they cannot be decoded.
struct BrokenOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Leave out images that cannot be decoded, up to this share of all, and name them at the end; \
      one may always be, unless it is 0. 0.01 unless given; embed and predict, which name each, \
      leave out any number.
      """, valueName: "share"))
  var brokenLimit: Double?

  func validate() throws {
    if let brokenLimit, !(0...1).contains(brokenLimit) {
      throw ValidationError("--broken-limit is \(brokenLimit); expected a number from 0 to 1")
    }
  }

  /// The limit that was given, or the command's own.
  func limit(unlessGiven standard: BrokenLimit = .standard) -> BrokenLimit {
    BrokenLimit(brokenLimit ?? standard.share, setting: "--broken-limit")
  }
}

/// Names the images that were left out: some of them, and how many there are.
func warn(_ broken: [UndecodableImage]) {
  for image in broken.prefix(5) { warn("not decoded: \(image)") }
  if broken.count > 5 { warn("not decoded: … \(broken.count) images in all") }
}
