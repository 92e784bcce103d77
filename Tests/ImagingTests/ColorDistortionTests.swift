import Foundation
import TestSupport
import Testing
import Torch

@testable import Imaging

/// The colours of contrastive views.
@Suite struct ColorDistortionTests {
  struct Blur: Decodable {
    var name: String
    var image: String
    var kernel: Int
    var std: Double
  }

  static let golden = Golden("moco-v3")

  static func image(_ name: String) throws -> ByteImage {
    let tensor = try golden.tensors("views.safetensors")[name]
    return ByteImage(
      width: tensor.shape[1], height: tensor.shape[0], channels: tensor.shape[2],
      pixels: tensor.array(of: UInt8.self))
  }

  @Test func `a blur is torchvision's`() throws {
    let cases = try Self.golden.cases(of: Blur.self)
    try #require(cases.count == 4)
    for example in cases {
      var image = try Self.image(example.image)
      image.blur(std: example.std, kernel: example.kernel)
      let expected = try Self.image(example.name)
      // A value between two whole numbers may be rounded to either.
      let differing = zip(image.pixels, expected.pixels).count { $0 != $1 }
      #expect(Difference(image, expected).largest <= 1, "\(example.name)")
      #expect(differing <= image.pixels.count / 100, "\(example.name): \(differing)")
    }
  }

  @Test func `solarisation and grayscale are torchvision's to the byte`() throws {
    var image = try Self.image("scene")
    image.solarize()
    #expect(try image == Self.image("solarize"))
    image = try Self.image("scene")
    image.adjustSaturation(by: 0)
    #expect(try image == Self.image("grayscale"))
  }

  @Test func `the kernel is a tenth of the image and odd`() {
    #expect([8, 28, 32, 96, 224].map(ByteImage.blurKernel) == [3, 3, 3, 9, 23])
  }

  @Test func `each part is done as often as asked, and nothing where all is off`() throws {
    let image = try Self.image("scene")
    var off = ColorDistortion(jitterProbability: 0, grayscale: 0, blur: 0, solarize: 0)
    func changed(_ distortion: ColorDistortion, of image: ByteImage) -> Int {
      (0..<200).count { seed in
        var (copy, random) = (image, SampleRandom(seed: UInt64(seed)))
        distortion.apply(to: &copy, using: &random)
        return copy != image
      }
    }
    #expect(changed(off, of: image) == 0)
    for part in [
      \ColorDistortion.jitterProbability, \.grayscale, \.blur, \.solarize,
    ] {
      off[keyPath: part] = 0.3
      #expect((35...85).contains(changed(off, of: image)))
      off[keyPath: part] = 0
    }
    // Gray images have no colours to take away.
    off.grayscale = 1
    #expect(try changed(off, of: Self.image("gray")) == 0)
  }

  @Test func `what is drawn depends on no other part`() throws {
    let image = try Self.image("scene")
    func states(_ distortion: ColorDistortion) -> [UInt64] {
      var (copy, random) = (image, SampleRandom(seed: 5))
      return (0..<20).map { _ in
        distortion.apply(to: &copy, using: &random)
        var next = random
        return next.next()
      }
    }
    #expect(
      states(ColorDistortion(blur: 1, solarize: 0))
        == states(ColorDistortion(jitterProbability: 0, grayscale: 0, blur: 0, solarize: 1)))
  }

  @Test func `wrong values are named`() {
    var augmentation = Augmentation(distortion: ColorDistortion(blur: 1.1, solarize: -1))
    augmentation.distortion?.jitter.hue = 0.6
    #expect(
      augmentation.problems.map(\.path)
        == ["distortion.jitter.hue", "distortion.blur", "distortion.solarize"])
  }
}
