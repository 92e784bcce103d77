"""Goldens/dense-mmseg: the segmenter, its names, layer decay and rates as MMSegmentation has them.

Beside the packages of requirements.txt it needs those of requirements-mmseg.txt, which do not go together with
them by pip's rules; `make` installs them without dependencies into a folder of their own. mmcv-lite has no compiled
operators; the names that MMSegmentation imports of them are empty here, and no operator of theirs is used.

`segmenter.pth`: weights as a checkpoint has them, `values.safetensors`: images, scores in evaluation;
`groups.json`: each weight's rate and decay; `rates.safetensors`: the learning rate of steps.
"""

from common import *

import contextlib
import importlib.machinery
import io
import logging
import types


def empty_module(name):
    module = types.ModuleType(name)
    module.__spec__ = importlib.machinery.ModuleSpec(name, None)
    module.__file__ = name + ".py"
    module.__path__ = []
    module.__getattr__ = lambda attribute: type(attribute, (), {})
    sys.modules[name] = module


empty_module("mmcv.ops")
empty_module("mmcv.ops.multi_scale_deform_attn")

import warnings

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)
from mmengine.optim import OptimWrapper
from mmengine.optim.scheduler import LinearLR, PolyLR
from mmseg.engine.optimizers import LayerDecayOptimizerConstructor
from mmseg.models.backbones.mae import MAE
from mmseg.models.decode_heads import FCNHead, UPerHead
from mmseg.models.necks import Feature2Pyramid

SEED = 31
NORM = dict(type="BN", requires_grad=True)


class Segmenter(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = MAE(
            img_size=(32, 32),
            patch_size=8,
            embed_dims=12,
            num_layers=4,
            num_heads=3,
            mlp_ratio=2,
            out_indices=[0, 1, 2, 3],
            attn_drop_rate=0.0,
            drop_path_rate=0.0,
            norm_eval=False,
            init_values=1.0,
        )
        self.neck = Feature2Pyramid(embed_dim=12, rescales=[4, 2, 1, 0.5], norm_cfg=NORM)
        common = dict(num_classes=4, norm_cfg=NORM, align_corners=False, dropout_ratio=0.1)
        self.decode_head = UPerHead(
            in_channels=[12] * 4,
            in_index=[0, 1, 2, 3],
            pool_scales=(1, 2, 3, 6),
            channels=12,
            **common,
        )
        self.auxiliary_head = FCNHead(
            in_channels=12,
            in_index=2,
            channels=8,
            num_convs=1,
            concat_input=False,
            **common,
        )

    def forward(self, images):
        return self.decode_head(self.neck(self.backbone(images)))


def main():
    folder = output_folder("dense-mmseg")
    rng = generator(SEED)
    model = Segmenter()
    randomize(model, rng)
    for name, parameter in model.named_parameters():
        if "bias_table" in name:
            parameter.data.copy_(0.5 * torch.randn(parameter.shape, generator=rng))
        if "gamma" in name:
            parameter.data.copy_(0.4 + 0.2 * torch.randn(parameter.shape, generator=rng))
    for name, buffer in model.named_buffers():
        if name.endswith("running_mean"):
            buffer.copy_(0.2 * torch.randn(buffer.shape, generator=rng))
        if name.endswith("running_var"):
            buffer.copy_(0.5 + torch.rand(buffer.shape, generator=rng))
    model.eval()
    images = torch.randn([2, 3, 32, 32], generator=rng)
    with torch.no_grad():
        scores = model(images)
    torch.save({"meta": {}, "state_dict": model.state_dict()}, folder / "segmenter.pth")
    write(folder / "values.safetensors", {"images": images, "scores": scores})

    constructor = LayerDecayOptimizerConstructor(
        dict(type="OptimWrapper", optimizer=dict(type="AdamW", lr=1.0, weight_decay=0.05)),
        dict(num_layers=4, layer_decay_rate=0.65),
    )
    with contextlib.redirect_stdout(io.StringIO()):
        wrapper = constructor(model)
    groups = {
        name: [group["lr"], group["weight_decay"]]
        for group in wrapper.optimizer.param_groups
        for name in group["param_names"]
    }
    (folder / "groups.json").write_text(json.dumps(groups, indent=1) + "\n")

    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = OptimWrapper(torch.optim.SGD([parameter], lr=1e-4))
    total, warmup = 400, 30
    schedules = [
        LinearLR(optimizer, start_factor=1e-6, by_epoch=False, begin=0, end=warmup),
        PolyLR(optimizer, eta_min=0.0, power=1.0, begin=warmup, end=total, by_epoch=False),
    ]
    rates = []
    for _ in range(total):
        rates.append(optimizer.get_lr()["lr"][0])
        optimizer.step()
        for schedule in schedules:
            schedule.step()
    write(folder / "rates.safetensors", {"rates": torch.tensor(rates, dtype=torch.float64)})
    write_manifest(
        folder,
        __file__,
        ["mmsegmentation", "mmcv-lite", "mmengine", "safetensors"],
        SEED,
        {"absolute": 2e-5, "relative": 2e-5, "ofLargest": 1e-5},
        [dict(name="segmenter"), dict(name="groups"), dict(name="rates", warmup=warmup, total=total)],
        notes=["MAE, Feature2Pyramid, UPerHead and FCNHead; statistics fixed, as in evaluation"],
    )


main()
