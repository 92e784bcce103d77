"""Classifying images with timm, for a program that takes turns with it.

    python timm_use.py tiny|small|base FOLDER CHECKPOINT [--threads N] [--workers N] [--batch N]

Makes a Vision Transformer of 224² with random weights (seed 0), writes it to the folder CHECKPOINT as ours
reads it (model.json, weights.safetensors), and shows it the .jpg files of FOLDER: timm's own loader and its
transform for evaluation (short side 256, bicubic, centre 224), no gradients.

Protocol, one line each way: prints `ready` when both ways have been run once; then for each line read,
    files     classifies the files once and prints images a second
    features  the same for what the head sees
    pixels    classifies decoded, normalised images in memory: the model alone
    logits    prints the logits of the first file, for a comparison
    quit      ends it, as does the end of input.

For a fair comparison the caller gives both sides the same libtorch, the same threads and the same
allocator, see vitmae_step.py.
"""

import argparse
import json
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts" / "goldens"))

import torch
import torchvision_shim  # noqa: F401, before timm
import timm
from safetensors.torch import save_file
from timm.data import create_dataset, create_loader

SHAPES = {"tiny": (192, 12, 3), "small": (384, 12, 6), "base": (768, 12, 12)}
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def write_checkpoint(model, shape, folder):
    width, depth, heads = shape
    os.makedirs(folder, exist_ok=True)
    save_file(
        {name: tensor.contiguous() for name, tensor in model.state_dict().items()},
        os.path.join(folder, "weights.safetensors"),
    )
    transformer = dict(width=width, depth=depth, heads=heads)
    description = dict(
        format=1,
        kind="classifier",
        hasDecoder=False,
        mean=MEAN,
        deviation=DEVIATION,
        maskingRatio=0.75,
        model=dict(
            height=224,
            width=224,
            channels=3,
            patch=16,
            encoder=dict(mlpRatio=4, **transformer),
            decoder=dict(mlpRatio=4, width=512, depth=8, heads=16),
            target="pixels",
            normEpsilon=1e-6,
            qkvBias=True,
        ),
        classifier=dict(
            head=dict(pooling="class-token", classes=1000, normalizesBatches=False),
            classNames=[f"class {number}" for number in range(1000)],
        ),
    )
    with open(os.path.join(folder, "model.json"), "w") as file:
        json.dump(description, file)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model", choices=SHAPES)
    parser.add_argument("folder")
    parser.add_argument("checkpoint")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--batch", type=int, default=64)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    model = timm.create_model(f"vit_{options.model}_patch16_224", pretrained=False).eval()
    write_checkpoint(model, SHAPES[options.model], options.checkpoint)
    loader = create_loader(
        create_dataset("", root=options.folder),
        input_size=(3, 224, 224),
        batch_size=options.batch,
        is_training=False,
        use_prefetcher=False,
        interpolation="bicubic",
        mean=MEAN,
        std=DEVIATION,
        crop_pct=0.875,
        num_workers=options.workers,
        persistent_workers=True,
    )
    count = len(loader.dataset)
    memory = [images.clone() for images, _ in loader]

    def classify(images):
        model(images).softmax(-1).topk(5)

    def embed(images):
        model.forward_head(model.forward_features(images), pre_logits=True)

    @torch.inference_mode()
    def pass_over(batches, use=classify):
        start = time.perf_counter()
        for images, *_ in batches:
            use(images)
        return count / (time.perf_counter() - start)

    pass_over(loader)
    pass_over(zip(memory))
    print("ready", flush=True)
    for line in sys.stdin:
        match line.strip():
            case "files":
                print(f"{pass_over(loader):.3f}", flush=True)
            case "features":
                print(f"{pass_over(loader, embed):.3f}", flush=True)
            case "pixels":
                print(f"{pass_over(zip(memory)):.3f}", flush=True)
            case "logits":
                with torch.inference_mode():
                    print(*(f"{value:.6f}" for value in model(memory[0][:1])[0].tolist()), flush=True)
            case "quit":
                break
            case other:
                print(f"unknown: {other}; expected files, features, pixels, logits or quit", flush=True)


if __name__ == "__main__":
    main()
