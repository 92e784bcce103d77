"""Training steps of Hugging Face's ViTMAE, one at a time, for a program that takes turns with it.

    python vitmae_step.py base|large|small [--threads N] [--precision float32|bf16] [--device cpu|cuda:0]
                                     [--batch N] [--compile] [--source FOLDER]

Protocol, one line each way: prints `ready` when two steps have been run; then for each line read,
    step      runs one step (images are resident) and prints its seconds, e.g. `3.412345`
    memory    prints the process's peak resident set in KiB (on cuda also the device's peak in KiB)
    loss      prints the last step's loss
    quit      ends it, as does the end of input.

With --source the peer is the paper's own module instead: FOLDER is a clone of its public repository
(models_mae.py and util/pos_embed.py; CC BY-NC 4.0, so it is not kept here), on the installed timm.

A step is forward, backward, AdamW (fused, as torch's own fastest) and clearing the gradients, as a
training loop has it. `base` is ViT-B/16 at 224², batch 16, decoder 512 × 8; `large` is ViT-L/16, batch 1; `small` is 32², patch 4,
192 × 6 (6 heads), decoder 96 × 2 (3 heads), batch 256; both predict normalised pixels and hide 75 %.

For a fair comparison the caller gives both sides the same libtorch, the same threads and the same
allocator: our program sets malloc's thresholds at start, a Python process gets them through
    MALLOC_MMAP_THRESHOLD_=1073741824 MALLOC_TRIM_THRESHOLD_=4294967296
(glibc; fresh pages otherwise cost the peer a tenth of its time) in its environment.
"""

import argparse
import os
import pathlib
import sys
import time

os.environ.setdefault("HF_HUB_OFFLINE", "1")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts" / "goldens"))

import torch
import torchvision_shim  # noqa: F401, before transformers
from transformers import ViTMAEConfig, ViTMAEForPreTraining

CONFIGURATIONS = {
    "base": (16, dict()),
    "large": (
        1,
        dict(
            hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096
        ),
    ),
    "small": (
        256,
        dict(
            image_size=32,
            patch_size=4,
            hidden_size=192,
            num_hidden_layers=6,
            num_attention_heads=6,
            intermediate_size=768,
            decoder_hidden_size=96,
            decoder_num_hidden_layers=2,
            decoder_num_attention_heads=3,
            decoder_intermediate_size=384,
        ),
    ),
}


def peak_memory(device):
    with open("/proc/self/status") as status:
        peak = next(line.split()[1] for line in status if line.startswith("VmHWM"))
    if device.type == "cuda":
        return f"{peak} {torch.cuda.max_memory_allocated(device) // 1024}"
    return peak


def paper_module(folder, config):
    """The module of the paper's authors with the sizes of `config`, as a function of images to the loss."""
    import functools

    import numpy
    import timm.models.vision_transformer as transformer

    # The source is of 2021: timm's block had an argument more, which it sets to its default, and
    # numpy another name for Python's own number.
    block = transformer.Block
    transformer.Block = lambda *given, qk_scale=None, **named: block(*given, **named)
    numpy.float = float
    sys.path.insert(0, folder)
    import models_mae

    return models_mae.MaskedAutoencoderViT(
        img_size=config.image_size,
        patch_size=config.patch_size,
        embed_dim=config.hidden_size,
        depth=config.num_hidden_layers,
        num_heads=config.num_attention_heads,
        decoder_embed_dim=config.decoder_hidden_size,
        decoder_depth=config.decoder_num_hidden_layers,
        decoder_num_heads=config.decoder_num_attention_heads,
        norm_layer=functools.partial(torch.nn.LayerNorm, eps=1e-6),
        norm_pix_loss=True,
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("configuration", choices=CONFIGURATIONS)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--precision", choices=["float32", "bf16"], default="float32")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch", type=int, default=0)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--source")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    device = torch.device(options.device)
    batch, settings = CONFIGURATIONS[options.configuration]
    batch = options.batch or batch
    config = ViTMAEConfig(norm_pix_loss=True, mask_ratio=0.75, **settings)
    model = paper_module(options.source, config) if options.source else ViTMAEForPreTraining(config)
    model = model.to(device).train()
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        [
            {"params": [p for p in trained if p.ndim > 1], "weight_decay": 0.05},
            {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
        ],
        lr=1.5e-4,
        betas=(0.9, 0.95),
        fused=True,
    )
    images = torch.randn(batch, 3, config.image_size, config.image_size).to(device)
    bf16 = options.precision == "bf16"
    forward = torch.compile(model) if options.compile else model

    def step():
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            loss = forward(images, mask_ratio=0.75)[0] if options.source else forward(images).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss.detach()

    def synchronize():
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    for _ in range(2):
        loss = step()
    synchronize()
    print("ready", flush=True)
    for line in sys.stdin:
        match line.strip():
            case "step":
                start = time.perf_counter()
                loss = step()
                synchronize()
                print(f"{time.perf_counter() - start:.6f}", flush=True)
            case "memory":
                print(peak_memory(device), flush=True)
            case "loss":
                print(f"{loss.item():.6f}", flush=True)
            case "quit":
                break
            case other:
                print(f"unknown: {other}; expected step, memory, loss or quit", flush=True)


if __name__ == "__main__":
    main()
