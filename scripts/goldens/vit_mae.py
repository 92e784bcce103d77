"""Goldens/vit-mae: forward pass, loss and every gradient of transformers' ViTMAEForPreTraining.

Each case is a folder that is a Hugging Face checkpoint (`config.json`, `model.safetensors`, as
`save_pretrained` writes them) beside `golden.safetensors`:

    pixel_values [B, C, H, W]  noise [B, N]                                 inputs
    loss []  loss_all []  pred [B, N, P·P·C]  mask [B, N]  ids_restore [B, N]  latent [B, 1+K, D]
    target [B, N, P·P·C]                                                    what the loss compares with
    grad.<our name>                                                         of `loss`, every trained parameter

`loss` is over hidden patches, or over all of them where the case says so; `loss_all` is always over
all. Widths are tiny (16, 12) because whole arrays are committed: the sizes were chosen so that all
cases together stay near a megabyte. Weights are drawn so that nothing hides: biases, tokens and norm
weights are all random.
"""

import shutil
import tempfile
import pathlib

from common import *

SEED = 2
ENCODER, DECODER = side(16, 2, 4), side(12, 1, 3)

CASES = [
    dict(
        name="pixels",
        model=model_configuration(16, 16, 3, 4, ENCODER, DECODER, "pixels"),
        maskRatio=0.75,
        batch=3,
        note="plain pixels; also holds the same weights under the original's names "
        "(original.safetensors) and under transformers' in-memory names (in-memory.safetensors)",
    ),
    dict(
        name="normalized",
        model=model_configuration(16, 16, 3, 4, ENCODER, DECODER, "normalized-pixels"),
        maskRatio=0.75,
        batch=3,
        note="the first image has a flat patch (variance 0) that is hidden and one that is seen",
    ),
    dict(
        name="half",
        model=model_configuration(
            16, 16, 3, 4, side(20, 1, 5, 2), side(12, 2, 3, 3), "normalized-pixels"
        ),
        maskRatio=0.5,
        batch=2,
        note="MLP ratios 2 and 3, decoder deeper than the encoder",
    ),
    dict(
        name="tall",
        model=model_configuration(24, 16, 3, 4, ENCODER, side(16, 2, 2), "pixels"),
        maskRatio=0.6,
        batch=2,
        note="6 × 4 patches; int(24 · (1 − 0.6)) keeps 9",
    ),
    dict(
        name="wide",
        model=model_configuration(16, 24, 2, 8, side(16, 1, 4), side(8, 1, 1), "normalized-pixels"),
        maskRatio=0.5,
        batch=2,
        note="2 × 3 patches of 8 × 8, two channels",
    ),
    dict(
        name="gray",
        model=model_configuration(28, 28, 1, 4, side(16, 2, 1), DECODER, "normalized-pixels"),
        maskRatio=0.75,
        batch=2,
        note="one channel, 7 × 7 patches: int(49 · 0.25) keeps 12",
    ),
    dict(
        name="no-qkv-bias",
        model=model_configuration(
            8, 8, 5, 4, ENCODER, side(12, 3, 1, 2), "pixels", qkv_bias=False
        ),
        maskRatio=0.75,
        batch=3,
        note="five channels, one patch kept of four",
    ),
    dict(
        name="all-patches",
        model=model_configuration(16, 16, 3, 4, ENCODER, DECODER, "normalized-pixels"),
        maskRatio=0.75,
        batch=3,
        lossOver="all",
        note="`loss` and the gradients are over all patches: mean over B, N and P·P·C, computed "
        "here from transformers' prediction and its patchify",
    ),
    dict(
        name="own-positions",
        model=model_configuration(
            16, 16, 3, 4, ENCODER, DECODER, "pixels", epsilon=1e-12
        ),
        maskRatio=0.75,
        batch=2,
        note="position tables are random, not sin-cos: a checkpoint's own tables win; "
        "the norms' epsilon is transformers' default 1e-12",
    ),
]


def inputs(case, rng):
    c = case["model"]
    shape = (case["batch"], c["channels"], c["height"], c["width"])
    patches = (c["height"] // c["patch"]) * (c["width"] // c["patch"])
    images = torch.randn(shape, generator=rng)
    noise = torch.rand(case["batch"], patches, generator=rng)
    if case["name"] == "normalized":
        kept = noise[0].argmin()
        hidden = noise[0].argmax()
        p, columns = c["patch"], c["width"] // c["patch"]
        for index in (int(kept), int(hidden)):
            row, column = divmod(index, columns)
            images[0, :, row * p : (row + 1) * p, column * p : (column + 1) * p] = 0.5
    assert all(len(set(row.tolist())) == patches for row in noise), "a tie has no defined order"
    return images, noise


def run(model, images, noise, over_all):
    model.zero_grad()
    out = model(pixel_values=images, noise=noise, output_hidden_states=True)
    latent = model.vit(images, noise=noise).last_hidden_state
    target = model.patchify(images)
    if model.config.norm_pix_loss:
        mean, variance = target.mean(-1, keepdim=True), target.var(-1, keepdim=True)
        target = (target - mean) / (variance + 1e-6).sqrt()
    loss_all = ((out.logits - target) ** 2).mean()
    loss = loss_all if over_all else out.loss
    loss.backward()
    gradients = {n: p.grad for n, p in model.named_parameters() if p.requires_grad}
    missing = [name for name, gradient in gradients.items() if gradient is None]
    assert not missing, missing
    return {
        "loss": loss,
        "loss_all": loss_all,
        "pred": out.logits,
        "mask": out.mask,
        "ids_restore": out.ids_restore,
        "latent": latent,
        "target": target,
        **{f"grad.{name}": gradient for name, gradient in native(gradients).items()},
    }


def save_checkpoint(model, folder):
    """`config.json` and `model.safetensors` as `save_pretrained` writes them."""
    with tempfile.TemporaryDirectory() as scratch:
        model.save_pretrained(scratch)
        for name in ("config.json", "model.safetensors"):
            shutil.copyfile(pathlib.Path(scratch) / name, folder / name)
            (folder / name).chmod(0o644)


def check_checkpoint(folder, model, images, noise, out):
    """What was written loads again and gives the same bits."""
    loaded = type(model).from_pretrained(folder)
    again = loaded(pixel_values=images, noise=noise)
    assert torch.equal(again.logits, out["pred"]), folder


def kept_counts():
    """How many patches stay: transformers' random_masking at ratios where floating point decides."""
    model = vit_mae(model_configuration(8, 8, 1, 4, side(4, 1, 1), side(4, 1, 1), "pixels"), 0.5)
    rows = []
    for patches in (4, 10, 16, 20, 24, 49, 64, 100, 196, 256, 1024):
        for ratio in (0.1, 0.25, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95):
            model.vit.embeddings.config.mask_ratio = ratio
            kept, _, _ = model.vit.embeddings.random_masking(torch.zeros(1, patches, 1))
            rows.append([patches, ratio, kept.shape[1]])
    return rows


def main():
    folder = output_folder("vit-mae")
    cases = []
    for number, case in enumerate(CASES):
        rng = generator(SEED * 1000 + number)
        model = vit_mae(case["model"], case["maskRatio"])
        randomize(model, rng)
        if case["name"] != "own-positions":
            set_positions(model, case["model"])
        images, noise = inputs(case, rng)
        over_all = case.get("lossOver") == "all"
        out = run(model, images, noise, over_all)
        place = folder / case["name"]
        place.mkdir(exist_ok=True)
        write(place / "golden.safetensors", {"pixel_values": images, "noise": noise, **out})
        save_checkpoint(model, place)
        check_checkpoint(place, model, images, noise, out)
        files = ["config.json", "model.safetensors", "golden.safetensors"]
        if case["name"] == "pixels":
            state = model.state_dict()
            write(place / "original.safetensors", native(state))
            write(place / "in-memory.safetensors", state)
            files += ["original.safetensors", "in-memory.safetensors"]
        exact = run(model.double(), images.double(), noise.double(), over_all)
        gradients = [key for key in out if key.startswith("grad.")]
        forward = [key for key in out if not key.startswith("grad.")]
        cases.append(
            {
                "name": case["name"],
                "folder": case["name"],
                "files": files,
                "model": case["model"],
                "maskRatio": case["maskRatio"],
                "batch": case["batch"],
                "kept": out["latent"].shape[1] - 1,
                "lossOver": case.get("lossOver", "hidden"),
                "note": case["note"],
                "float64Difference": {
                    "forward": rounded(
                        greatest_difference({k: out[k] for k in forward}, exact)
                    ),
                    "gradients": rounded(
                        greatest_difference({k: out[k] for k in gradients}, exact)
                    ),
                },
            }
        )
    write_manifest(
        folder,
        __file__,
        ["transformers", "safetensors"],
        SEED,
        {"absolute": 1e-5, "relative": 1e-5},
        cases,
        notes=[
            "model.safetensors has the names transformers saves (vit.encoder.layer.0.attention."
            "attention.query.weight); in memory version 5 calls the same vit.layers.0.attention.q_proj.weight",
            "position tables are the fixed 2-D sin-cos of Goldens/positions, written by common.py: "
            "transformers 5.23 leaves them zero in a model it did not load; non-square grids use the "
            "same function with rows and columns",
            "transformers 5.23 can neither create, load nor run a model whose images are not square; "
            "common.py (allow_any_shape) skips its square position table and its patchify's refusal, and "
            "leaves forward pass and loss as they are",
            "the key's third of each grad.*.attn.qkv.bias is zero in exact arithmetic: it holds rounding",
            "float64Difference: greatest |float32 − float64| of the same model, to judge the tolerance by",
        ],
        keptCounts=kept_counts(),
    )


if __name__ == "__main__":
    main()
