"""Makes Goldens/pytorch-files: small files of torch.save, and what they hold as safetensors.

    state.pth      a state dict with its metadata, as `model.state_dict()` gives it
    mae.pth        a checkpoint as the paper's code leaves it: model, optimizer, epoch, scaler, args
    views.pth      every type; a transposed, a narrowed and an expanded view; shared memory
    protocol5.pth  views.pth with the newest pickle protocol
    legacy.pth     the format before PyTorch 1.6, which is refused
    module.pth     a whole module, which is refused
    *.safetensors  the tensors of the first four
    manifest.json  versions and seed

Run with torch 2.13.0, safetensors 0.8.0:
    python scripts/goldens/pytorch_files.py
"""

import argparse
import collections
import json
import pathlib

import safetensors
import torch
from safetensors.torch import save_file

OUT = pathlib.Path(__file__).resolve().parents[2] / "Goldens" / "pytorch-files"


def save(name, value, tensors=None, **options):
    torch.save(value, OUT / f"{name}.pth", **options)
    if tensors is not None:
        save_file({k: v.detach().contiguous().clone() for k, v in tensors.items()},
                  OUT / f"{name}.safetensors")


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    save("state", model.state_dict(), model.state_dict())

    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.95))
    model(torch.randn(4, 3)).sum().backward()
    optimizer.step()
    args = argparse.Namespace(
        batch_size=64, lr=None, blr=1.5e-4, mask_ratio=0.75, norm_pix_loss=True, seed=2**70,
        data_path="data", nested={"a": [1, (2, 3), {"b": -1.5}]}, negative=-7, large=-(2**40))
    save("mae", {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 399,
                 "scaler": {"scale": 65536.0}, "args": args}, model.state_dict())

    base = torch.arange(24.).reshape(4, 6)
    views = collections.OrderedDict(
        whole=base, transposed=base.t(), narrowed=base[1:3, 2:5], expanded=base[:1].expand(3, 6),
        scalar=torch.tensor(2.5, dtype=torch.float64), empty=torch.zeros(0, 3),
        parameter=torch.nn.Parameter(torch.tensor([1.0, 2.0])),
        half=torch.tensor([1.5, -2]).half(), bf=torch.tensor([1.5, -2]).bfloat16(),
        i64=torch.tensor([-(2**62)]), i32=torch.tensor([-(2**30)], dtype=torch.int32),
        i16=torch.tensor([-7], dtype=torch.int16), i8=torch.tensor([-1], dtype=torch.int8),
        u8=torch.tensor([255], dtype=torch.uint8), flags=torch.tensor([True, False]))
    save("views", views, views)
    save("protocol5", {"state_dict": views}, views, pickle_protocol=5)
    save("legacy", model.state_dict(), _use_new_zipfile_serialization=False)
    save("module", model)
    (OUT / "manifest.json").write_text(json.dumps({
        "script": "scripts/goldens/pytorch_files.py", "seed": 0, "tolerance": 0,
        "versions": {"torch": torch.__version__.split("+")[0],
                     "safetensors": safetensors.__version__},
    }, indent=2) + "\n")


if __name__ == "__main__":
    main()
