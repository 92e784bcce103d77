"""Goldens/dense: encoders over whole images, relative positions, and a segmenter.

`beit/{weights,gradients,values}.safetensors`: transformers' BeitForSemanticSegmentation, with weights
under our names: images, labels (255 → −1), logits in evaluation, loss, auxiliary included, with its
gradients in training, running statistics after that step; a picture’s bytes and
labels. Its `out_indices` k mean after block k − 1.
`beit/hf/`: the folder that transformers saves of it.
`vitdet.safetensors`: transformers' VitDetBackbone; `sam.safetensors`: timm's VisionTransformerSAM;
`tables.safetensors`: timm's RelPosBias; `shared.safetensors`: the encoder of Table 4, for which there
is no installable peer: computed here from the rule (MIMDet's models/benchmarking.py) by torch.
"""

from common import *

import timm.layers.pos_embed_rel as rel
from timm.models.vision_transformer_sam import VisionTransformerSAM
from transformers import BeitConfig, BeitForSemanticSegmentation, VitDetBackbone, VitDetConfig
from transformers.utils import logging

logging.set_verbosity_error()
logging.disable_progress_bar()
SEED = 23


def show(module, rng):
    """Values that show everywhere, running statistics and relative positions too."""
    randomize(module, rng)
    for name, parameter in module.named_parameters():
        if "rel_pos" in name or "bias_table" in name:
            parameter.data.copy_(0.5 * torch.randn(parameter.shape, generator=rng))
        if "lambda" in name:
            parameter.data.copy_(0.4 + 0.2 * torch.randn(parameter.shape, generator=rng))
    for name, buffer in module.named_buffers():
        if name.endswith("running_mean"):
            buffer.copy_(0.2 * torch.randn(buffer.shape, generator=rng))
        if name.endswith("running_var"):
            buffer.copy_(0.5 + torch.rand(buffer.shape, generator=rng))


# -- BEiT's segmenter ------------------------------------------------------------------------------


def beit_names(tensors):
    """A dictionary under transformers' names in memory as one under ours."""
    result = {}
    for name, tensor in tensors.items():
        if name.endswith("num_batches_tracked") or ".k_proj." in name or ".v_proj." in name:
            continue
        ours = name
        for part, replacement in (
            ("beit.embeddings.cls_token", "cls_token"),
            ("beit.embeddings.position_embeddings", "pos_embed"),
            ("beit.embeddings.patch_embeddings.projection.", "patch_embed.proj."),
            ("beit.layers.", "blocks."),
            (".attention.q_proj.", ".attn.qkv."),
            (".attention.o_proj.", ".attn.proj."),
            (".layernorm_before.", ".norm1."),
            (".layernorm_after.", ".norm2."),
            (".lambda_", ".gamma_"),
            (".relative_position_bias.", ".attn."),
            ("fpn.fpn1.conv_transpose1.", "neck.upsample_4x.0."),
            ("fpn.fpn1.normalization.", "neck.upsample_4x.1."),
            ("fpn.fpn1.conv_transpose2.", "neck.upsample_4x.3."),
            ("fpn.fpn2.", "neck.upsample_2x.0."),
            (".psp_bottleneck.", ".bottleneck."),
            (".psp_modules.blocks.", ".psp_modules."),
            (".convolution.", ".conv."),
            (".normalization.", ".bn."),
            (".classifier.", ".conv_seg."),
        ):
            ours = ours.replace(part, replacement)
        for index in range(4):
            ours = ours.replace(f".psp_modules.{index}.conv.", f".psp_modules.{index}.1.")
        if ".q_proj.weight" in name:
            parts = [tensors[name.replace(".q_proj.", f".{p}_proj.")] for p in "qkv"]
            tensor = torch.cat(parts)
        if ".q_proj.bias" in name:
            value = tensors[name.replace(".q_proj.", ".v_proj.")]
            tensor = torch.cat([tensor, torch.zeros_like(tensor), value])
        result[ours] = tensor
    return result


def beit(folder, rng):
    depth, width = 5, 12
    config = BeitConfig(
        image_size=32,
        patch_size=8,
        hidden_size=width,
        num_hidden_layers=depth,
        num_attention_heads=3,
        intermediate_size=20,
        use_absolute_position_embeddings=True,
        use_relative_position_bias=True,
        layer_scale_init_value=0.1,
        drop_path_rate=0.0,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        layer_norm_eps=1e-6,
        out_indices=[2, 3, 4, 5],  # after blocks 1, 2, 3, 4
        auxiliary_channels=8,
        num_labels=4,
        use_mask_token=False,
    )
    model = BeitForSemanticSegmentation(config)
    show(model, rng)
    images = torch.randn([3, 3, 32, 32], generator=rng)
    labels = torch.randint(0, 4, [3, 32, 32], generator=rng)
    labels[:, :6, 5:] = 255
    before = {name: tensor.clone() for name, tensor in beit_names(model.state_dict()).items()}
    model.eval()
    with torch.no_grad():
        logits = model(pixel_values=images).logits
    # As it is published: names of the file, config.json, and a picture's labels by its own rule.
    model.save_pretrained(folder / "beit" / "hf")
    (folder / "beit" / "hf" / "preprocessor_config.json").write_text(
        json.dumps({"image_mean": [0.5] * 3, "image_std": [0.5] * 3}) + "\n"
    )
    picture = torch.randint(0, 256, [32, 32, 3], generator=rng, dtype=torch.uint8)
    with torch.no_grad():
        pixels = (picture.permute(2, 0, 1)[None].float() / 255 - 0.5) / 0.5
        scores = model(pixel_values=pixels).logits
        full = torch.nn.functional.interpolate(
            scores, size=(32, 32), mode="bilinear", align_corners=False
        )
    model.train()
    loss = model(pixel_values=images, labels=labels).loss
    loss.backward()
    gradients = {
        name: torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        for name, parameter in model.named_parameters()
    }
    after = beit_names(model.state_dict())
    write(folder / "beit" / "weights.safetensors", before)
    write(folder / "beit" / "gradients.safetensors", beit_names(gradients))
    write(
        folder / "beit" / "values.safetensors",
        {
            "images": images,
            "labels": torch.where(labels == 255, -1, labels),
            "logits": logits,
            "loss": loss,
            "picture": picture,
            "picture.labels": full.argmax(1)[0],
        }
        | {"after." + name: t for name, t in after.items() if "running" in name},
    )
    return dict(name="beit", note="BeitForSemanticSegmentation, 5 blocks, taps 1–4, 32 × 32, patch 8")


# -- ViTDet's encoder ------------------------------------------------------------------------------


def encoder_case(folder, name, module, rename, images, rng):
    """Map, and gradients of sum(map · upstream)."""
    tensors = {rename(k): v.clone() for k, v in module.state_dict().items() if rename(k)}
    output = module(images)
    upstream = torch.randn(output.shape, generator=rng)
    (output * upstream).sum().backward()
    gradients = {rename(k): p.grad for k, p in module.named_parameters() if rename(k)}
    write(
        folder / f"{name}.safetensors",
        {"images": images, "output": output, "upstream": upstream}
        | {"weight." + k: v for k, v in tensors.items()}
        | {"grad." + k: v for k, v in gradients.items()},
    )


class Mapped(torch.nn.Module):
    def __init__(self, module, call):
        super().__init__()
        self.module = module
        self.call = call

    def forward(self, images):
        return self.call(self.module, images)


def vitdet_name(name):
    for part, replacement in (
        ("module.embeddings.position_embeddings", "pos_embed"),
        ("module.embeddings.projection.", "patch_embed.proj."),
        ("module.encoder.layer.", "blocks."),
        (".attention.", ".attn."),
    ):
        name = name.replace(part, replacement)
    return name


def vitdet(folder, rng):
    model = VitDetBackbone(
        VitDetConfig(
            hidden_size=12,
            num_hidden_layers=4,
            num_attention_heads=3,
            mlp_ratio=2,
            image_size=28,
            pretrain_image_size=16,
            patch_size=4,
            window_size=3,
            window_block_indices=[0, 2],
            use_absolute_position_embeddings=True,
            use_relative_position_embeddings=True,
            out_features=["stage4"],
            drop_path_rate=0.0,
        )
    )
    show(model, rng)
    images = torch.randn([2, 3, 28, 20], generator=rng)
    module = Mapped(model, lambda m, x: m(x).feature_maps[-1])
    encoder_case(folder, "vitdet", module, vitdet_name, images, rng)
    return dict(
        name="vitdet",
        note="VitDetBackbone: positions of 4 × 4 patches on 7 × 5, windows of 3 filled up with zeros, "
        "rows of 7 × 7 interpolated to 7 × 5",
    )


def sam(folder, rng):
    model = VisionTransformerSAM(
        img_size=(28, 20),
        patch_size=4,
        embed_dim=12,
        depth=3,
        num_heads=3,
        mlp_ratio=2,
        use_rel_pos=True,
        window_size=3,
        global_attn_indexes=(1,),
        neck_chans=0,
        num_classes=0,
        norm_layer=lambda width, **options: torch.nn.LayerNorm(width, eps=1e-6, **options),
    )
    show(model, rng)
    images = torch.randn([2, 3, 28, 20], generator=rng)

    # What stands before its neck, a norm.
    def maps(m, x):
        x = m.patch_embed(x) + m.pos_embed
        return m.blocks(x).permute(0, 3, 1, 2)

    def rename(name):
        name = name.removeprefix("module.")
        return None if name.startswith(("neck", "head")) else name

    encoder_case(folder, "sam", Mapped(model, maps), rename, images, rng)
    return dict(name="sam", note="VisionTransformerSAM before its neck; pos_embed is [1, 7, 5, 12]")


# -- Tables ----------------------------------------------------------------------------------------


def tables(folder, rng):
    values = {}
    for prefix, name in ((0, "patches"), (1, "class")):
        module = rel.RelPosBias((3, 5), num_heads=2, prefix_tokens=prefix)
        show(module, rng)
        values[name + ".table"] = module.relative_position_bias_table
        values[name + ".bias"] = module.get_bias()[0]
    write(folder / "tables.safetensors", values)
    return dict(name="tables", note="timm's RelPosBias((3, 5), 2) without and with a class token")


def shared(folder, rng):
    """Windows of 2 × 2 without padding and global blocks, one table for each kind: the rule."""
    from timm.models.vision_transformer import Block

    heads, width, side, rows, columns = 3, 12, 4, 4, 6
    norm = lambda d, **o: torch.nn.LayerNorm(d, eps=1e-6, **o)
    model = torch.nn.Module()
    model.patch_embed = torch.nn.Module()
    model.patch_embed.proj = torch.nn.Conv2d(3, width, side, side)
    model.pos_embed = torch.nn.Parameter(torch.zeros(1, 1 + rows * columns, width))
    model.blocks = torch.nn.ModuleList(
        Block(width, heads, mlp_ratio=2, qkv_bias=True, norm_layer=norm) for _ in range(4)
    )
    model.window_positions = rel.RelPosBias((2, 2), heads)
    model.global_positions = rel.RelPosBias((rows, columns), heads)
    show(model, rng)

    def attend(attention, x, table):
        batch, count, _ = x.shape
        q, k, v = attention.qkv(x).reshape(batch, count, 3, heads, -1).permute(2, 0, 3, 1, 4)
        logits = table(q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5)
        mixed = (logits.softmax(-1) @ v).transpose(1, 2).reshape(batch, count, -1)
        return attention.proj(mixed)

    def maps(m, x):
        x = m.patch_embed.proj(x).flatten(2).transpose(1, 2) + m.pos_embed[:, 1:]
        found = []
        for index, block in enumerate(m.blocks):
            y = block.norm1(x)
            if index % 2 == 0:  # windows
                y = y.reshape(-1, rows // 2, 2, columns // 2, 2, width).transpose(2, 3)
                y = attend(block.attn, y.reshape(-1, 4, width), m.window_positions)
                y = y.reshape(-1, rows // 2, columns // 2, 2, 2, width).transpose(2, 3)
                y = y.reshape(-1, rows * columns, width)
            else:
                y = attend(block.attn, y, m.global_positions)
            x = x + y
            x = x + block.mlp(block.norm2(x))
            if index % 2 == 1:
                found.append(x.transpose(1, 2).reshape(-1, width, rows, columns))
        return torch.cat(found, dim=1)

    images = torch.randn([2, 3, rows * side, columns * side], generator=rng)
    encoder_case(
        folder, "shared", Mapped(model, maps), lambda n: n.removeprefix("module."), images, rng
    )
    return dict(
        name="shared",
        note="the rule of Table 4's encoder, computed in this script: no peer; maps after blocks 2 and 4",
    )


def main():
    folder = output_folder("dense")
    rng = generator(SEED)
    cases = [make(folder, rng) for make in (beit, vitdet, sam, tables, shared)]
    write_manifest(
        folder,
        __file__,
        ["timm", "transformers", "safetensors"],
        SEED,
        {"absolute": 2e-5, "relative": 2e-5, "ofLargest": 1e-5},
        cases,
        notes=[
            "BEiT has no bias of keys: that third of qkv.bias is zero and its gradient not BEiT's",
            "beit: the loss is HF's, the mean over pixels that are not ignored, plus 0.4 of the auxiliary",
        ],
    )


main()
