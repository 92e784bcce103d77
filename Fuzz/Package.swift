// swift-tools-version: 6.2
import PackageDescription

// A package of its own: it is built with sanitizers, which a package that others depend on cannot
// ask for.
let package = Package(
  name: "fuzz",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "swift-mae", path: "..")],
  targets: [
    .target(name: "CFuzzer"),
    .executableTarget(
      name: "fuzz",
      dependencies: [
        "CFuzzer",
        .product(name: "Datasets", package: "swift-mae"),
        // Without its trait: what reads requests, and nothing that speaks HTTP.
        .product(name: "Serving", package: "swift-mae"),
        .product(name: "Torch", package: "swift-mae"),
      ],
      swiftSettings: [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
      ]),
  ]
)
