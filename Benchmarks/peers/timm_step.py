"""Fine-tuning steps of timm's Vision Transformer, one at a time, for a program that takes turns with it.

    python timm_step.py finetune-tiny|finetune-small|finetune-base [--threads N] [--device cpu|cuda:0] [--batch N]

Protocol, one line each way, as in vitmae_step.py: prints `ready` when two steps have been run; then for each
line read, `step` runs one step and prints its seconds, `memory` prints the peak in KiB, `quit` ends it.

A step is timm's own Mixup (mixup 0.8, CutMix 1.0, smoothing 0.1), its model with drop path 0.1 and the mean of
the patches, SoftTargetCrossEntropy, and the AdamW of its own factory (fused, as torch's own fastest) with
layer-wise rates of 0.75 and weight decay 0.05: He et al. (2022), Table 9. 1,000 classes, 224², batch 16.

The caller gives both sides the same libtorch, threads and allocator, see vitmae_step.py.
"""

import argparse
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts" / "goldens"))

import torch
import torchvision_shim  # noqa: F401, before timm
import timm
from timm.data import Mixup
from timm.loss import SoftTargetCrossEntropy
from timm.optim import create_optimizer_v2

from vitmae_step import peak_memory


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("workload", choices=["finetune-tiny", "finetune-small", "finetune-base"])
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch", type=int, default=16)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    device = torch.device(options.device)
    size = options.workload.removeprefix("finetune-")
    model = timm.create_model(
        f"vit_{size}_patch16_224", num_classes=1000, drop_path_rate=0.1, global_pool="avg"
    )
    model = model.to(device).train()
    mixup = Mixup(mixup_alpha=0.8, cutmix_alpha=1.0, label_smoothing=0.1, num_classes=1000)
    optimizer = create_optimizer_v2(
        model, opt="adamw", lr=1e-3, weight_decay=0.05, layer_decay=0.75, fused=True
    )
    criterion = SoftTargetCrossEntropy()
    images = torch.randn(options.batch, 3, 224, 224).to(device)
    labels = (torch.arange(options.batch) * 7 % 1000).to(device)

    def step():
        mixed, targets = mixup(images.clone(), labels)  # which it mixes in place
        loss = criterion(model(mixed), targets)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss.detach()

    def synchronize():
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    for _ in range(2):
        step()
    synchronize()
    print("ready", flush=True)
    for line in sys.stdin:
        match line.strip():
            case "step":
                start = time.perf_counter()
                step()
                synchronize()
                print(f"{time.perf_counter() - start:.6f}", flush=True)
            case "memory":
                print(peak_memory(device), flush=True)
            case "quit":
                break
            case other:
                print(f"unknown: {other}; expected step, memory or quit", flush=True)


if __name__ == "__main__":
    main()
