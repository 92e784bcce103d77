"""Goldens/training: 20 steps of a tiny masked autoencoder, transformers' ViTMAE with torch's AdamW.

`start/` is a Hugging Face checkpoint of the weights before the first step.
`batches.safetensors`: `images` [16, 3, 16, 16] uint8, `indices` [20, 8] int64 (which images a step sees),
`noise` [20, 8, 16] float32. A model's input is (images / 255 − 0.5) / 0.5 in float32.
`<case>.safetensors`: `losses` [20], `rates` [20] float64, `norms` [20] (gradient norm before clipping) and
the weights after the last step under our names, `final.<name>`.

Groups and schedule are the recipe's: no decay for one-dimensional parameters (biases, norms), decay for
the rest, the class and mask tokens included; position tables stay as they are; the rate rises linearly
from 0 and falls along half a cosine to 0, and changes at each step. The first step's rate is 0.
"""

import math

from common import *
from vit_mae import save_checkpoint

SEED = 20
STEPS, BATCH, EPOCH, WARMUP_EPOCHS, EPOCHS = 20, 8, 4, 1, 5
PEAK = 4e-3
MODEL = model_configuration(16, 16, 3, 4, side(16, 2, 4), side(12, 1, 3), "normalized-pixels")

CASES = [
    dict(name="plain", accumulate=1, clip=None, note="one backward pass a step"),
    dict(
        name="accumulate",
        accumulate=2,
        clip=None,
        note="the first and the second four images in two passes, each loss halved; "
        "`losses` are the means of the two",
    ),
    dict(name="clip", accumulate=1, clip=0.5, note="clip_grad_norm_(0.5) before each step"),
]


def pictures(rng):
    """Sixteen small pictures with something to learn: a slope, a disc and a little noise."""
    y, x = torch.meshgrid(torch.arange(16.0), torch.arange(16.0), indexing="ij")
    images = []
    for _ in range(16):
        slope, center = torch.rand(3, 2, generator=rng) * 12 - 6, torch.rand(2, generator=rng) * 16
        radius = 2 + 4 * torch.rand(1, generator=rng)
        inside = ((x - center[0]) ** 2 + (y - center[1]) ** 2 < radius**2).float()
        color = 100 * torch.rand(3, 1, 1, generator=rng)
        image = 90 + slope[:, :1, None] * (x - 8) + slope[:, 1:, None] * (y - 8) + color * inside
        images.append(image + 4 * torch.randn(3, 16, 16, generator=rng))
    return torch.stack(images).clamp(0, 255).to(torch.uint8)


def rate(step):
    """Paper, Table 8: linear warm-up, then half a cosine to 0; per iteration."""
    epoch = step / EPOCH
    if epoch < WARMUP_EPOCHS:
        return PEAK * epoch / WARMUP_EPOCHS
    progress = (epoch - WARMUP_EPOCHS) / (EPOCHS - WARMUP_EPOCHS)
    return PEAK * 0.5 * (1 + math.cos(math.pi * progress))


def initialize(model, rng):
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        if name.endswith(("cls_token", "mask_token")):
            parameter.data.normal_(0, 0.5, generator=rng)  # large: their decay must show
        elif name.endswith("bias"):
            parameter.data.normal_(0, 0.01, generator=rng)
        elif parameter.ndim == 1:
            parameter.data.fill_(1)
        else:
            torch.nn.init.xavier_uniform_(parameter.data.flatten(1), generator=rng)


def train(case, state, images, indices, noise, dtype=torch.float32, autocast=None):
    """`autocast`: the type of products in the forward pass, by torch's autocast; None for `dtype`'s."""
    model = vit_mae(MODEL, 0.75)
    model.load_state_dict(state)
    if autocast is not None:
        model.set_attn_implementation("eager")
    model.to(dtype).train()
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        [
            {"params": [p for p in trained if p.ndim > 1], "weight_decay": 0.05},
            {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
        ],
        lr=0.0,
        betas=(0.9, 0.95),
        eps=1e-8,
    )
    losses, norms = [], []
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = rate(step)
        optimizer.zero_grad()
        total = 0.0
        parts = zip(
            indices[step].chunk(case["accumulate"]), noise[step].chunk(case["accumulate"])
        )
        for chosen, part in parts:
            pixels = (images[chosen].to(dtype) / 255 - 0.5) / 0.5
            with torch.autocast("cpu", autocast, enabled=autocast is not None):
                loss = model(pixel_values=pixels, noise=part).loss / case["accumulate"]
            loss.backward()
            total += loss.item()
        norms.append(torch.nn.utils.clip_grad_norm_(trained, case["clip"] or math.inf).item())
        optimizer.step()
        losses.append(total)
    return {
        "losses": torch.tensor(losses, dtype=dtype),
        "norms": torch.tensor(norms, dtype=dtype),
        **{f"final.{name}": tensor for name, tensor in native(model.state_dict()).items()},
    }


def split_key_bias(tensors):
    """The final weights without the key's third of qkv.bias, which is rounding blown up by Adam."""
    result = {}
    for name, tensor in tensors.items():
        if name.endswith("qkv.bias"):
            query, _, value = tensor.chunk(3)
            tensor = torch.cat([query, value])
        result[name] = tensor
    return result


def batches(rng):
    """Pictures, which of them each step sees, and what masks are drawn by."""
    images = pictures(rng)
    indices = torch.stack([torch.randperm(16, generator=rng)[:BATCH] for _ in range(STEPS)])
    return images, indices, torch.rand(STEPS, BATCH, 16, generator=rng)


def main():
    folder = output_folder("training")
    rng = generator(SEED)
    images, indices, noise = batches(rng)
    model = vit_mae(MODEL, 0.75)
    initialize(model, rng)
    (folder / "start").mkdir(exist_ok=True)
    save_checkpoint(model, folder / "start")
    write(
        folder / "batches.safetensors", {"images": images, "indices": indices, "noise": noise}
    )
    cases = []
    for case in CASES:
        out = train(case, model.state_dict(), images, indices, noise)
        exact = train(case, model.state_dict(), images, indices, noise, torch.float64)
        rates = torch.tensor([rate(step) for step in range(STEPS)], dtype=torch.float64)
        write(folder / f"{case['name']}.safetensors", {"rates": rates, **out})
        print(case["name"], [round(loss, 4) for loss in out["losses"].tolist()])
        print("  norms", [round(norm, 2) for norm in out["norms"].tolist()])
        compared = split_key_bias(out)
        finals = {key: value for key, value in compared.items() if key.startswith("final.")}
        cases.append(
            {
                **case,
                "float64Difference": {
                    "losses": rounded(greatest_difference({"losses": out["losses"]}, exact)),
                    "norms": rounded(greatest_difference({"norms": out["norms"]}, exact)),
                    "final": rounded(greatest_difference(finals, split_key_bias(exact))),
                },
            }
        )
    write_manifest(
        folder,
        __file__,
        ["transformers", "safetensors"],
        SEED,
        {"absolute": 2e-6, "relative": 1e-5},
        cases,
        notes=[
            "`tolerance` is for losses, norms and final weights; it tells a decayed token from one that is not",
            "compare final.*.attn.qkv.bias without the middle third: the key's bias has no effect on "
            "attention, its gradient is rounding, and Adam makes steps of full size from it",
            "pixels: (uint8 / 255 − 0.5) / 0.5",
        ],
        model=MODEL,
        maskRatio=0.75,
        steps=STEPS,
        batch=BATCH,
        optimizer={
            "name": "torch.optim.AdamW",
            "betas": [0.9, 0.95],
            "epsilon": 1e-8,
            "weightDecay": 0.05,
            "notDecayed": "parameters of one dimension; cls_token and mask_token are decayed",
        },
        schedule={
            "peak": PEAK,
            "minimum": 0,
            "stepsPerEpoch": EPOCH,
            "warmupEpochs": WARMUP_EPOCHS,
            "epochs": EPOCHS,
        },
    )


if __name__ == "__main__":
    main()
