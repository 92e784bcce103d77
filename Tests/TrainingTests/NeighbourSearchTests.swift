import Datasets
import Figures
import Foundation
import Imaging
import TestSupport
import Testing
import Torch
@testable import FileSystem
@testable import Inference
@testable import Runs
@testable import TensorFiles

/// Neighbours are those that comparing with everything gives.
@Suite struct NeighbourSearchTests {
  private func queries(_ names: [String]) -> [NeighbourSearch.Query] {
    names.map { .init(name: $0, content: .pixels(TemporaryRun.picture(1))) }
  }

  @Test(arguments: [1, 7, 40]) func asByBruteForce(count: Int) {
    let generator = Generator(seed: 4)
    let rows = Tensor.randn([30, 5], using: generator)
    let asked = Tensor.randn([3, 5], using: generator)
    let images = mixedPictures(30)
    var search = NeighbourSearch(queries(["p", "q", "r"]), rows: asked, count: count)
    for start in stride(from: 0, to: 30, by: 8) {
      let range = start..<min(start + 8, 30)
      search.look(at: rows.narrowed(0, to: range), of: images, indices: Array(range))
    }
    for query in 0..<3 {
      let own: [Float] = asked.selected(query, along: 0).floats()
      func cosine(_ index: Int) -> Double {
        let other: [Float] = rows.selected(index, along: 0).floats()
        func dot(_ a: [Float], _ b: [Float]) -> Double {
          zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
        }
        return dot(own, other) / (dot(own, own) * dot(other, other)).squareRoot()
      }
      let wanted = (0..<30).sorted { cosine($0) > cosine($1) }.prefix(count)
      #expect(search.found[query].map(\.index) == Array(wanted))
      for (found, index) in zip(search.found[query], wanted) {
        #expect(abs(found.similarity - cosine(index)) < 1e-5)
        #expect(found.name == "image \(index)")
      }
    }
  }

  @Test func theImageItselfIsPassedOver() throws {
    let fixture = try TemporaryRun(images: 2)
    let rows = Tensor([Float(1), 0, 1, 0, 1, 0], shape: [3, 2])
    let paths = ["images/00.png", "images/01.png", "images/../images/00.png"].map { fixture($0) }
    var search = NeighbourSearch(
      queries([fixture("images/00.png")]), rows: Tensor([Float(2), 0], shape: [1, 2]), count: 5)
    search.look(at: rows, of: ImageFiles(paths: paths), indices: [0, 1, 2])
    // The same file by another path is passed over too; another file with the same row is not.
    #expect(search.found[0].map(\.name) == [fixture("images/01.png")])
  }

  /// Of equally similar ones the first; rows that are not numbers are none.
  @Test func tiesAndOddRows() {
    var search = NeighbourSearch(
      queries(["q"]), rows: Tensor([Float(1), 1], shape: [1, 2]), count: 2)
    search.look(
      at: Tensor([Float.nan, 0, 1, 1, 0, 0, 2, 2, 4, 4], shape: [5, 2]), of: mixedPictures(5),
      indices: Array(0..<5))
    #expect(search.found[0].map(\.index) == [1, 3])
  }

  @Test(arguments: ["npy", "safetensors"]) func indices(format: String) throws {
    let fixture = try TemporaryRun()
    let rows = Tensor.randn([6, 4], using: Generator(seed: 9))
    let path = fixture("index.\(format)")
    let file = try EmbeddingFile(
      path, names: EmbeddingFile.standardNamesPath(of: path), shape: [4], classes: ["c"])
    try file.append(
      rows, names: (0..<6).map { "n\($0).jpg" }, labels: ["c"] + .init(repeating: nil, count: 5))
    try file.finish()
    let index = try EmbeddingIndex(path)
    #expect(index.count == 6 && index.width == 4)
    let asked = rows.narrowed(0, to: 0..<1)
    var (whole, parts) = (
      NeighbourSearch(queries(["q"]), rows: asked, count: 3),
      NeighbourSearch(queries(["q"]), rows: asked, count: 3)
    )
    whole.look(through: index)
    parts.look(at: rows, of: index.images, indices: Array(0..<6))
    #expect(whole.found[0].map(\.name) == parts.found[0].map(\.name))
    #expect(whole.found[0][0].name == "n0.jpg")

    try fixture.write("index.txt", "a\nb\n")
    #expect(throws: RunFailure.self) { try EmbeddingIndex(path) }
    try fixture.remove("index.txt")
    #expect(throws: FileError.self) { try EmbeddingIndex(path) }
  }

  @Test func indicesOfSomethingElse() throws {
    let fixture = try TemporaryRun()
    try NpyFile.write(Tensor.zeros([2, 3, 4]), to: fixture("patches.npy"))
    try fixture.write("patches.txt", "a\nb\n")
    for name in ["patches.npy", "x.csv", "x.pt"] {
      #expect(throws: RunFailure.self) { try EmbeddingIndex(fixture(name)) }
    }
    #expect(throws: FileError.self) { try EmbeddingIndex(fixture("nowhere.npy")) }
  }

  @Test func texts() throws {
    var search = NeighbourSearch(
      queries(["q,1"]), rows: Tensor([Float(1), 0], shape: [1, 2]), count: 2)
    search.look(
      at: Tensor([Float(0), 1, 1, 0], shape: [2, 2]), of: mixedPictures(2), indices: [0, 1])
    #expect(search.text(.table) == "q,1\n  1.0000  image 1\n  0.0000  image 0\n")
    #expect(
      search.text(.csv)
        == "image,rank,similarity,neighbour\n\"q,1\",1,1.0,image 1\n\"q,1\",2,0.0,image 0\n")
    let json =
      try JSONSerialization.jsonObject(with: Data(search.text(.json).utf8)) as? [[String: Any]]
    #expect(json?.count == 1 && json?[0]["image"] as? String == "q,1")
    #expect((json?[0]["neighbours"] as? [[String: Any]])?.count == 2)
  }

  @Test func sheets() {
    var search = NeighbourSearch(
      queries(["a/q.jpg", "r.jpg"]), rows: Tensor([Float(1), 0, 0, 1], shape: [2, 2]), count: 3)
    search.look(
      at: Tensor([Float(0), 1, 1, 0], shape: [2, 2]), of: mixedPictures(2, broken: [0]),
      indices: [0, 1])
    let sheet = search.sheet(title: "alike")
    #expect(sheet.rows.count == 2)
    #expect(sheet.rows[0].tiles.count == 3)
    #expect(sheet.rows[0].caption == "q.jpg: 1.000, 0.000")
  }
}
