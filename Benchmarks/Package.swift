// swift-tools-version: 6.2
import PackageDescription

// A package of its own: who depends on swift-mae gets no benchmarks, and `swift build` makes none.
let package = Package(
  name: "benchmarks",
  platforms: [.macOS(.v15)],
  dependencies: [
    .package(name: "swift-mae", path: ".."),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
  ],
  targets: [
    // Turns, medians and quartiles, peers, the machine's name.
    .target(name: "Harness"),
    // Made-up photographs. Tests of swift-mae compile the same folder, as `TestPhotos`.
    .target(
      name: "SyntheticPhotos", dependencies: [.product(name: "Datasets", package: "swift-mae")]),
    .executableTarget(
      name: "benchmarks",
      dependencies: [
        "Harness", "SyntheticPhotos",
        .product(name: "Datasets", package: "swift-mae"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .testTarget(
      name: "BenchmarksTests",
      dependencies: [
        "benchmarks", "Harness", "SyntheticPhotos",
        .product(name: "Datasets", package: "swift-mae"),
      ]),
  ]
)

for target in package.targets {
  target.swiftSettings = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  ]
}
