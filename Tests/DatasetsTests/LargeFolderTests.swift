import Foundation
import Imaging
import Testing

@testable import Datasets

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite struct LargeFolderTests {
  @Test func `a folder of 100,000 files is opened whole and in order`() throws {
    let folder = try TemporaryFolder()
    for name in ["a", "b"] {
      try FileManager.default.createDirectory(
        atPath: folder.path + "/" + name, withIntermediateDirectories: true)
      for i in 0..<50_000 {
        let file = open(folder.path + "/\(name)/\(100_000 + i).jpg", O_CREAT | O_WRONLY, 0o644)
        try #require(file >= 0)
        close(file)
      }
    }
    let set = try openDataset(at: folder.path)
    #expect(set.count == 100_000 && set.classes == ["a", "b"])
    #expect(set.name(of: 0) == "a/100000.jpg" && set.name(of: 99_999) == "b/149999.jpg")
    #expect(set.label(of: 49_999) == 0 && set.label(of: 50_000) == 1)
    let empty = #expect(throws: ImageError.self) { try set.content(of: 7) }
    #expect(empty?.reason.contains("empty") == true, "\(empty?.reason ?? "")")
    #expect(DatasetSummary(of: set, sample: 3).broken.map(\.index) == [0, 33_333, 66_666])
  }
}
