public import Imaging

/// Opens whatever set of images is at a path: the first of ``DatasetFormats/all`` that recognises
/// it.
///
/// - A folder with the files of an IDX set (`train-images-idx3-ubyte`, …), plain or gzipped.
/// - A folder with CIFAR's binary files (`data_batch_1.bin`, …, or `train.bin`, …).
/// - A folder with iNaturalist's lists (`train2018.json`, `val2018.json`, …), or one such list.
/// - A folder with the lists and images of Places365 or Places205, as their makers lay them out.
/// - A folder with `train` and `val` (`valid`, `validation`, `dev`, `test`) subfolders, in capitals
///   or not: the one that `split` names.
/// - A folder of tar archives: those archives, `train…` and `val…` (`valid…`, `validation…`,
///   `dev…`, `test…`) apart where there are both.
/// - Any other folder: the images in it and below it.
/// - A tar archive, packed or not, or several by a name with braces, `name-{000000..000127}.tar`;
///   also by an address, `https://example.org/name-{000000..000127}.tar`, `s3://…` or `gs://…`, or a
///   text file of addresses.
/// - An IDX file: its images, with the labels beside it.
/// - A YAML file: a mixture of several of these, ``MixtureDataset``.
/// - A text file: a list of paths, or comma-separated values with paths and classes, whose columns
///   may be named: `labels.csv:image=photo,label=breed`.
///
/// Behind a path `:pages=images` makes an image of every page of TIFF files, ``PagesDataset``.
///
/// A path may be a `file://` address, begin with `~`, or have `*`, `?` and `[…]` as in a shell.
///
/// - Parameters:
///   - split: the part of a divided set; a set that is not divided is `training` as a whole.
///   - classes: the classes of another part of the same set, so that the numbers agree; an image of
///     any other class is refused.
/// - Throws: `DatasetError`; its `kind` tells a missing path from bad content.
public func openDataset(
  at path: String, split: DatasetSplit = .training, classes: [String]? = nil,
  limits: ImageLimits = .standard
) throws(DatasetError) -> any ImageDataset {
  try openDataset(at: path, DatasetRequest(split: split, classes: classes, limits: limits))
}

/// Opens a set by the first of the request's formats that recognises it.
///
/// - Throws: `DatasetError`; its `kind` tells a missing path from bad content.
public func openDataset(
  at path: String, _ request: DatasetRequest
) throws(DatasetError) -> any ImageDataset {
  let path = try PathWords.path(path)
  if let files = try PagesDataset.split(path) {
    return PagesDataset(try openDataset(at: files, request))
  }
  let matches = PathWords.matches(path)
  if !matches.isEmpty { return try openMatches(matches, of: path, request) }
  if let (list, columns) = try NamedColumns.split(path) {
    try request.refuseValidation(of: list, "is a list")
    return try ListDataset(
      path: list, columns: columns, classes: request.classes, limits: request.limits)
  }
  let facts = try PathFacts(path)
  for format in request.formats where format.recognizes(facts) {
    return try format.open(facts, request)
  }
  let expected = "expected \(DatasetFormats.names(of: request.formats))"
  switch facts.kind {
  case .nothing:
    throw DatasetError(
      .missing, path: path, "there is nothing here; give a folder of images or a list of paths")
  case .other:
    throw DatasetError(.malformed, path: path, "is a device or pipe; \(expected)")
  case .address:
    throw DatasetError(
      .malformed, path: HTTPClient.shown(path),
      "is no address of tar archives; expected \(path.prefix { $0 != ":" })://…/name-{000000..000127}.tar, "
        + "or copy the files to this machine first")
  case .file, .folder:
    throw DatasetError(.malformed, path: path, "is no set of images; \(expected)")
  }
}
