import Foundation
import Imaging
import TestSupport
import Testing

@testable import Datasets

/// Lists as people have them.
@Suite struct UserListTests {
  private func folder() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    for (i, name) in ["a", "b", "c,d", "e \"f\""].enumerated() {
      try folder.writeImage("images/\(name).png", gray: i)
    }
    return folder
  }

  private func grays(_ set: any ImageDataset) throws -> [UInt8] {
    try (0..<set.count).map { try set.image(at: $0, channels: 1).pixels[0] }
  }

  @Test func `a byte-order mark is no part of a path`() throws {
    let folder = try folder()
    let bytes = [0xEF, 0xBB, 0xBF] + Array("images/a.png\timages\nimages/b.png\tx\n".utf8)
    let set = try openDataset(at: folder.write("list.txt", bytes))
    checkImageDataset(set)
    #expect(set.classes == ["images", "x"])
    let values = [0xEF, 0xBB, 0xBF] + Array("image,label\nimages/a.png,1\n".utf8)
    #expect(try openDataset(at: folder.write("list.csv", values)).classes == ["0", "1"])
    let wide: [UInt8] = [0xFF, 0xFE] + "images/a.png\n".utf8.flatMap { [$0, 0] }
    #expect(
      error { try openDataset(at: folder.write("wide.txt", wide)) }?.reason.contains("UTF-16")
        == true)
  }

  @Test func `a byte-order mark is skipped in every text`() throws {
    let folder = try folder()
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    let mixture = try folder.write("m.yaml", mark + Array("- {data: images}\n".utf8))
    #expect(try openDataset(at: mixture).count == 4)
    let json = #"{"images": [{"id": 1, "file_name": "images/a.png"}]}"#
    #expect(try openDataset(at: folder.write("train2018.json", mark + Array(json.utf8))).count == 1)
    let cifar = try TemporaryFolder()
    for i in 1...5 { try cifar.write("data_batch_\(i).bin", [UInt8](repeating: 1, count: 3073)) }
    let names = (0..<10).map { "class \($0)" }.joined(separator: "\n")
    try cifar.write("batches.meta.txt", mark + Array(names.utf8))
    #expect(try openDataset(at: cifar.path).classes?.first == "class 0")
  }

  @Test func `lists and mixtures take what people write for a path`() throws {
    let folder = try folder()
    let list = try folder.write("l.txt", "file://\(folder.path)/images/c,d.png\nimages/a.png\n")
    #expect(try grays(openDataset(at: list)) == [2, 0])
    let mixture = try folder.write(
      "m.yaml", "- {data: \"file://\(folder.path)/images\"}\n- {data: im*}\n")
    #expect(try openDataset(at: mixture).count == 8)
    let foreign = try folder.write("f.yaml", "- {data: \"hdfs://bucket/x.tar\"}\n")
    #expect(error { try openDataset(at: foreign) }?.reason.contains("copy the files") == true)
  }

  @Test func `a zero byte ends a path`() throws {
    let folder = try folder()
    try folder.writeImage("images/two\nlines #.png", gray: 9)
    let text = "images/a.png\0images/two\nlines #.png\0images/b.png\0"
    let set = try openDataset(at: folder.write("list", Array(text.utf8)))
    checkImageDataset(set)
    #expect(try grays(set) == [0, 9, 1] && set.classes == nil)
    #expect(
      error { try openDataset(at: folder.write("x.bin", [7, 0, 8, 0])) }?.reason.hasPrefix(
        "is a binary file") == true)
  }

  @Test(arguments: [
    "image,label\r\nimages/a.png,cat\r\nimages/b.png,dog\r\n",
    "Label , Image\ncat, images/a.png\n\ndog, images/b.png",
    "id,path,class,more\n1,images/a.png,cat,x\n2,images/b.png,dog\n",
    "\"file_name\",\"category\"\n\"images/a.png\",\"cat\"\n\"images/b.png\",\"dog\"\n",
  ])
  func `comma-separated values are read by their heading`(text: String) throws {
    let folder = try folder()
    for name in ["list.csv", "list.txt"] {
      let set = try openDataset(at: folder.write(name, text))
      checkImageDataset(set)
      #expect(set.classes == ["cat", "dog"])
      #expect(try grays(set) == [0, 1])
    }
  }

  @Test func `quotes, commas, no heading and no endings`() throws {
    let folder = try folder()
    let quoted = try openDataset(
      at: folder.write(
        "q.csv",
        "image,label\n\"images/c,d.png\",\"a, b\"\n\"images/e \"\"f\"\".png\",\"two\nlines\"\n")
    )
    #expect(try grays(quoted) == [2, 3])
    #expect(quoted.classes == ["a, b", "two\nlines"])
    let bare = try openDataset(at: folder.write("bare.csv", "images/a.png,3\nimages/b.png,0\n"))
    #expect(bare.label(of: 0) == 3 && bare.count == 2)
    let kaggle = try openDataset(at: folder.write("images/k.csv", "id,breed\na,pug\nb,corgi\n"))
    #expect(kaggle.classes == ["corgi", "pug"] && kaggle.name(of: 0) == "a.png")
    let unlabelled = try openDataset(
      at: folder.write("u.csv", "path,width,height\nimages/a.png,4,4\n"))
    #expect(unlabelled.classes == nil && unlabelled.count == 1)
    // A list of paths with commas stays one.
    #expect(try openDataset(at: folder.write("list.txt", "images/c,d.png\n")).count == 1)
  }

  @Test(arguments: [
    ("photo,which,n\nimages/a.png,cat,1\nimages/b.png,dog,2\n", "image=photo,label=which"),
    ("n;photo;which\n1;images/a.png;cat\n2;images/b.png;dog\n", "label=which,image=photo"),
    ("n\tphoto\twhich\n1\timages/a.png\tcat\n2\timages/b.png\tdog\n", "image=2,label=3"),
    ("1;images/a.png;cat\n2;images/b.png;dog\n", "image=2,label=3"),
    ("path,label,better\nimages/a.png,x,cat\nimages/b.png,x,dog\n", "label=better"),
    ("\"a, b\",Photo\ncat,images/a.png\ndog,images/b.png\n", "image=photo,label=a, b"),
    ("which,photo\ncat,images/a.png\ndog,images/b.png\n", "label=which"),
  ])
  func `columns are named behind the path`(text: String, columns: String) throws {
    let folder = try folder()
    for name in ["list.csv", "a:list.txt"] {
      let set = try openDataset(at: folder.write(name, text) + ":" + columns)
      checkImageDataset(set)
      #expect(set.classes == ["cat", "dog"] && (0..<2).map(set.label(of:)) == [0, 1])
      #expect(try grays(set) == [0, 1])
    }
    // In a mixture as well.
    let mixture = try folder.write("m.yaml", "- {data: \"list.csv:\(columns)\"}\n")
    #expect(try openDataset(at: mixture).classes == ["cat", "dog"])
  }

  @Test(arguments: [
    "image;label\nimages/a.png;cat\nimages/b.png;dog\n",
    "n\tfile name\tspecies\n1\timages/a.png\tcat\n2\timages/b.png\tdog\n",
  ])
  func `semicolons and tabs separate values below a heading`(text: String) throws {
    let folder = try folder()
    for name in ["list.csv", "list.txt", "list.tsv"] {
      let set = try openDataset(at: folder.write(name, text))
      #expect(set.classes == ["cat", "dog"], "\(name)")
      #expect(try grays(set) == [0, 1])
    }
    #expect(
      try openDataset(at: folder.write("bare.csv", "images/a.png;3\nimages/b.png;0\n")).label(of: 0)
        == 3)
    // Without a heading a tab is what it is in lists.
    let bare = try openDataset(at: folder.write("bare.tsv", "images/a.png\tx\nimages/b.png\ty\n"))
    #expect(bare.classes == ["x", "y"] && bare.count == 2)
  }

  @Test func `a column that is not there is named with those that are`() throws {
    let folder = try folder()
    let list = try folder.write("l.csv", "photo;which one\nimages/a.png;cat\n")
    let missing = try #require(error { try openDataset(at: list + ":image=photo,label=breed") })
    #expect(
      missing.description
        == "\(list): has no column \"breed\"; its first line has \"photo\", \"which one\"")
    let both = try #require(error { try openDataset(at: list + ":image=7,label=x") })
    #expect(both.reason.hasPrefix("has no column \"7\" and no column \"x\"; its first line has"))
    let wrong = try #require(error { try openDataset(at: list + ":image=photo,lable=breed") })
    #expect(
      wrong.reason
        == "is followed by \"lable=breed\"; expected the columns of the paths and of the classes: "
        + "\(list):image=COLUMN,label=COLUMN")
    let unknown = try #require(
      error { try openDataset(at: folder.write("k.csv", "shot;which one\nimages/a.png;cat\n")) })
    #expect(
      unknown.reason.contains(
        "Where the first line (\"shot\", \"which one\") has other names, say which columns are meant: "
          + "\(folder.path)/k.csv:image=COLUMN,label=COLUMN"), "\(unknown)")
    // One of two columns is known, so the other is known too.
    #expect(try openDataset(at: list).classes == ["cat"])
    // Images can be looked at without the classes that no column is called like.
    let unlabelled = try openDataset(
      at: folder.write("u.csv", "path,width,height\nimages/a.png,4,4\n"))
    #expect(
      unlabelled.labelProblem?.reason.hasPrefix(
        "has the columns \"path\", \"width\", \"height\", and none is called like classes") == true)
    #expect(
      error { try openDataset(at: list + ":image=photo", split: .validation) }?.kind
        == .missingSplit)
    // What is no file with columns stays a path that is not there.
    #expect(error { try openDataset(at: folder.path + "/x:image=y") }?.kind == .missing)
  }

  @Test func `numbers that begin with 1 stay, and class 0 is empty`() throws {
    let folder = try folder()
    let set = try openDataset(at: folder.write("l.txt", "images/a.png 1\nimages/b.png 2\n"))
    checkImageDataset(set)
    #expect(set.classes == ["0", "1", "2"] && (0..<2).map(set.label(of:)) == [1, 2])
    #expect(
      DatasetSummary(of: set).lines.contains(
        "balance  0 to 1 images a class, 1 empty; as even as 2.0 equal classes"))
  }

  @Test func `what to change is said`() throws {
    let folder = try folder()
    let missing = try #require(
      error { try openDataset(at: folder.write("l.csv", "image,label\nx.png,1\n")) })
    #expect(
      missing.reason.hasPrefix(
        "lists \"x.png\" first, and there is no such file in \(folder.path)/"))
    #expect(missing.reason.contains("(column 1 of \"image\", \"label\")"))
    let unnamed = try #require(
      error { try openDataset(at: folder.write("l.txt", "images/a.png,cat\n")) })
    #expect(unnamed.reason.contains("begin it with a line image,label or call it ….csv"))
  }

  @Test func `images are used without classes that only some have`() throws {
    let folder = try folder()
    let list = try folder.write("l.txt", "images/a.png\tx\nimages/b.png\n")
    let set = try openDataset(at: list)
    #expect(try grays(set) == [0, 1])
    #expect(set.label(of: 0) == 0 && set.label(of: 1) == nil)
    #expect(
      labelError(list)?.reason
        == "gives no class to 1 of its 2 images (first images/b.png); give one to every image")
    #expect(DatasetSummary(of: set).lines.contains("classes  1: x 1; 1 without a class"))
    let wrong = try openDataset(at: folder.write("w.txt", "images/a.png -3\n"))
    #expect(wrong.classes == nil && wrong.labelProblem?.kind == .malformed)
    // Batches say that there is none.
    let loader = BatchLoader(
      set, transform: transform(), batch: 2, sampling: Sampling(shuffle: .none), seed: 1, workers: 1
    )
    defer { loader.stop() }
    #expect(try loader.next().labels == [0, -1])
    #expect(set.subset(range: 1..<2).label(of: 0) == nil)
  }
}
