"""Goldens/schedules: learning rates, optimizers, clipping and weight averaging.

`rates.safetensors`: `<case>` [iterations] float64, or, of long schedules, `<case>` at the iterations
`<case>.iterations` int64. From timm's CosineLRScheduler, updated at each iteration.

`<optimizer case>.safetensors`: two tensors, `matrix` [4, 3] and `vector` [3], moved ten times by gradients
that are given and do not depend on them:
    start.<tensor>   gradient.<tensor> [10, …]   after.<tensor> [10, …]   rates [10] float64
`clip.safetensors`, `ema.safetensors`: keys in the manifest.
"""

from common import *

import timm.optim
import timm.scheduler
import timm.utils

SEED = 4
STEPS = 10

SCHEDULES = [
    dict(name="paper", base=1.5e-4, batch=4096, epochs=800, warmup=40, steps=312, minimum=0.0),
    dict(name="demo", base=1.5e-4, batch=256, epochs=10, warmup=2, steps=7, minimum=0.0),
    dict(name="no-warmup", base=1e-3, batch=64, epochs=3, warmup=0, steps=5, minimum=0.0),
    dict(name="minimum", base=5e-4, batch=1024, epochs=6, warmup=1, steps=10, minimum=1e-6),
    dict(name="probe", base=0.1, batch=16384, epochs=90, warmup=10, steps=78, minimum=0.0),
    dict(name="one-step-epochs", base=1.0, batch=256, epochs=9, warmup=4, steps=1, minimum=0.25),
]


def rates(case):
    """timm's scheduler set so that it gives the paper's schedule: `warmup_prefix` puts the cosine after
    the warm-up instead of under it, and `t_in_epochs=False` counts iterations."""
    peak = case["base"] * case["batch"] / 256
    warmup = case["warmup"] * case["steps"]
    total = case["epochs"] * case["steps"]
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=peak)
    scheduler = timm.scheduler.CosineLRScheduler(
        optimizer,
        t_initial=total - warmup,
        lr_min=case["minimum"],
        warmup_t=warmup,
        warmup_lr_init=0.0,
        warmup_prefix=True,
        t_in_epochs=False,
    )
    values = []
    for iteration in range(total):
        scheduler.step_update(iteration)
        values.append(optimizer.param_groups[0]["lr"])
    return torch.tensor(values, dtype=torch.float64)


OPTIMIZERS = [
    dict(
        name="adamw",
        kind="AdamW",
        decay=0.05,
        note="torch.optim.AdamW, betas 0.9 0.95, eps 1e-8; the vector is not decayed",
        make=lambda groups: torch.optim.AdamW(groups, betas=(0.9, 0.95), eps=1e-8),
    ),
    dict(
        name="adamw-999",
        kind="AdamW",
        decay=0.3,
        note="torch.optim.AdamW, betas 0.9 0.999, eps 1e-8; the vector is not decayed",
        make=lambda groups: torch.optim.AdamW(groups, betas=(0.9, 0.999), eps=1e-8),
    ),
    dict(
        name="sgd",
        kind="SGD",
        decay=0.01,
        note="torch.optim.SGD, momentum 0.9; the vector is not decayed",
        make=lambda groups: torch.optim.SGD(groups, momentum=0.9),
    ),
    dict(
        name="sgd-nesterov",
        kind="SGD",
        decay=0.01,
        note="torch.optim.SGD, momentum 0.9, nesterov; the vector is not decayed",
        make=lambda groups: torch.optim.SGD(groups, momentum=0.9, nesterov=True),
    ),
    dict(
        name="sgd-plain",
        kind="SGD",
        decay=0.0,
        note="torch.optim.SGD without momentum",
        make=lambda groups: torch.optim.SGD(groups),
    ),
    dict(
        name="lars",
        kind="LARS",
        decay=0.0,
        note="timm.optim.Lars, momentum 0.9, trust 1e-3, eps 1e-8; always_adapt for the matrix, "
        "neither adaptation nor decay for the vector (the paper's linear probe)",
        make=lambda groups: timm.optim.Lars(
            [{**groups[0], "always_adapt": True}, groups[1]], momentum=0.9, trust_coeff=1e-3
        ),
    ),
    dict(
        name="lars-decay",
        kind="LARS",
        decay=1e-2,
        note="as lars, the matrix decayed: ratio 1e-3 · |w| / (|g| + decay · |w| + 1e-8), "
        "multiplied onto g + decay · w",
        make=lambda groups: timm.optim.Lars(
            [{**groups[0], "always_adapt": True}, groups[1]], momentum=0.9, trust_coeff=1e-3
        ),
    ),
]


def trajectory(case, rng, dtype=torch.float32):
    start = {
        "matrix": torch.randn(4, 3, generator=rng),
        "vector": torch.randn(3, generator=rng),
    }
    gradients = {
        name: torch.randn(STEPS, *tensor.shape, generator=rng) for name, tensor in start.items()
    }
    if case["kind"] == "LARS":
        gradients["matrix"][3] = 0  # the ratio of a zero gradient is 1
    peak = {"AdamW": 0.02, "SGD": 0.05, "LARS": 6.4}[case["kind"]]
    steps = [peak * (1 - step / (2 * STEPS)) for step in range(STEPS)]
    tensors = {
        name: torch.nn.Parameter(tensor.to(dtype, copy=True)) for name, tensor in start.items()
    }
    optimizer = case["make"](
        [
            {"params": [tensors["matrix"]], "lr": peak, "weight_decay": case["decay"]},
            {"params": [tensors["vector"]], "lr": peak, "weight_decay": 0.0},
        ]
    )
    after = {name: [] for name in tensors}
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = steps[step]
        for name, tensor in tensors.items():
            tensor.grad = gradients[name][step].to(dtype, copy=True)
        optimizer.step()
        for name, tensor in tensors.items():
            after[name].append(tensor.detach().clone())
    return {
        "rates": torch.tensor(steps, dtype=torch.float64),
        **{f"start.{name}": tensor for name, tensor in start.items()},
        **{f"gradient.{name}": tensor for name, tensor in gradients.items()},
        **{f"after.{name}": torch.stack(values) for name, values in after.items()},
    }


def clip(rng):
    """`<case>.gradient.{a,b}` clipped to `<case>.clipped.{a,b}`; `<case>.norm` [] is the norm before."""
    result = {}
    for name, scale in (("large", 3.0), ("small", 0.05), ("zero", 0.0)):
        parts = {"a": torch.randn(4, 3, generator=rng), "b": torch.randn(5, generator=rng)}
        holders = []
        for part, values in parts.items():
            result[f"{name}.gradient.{part}"] = values * scale
            holder = torch.nn.Parameter(torch.zeros_like(values))
            holder.grad = (values * scale).clone()
            holders.append(holder)
        result[f"{name}.norm"] = torch.nn.utils.clip_grad_norm_(holders, 1.0)
        for part, holder in zip(parts, holders):
            result[f"{name}.clipped.{part}"] = holder.grad
    return result


def averages(rng):
    """`weights` [11, 4, 3]: a parameter at the start and after each step; `<case>` [10, 4, 3]: its average
    after each step."""
    weights = torch.randn(STEPS + 1, 4, 3, generator=rng)
    result = {"weights": weights}
    for name, options in (
        ("fixed", dict(decay=0.9)),
        ("slow", dict(decay=0.9999)),
        ("warmup", dict(decay=0.9, use_warmup=True)),
    ):
        model = torch.nn.Linear(3, 4, bias=False)
        model.weight.data.copy_(weights[0])
        average = timm.utils.ModelEmaV3(model, **options)
        values = []
        for step in range(STEPS):
            model.weight.data.copy_(weights[step + 1])
            average.update(model, step=step + 1 if "use_warmup" in options else None)
            values.append(average.module.weight.detach().clone())
        result[name] = torch.stack(values)
    return result


def main():
    folder = output_folder("schedules")
    cases, tensors = [], {}
    for case in SCHEDULES:
        values = rates(case)
        whole = len(values) <= 200
        if not whole:
            last, warmup = len(values) - 1, case["warmup"] * case["steps"]
            fixed = {0, 1, warmup - 1, warmup, warmup + 1, last - 1, last}
            even = {last * part // 50 for part in range(51)}
            indices = torch.tensor(sorted(fixed | even))
            tensors[f"{case['name']}.iterations"] = indices
            values = values[indices]
        tensors[case["name"]] = values
        cases.append(
            {
                "name": case["name"],
                "kind": "rates",
                "file": "rates.safetensors",
                "baseRate": case["base"],
                "effectiveBatch": case["batch"],
                "epochs": case["epochs"],
                "warmupEpochs": case["warmup"],
                "stepsPerEpoch": case["steps"],
                "minimum": case["minimum"],
                "whole": whole,
            }
        )
    write(folder / "rates.safetensors", tensors)
    for number, case in enumerate(OPTIMIZERS):
        out = trajectory(case, generator(SEED * 1000 + number))
        exact = trajectory(case, generator(SEED * 1000 + number), torch.float64)
        write(folder / f"{case['name']}.safetensors", out)
        cases.append(
            {
                "name": case["name"],
                "kind": case["kind"],
                "file": f"{case['name']}.safetensors",
                "weightDecay": case["decay"],
                "note": case["note"],
                "float64Difference": rounded(greatest_difference(out, exact)),
            }
        )
    write(folder / "clip.safetensors", clip(generator(SEED * 1000 + 100)))
    write(folder / "ema.safetensors", averages(generator(SEED * 1000 + 101)))
    cases += [
        {
            "name": "clip",
            "kind": "clip",
            "file": "clip.safetensors",
            "maximum": 1.0,
            "note": "torch.nn.utils.clip_grad_norm_ of large, small and zero gradients: the factor is "
            "min(1, 1 / (norm + 1e-6))",
        },
        {
            "name": "ema",
            "kind": "ema",
            "file": "ema.safetensors",
            "decays": {"fixed": 0.9, "slow": 0.9999, "warmup": 0.9},
            "note": "timm.utils.ModelEmaV3; fixed and slow: average += (1 − decay) · (weight − average), "
            "from the starting weight; warmup: update(step = 1, 2, …), the decay at step s is 0 for s = 1 "
            "and min(0.9, 1 − s^(−2/3)) after",
        },
    ]
    write_manifest(
        folder,
        __file__,
        ["timm", "safetensors"],
        SEED,
        {"absolute": 5e-7, "relative": 1e-6},
        cases,
        notes=[
            "rates: compare in float64 within 1e-12 relative to the peak; peak = baseRate · "
            "effectiveBatch / 256",
            "rates at iteration i use i / stepsPerEpoch as the epoch; a fractional epoch counts",
            "lars: gradient.matrix[3] is zero, where the ratio is 1; timm leaves the ratio out of the "
            "vector's group because it has no decay and no always_adapt",
        ],
    )


if __name__ == "__main__":
    main()
