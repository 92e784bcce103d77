"""Goldens/robustness: the class subsets of ImageNet-A and -R, accuracy among a subset, and ImageNet-C's means.

`manifest.json`: timm's indices of the two subsets among ImageNet's classes; `robustness.safetensors`: logits
`[64, 20]`, labels `[64]` among the subset given in the manifest, and errors `[15, 5]` of the corruptions in
the published order. The expected values are computed here from their definitions: the argmax among the
subset's columns, as the sets' authors evaluate (https://github.com/hendrycks/natural-adv-examples,
https://github.com/hendrycks/imagenet-r), and the mean over corruptions of the error relative to AlexNet's
(Hendrycks and Dietterich, 2019, https://github.com/hendrycks/robustness).
"""

import importlib.resources

import numpy as np
import torch
from common import generator, output_folder, write, write_manifest

SEED = 11
ALEXNET = [
    88.6428, 89.4468, 92.2640, 81.9880, 82.6268, 78.5948, 79.8360, 86.6816, 82.6572, 81.9324, 56.4592,
    85.3204, 64.6056, 71.7840, 60.6500,
]  # fmt: skip


def lines(name):
    return (importlib.resources.files("timm.data") / "_info" / name).read_text().split()


def main():
    folder = output_folder("robustness")
    rng = generator(SEED)
    logits = torch.randn(64, 20, generator=rng)
    subset = [1, 4, 5, 9, 12, 13, 17]
    labels = torch.randint(len(subset), (64,), generator=rng)
    logits[torch.arange(64), torch.tensor(subset)[labels]] += 1
    errors = torch.rand(15, 5, generator=rng, dtype=torch.float64)
    write(folder / "robustness.safetensors", {"logits": logits, "labels": labels, "errors": errors})
    order = np.argsort(-logits.numpy()[:, subset], axis=1)
    right = order == labels.numpy()[:, None]
    percent = 100 * errors.numpy().mean(axis=1)
    synsets = lines("imagenet_synsets.txt")
    write_manifest(
        folder,
        __file__,
        ["timm", "safetensors", "numpy"],
        SEED,
        {"absolute": 1e-9, "relative": 1e-9},
        [
            {
                "name": "scores",
                "kind": "scores",
                "file": "robustness.safetensors",
                "subset": subset,
                "top1": right[:, :1].any(axis=1).mean().item(),
                "top5": right[:, :5].any(axis=1).mean().item(),
                "meanError": percent.mean().item() / 100,
                "meanCorruptionError": (percent / np.array(ALEXNET)).mean().item(),
            }
        ],
        notes=["subsets: timm's indices of the classes of ImageNet-A and -R among ImageNet's 1,000"],
        synsets=" ".join(synsets),
        subsets={
            name: {
                "names": lines(f"imagenet_{name}_synsets.txt"),
                "indices": [int(index) for index in lines(f"imagenet_{name}_indices.txt")],
            }
            for name in ("a", "r")
        },
    )


if __name__ == "__main__":
    main()
