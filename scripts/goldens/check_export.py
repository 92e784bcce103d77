"""Checks by hand that what the program exports is what the published packages expect.

    python check_export.py hf FOLDER [INPUTS.safetensors OUT.safetensors] [--tolerance 1e-4]
        FOLDER as `mae weights export --format hf` writes it: transformers loads it with no name missing,
        unexpected or of another shape. INPUTS (`pixel_values`, `noise`) goes through the model, and
        OUT (of `mae forward`) is compared: loss, pred, mask, ids_restore and latent, those that are there.

    python check_export.py timm FILE_OR_FOLDER --heads N [INPUTS OUT]
        an encoder in timm's names is loaded into timm's VisionTransformer, strictly; its sizes are read
        from the shapes and, for a grid that is not square, from model.json beside it (or --image H W).
        OUT holds `features` [B, 1+N, D], the encoder's output on all patches.

        A classifier in a folder of timm's, as `mae weights export --format timm` writes it, is loaded by
        `timm.create_model("local-dir:FOLDER", pretrained=True)`; OUT holds `logits`.

    python check_export.py timm-call 'timm.create_model(…)' [INPUTS OUT]
        what the export printed; OUT holds `logits`.

    python check_export.py card README.md
        the model card beside exported weights, as huggingface_hub reads it.
    python check_export.py timm-files FOLDER EMBEDDINGS.npy FILE…
        FOLDER as for timm, with a config.json; EMBEDDINGS as `mae embed FOLDER FILE… --tokens class-token
        --out EMBEDDINGS.npy` writes them. TIFF files of the model's size and all its channels are read by
        tifffile, normalised by the mean and deviation of config.json, in the files' units, and go through
        timm's model.

    python check_export.py random-inputs FOLDER INPUTS.safetensors [--batch 2] [--seed 0]
        writes INPUTS for the model in FOLDER (hf), to give to `mae forward`.

    python check_export.py all .build/debug/mae
        imports every model of Goldens/classifiers, exports it in every format, and compares the logits of
        the packages with those of `mae forward`; the encoders' features with each other.

Prints the greatest difference of each array and ends with status 1 where one is above the tolerance.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

from common import *

from safetensors import safe_open
from safetensors.torch import load_file


def hf_model(folder):
    from transformers import ViTForImageClassification, ViTMAEConfig, ViTMAEForPreTraining
    from transformers.utils import logging

    logging.disable_progress_bar()
    if json.loads((pathlib.Path(folder) / "config.json").read_text())["model_type"] == "vit":
        return loaded(ViTForImageClassification, folder)
    config = ViTMAEConfig.from_pretrained(folder)
    if isinstance(config.image_size, (list, tuple)):
        print("not square: transformers alone cannot load this; its shape checks are switched off")
        allow_any_shape()
    return loaded(ViTMAEForPreTraining, folder)


def loaded(kind, folder):
    model, report = kind.from_pretrained(folder, output_loading_info=True)
    wrong = {kind: sorted(map(str, names)) for kind, names in report.items() if names}
    if wrong:
        sys.exit(f"{folder}: transformers does not load it as it is: {json.dumps(wrong, indent=2)}")
    with safe_open(pathlib.Path(folder) / "model.safetensors", "pt") as file:
        print(f"transformers loads {len(file.keys())} tensors; metadata {file.metadata()}")
    return model.eval()


def hf_outputs(model, inputs):
    with torch.no_grad():
        if "noise" not in inputs:
            return {"logits": model(pixel_values=inputs["pixel_values"]).logits}
        out = model(pixel_values=inputs["pixel_values"], noise=inputs["noise"])
        latent = model.vit(inputs["pixel_values"], noise=inputs["noise"]).last_hidden_state
    return {
        "loss": out.loss,
        "pred": out.logits,
        "mask": out.mask,
        "ids_restore": out.ids_restore,
        "latent": latent,
    }


def timm_model(place, heads, image):
    from timm.models.vision_transformer import VisionTransformer

    path = pathlib.Path(place)
    if (path / "config.json").exists():
        import timm

        return timm.create_model(f"local-dir:{place}", pretrained=True).eval()
    if path.is_dir():
        found = [path / name for name in ("model.safetensors", "weights.safetensors")]
        path = next((file for file in found if file.exists()), None) or sys.exit(
            f"{place}: no model.safetensors or weights.safetensors"
        )
    weights = load_file(path)
    description = path.parent / "model.json"
    shape = json.loads(description.read_text()) if description.exists() else {}
    epsilon = shape.get("normEpsilon", 1e-6)
    width, channels, patch, _ = weights["patch_embed.proj.weight"].shape
    grid = round((weights["pos_embed"].shape[1] - 1) ** 0.5)
    image = image or (
        shape.get("height", grid * patch),
        shape.get("width", grid * patch),
    )
    model = VisionTransformer(
        img_size=tuple(image),
        patch_size=patch,
        in_chans=channels,
        num_classes=0,
        global_pool="token",
        embed_dim=width,
        depth=1 + max(int(n.split(".")[1]) for n in weights if n.startswith("blocks.")),
        num_heads=heads or shape.get("encoder", {}).get("heads") or sys.exit("give --heads"),
        mlp_ratio=weights["blocks.0.mlp.fc1.weight"].shape[0] / width,
        qkv_bias="blocks.0.attn.qkv.bias" in weights,
        norm_layer=lambda size, **kw: torch.nn.LayerNorm(size, eps=epsilon, **kw),
    )
    model.load_state_dict(weights, strict=True)
    print(f"timm loads {len(weights)} tensors, strictly; image {tuple(image)}, epsilon {epsilon}")
    return model.eval()


def timm_called(call):
    """The model of the line that the export printed; the only name it may use is timm."""
    import timm

    return eval(call, {"__builtins__": {}, "timm": timm}).eval()


def timm_outputs(model, inputs):
    with torch.no_grad():
        if model.num_classes:
            return {"logits": model(inputs["pixel_values"])}
        return {"features": model.forward_features(inputs["pixel_values"])}


def check_files(folder, embeddings, files, tolerance):
    import numpy as np
    import tifffile

    model = timm_model(folder, None, None)
    stated = json.loads((pathlib.Path(folder) / "config.json").read_text())
    stated = stated.get("pretrained_cfg", stated)
    mean, std = np.array(stated["mean"]), np.array(stated["std"])
    given = torch.from_numpy(np.load(embeddings))
    rows = []
    for file in files:
        with tifffile.TiffFile(file) as tiff:
            image = tiff.asarray().astype(np.float64)
            first = tiff.pages[0]
            if len(tiff.pages) == 1 and first.planarconfig == 1:
                image = image.transpose(2, 0, 1)  # [C, H, W]
        pixels = (image - mean[:, None, None]) / std[:, None, None]
        with torch.no_grad():
            rows.append(model.forward_features(torch.from_numpy(pixels).float()[None])[0, 0])
    compare({"embedding": torch.stack(rows)}, {"embedding": given}, tolerance)


def check_all(program, tolerance):
    goldens = pathlib.Path(__file__).resolve().parents[2] / "Goldens" / "classifiers"
    cases = json.loads((goldens / "manifest.json").read_text())["cases"]
    with tempfile.TemporaryDirectory() as place:

        def mae(*arguments):
            done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)
            if done.returncode:
                sys.exit(f"{' '.join(map(str, arguments))}\n{done.stdout}{done.stderr}")
            return done.stdout

        for case in cases:
            name, hints = case["name"], case["hints"]
            own, inputs = f"{place}/{name}", goldens / f"{name}.safetensors"
            known = ["--heads", hints["heads"]] if hints else []
            if hints:
                known += ["--grid", hints["rows"], hints["columns"]]
            mae("weights", "import", goldens / case["file"], "--out", own, *known)
            mae("forward", own, inputs, "--out", f"{own}.out")
            tensors, given = load_file(inputs), load_file(f"{own}.out")
            print(f"{name}: mae forward against the package it came from")
            compare({"logits": tensors["logits"]}, given, tolerance)
            mae("weights", "export", own, "--format", "timm", "--out", f"{own}-timm")
            print(f"{name}: timm, folder")
            compare(timm_outputs(timm_model(f"{own}-timm", None, None), tensors), given, tolerance)
            call = mae("weights", "export", own, "--format", "timm", "--out", f"{own}.safetensors")
            print(f"{name}: {call.splitlines()[1]}")
            compare(timm_outputs(timm_called(call.splitlines()[1]), tensors), given, tolerance)
            if case["pooling"] == "class-token":
                mae("weights", "export", own, "--format", "hf", "--out", f"{own}-hf")
                check_card(f"{own}-hf/README.md")
                print(f"{name}: transformers")
                pixels = {"pixel_values": tensors["pixel_values"]}
                compare(hf_outputs(hf_model(f"{own}-hf"), pixels), given, tolerance)
        # An encoder: timm's features against those of the golden it is made of.
        encoder = goldens.parent / "timm" / "square"
        mae("weights", "import", encoder / "model.safetensors", "--heads", 3, "--out", f"{place}/e")
        mae("weights", "export", f"{place}/e", "--format", "timm", "--out", f"{place}/e-timm")
        golden = load_file(encoder / "golden.safetensors")
        print("encoder: timm, folder")
        compare(timm_outputs(timm_model(f"{place}/e-timm", None, None), golden), golden, tolerance)
    print("all agree")


def check_card(path):
    """A card whose header huggingface_hub takes apart: what is not valid raises or is missing."""
    from huggingface_hub import ModelCard

    card = ModelCard.load(path)
    data = card.data
    for field in ["license", "library_name", "pipeline_tag", "tags"]:
        if not getattr(data, field):
            sys.exit(f"{path}: {field} is missing")
    header = data.to_dict()
    if "metrics" in header and not data.eval_results:
        sys.exit(f"{path}: model-index is not as huggingface_hub reads it")
    for result in data.eval_results or []:
        print(f"  {result.metric_name}: {result.metric_value} on {result.dataset_name}")
    if "# " not in card.text:
        sys.exit(f"{path}: no text")
    print(f"{path}: {data.license}, {data.library_name}, {data.pipeline_tag}, {data.tags}")


def compare(expected, given, tolerance):
    good, compared = True, 0
    for name, reference in expected.items():
        if name not in given:
            print(f"  {name:12} not in the output")
            continue
        compared += 1
        if given[name].shape != reference.shape:
            print(f"  {name:12} {list(given[name].shape)}, expected {list(reference.shape)}  WRONG")
            good = False
            continue
        gap = (given[name].double() - reference.double()).abs().max().item()
        right = gap <= tolerance  # false for NaN
        good &= right
        print(f"  {name:12} {list(reference.shape)!s:18} {gap:.3e}{'' if right else '  WRONG'}")
    if not compared:
        sys.exit("nothing to compare: the output has none of these arrays")
    if not good:
        sys.exit(1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "format", choices=["hf", "timm", "timm-call", "timm-files", "card", "random-inputs", "all"]
    )
    parser.add_argument("place")
    parser.add_argument("inputs", nargs="?")
    parser.add_argument("out", nargs="*")
    parser.add_argument("--tolerance", type=float, default=1e-4)
    parser.add_argument("--heads", type=int)
    parser.add_argument("--image", type=int, nargs=2)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_intermixed_args()
    if options.format == "all":
        check_all(options.place, options.tolerance)
        return
    if options.format == "card":
        check_card(options.place)
        return
    if options.format == "timm-files":
        check_files(options.place, options.inputs, options.out, options.tolerance)
        return
    options.out = options.out[0] if options.out else None
    if options.format == "random-inputs":
        model, rng = hf_model(options.place), generator(options.seed)
        height, width = model.vit.embeddings.image_size
        patches = model.vit.embeddings.patch_embeddings.num_patches
        tensors = {
            "pixel_values": torch.randn(
                options.batch, model.config.num_channels, height, width, generator=rng
            ),
            "noise": torch.rand(options.batch, patches, generator=rng),
        }
        save_file(tensors, options.inputs)
        print({name: list(tensor.shape) for name, tensor in tensors.items()})
        return
    if options.format == "hf":
        model = hf_model(options.place)
    elif options.format == "timm-call":
        model = timm_called(options.place)
    else:
        model = timm_model(options.place, options.heads, options.image)
    if not options.out:
        return
    inputs, given = load_file(options.inputs), load_file(options.out)
    if options.format == "hf":
        expected = hf_outputs(model, inputs)
    else:
        expected = timm_outputs(model, inputs)
    compare(expected, given, options.tolerance)


if __name__ == "__main__":
    main()
