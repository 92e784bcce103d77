"""Makes Goldens/published-weights: what other programs name the weights of a masked autoencoder.

    state-dicts.json   names and shapes of published models, as their classes list and save them
    hugging-face/      a tiny ViTMAEForPreTraining as transformers 5 saves it
    original.safetensors   the same weights joined and renamed here, by hand, to the original's names
    original.pth       the same as the paper's code leaves a checkpoint
    manifest.json      versions and seed

Run with transformers 5.23.0, timm 1.0.31, safetensors 0.8.0, torch 2.13.0:
    python scripts/goldens/published_weights.py
"""

import argparse
import json
import pathlib
import re
import tempfile

import safetensors
import timm
import torch
import transformers
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from transformers import ViTMAEConfig, ViTMAEForPreTraining, ViTMAEModel

OUT = pathlib.Path(__file__).resolve().parents[2] / "Goldens" / "published-weights"
# Small, with every size different: an exchanged pair cannot pass.
TINY = dict(
    image_size=8, patch_size=4, num_channels=2, hidden_size=12, num_hidden_layers=2,
    num_attention_heads=3, intermediate_size=20, decoder_hidden_size=8,
    decoder_num_hidden_layers=1, decoder_num_attention_heads=2, decoder_intermediate_size=28,
    norm_pix_loss=True, mask_ratio=0.5)


def shapes(model):
    return {name: list(value.shape) for name, value in model.state_dict().items()}


def saved_shapes(model):
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        with safe_open(folder + "/model.safetensors", "pt") as file:
            return {name: file.get_slice(name).get_shape() for name in file.keys()}


def original(name):
    """The original's name of one of transformers 5's; '@' where a third of a joined weight goes."""
    for pattern, replacement in [
        (r"^vit\.embeddings\.cls_token", "cls_token"),
        (r"^vit\.embeddings\.position_embeddings", "pos_embed"),
        (r"^vit\.embeddings\.patch_embeddings\.projection", "patch_embed.proj"),
        (r"^vit\.layernorm", "norm"),
        (r"^vit\.layers\.", "blocks."),
        (r"^decoder\.decoder_layers\.", "decoder_blocks."),
        (r"^decoder\.", ""),
        (r"layernorm_before", "norm1"),
        (r"layernorm_after", "norm2"),
        (r"attention\.([qkv])_proj\.(.*)", r"attn.qkv.\2@\1"),
        (r"attention\.o_proj", "attn.proj"),
    ]:
        name = re.sub(pattern, replacement, name)
    return name


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    tiny = ViTMAEForPreTraining(ViTMAEConfig(**TINY))
    for value in tiny.parameters():
        torch.nn.init.normal_(value)
    tiny.save_pretrained(OUT / "hugging-face")
    native, thirds = {}, {}
    for name, value in tiny.state_dict().items():
        own, _, third = original(name).partition("@")
        if third:
            thirds.setdefault(own, {})[third] = value
        else:
            native[own] = value.contiguous()
    for own, parts in thirds.items():
        native[own] = torch.cat([parts["q"], parts["k"], parts["v"]])
    save_file(native, OUT / "original.safetensors")
    torch.save({"model": native, "epoch": 1, "args": argparse.Namespace(mask_ratio=0.5)},
               OUT / "original.pth")
    with torch.device("meta"):
        base = ViTMAEForPreTraining(ViTMAEConfig())
        vit = timm.create_model("vit_base_patch16_224", num_classes=0, global_pool="token")
    lists = {
        "transformers 5 in memory, ViTMAEForPreTraining, tiny": shapes(tiny),
        "transformers 5 saved, ViTMAEForPreTraining, tiny": saved_shapes(tiny),
        "transformers 5 saved, ViTMAEModel, tiny": saved_shapes(ViTMAEModel(ViTMAEConfig(**TINY))),
        "transformers 5 in memory, ViTMAEForPreTraining, base": shapes(base),
        "timm, VisionTransformer, base": shapes(vit),
    }
    (OUT / "state-dicts.json").write_text(
        json.dumps(lists, separators=(",", ":")).replace('},"', '},\n"') + "\n")
    (OUT / "manifest.json").write_text(json.dumps({
        "script": "scripts/goldens/published_weights.py", "seed": 0, "tolerance": 0,
        "versions": {package.__name__: package.__version__.split("+")[0]
                     for package in (torch, transformers, timm, safetensors)},
    }, indent=2) + "\n")


if __name__ == "__main__":
    main()
