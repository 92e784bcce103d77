"""Checks by hand that onnxruntime runs what `mae weights export --format onnx` writes, to the same numbers.

    python check_onnx.py model MODEL.onnx [INPUTS.safetensors OUT.safetensors] [--tolerance 1e-4]
        onnx.checker passes, types and shapes are inferred to the end, and, with INPUTS (`pixel_values`),
        `logits` or `last_hidden_state` are those of OUT, for the batch and for one image alone.

    python check_onnx.py all .build/debug/mae
        every model of Goldens/classifiers (each pooling, and a batch normalisation), the encoders of
        Goldens/timm and Goldens/vit-mae, and a random ViT-B, whose reference is timm.

    python check_onnx.py huge .build/debug/mae
        a random ViT-H, whose 2.5 GB go into a file of their own: needs 12 GB of memory and 8 of disk.

Needs onnx and onnxruntime besides requirements.txt; made with onnx 1.23.2, onnxruntime 1.32.0.
Prints the greatest differences and ends with status 1 where one is above the tolerance.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

from common import *

from safetensors.torch import load_file

GOLDENS = pathlib.Path(__file__).resolve().parents[2] / "Goldens"


def check(path, inputs=None, expected=None, tolerance=1e-4):
    import numpy
    import onnx
    import onnxruntime

    # By path, since a model with a file of its own for weights is too large to be one message.
    onnx.checker.check_model(str(path), full_check=True)
    model = onnx.load(path, load_external_data=False)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    shapes = {value.name: value.shape for value in session.get_inputs() + session.get_outputs()}
    print(f"  opset {model.opset_import[0].version}, {len(model.graph.node)} nodes, "
          f"{len(model.graph.initializer)} constants, {shapes}")
    print(f"  metadata {session.get_modelmeta().custom_metadata_map}")
    if inputs is None:
        return
    name = session.get_outputs()[0].name
    for label, batch in (("batch", slice(None)), ("one image", slice(0, 1))):
        found = session.run([name], {"pixel_values": inputs[batch].numpy()})[0]
        wanted = expected[batch].numpy()
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


def check_all(mae, tolerance):
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


def check_timm(mae, architecture, tolerance, **arguments):
    """A random model of timm's registry, with every weight at a value that shows."""
    import timm

    model = timm.create_model(architecture, **arguments).eval()
    rng = generator(1)
    randomize(model, rng)
    source = mae.place / "timm.safetensors"
    save_file(model.state_dict(), source)
    images = torch.randn(2, 3, 224, 224, generator=rng)
    with torch.no_grad():
        logits = model(images)
    del model
    path = mae.export(source, architecture, "--overwrite")
    size = sum(file.stat().st_size for file in mae.place.glob(f"{architecture}.onnx*"))
    print(f"{architecture} {arguments}: against timm, {size / 1e6:.0f} MB")
    check(path, images, logits, tolerance)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=["model", "all", "huge"])
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
    torch.set_num_threads(os.cpu_count())
    with tempfile.TemporaryDirectory() as place:
        mae = Program(options.place, place)
        if options.mode == "all":
            check_all(mae, options.tolerance)
            check_timm(mae, "vit_base_patch16_224", options.tolerance, num_classes=10)
            check_timm(
                mae, "vit_base_patch16_224", options.tolerance, num_classes=10, global_pool="avg")
        else:
            check_timm(mae, "vit_huge_patch14_224", options.tolerance, num_classes=10)
    print("all agree")


if __name__ == "__main__":
    main()
