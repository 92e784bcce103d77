import Foundation

/// How `s3://` and `gs://` addresses are read: from which server, and signed with which key (AWS
/// Signature Version 4, which Google's XML API takes with HMAC keys as well).
public struct ObjectStores: Hashable, Sendable {
  /// A service and who asks it.
  public struct Store: Hashable, Sendable {
    /// The server, `https://…`; nil for the provider's own.
    public var endpoint: String?
    /// The region that requests are signed for.
    public var region: String
    /// The key and its secret; nil for requests that are not signed, as public buckets take them.
    public var key: Key?

    /// Creates a store.
    public init(endpoint: String? = nil, region: String, key: Key? = nil) {
      self.endpoint = endpoint
      self.region = region
      self.key = key
    }
  }

  /// What requests are signed with.
  public struct Key: Hashable, Sendable {
    /// The key's name.
    public var id: String
    /// Its secret.
    public var secret: String
    /// The token of a session's key; nil for a lasting key.
    public var token: String?

    /// Creates a key.
    public init(id: String, secret: String, token: String? = nil) {
      self.id = id
      self.secret = secret
      self.token = token
    }
  }

  /// `s3://`.
  public var s3: Store
  /// `gs://`.
  public var gs: Store

  /// What the environment says.
  ///
  /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_REGION` (or
  /// `AWS_DEFAULT_REGION`), `AWS_ENDPOINT_URL_S3` (or `AWS_ENDPOINT_URL`), as AWS' own programs
  /// read them; for Google `GS_ACCESS_KEY_ID` and `GS_SECRET_ACCESS_KEY`, as GDAL does, and
  /// `STORAGE_EMULATOR_HOST`, as Google's libraries do.
  public init() { self.init(ProcessInfo.processInfo.environment) }

  init(_ environment: [String: String]) {
    func value(_ names: String...) -> String? {
      names.lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
    }
    func key(_ id: String?, _ secret: String?, _ token: String?) -> Key? {
      guard let id, let secret else { return nil }
      return Key(id: id, secret: secret, token: token)
    }
    s3 = Store(
      endpoint: value("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
      region: value("AWS_REGION", "AWS_DEFAULT_REGION") ?? "us-east-1",
      key: key(
        value("AWS_ACCESS_KEY_ID"), value("AWS_SECRET_ACCESS_KEY"), value("AWS_SESSION_TOKEN")))
    let emulator = value("STORAGE_EMULATOR_HOST").map { $0.contains("://") ? $0 : "http://" + $0 }
    gs = Store(
      endpoint: emulator, region: "auto",
      key: key(value("GS_ACCESS_KEY_ID"), value("GS_SECRET_ACCESS_KEY"), nil))
  }
}

/// What libcurl is to ask for an address.
struct RemoteTarget: Hashable {
  /// An `https://` or `http://` address.
  var url: String
  /// The store that it is in; nil for other servers.
  var store: ObjectStores.Store?
  private var isGoogle = false

  /// Finds the server for an address.
  init(_ address: String, _ stores: ObjectStores) {
    url = address
    let isS3 = address.lowercased().hasPrefix("s3://")
    guard isS3 || address.lowercased().hasPrefix("gs://") else { return }
    isGoogle = !isS3
    let store = isS3 ? stores.s3 : stores.gs
    self.store = store
    let path = address.dropFirst(5)
    let bucket = path.prefix { $0 != "/" }
    let key = path.dropFirst(bucket.count).drop { $0 == "/" }.utf8.map(Self.escaped).joined()
    if let endpoint = store.endpoint {
      let host = endpoint.hasSuffix("/") ? String(endpoint.dropLast()) : endpoint
      url = "\(host)/\(bucket)/\(key)"
    } else if !isS3 {
      url = "https://storage.googleapis.com/\(bucket)/\(key)"
    } else if bucket.contains(".") {
      // The certificate of the other form is for names without full stops.
      url = "https://s3.\(store.region).amazonaws.com/\(bucket)/\(key)"
    } else {
      url = "https://\(bucket).s3.\(store.region).amazonaws.com/\(key)"
    }
  }

  /// libcurl's word for how the request is signed; nil where it is not.
  var signing: String? {
    store?.key == nil ? nil : store.map { "aws:amz:\($0.region):s3" }
  }

  /// What a refusal may be about, as the end of a sentence; nil for servers that are no store.
  ///
  /// - Parameter region: the region that the server says the bucket is in.
  func advice(status: Int, region: String?) -> String? {
    guard let store else { return nil }
    if let region, region != store.region, !isGoogle {
      return
        "the bucket is in \(region), and AWS_REGION is \(store.region); set AWS_REGION=\(region)"
    }
    guard status == 401 || status == 403 else { return nil }
    let names =
      isGoogle
      ? "GS_ACCESS_KEY_ID and GS_SECRET_ACCESS_KEY (an HMAC key)"
      : "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (AWS_SESSION_TOKEN with a session's key)"
    return store.key == nil
      ? "for a bucket that is not public set \(names)"
      : "check \(names), what the key may read, and this machine's clock"
  }

  /// Whether the address is one of a store, by its scheme.
  static func isStore(_ address: String) -> Bool {
    ["s3://", "gs://"].contains(address.prefix(5).lowercased())
  }

  private static func escaped(_ byte: UInt8) -> String {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E, 0x2F:
      return String(Unicode.Scalar(byte))
    default:
      let digits = String(byte, radix: 16, uppercase: true)
      return "%" + (digits.count == 1 ? "0" : "") + digits
    }
  }
}
