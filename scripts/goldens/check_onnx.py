"""Checks that onnxruntime runs what `mae weights export --format onnx` writes, to the same numbers.

    python check_onnx.py goldens .build/debug/mae
        every model of Goldens/classifiers (each pooling, and a batch normalisation) and the encoders of
        Goldens/timm, whose references timm and transformers computed. Needs requirements-onnx.txt
        only, and less than a minute: CI runs it.

    python check_onnx.py write .build/debug/mae [GOLDENS]
        writes Goldens/onnx: exported files, and what onnxruntime answers to them. Needs the same.

    python check_onnx.py model MODEL.onnx [INPUTS.safetensors OUT.safetensors] [--tolerance 1e-4]
        types and shapes are inferred to the end, and, with INPUTS (`pixel_values`), `logits` or
        `last_hidden_state` are those of OUT, for the batch and for one image alone.

    python check_onnx.py all .build/debug/mae
        `goldens`, and a random ViT-B, whose reference is timm.

    python check_onnx.py huge .build/debug/mae
        a random ViT-H, whose 2.5 GB go into a file of their own: needs 12 GB of memory and 8 of disk.

`all` and `huge` need requirements.txt besides. Where onnx is installed, its checker must pass too; made
with onnx 1.23.2, onnxruntime 1.32.0. Prints the greatest differences and ends with status 1 where one is
above the tolerance.
"""

import argparse
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

import numpy

GOLDENS = pathlib.Path(__file__).resolve().parents[2] / "Goldens"
TYPES = {"F32": "<f4", "F64": "<f8", "I64": "<i8", "U8": "u1"}


def load_file(path):
    """The arrays of a safetensors file, read here so that CI need not install a package for it."""
    content = pathlib.Path(path).read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header, data = json.loads(content[8 : 8 + length]), content[8 + length :]
    header.pop("__metadata__", None)
    return {
        name: numpy.frombuffer(
            data[slice(*entry["data_offsets"])], TYPES[entry["dtype"]]
        ).reshape(entry["shape"])
        for name, entry in header.items()
    }


def save_file(arrays, path):
    """Writes float32 arrays as a safetensors file."""
    header, data = {}, b""
    for name, array in sorted(arrays.items()):
        part = numpy.ascontiguousarray(array, "<f4").tobytes()
        header[name] = {
            "dtype": "F32", "shape": list(array.shape),
            "data_offsets": [len(data), len(data) + len(part)]}
        data += part
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    pathlib.Path(path).write_bytes(struct.pack("<Q", len(text)) + text + data)


def check(path, inputs=None, expected=None, tolerance=1e-4):
    import onnxruntime

    try:
        import onnx
    except ModuleNotFoundError:
        onnx = None
    if onnx:
        # By path, since a model with a file of its own for weights is too large to be one message.
        onnx.checker.check_model(str(path), full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    shapes = {value.name: value.shape for value in session.get_inputs() + session.get_outputs()}
    print(f"  {shapes}")
    print(f"  metadata {session.get_modelmeta().custom_metadata_map}")
    if inputs is None:
        return
    name = session.get_outputs()[0].name
    for label, batch in (("batch", slice(None)), ("one image", slice(0, 1))):
        found = session.run([name], {"pixel_values": inputs[batch]})[0]
        wanted = expected[batch]
        if found.shape != wanted.shape:
            sys.exit(f"  {name} is {found.shape}, expected {wanted.shape}")
        gap = float(numpy.abs(found.astype("f8") - wanted.astype("f8")).max())
        print(f"  {name}, {label}: {list(found.shape)} {gap:.3e} of {abs(wanted).max():.3g}")
        if not gap <= tolerance:  # false for NaN
            sys.exit("  WRONG")


class Program:
    def __init__(self, path, place):
        self.path, self.place = path, pathlib.Path(place)

    def __call__(self, *arguments):
        done = subprocess.run([self.path, *map(str, arguments)], capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{' '.join(map(str, arguments))}\n{done.stdout}{done.stderr}")

    def export(self, source, name, *known):
        self("weights", "import", source, "--out", self.place / name, *known)
        path = self.place / f"{name}.onnx"
        self("weights", "export", self.place / name, "--format", "onnx", "--out", path, "--overwrite")
        return str(path)


def check_goldens(mae, tolerance):
    for case in json.loads((GOLDENS / "classifiers" / "manifest.json").read_text())["cases"]:
        name, hints = case["name"], case["hints"]
        known = ["--heads", hints["heads"], "--grid", hints["rows"], hints["columns"]] if hints else []
        path = mae.export(GOLDENS / "classifiers" / case["file"], name, *known)
        golden = load_file(GOLDENS / "classifiers" / f"{name}.safetensors")
        print(f"{name}: against the package it came from")
        check(path, golden["pixel_values"], golden["logits"], tolerance)
    for case in json.loads((GOLDENS / "timm" / "manifest.json").read_text())["cases"]:
        folder = GOLDENS / "timm" / case["folder"]
        shape, patch = case["encoder"], case["encoder"]["patch"]
        path = mae.export(
            folder / "model.safetensors", case["name"], "--heads", shape["encoder"]["heads"],
            "--grid", shape["height"] // patch, shape["width"] // patch)
        golden = load_file(folder / "golden.safetensors")
        print(f"encoder {case['name']}: against timm")
        check(path, golden["pixel_values"], golden["features"], tolerance)
    print("encoder of a masked autoencoder")
    check(mae.export(GOLDENS / "vit-mae" / "pixels", "pixels"))
    check_segmenter(mae, tolerance)
    check_pyramid(mae)
    import check_detect_onnx

    check_detect_onnx.check_goldens(mae)


def check_pyramid(mae):
    """A detector's encoder and pyramid against the rules of ViTDet's code, as the golden has them."""
    import onnxruntime

    golden = load_file(GOLDENS / "detection" / "whole.safetensors")
    weights, path = mae.place / "detector.safetensors", mae.place / "pyramid.onnx"
    save_file({name[7:]: array for name, array in golden.items() if name.startswith("weight.")}, weights)
    mae("detect", "export", weights, "--format", "onnx", "--part", "backbone", "--out", path)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    maps = dict(zip(names, session.run(names, {"pixel_values": golden["images"]})))
    gaps = [numpy.abs(maps[f"p{level + 4}"] - golden[f"map.{level}"]).max() for level in range(3)]
    print(f"pyramid: {', '.join(names)}; of p4 to p6 {max(gaps):.3e}")
    if not max(gaps) <= 1e-4:
        sys.exit("  WRONG")


def check_segmenter(mae, tolerance):
    """A segmenter against transformers, which computed the labels of a picture's bytes."""
    import onnxruntime

    path = mae.place / "segmenter.onnx"
    mae("segment", "export", GOLDENS / "dense" / "beit" / "hf", "--format", "onnx", "--out", path)
    golden = load_file(GOLDENS / "dense" / "beit" / "values.safetensors")
    pixels = (golden["picture"].transpose(2, 0, 1)[None].astype("f4") / 255 - 0.5) / 0.5
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    logits = session.run(["logits"], {"pixel_values": pixels})[0]
    labels = logits[0].argmax(0)
    differing = int((labels != golden["picture.labels"]).sum())
    print(f"segmenter: {list(logits.shape)}, {differing} of {labels.size} labels differ")
    if differing:
        sys.exit("  WRONG")
    # And a batch is its images.
    both = session.run(["logits"], {"pixel_values": numpy.concatenate([pixels, pixels[..., ::-1]])})[0]
    gap = float(numpy.abs(both[:1] - logits).max())
    print(f"  of a batch: {gap:.3e}")
    if not gap <= tolerance:
        sys.exit("  WRONG")


def write_goldens(mae, folder):
    """Exported files, and onnxruntime's answers to images that no other golden has."""
    import onnxruntime

    folder.mkdir(parents=True, exist_ok=True)
    rng = numpy.random.default_rng(41)
    cases = []
    for name, source in (("token", "classifiers/token"), ("pixels", "vit-mae/pixels")):
        path = folder / f"{name}.onnx"
        shutil.copyfile(mae.export(GOLDENS / source, name), path)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        (given,), (answer,) = session.get_inputs(), session.get_outputs()
        images = rng.standard_normal([3, *given.shape[1:]]).astype("f4")
        found = session.run([answer.name], {given.name: images})[0]
        save_file({given.name: images, answer.name: found}, folder / f"{name}.safetensors")
        cases.append({"name": name, "source": source, "output": answer.name})
    manifest = {
        "suite": "onnx",
        "script": "scripts/goldens/check_onnx.py write",
        "packages": {"onnxruntime": onnxruntime.__version__, "numpy": numpy.__version__},
        "seed": 41,
        "tolerance": {"absolute": 2e-6, "relative": 1e-5},
        "cases": cases,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")


def check_timm(mae, architecture, tolerance, **arguments):
    """A random model of timm's registry, with every weight at a value that shows."""
    from common import generator, randomize, torch
    from safetensors.torch import save_file as save_tensors
    import timm

    torch.set_num_threads(os.cpu_count())
    model = timm.create_model(architecture, **arguments).eval()
    rng = generator(1)
    randomize(model, rng)
    source = mae.place / "timm.safetensors"
    save_tensors(model.state_dict(), source)
    images = torch.randn(2, 3, 224, 224, generator=rng)
    with torch.no_grad():
        logits = model(images)
    del model
    path = mae.export(source, architecture, "--overwrite")
    size = sum(file.stat().st_size for file in mae.place.glob(f"{architecture}.onnx*"))
    print(f"{architecture} {arguments}: against timm, {size / 1e6:.0f} MB")
    check(path, images.numpy(), logits.numpy(), tolerance)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=["goldens", "write", "model", "all", "huge"])
    parser.add_argument("place")
    parser.add_argument("inputs", nargs="?")
    parser.add_argument("out", nargs="?")
    parser.add_argument("--tolerance", type=float, default=1e-4)
    options = parser.parse_intermixed_args()
    if options.mode == "model":
        if options.out is None:
            check(options.place)
            return
        outputs = load_file(options.out)
        expected = outputs["logits"] if "logits" in outputs else outputs["last_hidden_state"]
        check(options.place, load_file(options.inputs)["pixel_values"], expected, options.tolerance)
        return
    with tempfile.TemporaryDirectory() as place:
        mae = Program(options.place, place)
        if options.mode == "write":
            write_goldens(mae, pathlib.Path(options.inputs or GOLDENS) / "onnx")
            return
        if options.mode in ("goldens", "all"):
            check_goldens(mae, options.tolerance)
        if options.mode == "all":
            check_timm(mae, "vit_base_patch16_224", options.tolerance, num_classes=10)
            check_timm(
                mae, "vit_base_patch16_224", options.tolerance, num_classes=10, global_pool="avg")
        if options.mode == "huge":
            check_timm(mae, "vit_huge_patch14_224", options.tolerance, num_classes=10)
    print("all agree")


if __name__ == "__main__":
    main()
