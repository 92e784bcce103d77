// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "swift-mae",
  platforms: [.macOS(.v15)],
  products: [
    .library(
      name: "Torch", targets: ["Torch", "TorchNN", "TorchOptim", "TensorFiles", "FileSystem"]),
    .library(
      name: "MaskedAutoencoders",
      targets: [
        "MaskedAutoencoders", "ContrastiveLearning", "DiscreteVAE", "DenseHeads", "WeightExchange",
      ]),
    .library(name: "Datasets", targets: ["Datasets", "Imaging"]),
    .library(name: "Inference", targets: ["Inference", "Runs", "Evaluation", "Figures"]),
    .library(
      name: "Training",
      targets: [
        "Training", "Ablations", "Recipes", "RecipeSyntax", "Reports", "DataParallel",
      ]),
    .library(name: "Serving", targets: ["Serving"]),
    .executable(name: "mae", targets: ["mae"]),
  ],
  traits: [
    // Not on unless asked for: Hummingbird and SwiftNIO take minutes to build.
    .trait(name: "Serve", description: "The server of `mae serve` and its page.")
  ],
  dependencies: [
    // Apple's own command-line parser: help, completions, sysexits.
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    // YAML for recipes; the maintained Swift binding of libyaml, which it carries.
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    // The HTTP server of `mae serve`, with the trait Serve alone.
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    // What it stands on, where the server names their types: channels, HTTP's words, its log.
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    .package(url: "https://github.com/apple/swift-nio-extras", from: "1.34.1"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.14.0"),
    // Not swift-crypto, for the SHA-256 of what is fetched: BoringSSL in it adds a minute to a
    // build from nothing on two cores. The system's `sha256sum` or `shasum` does it.
  ],
  targets: [
    // MARK: the floor
    // Files and text, and nothing else: atomic replacement, mapped and whole reading, gzip, locks,
    // paths, JSON and CSV text. Both towers stand on it.
    .target(name: "FileSystem", dependencies: ["CZlib"]),

    // MARK: tensor tower
    // A C header and a loader: no libtorch header, no link flag. `scripts/bootstrap` compiles
    // `Bridge/` into `.torch/libCTorch.so`, which the loader opens on first use.
    .target(
      name: "CTorch",
      cSettings: [.define("CTORCH_DIR", to: "\"\(Context.packageDirectory)/.torch\"")]),
    .target(name: "Torch", dependencies: ["CTorch"]),
    .target(name: "TensorFiles", dependencies: ["Torch", "FileSystem"]),
    .target(name: "TorchNN", dependencies: ["Torch"]),
    .target(name: "TorchOptim", dependencies: ["TorchNN"]),
    // A picture as tokens of a vocabulary: DALL-E's discrete VAE, whose tokens are a target.
    .target(name: "DiscreteVAE", dependencies: ["TorchNN"]),
    .target(
      name: "MaskedAutoencoders", dependencies: ["TorchNN", "TensorFiles", "DiscreteVAE"]),
    // The encoder over whole images, pyramids, and heads for every pixel.
    .target(name: "DenseHeads", dependencies: ["MaskedAutoencoders"]),
    // MoCo v3: two views, a momentum encoder, heads, and the loss between them.
    .target(name: "ContrastiveLearning", dependencies: ["MaskedAutoencoders"]),
    // Weights of others and for others: Hugging Face, timm, the paper's release, MMPretrain, ONNX.
    .target(name: "WeightExchange", dependencies: ["MaskedAutoencoders", "DenseHeads"]),

    // Many processes as one run: who started them, where they meet, how they end.
    .target(name: "DataParallel", dependencies: ["Torch", "FileSystem"]),

    // MARK: host tower
    // The system's image and packing libraries, found through pkg-config.
    .systemLibrary(
      name: "CJPEG", pkgConfig: "libjpeg",
      providers: [.apt(["libjpeg-dev"]), .brew(["jpeg-turbo"])]),
    .systemLibrary(
      name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"]), .brew(["libpng"])]),
    .systemLibrary(
      name: "CWebP", pkgConfig: "libwebpdemux",
      providers: [.apt(["libwebp-dev"]), .brew(["webp"])]),
    .systemLibrary(
      name: "CTIFF", pkgConfig: "libtiff-4",
      providers: [.apt(["libtiff-dev"]), .brew(["libtiff"])]),
    .systemLibrary(
      name: "CFreeType", pkgConfig: "freetype2",
      providers: [.apt(["libfreetype-dev"]), .brew(["freetype"])]),
    .systemLibrary(
      name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
    .systemLibrary(
      name: "CZstd", pkgConfig: "libzstd",
      providers: [.apt(["libzstd-dev"]), .brew(["zstd"])]),
    // libcurl, opened on first use: no header, no link flag, nothing to install for those who read
    // no shards over HTTP and log to no server.
    .target(name: "CCurl"),
    .target(name: "CImageCodecs", dependencies: ["CJPEG", "CPNG", "CWebP", "CTIFF"]),
    .target(name: "Imaging", dependencies: ["CImageCodecs", "FileSystem"]),
    // Letters for figures: a font that the program carries, and the system's where that has none.
    .target(name: "CFonts", dependencies: ["CFreeType"], exclude: ["Fonts"]),
    .target(name: "Figures", dependencies: ["CFonts", "Imaging", "FileSystem"]),
    .target(
      name: "Datasets", dependencies: ["Imaging", "FileSystem", "CCurl", "CZstd", "Yams"]),
    .target(name: "Evaluation", dependencies: ["FileSystem"]),

    // MARK: roof
    // Typed values, overrides and mistakes of recipes; then every recipe with what it configures.
    .target(name: "RecipeSyntax", dependencies: ["FileSystem", "Yams"]),
    .target(
      name: "Recipes",
      dependencies: [
        "RecipeSyntax", "MaskedAutoencoders", "ContrastiveLearning", "DenseHeads", "TorchOptim",
        "Imaging", "Datasets",
      ]),
    // Run folders, checkpoints and results.
    .target(
      name: "Runs",
      dependencies: [
        "Recipes", "ContrastiveLearning", "DenseHeads", "WeightExchange", "Evaluation",
      ]),
    // A model at work: embed, predict, reconstruct, evaluate, frozen features.
    .target(
      name: "Inference",
      dependencies: ["Runs", "ContrastiveLearning", "Evaluation", "Figures", "DataParallel"]),
    .target(name: "Reports", dependencies: ["Runs", "ContrastiveLearning"]),
    .target(name: "Training", dependencies: ["Inference", "Reports", "ContrastiveLearning"]),
    // The paper's experiments: rows of trainings, their results beside the paper's.
    .target(name: "Ablations", dependencies: ["Training"]),
    // Models over HTTP and the page to look at them. What speaks HTTP is compiled with the trait
    // Serve alone, which the compiler sees as a condition of the same name.
    .target(
      name: "Serving",
      dependencies: [
        "Inference", .server("Hummingbird", of: "hummingbird"),
        .server("HummingbirdCore", of: "hummingbird"), .server("NIOCore", of: "swift-nio"),
        .server("NIOHTTP1", of: "swift-nio"), .server("NIOHTTPTypes", of: "swift-nio-extras"),
        .server("HTTPTypes", of: "swift-http-types"), .server("Logging", of: "swift-log"),
      ],
      resources: [.embedInCode("Page")]),
    .executableTarget(
      name: "mae",
      dependencies: [
        "Ablations", .target(name: "Serving", condition: .when(traits: ["Serve"])),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),

    // MARK: tests
    .target(
      name: "TestSupport", dependencies: ["WeightExchange", "Datasets", "FileSystem"],
      path: "Tests/TestSupport"),
    .testTarget(name: "FileSystemTests", dependencies: ["FileSystem", "TestSupport", "CZlib"]),
    .testTarget(name: "TorchTests", dependencies: ["TensorFiles", "TestSupport"]),
    .testTarget(name: "TensorFilesTests", dependencies: ["TensorFiles", "TestSupport"]),
    .testTarget(name: "TorchNNTests", dependencies: ["TorchNN", "TestSupport"]),
    .testTarget(name: "TorchOptimTests", dependencies: ["TorchOptim", "TestSupport"]),
    .testTarget(
      name: "MaskedAutoencodersTests",
      dependencies: ["WeightExchange", "TorchOptim", "TestSupport"]),
    .testTarget(name: "DiscreteVAETests", dependencies: ["DiscreteVAE", "TestSupport"]),
    .testTarget(
      name: "ContrastiveLearningTests",
      dependencies: ["ContrastiveLearning", "DataParallel", "TestSupport"]),
    .testTarget(
      name: "DenseHeadsTests", dependencies: ["DenseHeads", "TorchOptim", "TestSupport"]),
    .testTarget(name: "DataParallelTests", dependencies: ["DataParallel", "TestSupport"]),
    .testTarget(
      name: "ImagingTests", dependencies: ["Figures", "CFonts", "CImageCodecs", "TestSupport"],
      resources: [.copy("Fixtures")]),
    // Made-up photographs, which belong to the package in Benchmarks/ and have another name there.
    .target(
      name: "TestPhotos", dependencies: ["Datasets", "Imaging"],
      path: "Benchmarks/Sources/SyntheticPhotos"),
    .testTarget(
      name: "DatasetsTests",
      dependencies: ["Datasets", "TestSupport", "CZlib", "CZstd", "TestPhotos"]),
    .testTarget(name: "EvaluationTests", dependencies: ["Evaluation", "TestSupport"]),
    .testTarget(name: "TrainingTests", dependencies: ["Training", "TestSupport"]),
    .testTarget(name: "AblationsTests", dependencies: ["Ablations", "TestSupport"]),
    .testTarget(
      name: "CommandTests", dependencies: ["mae", "TestSupport"], exclude: ["Snapshots"]),
    .testTarget(
      name: "ServingTests",
      dependencies: [
        "Serving", "TestSupport", .server("Hummingbird", of: "hummingbird"),
        .server("NIOCore", of: "swift-nio"), .server("NIOEmbedded", of: "swift-nio"),
        .server("HTTPTypes", of: "swift-http-types"), .server("Logging", of: "swift-log"),
      ]),
    // What README and CONTRIBUTING show, compiled.
    .testTarget(
      name: "ReadmeTests",
      dependencies: [
        "mae", "Training", "TestSupport",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
  ]
)

extension Target.Dependency {
  /// A product that the server needs, and that is not built where the trait is off.
  static func server(_ name: String, of package: String) -> Target.Dependency {
    .product(name: name, package: package, condition: .when(traits: ["Serve"]))
  }
}

for target in package.targets where ![.system, .plugin].contains(target.type) {
  target.swiftSettings = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  ]
}
