"""JPEG files to normalised crops with Pillow and torchvision, for a program that takes turns with it.

    python decode.py FOLDER_OR_LIST [--size 224] [--limit N]

FOLDER_OR_LIST is a folder of .jpg files (searched in depth) or a text file of paths. An image goes
through Image.open → RGB → RandomResizedCrop(size, scale (0.2, 1), bicubic, antialias) → flip → ToTensor →
Normalize, on one core, as the workers of a DataLoader do it.

Protocol: prints `ready N` with the number of files after a first pass that warms the page cache; then for
each line read, `pass` decodes all files once and prints images per second; `memory` prints the peak
resident set in KiB; `quit` or the end of input ends it. The caller gives it the allocator's thresholds
as for vitmae_step.py.
"""

import argparse
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts" / "goldens"))

import torch
import torchvision_shim  # noqa: F401, before torchvision
from PIL import Image
from torchvision import transforms


def files(place):
    path = pathlib.Path(place)
    if path.is_dir():
        return sorted(
            file for file in path.rglob("*") if file.suffix.lower() in (".jpg", ".jpeg")
        )
    return [path.parent / line.strip() for line in path.read_text().splitlines() if line.strip()]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("place")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--limit", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    chosen = files(options.place)[: options.limit or None]
    if not chosen:
        sys.exit(f"decode.py: no .jpg files in {options.place}")
    transform = transforms.Compose(
        [
            transforms.RandomResizedCrop(
                options.size,
                scale=(0.2, 1.0),
                interpolation=transforms.InterpolationMode.BICUBIC,
            ),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ]
    )

    def decode_all():
        for file in chosen:
            with Image.open(file) as image:
                transform(image.convert("RGB"))

    decode_all()
    print("ready", len(chosen), flush=True)
    for line in sys.stdin:
        match line.strip():
            case "pass":
                start = time.perf_counter()
                decode_all()
                print(f"{len(chosen) / (time.perf_counter() - start):.2f}", flush=True)
            case "memory":
                with open("/proc/self/status") as status:
                    print(next(s.split()[1] for s in status if s.startswith("VmHWM")), flush=True)
            case "quit":
                break
            case other:
                print(f"unknown: {other}; expected pass, memory or quit", flush=True)


if __name__ == "__main__":
    main()
