"""Goldens/autocast: bfloat16 as torch's own autocast computes it, forward and backward, on a CPU.

`block.safetensors` and `block-no-bias.safetensors`: timm's `Block` with plain attention (products and a
softmax, as ours is for short sequences), run inside `torch.autocast("cpu", torch.bfloat16)`:

    input   weight.<parameter>   output   upstream   grad.input   grad.<parameter>

The gradients are those of sum(output · upstream).

`model.safetensors`: transformers' ViTMAEForPreTraining with plain attention, forward pass and loss inside the
same autocast, backward outside of it:

    pixel_values   noise   weight.<our name>   loss   pred   grad.<our name>

`trajectory.safetensors`: 20 steps of `training.py`'s pictures, masks and rates, from weights that all show, with
torch's AdamW, forward pass and loss inside the same autocast:

    weight.<our name>   losses [20]   norms [20]   rates [20]

Arrays are compared by the norm of their difference, ‖ours − golden‖ / ‖golden‖: a value that another processor
rounds to bfloat16's other neighbour is off by 0.4 % alone. `float32Difference` is the same measure of what
leaving autocast out changes, the median over the arrays of a case; `greatestDifference`, what ours may differ by,
must be far below it, or it shows nothing. Blocks run our operators in our order, and agree to the bit on one machine. The
model does not in two places: transformers multiplies q, k and v apart, and gives the decoder's last block all tokens.
"""

import functools
import statistics

from common import *

import training
from timm.models.vision_transformer import Block

SEED = 37
BLOCKS = [
    dict(name="block", width=12, heads=3, qkvBias=True, mlpRatio=4),
    dict(name="block-no-bias", width=16, heads=4, qkvBias=False, mlpRatio=2),
]
MODEL = model_configuration(16, 16, 3, 4, side(16, 2, 4), side(12, 2, 3), "normalized-pixels")
MASK_RATIO = 0.75


def shortened(short):
    return torch.autocast("cpu", torch.bfloat16, enabled=short)


def run_block(block, x, upstream, short):
    block.zero_grad()
    x = x.clone().requires_grad_()
    with shortened(short):
        output = block(x)
    (output * upstream).sum().backward()
    gradients = {f"grad.{name}": p.grad.clone() for name, p in block.named_parameters()}
    return {"output": output.detach(), "grad.input": x.grad, **gradients}


def run_model(model, images, noise, short):
    model.zero_grad()
    with shortened(short):
        out = model(pixel_values=images, noise=noise)
    out.loss.backward()
    gradients = {n: p.grad.clone() for n, p in model.named_parameters() if p.requires_grad}
    return {
        "loss": out.loss.detach(),
        "pred": out.logits.detach().float(),
        **{f"grad.{name}": gradient for name, gradient in native(gradients).items()},
    }


def run_trajectory():
    """What is written, and how far other types of products are from it."""
    rng = generator(training.SEED)
    images, indices, noise = training.batches(rng)
    model = vit_mae(training.MODEL, MASK_RATIO)
    randomize(model, rng)
    set_positions(model, training.MODEL)

    def trained(type):
        return training.train(
            training.CASES[0], model.state_dict(), images, indices, noise, autocast=type)

    wanted = trained(torch.bfloat16)
    others = {"float32": trained(None), "float16": trained(torch.float16)}
    differences = {
        f"{name}Difference": {
            key: rounded(((out[key] - wanted[key]).norm() / wanted[key].norm()).item())
            for key in ("losses", "norms")
        }
        for name, out in others.items()
    }
    return {
        "losses": wanted["losses"],
        "norms": wanted["norms"],
        "rates": torch.tensor(
            [training.rate(step) for step in range(training.STEPS)], dtype=torch.float64),
        **{f"weight.{name}": p for name, p in native(model.state_dict()).items()},
    }, differences


def float32_difference(found, exact):
    """The median over arrays of ‖found − exact‖ / ‖exact‖."""
    return rounded(statistics.median(
        ((found[key] - exact[key]).norm() / exact[key].norm()).item() for key in found))


def main():
    folder = output_folder("autocast")
    rng = generator(SEED)
    cases = []
    for case in BLOCKS:
        block = Block(
            case["width"], num_heads=case["heads"], mlp_ratio=case["mlpRatio"],
            qkv_bias=case["qkvBias"], norm_layer=functools.partial(torch.nn.LayerNorm, eps=1e-6))
        block.attn.fused_attn = False
        randomize(block, rng)
        x = torch.randn(2, 5, case["width"], generator=rng)
        upstream = torch.randn(2, 5, case["width"], generator=rng)
        out = run_block(block, x, upstream, True)
        write(
            folder / f"{case['name']}.safetensors",
            {"input": x, "upstream": upstream, **out,
             **{f"weight.{name}": p for name, p in block.named_parameters()}})
        difference = float32_difference(out, run_block(block, x, upstream, False))
        cases.append({**case, "float32Difference": difference, "greatestDifference": 0.002})
    model = vit_mae(MODEL, MASK_RATIO)
    model.set_attn_implementation("eager")
    randomize(model, rng)
    set_positions(model, MODEL)
    images = torch.randn(3, 3, 16, 16, generator=rng)
    noise = torch.rand(3, 16, generator=rng)
    out = run_model(model, images, noise, True)
    write(
        folder / "model.safetensors",
        {"pixel_values": images, "noise": noise, **out,
         **{f"weight.{name}": p for name, p in native(model.state_dict()).items()}})
    difference = float32_difference(out, run_model(model, images, noise, False))
    trajectory, differences = run_trajectory()
    write(folder / "trajectory.safetensors", trajectory)
    write_manifest(
        folder, __file__, ["timm", "transformers"], SEED, None, cases,
        notes=["differences are ‖a − b‖ / ‖b‖ of an array"],
        model={
            "configuration": MODEL,
            "maskRatio": MASK_RATIO,
            "float32Difference": difference,
            "greatestDifference": 0.015,
        },
        trajectory={
            "batches": "Goldens/training/batches.safetensors",
            **differences,
            "greatestDifference": {"losses": 2.2e-4, "norms": 8e-4},
        },
    )


if __name__ == "__main__":
    main()
