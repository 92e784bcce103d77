"""Goldens/classifiers: classifiers of timm and transformers as these packages save them, and what they
answer.

    token/, average/, mean/   folders of timm (`save_for_hf`): class token; mean of the patches, then
                              fc_norm; mean of the patches after the norm
    hf/                       ViTForImageClassification as transformers saves it
    finetuned.pth             the weights of average/ as the paper's code leaves a checkpoint
    probe.pth                 a linear probe of the paper's code: token/ behind a batch normalisation
    <case>.safetensors        `pixel_values` [B, C, H, W], `logits` [B, K]
"""

import argparse
import json

from common import *

import timm
from timm.models import save_for_hf

SEED = 29
CLASSES = 5
NAMES = ["ant", "bee", "cat", "dog", "eel"]
TIMM = [
    dict(name="token", img_size=16, patch_size=4, in_chans=3, global_pool="token"),
    dict(name="average", img_size=(16, 24), patch_size=8, in_chans=1, global_pool="avg"),
    dict(name="mean", img_size=16, patch_size=8, in_chans=2, global_pool="avg", fc_norm=False),
]
SHAPE = dict(embed_dim=24, depth=2, num_heads=3, num_classes=CLASSES)


def height_and_width(size):
    return size if isinstance(size, tuple) else (size, size)


def answers(folder, name, model, images):
    with torch.no_grad():
        logits = model(images)
    logits = getattr(logits, "logits", logits)
    write(folder / f"{name}.safetensors", {"pixel_values": images, "logits": logits})
    with torch.no_grad():
        exact = model.double()(images.double())
    model.float()
    return rounded(greatest_difference({"l": logits}, {"l": getattr(exact, "logits", exact)}))


def timm_classifiers(folder, cases):
    """The models by name, with the images each was asked about."""
    models = {}
    for number, case in enumerate(TIMM):
        arguments = {key: value for key, value in case.items() if key != "name"}
        model = timm.create_model("vit_tiny_patch16_224", **SHAPE, **arguments).eval()
        rng = generator(SEED * 1000 + number)
        randomize(model, rng)
        channels = case["in_chans"]
        # timm wants three means; those of another number of channels are written afterwards.
        data = {"mean": (0.25, 0.5, 0.75)[:channels], "std": (0.5, 0.25, 0.125)[:channels]}
        place = folder / case["name"]
        save_for_hf(
            model, place, safe_serialization=True, model_config={"label_names": NAMES})
        settings = place / "config.json"
        content = json.loads(settings.read_text())
        content["pretrained_cfg"].update(data)
        settings.write_text(json.dumps(content, indent=2) + "\n")
        (place / "model.safetensors").chmod(0o644)
        images = torch.randn(3, channels, *height_and_width(case["img_size"]), generator=rng)
        gap = answers(folder, case["name"], model, images)
        cases.append({"name": case["name"], "file": case["name"], "pooling": {
            "token": "class-token", "average": "normalized-mean", "mean": "mean"}[case["name"]],
            "names": NAMES, "hints": {}, "float64Difference": gap})
        models[case["name"]] = (model, images)
    return models


def checkpoints(folder, cases, models):
    """Checkpoints of the paper's code, whose classifiers are timm's with other heads."""
    model, images = models["average"]
    torch.save(
        {"model": model.state_dict(), "epoch": 1, "args": argparse.Namespace(nb_classes=CLASSES)},
        folder / "finetuned.pth")
    gap = answers(folder, "finetuned", model, images)
    cases.append({"name": "finetuned", "file": "finetuned.pth", "pooling": "normalized-mean",
                  "names": None, "hints": {"heads": 3, "rows": 2, "columns": 3},
                  "float64Difference": gap})
    model, images = models["token"]
    rng = generator(SEED * 1000 + 100)
    norm = torch.nn.BatchNorm1d(SHAPE["embed_dim"], affine=False, eps=1e-6)
    norm.running_mean.copy_(torch.randn(norm.running_mean.shape, generator=rng))
    norm.running_var.copy_(torch.rand(norm.running_var.shape, generator=rng) + 0.25)
    model.head = torch.nn.Sequential(norm, model.head)
    model.eval()
    torch.save({"model": model.state_dict(), "epoch": 1}, folder / "probe.pth")
    gap = answers(folder, "probe", model, images)
    cases.append({"name": "probe", "file": "probe.pth", "pooling": "class-token",
                  "names": None, "hints": {"heads": 3, "rows": 4, "columns": 4},
                  "float64Difference": gap})


def hugging_face(folder, cases):
    from transformers import ViTConfig, ViTForImageClassification
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    model = ViTForImageClassification(ViTConfig(
        image_size=[8, 16], patch_size=4, num_channels=2, hidden_size=12, num_hidden_layers=2,
        num_attention_heads=3, intermediate_size=20, id2label=dict(enumerate(NAMES)),
        label2id={name: number for number, name in enumerate(NAMES)})).eval()
    rng = generator(SEED * 1000 + 200)
    randomize(model, rng)
    model.save_pretrained(folder / "hf")
    (folder / "hf" / "model.safetensors").chmod(0o644)
    gap = answers(folder, "hf", model, torch.randn(3, 2, 8, 16, generator=rng))
    cases.append({"name": "hf", "file": "hf", "pooling": "class-token", "names": NAMES,
                  "hints": {}, "float64Difference": gap})


def main():
    folder = output_folder("classifiers")
    cases = []
    models = timm_classifiers(folder, cases)
    checkpoints(folder, cases, models)
    hugging_face(folder, cases)
    write_manifest(
        folder, __file__, ["timm", "transformers", "safetensors"], SEED,
        {"absolute": 3e-6, "relative": 1e-5}, cases,
        notes=["timm's means and deviations are written into config.json by the script, one a channel"])


if __name__ == "__main__":
    main()
