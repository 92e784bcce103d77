"""Goldens/mask-tokens: a masked autoencoder whose encoder sees mask tokens (He et al., 2022, Table 1c).

The network is written here of torch's and timm's layers, as the paper describes it: every patch is embedded,
hidden ones are replaced by the encoder's mask token before positions are added, the encoder sees all
tokens, and a decoder without a mask token of its own predicts from all of its outputs. Tokens stay row
by row.

    pixel_values [B, C, H, W]  noise [B, N]                      inputs; the patches of least noise are seen
    loss []  pred [B, N, P·P·C]  latent [B, 1+N, D]              `loss` is over hidden patches
    weight.<our name>   grad.<our name>
"""

import functools

from common import *

from timm.models.vision_transformer import Block

SEED = 31
SHAPE = model_configuration(8, 12, 2, 4, side(16, 2, 4), side(12, 2, 3), "pixels")
KEPT = 2


class MaskTokenAutoencoder(torch.nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.patch = shape["patch"]
        encoder, decoder = shape["encoder"], shape["decoder"]
        rows, columns = shape["height"] // self.patch, shape["width"] // self.patch
        width, inner = encoder["width"], decoder["width"]
        self.cls_token = torch.nn.Parameter(torch.zeros(1, 1, width))
        self.mask_token = torch.nn.Parameter(torch.zeros(1, 1, width))
        self.register_buffer("pos_embed", position_table(rows, columns, width))
        self.register_buffer("decoder_pos_embed", position_table(rows, columns, inner))
        self.patch_embed = torch.nn.Module()
        self.patch_embed.proj = torch.nn.Conv2d(shape["channels"], width, self.patch, self.patch)

        def stack(s):
            norm = functools.partial(torch.nn.LayerNorm, eps=shape["normEpsilon"])
            return torch.nn.Sequential(
                *[
                    Block(s["width"], s["heads"], s["mlpRatio"], qkv_bias=True, norm_layer=norm)
                    for _ in range(s["depth"])
                ]
            )

        self.blocks, self.decoder_blocks = stack(encoder), stack(decoder)
        self.norm = torch.nn.LayerNorm(width, eps=shape["normEpsilon"])
        self.decoder_norm = torch.nn.LayerNorm(inner, eps=shape["normEpsilon"])
        self.decoder_embed = torch.nn.Linear(width, inner)
        self.decoder_pred = torch.nn.Linear(inner, self.patch**2 * shape["channels"])

    def forward(self, images, hidden):
        tokens = self.patch_embed.proj(images).flatten(2).transpose(1, 2)
        tokens = torch.where(hidden.unsqueeze(-1), self.mask_token, tokens)
        first = self.cls_token.expand(len(images), -1, -1)
        latent = self.norm(self.blocks(torch.cat([first, tokens], 1) + self.pos_embed))
        x = self.decoder_blocks(self.decoder_embed(latent) + self.decoder_pos_embed)
        return latent, self.decoder_pred(self.decoder_norm(x))[:, 1:]

    def patchify(self, images):
        b, c, h, w = images.shape
        p = self.patch
        cut = images.reshape(b, c, h // p, p, w // p, p).permute(0, 2, 4, 3, 5, 1)
        return cut.reshape(b, (h // p) * (w // p), p * p * c)


def run(model, images, noise):
    model.zero_grad()
    hidden = noise.argsort(1).argsort(1) >= KEPT
    latent, prediction = model(images, hidden)
    errors = ((prediction - model.patchify(images)) ** 2).mean(-1)
    loss = errors[hidden].mean()
    loss.backward()
    gradients = {f"grad.{n}": p.grad for n, p in model.named_parameters()}
    return {"loss": loss, "pred": prediction, "latent": latent, **gradients}


def main():
    folder = output_folder("mask-tokens")
    rng = generator(SEED)
    model = MaskTokenAutoencoder(SHAPE)
    randomize(model, rng)
    images = torch.randn(3, SHAPE["channels"], SHAPE["height"], SHAPE["width"], generator=rng)
    noise = torch.rand(3, 6, generator=rng)
    out = run(model, images, noise)
    weights = {f"weight.{name}": tensor for name, tensor in model.state_dict().items()}
    write(
        folder / "model.safetensors",
        {"pixel_values": images, "noise": noise, **weights, **out},
    )
    exact = run(model.double(), images.double(), noise.double())
    cases = [
        dict(
            name="model",
            model={**SHAPE, "encodesMaskTokens": True},
            kept=KEPT,
            note="2 × 3 patches of 4 × 4, two channels, two patches of six seen",
            float64Difference=rounded(greatest_difference(out, exact)),
        )
    ]
    write_manifest(
        folder, __file__, ["timm", "safetensors"], SEED, {"absolute": 2e-6, "relative": 1e-5}, cases
    )


main()
