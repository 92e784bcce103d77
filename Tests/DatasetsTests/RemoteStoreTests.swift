import FileSystem
import Foundation
import Imaging
import TestSupport
import Testing

@testable import Datasets

/// `s3://` and `gs://`, presigned addresses, and the index of a whole set.
@Suite struct RemoteStoreTests {
  private static let key = ObjectStores.Key(
    id: "AKIDEXAMPLE", secret: "wJalr/+K7MDENG=", token: "session+token==")

  /// Three shards of four images in a folder.
  private func packed(_ folder: String = "a dir+1/x") throws -> (TemporaryFolder, SyntheticDataset)
  {
    let root = try TemporaryFolder()
    let images = SyntheticDataset(count: 12, side: 96)
    _ = try ShardPacking(imagesPerShard: 4).pack(images, to: root.path + "/" + folder)
    return (root, images)
  }

  private func settings(_ cache: TemporaryFolder, _ store: ObjectStores.Store)
    -> RemoteShardSettings
  {
    var settings = RemoteShardTests.settings(cache)
    settings.stores = ObjectStores([:])
    settings.stores.s3 = store
    settings.stores.gs = store
    return settings
  }

  private func expectSame(_ set: any ImageDataset, _ images: any ImageDataset) throws {
    #expect(set.count == images.count)
    for i in 0..<images.count {
      let same = try set.image(at: i) == images.image(at: i)
      #expect(same && set.label(of: i) == images.label(of: i), "image \(i)")
    }
  }

  private func problem(_ path: String, _ settings: RemoteShardSettings) -> DatasetError? {
    do {
      _ = try ShardDataset(path: path, remote: settings)
      return nil
    } catch {
      return error
    }
  }

  private static let pattern = "bucket/a dir+1/x/images-{000000..000002}.tar"

  @Test(arguments: ["abc", "", String(repeating: "a", count: 200)])
  func `the checker's digests are right`(text: String) throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("x", text)
    #expect(try hexadecimal(SHA256.digest(Array(text.utf8))) == sha256(of: file))
  }

  @Test(arguments: ["s3", "gs", "S3"], [true, false])
  func `requests to a store are signed`(scheme: String, withToken: Bool) throws {
    let (folder, images) = try packed()
    let cache = try TemporaryFolder()
    var key = Self.key
    if !withToken { key.token = nil }
    let server = try StoreServer(
      folder.path, .signed(id: key.id, secret: key.secret, region: "eu-north-1", token: key.token))
    let settings = settings(
      cache, .init(endpoint: server.endpoint, region: "eu-north-1", key: key))
    let set = try ShardDataset(path: "\(scheme)://\(Self.pattern)", remote: settings)
    try expectSame(set, images)
    checkImageDataset(set)
    #expect(set.name(of: 5).hasPrefix("\(scheme)://bucket/a dir+1/x/images-000001.tar/"))
    #expect(server.log.contains("/a dir+1/x/images.shards 200"))
    #expect(!server.log.contains { $0.hasSuffix("403") }, "\(server.log)")
    // Whole shards as well.
    let shard = try RemoteShard(
      "\(scheme)://bucket/a dir+1/x/images-000002.tar", client: HTTPClient(settings: settings),
      cache: RemoteCache(settings))
    try shard.fetch()
    #expect(
      fileSize(shard.keptFile ?? "") == fileSize(folder.path + "/a dir+1/x/images-000002.tar"))
  }

  @Test func `a refusal says what to look at`() throws {
    let (folder, _) = try packed()
    let cache = try TemporaryFolder()
    let server = try StoreServer(
      folder.path, .signed(id: "other", secret: "s", region: "us-east-1", token: nil))
    var store = ObjectStores.Store(endpoint: server.endpoint, region: "us-east-1", key: Self.key)
    let refused = problem("s3://" + Self.pattern, settings(cache, store))
    #expect(refused?.path == "s3://bucket/a dir+1/x/images-000000.tar")
    #expect(
      refused?.reason
        == "the server answered with status 403; check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY "
        + "(AWS_SESSION_TOKEN with a session's key), what the key may read, and this machine's clock"
    )
    store.key = nil
    #expect(
      problem("s3://" + Self.pattern, settings(cache, store))?.reason.hasPrefix(
        "the server answered with status 403; for a bucket that is not public set AWS_ACCESS_KEY_ID"
      )
        == true)
    #expect(
      problem("gs://" + Self.pattern, settings(cache, store))?.reason.contains(
        "set GS_ACCESS_KEY_ID and GS_SECRET_ACCESS_KEY (an HMAC key)") == true)
    server.rule(.elsewhere("eu-west-1"))
    let elsewhere = problem("s3://" + Self.pattern, settings(cache, store))
    #expect(
      elsewhere?.reason
        == "the server answered with status 301; the bucket is in eu-west-1, and AWS_REGION is "
        + "us-east-1; set AWS_REGION=eu-west-1", "\(elsewhere?.reason ?? "")")
    #expect(
      error { try openDataset(at: "s3://bucket/folder") }?.reason.hasPrefix(
        "is no address of tar archives; expected s3://…/name-{000000..000127}.tar") == true)
  }

  @Test func `the environment says where stores are`() {
    let plain = ObjectStores([:])
    #expect(plain.s3 == .init(region: "us-east-1") && plain.gs == .init(region: "auto"))
    func url(_ address: String, _ stores: ObjectStores) -> String {
      RemoteTarget(address, stores).url
    }
    #expect(
      url("s3://b/k/a b%.tar", plain) == "https://b.s3.us-east-1.amazonaws.com/k/a%20b%25.tar")
    #expect(url("s3://my.b/k.tar", plain) == "https://s3.us-east-1.amazonaws.com/my.b/k.tar")
    #expect(url("gs://b/ä.tar", plain) == "https://storage.googleapis.com/b/%C3%A4.tar")
    #expect(url("https://h/a b?c", plain) == "https://h/a b?c")
    #expect(RemoteTarget("s3://b/k", plain).signing == nil)
    let full = ObjectStores([
      "AWS_ACCESS_KEY_ID": "i", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "",
      "AWS_DEFAULT_REGION": "r", "AWS_ENDPOINT_URL": "http://e/", "GS_ACCESS_KEY_ID": "g",
      "GS_SECRET_ACCESS_KEY": "t", "STORAGE_EMULATOR_HOST": "localhost:4443",
    ])
    #expect(full.s3 == .init(endpoint: "http://e/", region: "r", key: .init(id: "i", secret: "s")))
    #expect(url("s3://b/k", full) == "http://e/b/k")
    #expect(RemoteTarget("s3://b/k", full).signing == "aws:amz:r:s3")
    #expect(url("gs://b/k", full) == "http://localhost:4443/b/k")
    #expect(RemoteTarget("gs://b/k", full).signing == "aws:amz:auto:s3")
    #expect(RemoteTarget("https://b/k", full).signing == nil)
  }

  // MARK: presigned

  private func list(_ server: StoreServer, _ signature: String, _ shards: Range<Int>) -> String {
    "# presigned\n"
      + shards.map {
        "\(server.endpoint)/bucket/s/images-00000\($0).tar?X-Amz-Date=\(signature)0&X-Amz-Signature="
          + "\(signature)\r\n"
      }.joined()
  }

  @Test func `addresses that have ended are looked up in their list again`() throws {
    let (folder, images) = try packed("s")
    let cache = try TemporaryFolder()
    let server = try StoreServer(folder.path, .presigned("one"))
    let settings = settings(cache, .init(region: "x"))
    let file = try folder.write("shards.txt", list(server, "one", 0..<3))
    #expect(try openDataset(at: file).count == 12)
    let set = try ShardDataset(list: file, remote: settings)
    #expect(set.path == file && set.classes == images.classes)
    #expect(set.name(of: 0).hasPrefix("\(server.endpoint)/bucket/s/images-000000.tar/"))
    try expectSame(set, images)
    // Fresh addresses in the list: nothing else has to be done.
    server.rule(.presigned("two"))
    try folder.write("shards.txt", list(server, "two", 0..<3))
    try expectSame(set, images)
    #expect(server.log.contains { $0.hasSuffix("403") })
    let before = server.log.count
    try expectSame(set, images)
    #expect(!server.log[before...].contains { $0.hasSuffix("403") })
    // A whole shard too; its name does not depend on the signature.
    server.rule(.presigned("three"))
    try folder.write("shards.txt", list(server, "three", 0..<3))
    let kept = try RemoteCache(settings)
    let address = try AddressList(file).addresses[1]
    let shard = try RemoteShard(address, client: HTTPClient(settings: settings), cache: kept)
    try shard.fetch()
    #expect(shard.keptFile == kept.entry(address.url).shard)
    // Without fresh ones the list is named.
    server.rule(.presigned("four"))
    let error = #expect(throws: ImageError.self) { try set.image(at: 0) }
    #expect(
      error?.reason.contains("\(file) was read again and has no newer address") == true,
      "\(error?.reason ?? "")")
  }

  @Test func `lists of addresses say what is wrong`() throws {
    let folder = try TemporaryFolder()
    func problem(_ text: String) throws -> String {
      let file = try folder.write("l.txt", text)
      return error { try ShardDataset(list: file) }?.reason ?? ""
    }
    #expect(
      try problem("https://h/a.tar\nphotos/1.jpg\n").hasPrefix(
        "has the line \"photos/1.jpg\" among addresses"))
    #expect(
      try problem("https://h/a.zip?secret=1\n")
        == "has no address of a tar archive (https://h/a.zip)")
    #expect(
      try problem("https://h/a.tar?x=1\nhttps://h/a.tar?x=2\n") == "has the same address twice")
    #expect(
      error {
        try openDataset(
          at: folder.write("v.txt", "https://h/a.tar\n"), split: .validation)
      }?.kind == .missingSplit)
  }

  @Test func `a signature is no part of a shard's name`() throws {
    let cache = try TemporaryFolder()
    let kept = try RemoteCache(RemoteShardTests.settings(cache))
    func same(_ a: String, _ b: String) -> Bool { kept.entry(a) == kept.entry(b) }
    let plain = "https://h/a.tar"
    for query in [
      "X-Amz-Algorithm=A&X-Amz-Credential=c%2Fd&X-Amz-Signature=1", "X-Goog-Signature=1",
      "AWSAccessKeyId=i&Signature=s&Expires=9", "Policy=p&Signature=s&Key-Pair-Id=k",
      "sv=1&st=2&se=3&sr=b&sp=r&sig=x",
    ] {
      #expect(same(plain, plain + "?" + query), "\(query)")
      #expect(same(plain + "?part=1", plain + "?part=1&" + query), "\(query)")
    }
    #expect(!same(plain, plain + "?part=1") && !same(plain, plain + "?sp=1"))
    #expect(!same("s3://b/a.tar", "s3://c/a.tar"))
  }
}
