"""What the golden scripts share: determinism, parameter names, files and manifests.

A suite is a folder `Goldens/<suite>/` of safetensors files and one `manifest.json`, written by one
script. Everything here is made by running published packages (Hugging Face `transformers`, `timm`,
`torch`); nothing reads the network or the clock, and one thread computes, so that the same machine
writes the same bytes again.
"""

import json
import os
import pathlib
import re
import sys

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")

import torch
import torchvision_shim  # noqa: F401, before timm and transformers
from safetensors.torch import save_file

torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)


def generator(seed):
    return torch.Generator().manual_seed(seed)


def randomize(module, rng):
    """Every parameter gets a value that shows: no zero bias, no norm weight of one, no zero token."""
    for name, parameter in module.named_parameters():
        noise = torch.randn(parameter.shape, generator=rng)
        if name.endswith(("cls_token", "mask_token")):
            value = 0.5 * noise
        elif name.endswith(("position_embeddings", "pos_embed")):
            value = 0.7 * noise
        elif name.endswith("bias"):
            value = 0.1 * noise
        elif parameter.ndim == 1:  # the weight of a norm
            value = 1 + 0.2 * noise
        else:
            value = noise * parameter[0].numel() ** -0.5
        parameter.data.copy_(value)


# -- Names ---------------------------------------------------------------------------------------


def native_name(name):
    """Our name (timm's, and the original's) of a parameter of transformers' ViTMAEForPreTraining
    as it is called in memory; `None` for k and v, which travel with q as one `qkv`."""
    for prefix, replacement in (
        ("vit.embeddings.patch_embeddings.projection.", "patch_embed.proj."),
        ("vit.embeddings.position_embeddings", "pos_embed"),
        ("vit.embeddings.cls_token", "cls_token"),
        ("vit.layers.", "blocks."),
        ("vit.layernorm.", "norm."),
        ("decoder.decoder_layers.", "decoder_blocks."),
        ("decoder.", ""),
    ):
        if name.startswith(prefix):
            name = replacement + name[len(prefix) :]
            break
    if ".k_proj." in name or ".v_proj." in name:
        return None
    for part, replacement in (
        (".attention.q_proj.", ".attn.qkv."),
        (".attention.o_proj.", ".attn.proj."),
        (".layernorm_before.", ".norm1."),
        (".layernorm_after.", ".norm2."),
    ):
        name = name.replace(part, replacement)
    return name


def native(tensors):
    """A dictionary in transformers' in-memory names as one in ours; q, k and v stacked as rows."""
    result = {}
    for name, tensor in tensors.items():
        ours = native_name(name)
        if ours is None:
            continue
        if ".q_proj." in name:
            parts = [tensors[name.replace(".q_proj.", f".{p}_proj.")] for p in "qkv"]
            tensor = torch.cat(parts)
        result[ours] = tensor
    return result


# -- Models --------------------------------------------------------------------------------------


def side(width, depth, heads, mlp_ratio=4):
    return {"width": width, "depth": depth, "heads": heads, "mlpRatio": mlp_ratio}


def model_configuration(
    height, width, channels, patch, encoder, decoder, target, epsilon=1e-6, qkv_bias=True
):
    """The program's `model.json`."""
    return {
        "height": height,
        "width": width,
        "channels": channels,
        "patch": patch,
        "encoder": encoder,
        "decoder": decoder,
        "target": target,
        "normEpsilon": epsilon,
        "qkvBias": qkv_bias,
    }


def position_table(rows, columns, width, dtype=torch.float32):
    """The fixed table `[1, 1 + rows·columns, width]`: a zero row, then column sin|cos, row sin|cos.

    transformers' function takes rows and columns apart and gives row first; its ViTMAE exchanges the
    halves to match published weights, and so does this.
    """
    from transformers.models.vit_mae.modeling_vit_mae import build_2d_sinusoidal_position_embedding

    table = build_2d_sinusoidal_position_embedding(
        rows, columns, width, cls_token=True, dtype=dtype
    )
    row, column = table.chunk(2, dim=-1)
    return torch.cat([column, row], dim=-1).unsqueeze(0)


def vit_mae(configuration, mask_ratio):
    """transformers' ViTMAEForPreTraining of a `model_configuration`, with the fixed position tables.

    Two things are done to it. (1) The position tables are written here: version 5.23 leaves them (and
    the two tokens) zero in a model that is created and not loaded. (2) For images that are not square
    see `allow_any_shape`.
    """
    from transformers import ViTMAEConfig, ViTMAEForPreTraining
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    height, width, patch = (configuration[key] for key in ("height", "width", "patch"))
    encoder, decoder = configuration["encoder"], configuration["decoder"]
    config = ViTMAEConfig(
        image_size=height if height == width else [height, width],
        patch_size=patch,
        num_channels=configuration["channels"],
        hidden_size=encoder["width"],
        num_hidden_layers=encoder["depth"],
        num_attention_heads=encoder["heads"],
        intermediate_size=round(encoder["width"] * encoder["mlpRatio"]),
        decoder_hidden_size=decoder["width"],
        decoder_num_hidden_layers=decoder["depth"],
        decoder_num_attention_heads=decoder["heads"],
        decoder_intermediate_size=round(decoder["width"] * decoder["mlpRatio"]),
        layer_norm_eps=configuration["normEpsilon"],
        qkv_bias=configuration["qkvBias"],
        norm_pix_loss=configuration["target"] == "normalized-pixels",
        mask_ratio=mask_ratio,
    )
    if height != width:
        allow_any_shape()
    model = ViTMAEForPreTraining(config)
    set_positions(model, configuration)
    return model


def set_positions(model, configuration):
    rows = configuration["height"] // configuration["patch"]
    columns = configuration["width"] // configuration["patch"]
    for table in (model.vit.embeddings.position_embeddings, model.decoder.decoder_pos_embed):
        table.data.copy_(position_table(rows, columns, table.shape[-1]))


def allow_any_shape():
    """Lets transformers' ViTMAE be created, loaded and run for images that are not square.

    Version 5.23 cannot even create such a model: it writes a square position table into one that is
    not, and its `patchify` refuses the image. The table is ours anyway (`set_positions`), so writing it
    becomes nothing; `patchify` is called with its own flag that skips the refusal. Forward pass and
    loss stay its own.
    """
    from transformers.models.vit_mae import modeling_vit_mae as module

    module.ViTMAEEmbeddings.initialize_weights = lambda self: None
    module.ViTMAEDecoder.initialize_weights = lambda self, patches: None
    patchify = module.ViTMAEForPreTraining.patchify
    if patchify.__name__ == "patchify":
        module.ViTMAEForPreTraining.patchify = (
            lambda self, images, interpolate_pos_encoding=False: patchify(self, images, True)
        )


# -- Files ---------------------------------------------------------------------------------------


def output_folder(suite):
    """`Goldens/<suite>/`, or the same below the folder given as the script's only argument."""
    root = pathlib.Path(__file__).resolve().parents[2] / "Goldens"
    if len(sys.argv) > 1:
        root = pathlib.Path(sys.argv[1])
    folder = root / suite
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def write(path, tensors):
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}, path)
    path.chmod(0o644)
    if path.stat().st_size > 400_000:
        sys.exit(f"{path.name}: {path.stat().st_size} bytes; a golden stays below 400,000")


def greatest_difference(values, references):
    """The largest |a − b| over the arrays of two dictionaries with the same keys."""
    return max(
        ((values[key].double() - references[key].double()).abs().max().item() for key in values),
        default=0.0,
    )


def rounded(number):
    """Two digits: enough to choose a tolerance by."""
    return float(f"{number:.1e}")


def write_manifest(folder, script, packages, seed, tolerance, cases, notes=(), **extra):
    """`tolerance` is {"absolute", "relative", "ofLargest"}: |ours − golden| ≤ absolute + relative · |golden|
    for each element, as torch.testing.assert_close has it, and ofLargest · max|golden| of the array on
    top, for sums whose terms cancel; what is left out is 0."""
    import importlib.metadata

    content = {
        "suite": folder.name,
        "script": f"scripts/goldens/{pathlib.Path(script).name}",
        "packages": {
            name: importlib.metadata.version(name) for name in ("torch", *packages)
        },
        "seed": seed,
        "tolerance": tolerance,
        "notes": list(notes),
        **extra,
        "cases": cases,
    }
    text = json.dumps(content, indent=2, ensure_ascii=False)
    text = re.sub(  # a list of numbers on one line
        r"\[[-+.\de,\s]+\]", lambda match: "[" + " ".join(match[0][1:-1].split()) + "]", text
    )
    (folder / "manifest.json").write_text(text + "\n", encoding="utf-8")
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    print(f"{folder.name}: {len(cases)} cases, {size / 1000:.0f} kB")
