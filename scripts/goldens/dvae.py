"""Goldens/dvae: the discrete VAE of DALL-E (Ramesh et al., 2021, A.1), forward, loss and gradients.

The network is written here of torch's layers as it was published, with the published weights' names
(`blocks.group_1.block_1.res_path.conv_1.w`), at small widths:

  - encoder: a 7 × 7 convolution; groups of blocks, twice as wide from group to group, with max-pooling
    between them; ReLU and a 1 × 1 convolution to scores of the vocabulary
  - decoder: a 1 × 1 convolution of one-hot tokens; the groups the other way round, with nearest upsampling
    between them; ReLU and a 1 × 1 convolution to mean and log scale of a logit-Laplace distribution
  - a block: x + (1 / number of blocks)² · (ReLU, convolution) × 4, a quarter as wide inside, whose kernels are
    3, 3, 3, 1 in the encoder and 1, 3, 3, 3 in the decoder

`<case>.safetensors`:
    images [B, C, H, W] of 0…1   uniform [B, V, h, w]   temperature []             inputs
    logits [B, V, h, w]   tokens [B, h, w]   statistics [B, 2C, H, W] of hard tokens
    reconstruction [B, C, H, W] of 0…1   relaxed [B, V, h, w]
    likelihood []   divergence []              the two terms of the training loss, of the relaxed tokens
    weight.<name>   grad.<name>                the gradient is of likelihood + 0.25 · divergence
`importing/encoder.pth` and `decoder.pth` are the first case's weights as two state dicts.
"""

from collections import OrderedDict

import torch.nn as nn
import torch.nn.functional as F

from common import *

SEED = 47
EPSILON = 0.1


class Conv(nn.Module):
    def __init__(self, inputs, outputs, kernel):
        super().__init__()
        self.w = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.b = nn.Parameter(torch.zeros(outputs))
        with torch.no_grad():
            self.w *= (inputs * kernel**2) ** -0.5

    def forward(self, x):
        return F.conv2d(x, self.w, self.b, padding=self.w.shape[-1] // 2)


class Block(nn.Module):
    def __init__(self, inputs, outputs, kernels, blocks):
        super().__init__()
        widths = [inputs] + [outputs // 4] * 3 + [outputs]
        layers = []
        for i, kernel in enumerate(kernels):
            layers.append((f"relu_{i + 1}", nn.ReLU()))
            layers.append((f"conv_{i + 1}", Conv(widths[i], widths[i + 1], kernel)))
        self.gain = 1 / blocks**2
        self.id_path = Conv(inputs, outputs, 1) if inputs != outputs else nn.Identity()
        self.res_path = nn.Sequential(OrderedDict(layers))

    def forward(self, x):
        return self.id_path(x) + self.gain * self.res_path(x)


def stack(widths, blocks, kernels, between, between_name):
    """Groups of blocks from `widths[0]` to each of the others."""
    groups = []
    total = (len(widths) - 1) * blocks
    for g, (inputs, outputs) in enumerate(zip(widths, widths[1:])):
        layers = [
            (f"block_{b + 1}", Block(outputs if b else inputs, outputs, kernels, total))
            for b in range(blocks)
        ]
        if g + 2 < len(widths):
            layers.append((between_name, between()))
        groups.append((f"group_{g + 1}", nn.Sequential(OrderedDict(layers))))
    return groups


class Half(nn.Module):
    """Encoder or decoder."""

    def __init__(self, first, groups, last):
        super().__init__()
        output = nn.Sequential(OrderedDict([("relu", nn.ReLU()), ("conv", last)]))
        self.blocks = nn.Sequential(OrderedDict([("input", first), *groups, ("output", output)]))

    def forward(self, x):
        return self.blocks(x)


class DiscreteVAE(nn.Module):
    def __init__(self, shape):
        super().__init__()
        hidden, groups = shape["hiddenWidth"], shape["groups"]
        up = [hidden * 2**g for g in range(groups)]
        channels, vocabulary = shape["channels"], shape["vocabulary"]
        self.encoder = Half(
            Conv(channels, hidden, 7),
            stack(
                [hidden] + up, shape["blocks"], (3, 3, 3, 1), lambda: nn.MaxPool2d(2), "pool"
            ),
            Conv(up[-1], vocabulary, 1),
        )
        self.decoder = Half(
            Conv(vocabulary, shape["initialWidth"], 1),
            stack(
                [shape["initialWidth"]] + up[::-1],
                shape["blocks"],
                (1, 3, 3, 3),
                lambda: nn.Upsample(scale_factor=2, mode="nearest"),
                "upsample",
            ),
            Conv(hidden, 2 * channels, 1),
        )


def mapped(images):
    return (1 - 2 * EPSILON) * images + EPSILON


def unmapped(values):
    return ((values - EPSILON) / (1 - 2 * EPSILON)).clamp(0, 1)


def logit_laplace(statistics, images):
    """The mean over pixels of −log of the density (A.3, eq. 5)."""
    mean, log_scale = statistics.chunk(2, dim=1)
    x = mapped(images)
    return (
        log_scale + (2 * x * (1 - x)).log() + (torch.logit(x) - mean).abs() / log_scale.exp()
    ).mean()


def gumbel_softmax(logits, uniform, temperature):
    """The relaxation of a sample (Jang et al., 2017, eq. 2), over dimension 1."""
    tiny = torch.finfo(torch.float32).tiny
    exponential = (-torch.log(uniform.clamp(min=tiny))).clamp(min=tiny)
    gumbel = -torch.log(exponential)
    return F.softmax((logits + gumbel) / temperature, dim=1)


def divergence(logits):
    """The mean over positions of KL(q ‖ uniform), in nats."""
    q = F.log_softmax(logits, dim=1)
    return (q.exp() * q).sum(1).mean() + torch.log(torch.tensor(float(logits.shape[1])))


def run(model, images, uniform, temperature):
    model.zero_grad()
    logits = model.encoder(mapped(images))
    tokens = logits.argmax(1)
    hard = F.one_hot(tokens, logits.shape[1]).permute(0, 3, 1, 2).to(logits.dtype)
    statistics = model.decoder(hard)
    relaxed = gumbel_softmax(logits, uniform, temperature)
    likelihood = logit_laplace(model.decoder(relaxed), images)
    kl = divergence(logits)
    (likelihood + 0.25 * kl).backward()
    reconstruction = unmapped(torch.sigmoid(statistics.chunk(2, dim=1)[0]))
    return {
        "logits": logits,
        "tokens": tokens,
        "statistics": statistics,
        "reconstruction": reconstruction,
        "relaxed": relaxed,
        "likelihood": likelihood,
        "divergence": kl,
        **{f"grad.{name}": p.grad for name, p in model.named_parameters()},
    }


def shape(height, width, channels, groups, blocks, hidden, initial, vocabulary):
    return dict(
        height=height,
        width=width,
        channels=channels,
        groups=groups,
        blocks=blocks,
        hiddenWidth=hidden,
        initialWidth=initial,
        vocabulary=vocabulary,
    )


CASES = [
    dict(
        name="stride-4",
        model=shape(8, 12, 1, 3, 1, 4, 6, 11),
        note="three groups of one block, one channel, 2 × 3 tokens",
    ),
    dict(
        name="stride-8",
        model=shape(16, 8, 3, 4, 2, 4, 8, 16),
        note="four groups of two blocks as published, three channels, 2 × 1 tokens",
    ),
    dict(
        name="stride-1",
        model=shape(3, 4, 2, 1, 1, 8, 8, 5),
        note="one group: no pooling",
    ),
]


def main():
    folder = output_folder("dvae")
    cases = []
    for number, case in enumerate(CASES):
        rng = generator(SEED + number)
        model = DiscreteVAE(case["model"])
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape, generator=rng)
            scale = 0.1 if parameter.ndim == 1 else parameter[0].numel() ** -0.5
            parameter.data.copy_(noise * scale)
        c = case["model"]
        stride = 2 ** (c["groups"] - 1)
        images = torch.rand(2, c["channels"], c["height"], c["width"], generator=rng)
        images[0, 0, 0, 0], images[1, 0, 0, 0] = 0, 1
        uniform = torch.rand(
            2, c["vocabulary"], c["height"] // stride, c["width"] // stride, generator=rng
        )
        temperature = torch.tensor(0.7)
        out = run(model, images, uniform, temperature)
        weights = {f"weight.{name}": tensor for name, tensor in model.state_dict().items()}
        write(
            folder / f"{case['name']}.safetensors",
            {
                "images": images,
                "uniform": uniform,
                "temperature": temperature,
                **weights,
                **out,
            },
        )
        if number == 0:
            (folder / "importing").mkdir(exist_ok=True)
            for half in ("encoder", "decoder"):
                path = folder / "importing" / f"{half}.pth"
                torch.save(getattr(model, half).state_dict(), path)
        assert all(tensor.isfinite().all() for tensor in out.values())
        exact = run(model.double(), images.double(), uniform.double(), temperature.double())
        cases.append(
            dict(
                name=case["name"],
                model=case["model"],
                note=case["note"],
                float64Difference=rounded(greatest_difference(out, exact)),
            )
        )
    write_manifest(
        folder,
        __file__,
        ["safetensors"],
        SEED,
        {"absolute": 2e-6, "relative": 1e-5, "ofLargest": 2e-6},
        cases,
        notes=["images hold a black and a white pixel, whose logit is finite by the mapping"],
    )


if __name__ == "__main__":
    main()
