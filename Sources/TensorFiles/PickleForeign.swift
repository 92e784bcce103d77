/// Names of plain Python, numpy, torch and training programs that files have beside their weights
/// and that say nothing of them: a learning rate as a numpy number, a path, a device.
///
/// What a file makes of them is never made here: it is carried along as ``Pickle/Value/opaque``.
/// Any other name is refused.
enum PickleForeign {
  private static let names: Set<String> = [
    "_codecs.encode", "builtins.set", "builtins.frozenset", "builtins.complex",
    "builtins.bytearray", "builtins.bytes", "builtins.int", "builtins.float", "builtins.bool",
    "builtins.str", "builtins.list", "builtins.dict", "builtins.tuple", "builtins.slice",
    "builtins.range", "builtins.xrange", "builtins.object", "copyreg._reconstructor",
    "collections.Counter",
    "collections.deque", "types.SimpleNamespace", "typing.Any",
    "datetime.datetime", "datetime.date", "datetime.time", "datetime.timedelta",
    "datetime.timezone", "decimal.Decimal", "fractions.Fraction", "uuid.UUID",
    "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar",
    "numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct",
    "numpy.core.numeric._frombuffer", "numpy._core.numeric._frombuffer",
    "numpy.dtype", "numpy.ndarray", "numpy.random._pickle.__randomstate_ctor",
    "numpy.random._pickle.__generator_ctor", "numpy.random._pickle.__bit_generator_ctor",
    "numpy.random.bit_generator.__pyx_unpickle_SeedSequence",
    "numpy.random.bit_generator.SeedSequence", "numpy.random._mt19937.MT19937",
    "numpy.random._pcg64.PCG64",
    "torch.device", "torch.Generator", "torch.torch_version.TorchVersion",
    "torch.serialization._get_layout", "torch.strided",
    "mmengine.logging.history_buffer.HistoryBuffer",
    "mmengine.config.config.Config", "mmengine.config.config.ConfigDict",
    "yacs.config.CfgNode", "easydict.EasyDict", "addict.addict.Dict",
  ]

  /// Modules of paths, data types and settings, of which every type is one.
  private static let modules = [
    "pathlib", "pathlib._local", "numpy.dtypes", "omegaconf.dictconfig", "omegaconf.listconfig",
    "omegaconf.base", "omegaconf.nodes", "lightning_fabric.utilities.data",
    "lightning.fabric.utilities.data", "pytorch_lightning.utilities.parsing",
    "lightning.pytorch.utilities.parsing",
  ]

  /// Data types of torch, which a file may name as values.
  private static let types: Set<String> = [
    "float", "float16", "float32", "float64", "half", "double", "bfloat16", "uint8", "int8",
    "int16",
    "int32", "int64", "int", "long", "short", "bool", "complex64", "complex128",
    "contiguous_format",
    "channels_last", "preserve_format",
  ]

  /// Whether a name is one of them, in the spelling of Python 2 or 3.
  static func isKnown(module: String, name: String) -> Bool {
    let module = module == "__builtin__" ? "builtins" : module == "copy_reg" ? "copyreg" : module
    return names.contains("\(module).\(name)") || modules.contains(module)
      || module == "torch" && types.contains(name)
  }
}
