"""Goldens/finetuning: what fine-tuning needs beyond pre-training.

`layer-decay.json`: scale of the learning rate and whether there is weight decay, for each parameter of
ViT-B, L and H, from timm. `mixup.safetensors`, `losses.safetensors`, `accuracy.safetensors`: keys in the
manifest, which also holds drop-path rates and the rectangles of random erasing.
"""

import random

from common import *

import numpy as np
import timm
import timm.optim
import timm.utils
from timm.data import Mixup, mixup
from timm.data.random_erasing import RandomErasing
from timm.layers import calculate_drop_path_rates
from timm.loss import LabelSmoothingCrossEntropy, SoftTargetCrossEntropy

SEED = 7

VITS = [
    ("vit-b", "vit_base_patch16_224", 0.65),
    ("vit-l", "vit_large_patch16_224", 0.75),
    ("vit-h", "vit_huge_patch14_224", 0.75),
]


def layer_decay():
    models = []
    for name, architecture, decay in VITS:
        for pooling in ("token", "avg"):
            if pooling == "token" and name != "vit-b":
                continue
            with torch.device("meta"):
                model = timm.create_model(architecture, global_pool=pooling)
            groups = timm.optim.param_groups_layer_decay(
                model,
                weight_decay=0.05,
                no_weight_decay_list=model.no_weight_decay(),
                layer_decay=decay,
            )
            names = {id(parameter): name for name, parameter in model.named_parameters()}
            parameters = {
                names[id(parameter)]: [group["lr_scale"], group["weight_decay"]]
                for group in groups
                for parameter in group["params"]
            }
            ordered = {n: parameters[n] for n, _ in model.named_parameters()}
            models.append(
                {
                    "name": f"{name}-{pooling}",
                    "depth": len(model.blocks),
                    "pooling": pooling,
                    "layerDecay": decay,
                    "weightDecay": 0.05,
                    "parameters": ordered,
                }
            )
    return {
        "note": "parameter: [scale of the rate, weight decay]. timm puts the final `norm` in the last "
        "block's layer and `fc_norm` and `head` above it; the published rule (norm above the blocks, scale 1) "
        "differs for `norm` alone, which exists only where the class token is pooled",
        "models": models,
    }


class FixedMixup(Mixup):
    """timm's Mixup with the draw of λ and of the kind replaced by given ones."""

    given = (1.0, False)

    def _params_per_batch(self):
        return self.given


def mixing(rng):
    tensors, cases = {}, []
    boxes = []
    original = mixup.cutmix_bbox_and_lam

    def recorded(*arguments, **options):
        box, lam = original(*arguments, **options)
        boxes.append(([int(edge) for edge in box], float(lam)))
        return box, lam

    mixup.cutmix_bbox_and_lam = recorded
    np.random.seed(SEED)
    for name, lam, cut, smoothing in (
        ("mixup", 0.3, False, 0.1),
        ("mixup-sharp", 0.75, False, 0.0),
        ("cutmix", 0.6, True, 0.1),
        ("cutmix-clipped", 0.2, True, 0.0),
    ):
        images = torch.randn(4, 3, 8, 12, generator=rng)
        labels = torch.tensor([0, 4, 2, 2])
        mixer = FixedMixup(num_classes=5, label_smoothing=smoothing)
        mixer.given = (lam, cut)
        mixed, targets = mixer(images.clone(), labels)
        tensors[f"{name}.images"] = images
        tensors[f"{name}.labels"] = labels
        tensors[f"{name}.mixed"] = mixed
        tensors[f"{name}.targets"] = targets
        case = {
            "name": name,
            "kind": "mixup",
            "file": "mixup.safetensors",
            "lambda": lam,
            "labelSmoothing": smoothing,
        }
        if cut:
            box, corrected = boxes[-1]
            case |= {"box": box, "correctedLambda": corrected}
        cases.append(case)
    mixup.cutmix_bbox_and_lam = original
    return tensors, cases


def losses(rng):
    logits = 2 * torch.randn(6, 5, generator=rng)
    labels = torch.tensor([0, 4, 2, 1, 1, 3])
    targets = torch.softmax(torch.randn(6, 5, generator=rng), -1)
    tensors = {"logits": logits, "labels": labels, "targets": targets}
    for name, function, target in (
        ("label-smoothing", LabelSmoothingCrossEntropy(0.1), labels),
        ("soft-target", SoftTargetCrossEntropy(), targets),
    ):
        x = logits.clone().requires_grad_()
        loss = function(x, target)
        loss.backward()
        tensors |= {f"{name}.loss": loss, f"{name}.grad": x.grad}
    return tensors


def accuracy(rng):
    """Top-k by timm; calibration error by its definition, 15 equal bins of the confidence (l, r]."""
    logits = 1.5 * torch.randn(200, 10, generator=rng)
    labels = torch.randint(10, (200,), generator=rng)
    logits[torch.arange(200), labels] += 1.5 * (torch.rand(200, generator=rng) < 0.6)
    top = {k: v.item() / 100 for k, v in zip((1, 3, 5), timm.utils.accuracy(logits, labels, (1, 3, 5)))}
    confidence, predicted = torch.softmax(logits.double(), -1).max(-1)
    right = (predicted == labels).double()
    edges = torch.linspace(0, 1, 16, dtype=torch.float64)
    error = 0.0
    for low, high in zip(edges[:-1], edges[1:]):
        chosen = (confidence > low) & (confidence <= high)
        if chosen.any():
            gap = (right[chosen].mean() - confidence[chosen].mean()).abs()
            error += chosen.double().mean().item() * gap.item()
    tensors = {"logits": logits, "labels": labels}
    return tensors, {"top": {str(k): v for k, v in top.items()}, "calibrationError": error}


def erasing():
    """timm's RandomErasing with its draws given: rows of image height, width, area fraction, log of the
    aspect, and the height and width it erases (0 where the rectangle does not fit)."""
    rows = []
    uniform, randint, draw = random.uniform, random.randint, random.random
    try:
        random.random = lambda: 0.0
        random.randint = lambda low, high: low
        for height, width in ((224, 224), (32, 32), (24, 48)):
            for fraction, aspect in ((0.02, 0.0), (0.1, 0.5), (0.2, -1.0), (1 / 3, 1.2), (1 / 3, -1.2)):
                values = [fraction, aspect] * 10
                random.uniform = lambda low, high: values.pop(0)
                image = torch.ones(1, height, width)
                RandomErasing(1.0, mode="const", device="cpu")(image)
                gone = image[0] == 0
                rows.append(
                    [height, width, fraction, aspect, int(gone.any(1).sum()), int(gone.any(0).sum())]
                )
    finally:
        random.uniform, random.randint, random.random = uniform, randint, draw
    return rows


def main():
    folder = output_folder("finetuning")
    rng = generator(SEED)
    text = json.dumps(layer_decay(), indent=1, ensure_ascii=False)
    text = re.sub(r"\[[-+.\de,\s]+\]", lambda m: "[" + " ".join(m[0][1:-1].split()) + "]", text)
    (folder / "layer-decay.json").write_text(text + "\n", encoding="utf-8")
    tensors, cases = mixing(rng)
    write(folder / "mixup.safetensors", tensors)
    write(folder / "losses.safetensors", losses(rng))
    tensors, measured = accuracy(rng)
    write(folder / "accuracy.safetensors", tensors)
    cases += [
        {
            "name": "losses",
            "kind": "loss",
            "file": "losses.safetensors",
            "labelSmoothing": 0.1,
            "note": "logits [6, 5], labels int64 [6], targets [6, 5]; label-smoothing.{loss,grad} and "
            "soft-target.{loss,grad}, means over the batch, gradients of the logits",
        },
        {
            "name": "accuracy",
            "kind": "accuracy",
            "file": "accuracy.safetensors",
            "bins": 15,
            "note": "logits [200, 10], labels int64 [200]; top-k by timm, the expected calibration error "
            "by its definition in float64",
            **measured,
        },
        {"name": "layer-decay", "kind": "layer-decay", "file": "layer-decay.json"},
    ]
    write_manifest(
        folder,
        __file__,
        ["timm", "safetensors", "numpy"],
        SEED,
        {"absolute": 1e-6, "relative": 1e-6},
        cases,
        notes=[
            "mixup: image i is mixed with image B − 1 − i, λ of its own; box is [top, bottom, left, right) "
            "and the targets use correctedLambda, the share of pixels kept",
            "targets: λ · smoothed(label) + (1 − λ) · smoothed(partner); smoothed is 1 − s + s/classes on "
            "the label and s/classes elsewhere",
            "dropPath: [rate, depth, rates…], timm's calculate_drop_path_rates in float32",
            "randomErasing: [image height, width, area fraction, log aspect, erased height, width]; h = "
            "round(√(area · aspect)), w = round(√(area / aspect)), refused where it reaches a side, ten tries",
        ],
        dropPath=[
            [rate, depth, *calculate_drop_path_rates(rate, depth)]
            for rate, depth in ((0.1, 12), (0.2, 24), (0.3, 32), (0.1, 1))
        ],
        randomErasing=erasing(),
    )


if __name__ == "__main__":
    main()
