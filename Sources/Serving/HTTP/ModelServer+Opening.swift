#if Serve
  public import Datasets
  import FileSystem
  public import Inference

  extension ModelServer {
    /// Loads models and prepares to serve them.
    ///
    /// - Parameters:
    ///   - paths: Whatever ``/Inference/LoadedModel`` reads. Each is called by the last part of its
    ///     path, with a number where that is taken.
    ///   - index: Embeddings of `mae embed` by one of the models, to look for neighbours in.
    ///   - samples: Images that the page offers to begin with.
    ///   - load: Loads the model at a path; called on the thread that computes with it.
    /// - Throws: What `load` throws, and `FileError` or ``/Runs/RunFailure`` where the index cannot
    ///   be used.
    public init(
      _ paths: [String], index: String? = nil, samples: (any ImageDataset)? = nil,
      limits: ServingLimits = ServingLimits(), at address: ServerAddress = ServerAddress(),
      load: @escaping @Sendable (String) throws -> LoadedModel
    ) async throws {
      precondition(!paths.isEmpty, "a server of no model")
      let names = Self.names(of: paths)
      self.init(
        try await ModelService(
          index: index, samples: samples.map { SampleImages($0) }, limits: limits
        ) {
          try zip(names, paths).map { ($0, try load($1)) }
        }, at: address)
    }

    /// The names of the models, in order, each with what it can do.
    public var models: [(name: String, words: String)] {
      service.cards.map { card in
        let record = card.record
        var abilities = [record.reconstructs ? "reconstructs" : nil, "embeds"]
        if record.classes > 0 { abilities.append("tells \(record.classes) classes apart") }
        if record.indexedImages > 0 {
          abilities.append("finds neighbours among \(record.indexedImages) images")
        }
        return (
          card.name,
          "\(record.width) × \(record.height), encoder \(record.encoder); "
            + abilities.compactMap(\.self).joined(separator: ", ")
        )
      }
    }

    /// The last parts of paths, made different from each other.
    static func names(of paths: [String]) -> [String] {
      var names: [String] = []
      for path in paths {
        var folder = path[...]
        while folder.count > 1, folder.hasSuffix("/") { folder = folder.dropLast() }
        let last = String(folder).lastName
        var name = last
        var number = 2
        while names.contains(name) {
          name = "\(last)-\(number)"
          number += 1
        }
        names.append(name)
      }
      return names
    }
  }
#endif
