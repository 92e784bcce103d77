"""Goldens/preprocessing: what timm's and transformers' own pipelines make of images of odd shapes, and
what classifiers answer, from folders that state how images are prepared.

    <folder>/config.json, preprocessor_config.json   as they were read
    timm.safetensors, hf.safetensors, …              the weights, one file for all folders of a package
    <image>.png                                      what the pipelines were given
    answers.safetensors   `<case>/<image>/pixels` [C, H, W] float32, `<case>/<image>/logits` [K]

A test puts a folder's files beside the package's weights. Images are PNG, so that decoding does not
matter. transformers' classes are those that need torchvision, which are its first choice.
"""

import json

from common import *

import numpy as np
import timm
from PIL import Image
from timm.data import create_transform, resolve_data_config
from timm.models import save_for_hf

SEED = 37
CLASSES = 4
NAMES = ["ant", "bee", "cat", "dog"]
SIDE = 32

# What a folder's pretrained_cfg says besides the size.
TIMM = {
    "default": {},
    "center": {"crop_pct": 0.9, "interpolation": "bilinear"},
    "squash": {"crop_pct": 1.0, "crop_mode": "squash", "interpolation": "bicubic"},
    "squash-cut": {"crop_pct": 0.875, "crop_mode": "squash", "interpolation": "lanczos"},
    "border": {"crop_pct": 1.0, "crop_mode": "border", "interpolation": "bicubic",
               "mean": [0.25, 0.5, 0.75], "std": [0.5, 0.25, 0.125]},
    "border-cut": {"crop_pct": 0.8, "crop_mode": "border", "interpolation": "box"},
    "hamming": {"crop_pct": 0.95, "interpolation": "hamming"},
    "nearest": {"crop_pct": 1.0, "interpolation": "nearest"},
}
# What a folder's preprocessor_config.json says.
HUGGING_FACE = {
    "vit": {"image_processor_type": "ViTImageProcessor", "size": {"height": SIDE, "width": SIDE}},
    "extractor": {"feature_extractor_type": "ViTFeatureExtractor", "size": SIDE, "resample": 3,
                  "do_normalize": True, "do_resize": True,
                  "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]},
    "crop": {"image_processor_type": "BitImageProcessor", "size": {"shortest_edge": 37},
             "do_center_crop": True, "crop_size": {"height": SIDE, "width": SIDE}},
    "clip": {"image_processor_type": "CLIPImageProcessor", "size": SIDE, "crop_size": SIDE,
             "resample": 2},
    "padded": {"image_processor_type": "ViTImageProcessor",
               "size": {"max_height": SIDE, "max_width": SIDE}, "do_center_crop": True,
               "crop_size": {"height": SIDE, "width": SIDE}, "resample": 2},
    "unscaled": {"image_processor_type": "ViTImageProcessor", "size": {"height": SIDE, "width": SIDE},
                 "do_rescale": False, "image_mean": [127.5, 100.0, 90.0],
                 "image_std": [50.0, 60.0, 70.0]},
    "factor": {"image_processor_type": "ViTImageProcessor", "size": {"height": SIDE, "width": SIDE},
               "rescale_factor": 0.0078125, "image_mean": 1.0, "image_std": 0.5},
    "plain": {"image_processor_type": "ViTImageProcessor", "size": {"height": SIDE, "width": SIDE},
              "do_normalize": False},
    "deit": {"image_processor_type": "DeiTImageProcessor", "size": {"height": 36, "width": 40},
             "crop_size": {"height": SIDE, "width": SIDE}},
    "as-they-are": {"image_processor_type": "ViTImageProcessor", "do_resize": False,
                    "do_center_crop": True, "crop_size": {"height": SIDE, "width": SIDE}},
}


def pictures(folder):
    """Smooth scenes of odd shapes: wide, tall, one smaller than the model's, one of its size."""
    rng = np.random.default_rng(SEED)
    made = {}
    for name, (height, width) in {
        "wide": (41, 75), "tall": (83, 36), "small": (21, 26), "own": (SIDE, SIDE)
    }.items():
        y, x = np.mgrid[0:height, 0:width]
        planes = [
            127 + 90 * np.sin(x / rng.uniform(3, 9) + rng.uniform(0, 6))
            * np.cos(y / rng.uniform(3, 9)) + rng.normal(0, 8, (height, width))
            for _ in range(3)
        ]
        image = Image.fromarray(np.stack(planes, -1).clip(0, 255).astype(np.uint8))
        image.save(folder / f"{name}.png")
        made[name] = image
    return made


def answer(answers, case, image, model, pixels):
    with torch.no_grad():
        logits = model(pixels[None])
    answers[f"{case}/{image}/pixels"] = pixels
    answers[f"{case}/{image}/logits"] = getattr(logits, "logits", logits)[0]


def place(folder, case):
    (folder / case).mkdir(exist_ok=True)
    return folder / case


def timm_cases(folder, images, answers):
    model = timm.create_model(
        "vit_tiny_patch16_224", img_size=SIDE, patch_size=8, embed_dim=12, depth=1, num_heads=3,
        num_classes=CLASSES).eval()
    randomize(model, generator(SEED * 1000))
    for name, fields in TIMM.items():
        where = place(folder, f"timm-{name}")
        save_for_hf(model, where, safe_serialization=True, model_config={"label_names": NAMES})
        content = json.loads((where / "config.json").read_text())
        cfg = content["pretrained_cfg"]
        for key in ("crop_pct", "crop_mode", "interpolation", "mean", "std", "test_crop_pct"):
            cfg.pop(key, None)
        cfg["input_size"] = [3, SIDE, SIDE]
        cfg.update(fields)
        (where / "config.json").write_text(json.dumps(content, indent=2) + "\n")
        (where / "model.safetensors").replace(folder / "timm.safetensors")
        transform = create_transform(
            **resolve_data_config(pretrained_cfg=cfg), is_training=False)
        for image, picture in images.items():
            answer(answers, f"timm-{name}", image, model, transform(picture))
    (folder / "timm.safetensors").chmod(0o644)


def hugging_face_cases(folder, images, answers):
    import transformers
    from transformers import ViTConfig, ViTForImageClassification
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    model = ViTForImageClassification(ViTConfig(
        image_size=SIDE, patch_size=8, hidden_size=12, num_hidden_layers=1, num_attention_heads=3,
        intermediate_size=24, id2label=dict(enumerate(NAMES)),
        label2id={name: number for number, name in enumerate(NAMES)})).eval()
    randomize(model, generator(SEED * 1000 + 1))
    model.save_pretrained(folder / "hf")
    (folder / "hf" / "model.safetensors").replace(folder / "hf.safetensors")
    (folder / "hf.safetensors").chmod(0o644)
    for name, fields in HUGGING_FACE.items():
        where = place(folder, f"hf-{name}")
        (where / "preprocessor_config.json").write_text(json.dumps(fields, indent=2) + "\n")
        (where / "config.json").write_bytes((folder / "hf" / "config.json").read_bytes())
        kind = (fields.get("image_processor_type") or "ViTImageProcessor")
        processor = getattr(transformers, kind).from_dict(dict(fields))
        for image, picture in images.items():
            pixels = processor(picture, return_tensors="pt")["pixel_values"][0]
            answer(answers, f"hf-{name}", image, model, pixels)
    (folder / "hf" / "config.json").unlink()
    (folder / "hf").rmdir()


def main():
    folder = output_folder("preprocessing")
    images = pictures(folder)
    answers = {}
    timm_cases(folder, images, answers)
    hugging_face_cases(folder, images, answers)
    # Of pixels what one image of each case says is enough; logits are small.
    answers = {
        key: value for key, value in answers.items()
        if key.endswith("logits") or key.split("/")[1] == "wide"
    }
    write(folder / "answers.safetensors", answers)
    cases = [{"name": f"timm-{name}", "weights": "timm.safetensors"} for name in TIMM]
    cases += [{"name": f"hf-{name}", "weights": "hf.safetensors"} for name in HUGGING_FACE]
    for case in cases:
        case["images"] = list(images)
    write_manifest(
        folder, __file__, ["timm", "transformers", "torchvision", "pillow", "safetensors"], SEED,
        {"absolute": 0.02}, cases,
        notes=["pixels of wide.png alone", "timm resizes with Pillow, transformers with torchvision"])


if __name__ == "__main__":
    main()
