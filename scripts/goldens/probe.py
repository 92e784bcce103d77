"""Goldens of the linear probe: scikit-learn's LogisticRegression on standardised rows.

`Goldens/probe/probe.safetensors`: `training` [90, 6] float32, `labels` [90] int64, `test` [30, 6], and
for each strength C `NAME.log_probabilities` [30, 4] of the test rows and `NAME.value` [], the
objective `Σ cross-entropy / n + ‖W‖² / (2·C·n)` at the solution, float64. Ninety rows in four
overlapping clusters of unequal size and scale, so that no C separates them.
"""

import numpy
import torch
from common import generator, output_folder, write, write_manifest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

SEED = 11
STRENGTHS = {"weak": 0.01, "usual": 1.0, "strong": 10.0}

folder = output_folder("probe")
rng = generator(SEED)
classes, width = 4, 6
centres = 1.5 * torch.randn(classes, width, generator=rng)
scales = torch.tensor([0.1, 1.0, 10.0, 1.0, 100.0, 0.01])


def draw(sizes):
    labels = torch.cat([torch.full([size], k) for k, size in enumerate(sizes)])
    rows = centres[labels] + torch.randn(len(labels), width, generator=rng)
    return (rows * scales + 3 * scales).float(), labels.long()


training, labels = draw([40, 25, 15, 10])
test, _ = draw([8, 8, 7, 7])
scaler = StandardScaler().fit(training.double().numpy())
rows = scaler.transform(training.double().numpy())
tensors = {"training": training, "labels": labels, "test": test}
cases = []
for name, strength in STRENGTHS.items():
    model = LogisticRegression(C=strength, tol=1e-12, max_iter=100_000).fit(rows, labels.numpy())
    log_probabilities = model.predict_log_proba(scaler.transform(test.double().numpy()))
    own = model.predict_log_proba(rows)[numpy.arange(len(labels)), labels.numpy()]
    value = -own.mean() + 0.5 * (model.coef_**2).sum() / (strength * len(labels))
    tensors[f"{name}.log_probabilities"] = torch.from_numpy(log_probabilities)
    tensors[f"{name}.value"] = torch.tensor(value, dtype=torch.float64)
    cases.append({"name": name, "strength": strength})
write(folder / "probe.safetensors", tensors)
write_manifest(
    folder, __file__, ("scikit-learn", "safetensors"), SEED,
    {"absolute": 5e-4, "relative": 1e-3}, cases,
    notes=["float32 against float64, and a solver that stops at a gradient of 1e-5"],
)
