"""Goldens/moco-v3: MoCo v3's heads, loss and momentum encoder, from the paper's pseudo-code.

Chen, Xie and He (2021), arXiv:2104.02057, Algorithm 1, written anew here in PyTorch: no published
code was read or run. The paper's text (section 4.1) gives the perceptrons.

`heads.safetensors`: a projection head of three layers and a prediction head of two, `weight.<name>`
as PyTorch's `Sequential` names them under `projector` and `predictor`, with running statistics
`before.<name>` and `after.<name>` one training pass; `input` [6, 8], `projected` and `predicted`
[6, 5] in training, `evaluated` [6, 5] with the statistics after it, `upstream` [6, 5], and `grad.<name>`
and `grad.input` of `sum(predicted * upstream)`.
`loss.safetensors`: `q1`, `q2`, `k1`, `k2` [6, 5]; `loss.0` `ctr(q1, k2)`, `loss.1` `ctr(q2, k1)`,
`loss` their sum; `grad.q1`, `grad.q2` of the sum.
`momentum.safetensors`: `weight.<name>` of the encoder with its projection head and `average.<name>`
of the momentum encoder, whose average after a step of momentum `m` is `updated.<name>`.
`views.safetensors`: `scene` and `gray`, uint8 [H, W, C], and what torchvision makes of them: `blur.<n>`
as the cases say, and of `scene` `solarize` (128) and `grayscale`.
The manifest has `temperature`, `m` and the momentum of steps by half a cosine.
"""

from common import *

import copy
import math

import torch.nn as nn
import torch.nn.functional as F
import torchvision.transforms.functional as V

SEED = 13
BATCH, WIDTH, HIDDEN, OUT = 6, 8, 7, 5
TEMPERATURE = 0.2
MOMENTUM = 0.9
START, TOTAL = 0.99, 8
BLURS = [("scene", 3, 0.1), ("scene", 3, 1.7), ("scene", 7, 2.0), ("gray", 5, 0.8)]


def head(layers, inputs):
    """Linear, BN, ReLU, …, Linear, BN: all layers have BN, the last one without weights."""
    parts = []
    for layer in range(layers):
        last = layer == layers - 1
        before, after = inputs if layer == 0 else HIDDEN, OUT if last else HIDDEN
        parts.append(nn.Linear(before, after, bias=False))
        parts.append(nn.BatchNorm1d(after, affine=not last))
        if not last:
            parts.append(nn.ReLU())
    return nn.Sequential(*parts)


def statistics(module):
    return {name: value.clone() for name, value in module.named_buffers() if "num_batches" not in name}


def ctr(q, k):
    """Algorithm 1, `ctr`, with the rows normalised as its comment says."""
    q, k = F.normalize(q, dim=1), F.normalize(k, dim=1)
    logits = q @ k.t()
    labels = torch.arange(len(q))
    return 2 * TEMPERATURE * F.cross_entropy(logits / TEMPERATURE, labels)


def heads(rng):
    both = nn.ModuleDict({"projector": head(3, WIDTH), "predictor": head(2, OUT)})
    randomize(both, rng)
    with torch.no_grad():
        for name, value in both.named_buffers():
            if "running" in name:
                value.copy_(torch.rand(value.shape, generator=rng) + (0.5 if "var" in name else 0))
    tensors = {"weight." + n: p.detach().clone() for n, p in both.named_parameters()}
    tensors |= {"before." + n: v for n, v in statistics(both).items()}
    x = torch.randn(BATCH, WIDTH, generator=rng).requires_grad_()
    projected = both["projector"](x)
    predicted = both["predictor"](projected)
    upstream = torch.randn(BATCH, OUT, generator=rng)
    (predicted * upstream).sum().backward()
    tensors |= {"after." + n: v for n, v in statistics(both).items()}
    tensors |= {"grad." + n: p.grad for n, p in both.named_parameters()}
    both.eval()
    evaluated = both["predictor"](both["projector"](x))
    return tensors | {
        "input": x.detach(), "grad.input": x.grad, "upstream": upstream,
        "projected": projected.detach(), "predicted": predicted.detach(),
        "evaluated": evaluated.detach(),
    }


def loss(rng):
    q1, q2 = (torch.randn(BATCH, OUT, generator=rng).requires_grad_() for _ in range(2))
    k1, k2 = (torch.randn(BATCH, OUT, generator=rng) for _ in range(2))
    first, second = ctr(q1, k2), ctr(q2, k1)
    total = first + second
    total.backward()
    return {
        "q1": q1.detach(), "q2": q2.detach(), "k1": k1, "k2": k2,
        "loss.0": first.detach(), "loss.1": second.detach(), "loss": total.detach(),
        "grad.q1": q1.grad, "grad.q2": q2.grad,
    }


def momentum(rng):
    weights = head(3, WIDTH)
    average = copy.deepcopy(weights)
    randomize(weights, rng)
    randomize(average, rng)
    tensors = {"weight." + n: p.detach().clone() for n, p in weights.named_parameters()}
    tensors |= {"average." + n: p.detach().clone() for n, p in average.named_parameters()}
    with torch.no_grad():
        for m, q in zip(average.parameters(), weights.parameters()):
            m.copy_(MOMENTUM * m + (1 - MOMENTUM) * q)  # f_m = m*f_m + (1-m)*f_q
    return tensors | {"updated." + n: p.detach() for n, p in average.named_parameters()}


def views(rng):
    """What the colours of a view do to bytes, by torchvision; `[H, W, C]`."""
    scene = torch.randint(0, 256, (3, 18, 21), generator=rng, dtype=torch.uint8)
    gray = torch.randint(0, 256, (1, 30, 9), generator=rng, dtype=torch.uint8)
    results = {"scene": scene, "gray": gray}
    for number, (name, kernel, std) in enumerate(BLURS):
        results[f"blur.{number}"] = V.gaussian_blur(results[name], [kernel, kernel], [std, std])
    results["solarize"] = V.solarize(scene, 128)
    image = V.to_pil_image(scene)
    results["grayscale"] = V.pil_to_tensor(V.to_grayscale(image, num_output_channels=3))
    return {name: image.permute(1, 2, 0) for name, image in results.items()}


def main():
    folder = output_folder("moco-v3")
    rng = generator(SEED)
    write(folder / "heads.safetensors", heads(rng))
    write(folder / "loss.safetensors", loss(rng))
    write(folder / "momentum.safetensors", momentum(rng))
    write(folder / "views.safetensors", views(rng))
    write_manifest(
        folder,
        __file__,
        ["torchvision", "safetensors"],
        SEED,
        {"absolute": 2e-6, "relative": 2e-6},
        [
            {"name": f"blur.{number}", "image": name, "kernel": kernel, "std": std}
            for number, (name, kernel, std) in enumerate(BLURS)
        ],
        notes=[
            "Chen, Xie and He (2021), arXiv:2104.02057, Algorithm 1 and section 4.1, written anew; no "
            "published code was read or run",
            "blur.*: a value that lies between two whole numbers may be rounded to either",
        ],
        temperature=TEMPERATURE,
        m=MOMENTUM,
        start=START,
        total=TOTAL,
        momenta=[1 - (1 - START) * (1 + math.cos(math.pi * s / TOTAL)) / 2 for s in range(TOTAL + 1)],
    )


if __name__ == "__main__":
    main()
