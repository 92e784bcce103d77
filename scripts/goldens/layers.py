"""Goldens/layers: single layers of timm and torch, forward and backward, and the order of patches.

`<case>.safetensors`:
    input   weight.<parameter>   output   upstream   grad.input   grad.<parameter>
The gradients are those of sum(output · upstream). `patchify.safetensors` has `<case>.images`
[B, C, H, W] and `<case>.patches` [B, N, P·P·C].
"""

from common import *

import timm.layers
from timm.models.vision_transformer import Block

SEED = 5


def norm(width, **options):
    return torch.nn.LayerNorm(width, eps=1e-6, **options)


CASES = [
    dict(
        name="linear",
        shape=(2, 5, 6),
        make=lambda: torch.nn.Linear(6, 4),
        note="torch.nn.Linear(6, 4)",
    ),
    dict(
        name="linear-no-bias",
        shape=(3, 6),
        make=lambda: torch.nn.Linear(6, 4, bias=False),
        note="torch.nn.Linear(6, 4, bias=False)",
    ),
    dict(
        name="layer-norm",
        shape=(2, 5, 12),
        make=lambda: norm(12),
        note="torch.nn.LayerNorm(12, eps=1e-6); the first row is constant",
    ),
    dict(
        name="layer-norm-1e-12",
        shape=(2, 5, 12),
        make=lambda: torch.nn.LayerNorm(12, eps=1e-12),
        note="torch.nn.LayerNorm(12, eps=1e-12)",
    ),
    dict(
        name="gelu",
        shape=(3, 40),
        make=lambda: torch.nn.GELU(),
        note="torch.nn.GELU(), the one with erf; input up to ±8",
    ),
    dict(
        name="attention",
        shape=(2, 5, 12),
        make=lambda: timm.layers.Attention(12, num_heads=3, qkv_bias=True),
        note="timm.layers.Attention(12, num_heads=3, qkv_bias=True)",
    ),
    dict(
        name="attention-no-bias",
        shape=(2, 7, 8),
        make=lambda: timm.layers.Attention(8, num_heads=1, qkv_bias=False),
        note="timm.layers.Attention(8, num_heads=1, qkv_bias=False)",
    ),
    dict(
        name="mlp",
        shape=(2, 5, 8),
        make=lambda: timm.layers.Mlp(8, 20),
        note="timm.layers.Mlp(8, 20)",
    ),
    dict(
        name="block",
        shape=(2, 5, 12),
        make=lambda: Block(12, num_heads=3, mlp_ratio=4, qkv_bias=True, norm_layer=norm),
        note="timm.models.vision_transformer.Block(12, 3 heads, MLP ratio 4, eps 1e-6)",
    ),
    dict(
        name="block-no-bias",
        shape=(1, 9, 16),
        make=lambda: Block(16, num_heads=2, mlp_ratio=2, qkv_bias=False, norm_layer=norm),
        note="timm.models.vision_transformer.Block(16, 2 heads, MLP ratio 2, no qkv bias, eps 1e-6)",
    ),
    dict(
        name="patch-embed",
        shape=(2, 3, 8, 12),
        make=lambda: timm.layers.PatchEmbed(img_size=(8, 12), patch_size=4, embed_dim=10),
        note="timm.layers.PatchEmbed, 8 × 12 pixels, patch 4, width 10",
    ),
    dict(
        name="batch-norm",
        shape=(6, 5),
        make=lambda: torch.nn.BatchNorm1d(5, affine=False, eps=1e-6),
        note="torch.nn.BatchNorm1d(5, affine=False, eps=1e-6) while training, momentum 0.1; also "
        "running.mean and running.variance after it, and eval = its output in evaluation then",
    ),
    dict(
        name="cross-entropy",
        shape=(6, 5),
        make=None,
        note="torch cross_entropy of logits `input` and int64 `labels`: `output` [], mean",
    ),
]


def run(case, dtype=torch.float32):
    rng = generator(SEED * 1000 + [other["name"] for other in CASES].index(case["name"]))
    x = torch.randn(case["shape"], generator=rng)
    if case["name"] == "gelu":
        x = x * 3
        x[0, :5] = torch.tensor([-8.0, -0.5, 0.0, 0.5, 8.0])
    if case["name"] == "layer-norm":
        x[0, 0] = 0.25
    tensors = {"input": x}
    x = x.to(dtype, copy=True).requires_grad_()
    parameters = {}
    if case["name"] == "cross-entropy":
        labels = torch.tensor([0, 4, 2, 1, 1, 3])
        tensors["labels"] = labels
        output = torch.nn.functional.cross_entropy(x, labels)
        upstream = torch.ones(())
    else:
        layer = case["make"]()
        randomize(layer, rng)
        parameters = dict(layer.to(dtype).named_parameters())
        for name, parameter in parameters.items():
            tensors[f"weight.{name}"] = parameter
        output = layer(x)
        upstream = torch.randn(output.shape, generator=rng)
        tensors["upstream"] = upstream
    (output * upstream.to(dtype)).sum().backward()
    tensors |= {"output": output, "grad.input": x.grad}
    tensors |= {f"grad.{name}": parameter.grad for name, parameter in parameters.items()}
    if case["name"] == "batch-norm":
        tensors["running.mean"] = layer.running_mean.clone()
        tensors["running.variance"] = layer.running_var.clone()
        tensors["eval"] = layer.eval()(x)
    return tensors


def patches():
    """transformers' patchify on images whose every number is different."""
    allow_any_shape()
    result, cases = {}, []
    for name, height, width, channels, patch in (
        ("square", 8, 8, 3, 4),
        ("tall", 12, 6, 1, 3),
        ("wide", 4, 8, 2, 2),
    ):
        model = vit_mae(
            model_configuration(
                height, width, channels, patch, side(4, 1, 1), side(4, 1, 1), "pixels"
            ),
            0.5,
        )
        count = 2 * channels * height * width
        images = torch.arange(count, dtype=torch.float32).reshape(2, channels, height, width)
        result[f"{name}.images"] = images
        result[f"{name}.patches"] = model.patchify(images)
        back = model.unpatchify(result[f"{name}.patches"], original_image_size=(height, width))
        assert torch.equal(back, images)
        cases.append({"name": name, "patch": patch})
    return result, cases


def main():
    folder = output_folder("layers")
    cases = []
    for case in CASES:
        out, exact = run(case), run(case, torch.float64)
        write(folder / f"{case['name']}.safetensors", out)
        cases.append(
            {
                "name": case["name"],
                "file": f"{case['name']}.safetensors",
                "note": case["note"],
                "float64Difference": rounded(greatest_difference(out, exact)),
            }
        )
    tensors, patch_cases = patches()
    write(folder / "patchify.safetensors", tensors)
    cases.append(
        {
            "name": "patchify",
            "file": "patchify.safetensors",
            "cases": patch_cases,
            "note": "transformers' ViTMAE patchify: patches row by row; within one, row, column, channel",
        }
    )
    write_manifest(
        folder,
        __file__,
        ["timm", "transformers", "safetensors"],
        SEED,
        {"absolute": 5e-6, "relative": 5e-6},
        cases,
        notes=[
            "weights are under torch's and timm's names: weight.qkv.weight, weight.mlp.fc1.bias, …",
            "the key's third of an attention's qkv.bias gradient is zero in exact arithmetic",
        ],
    )


if __name__ == "__main__":
    main()
