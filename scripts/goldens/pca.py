"""Goldens/pca: principal components of patches, as scikit-learn's PCA finds and uses them.

`<case>.safetensors`:
    patches [M, V] float32                                    what the components are of, row by row
    mean [V]  components [K, V]  variances [K] float64        PCA(n_components=K, svd_solver="full")
    coefficients [M, K]  restored [M, V] float64              transform, inverse_transform
The sign of a component is scikit-learn's (`svd_flip` by rows): its element of largest magnitude is positive.
"""

from common import *

import numpy
from sklearn.decomposition import PCA

SEED = 53
CASES = [
    dict(name="some", rows=300, values=16, components=5, note="5 components of 16 values"),
    dict(name="all", rows=64, values=12, components=12, note="as many components as values"),
    dict(
        name="offset",
        rows=200,
        values=9,
        components=4,
        offset=40.0,
        note="a mean of 40, forty times the deviation: sums of squares would cancel in float32",
    ),
]


def main():
    folder = output_folder("pca")
    cases = []
    for number, case in enumerate(CASES):
        rng = generator(SEED + number)
        # Directions of very different spread, so that their order is not in question.
        mixing = torch.randn(case["values"], case["values"], generator=rng)
        spread = 2.0 ** -torch.arange(case["values"])
        patches = torch.randn(case["rows"], case["values"], generator=rng) * spread @ mixing
        patches = patches + case.get("offset", 0.0) + torch.randn(case["values"], generator=rng)
        data = patches.double().numpy()
        pca = PCA(n_components=case["components"], svd_solver="full").fit(data)
        coefficients = pca.transform(data)
        tensor = lambda array: torch.from_numpy(numpy.ascontiguousarray(array))
        write(
            folder / f"{case['name']}.safetensors",
            {
                "patches": patches,
                "mean": tensor(pca.mean_),
                "components": tensor(pca.components_),
                "variances": tensor(pca.explained_variance_),
                "coefficients": tensor(coefficients),
                "restored": tensor(pca.inverse_transform(coefficients)),
            },
        )
        cases.append(
            dict(name=case["name"], components=case["components"], note=case["note"])
        )
    write_manifest(
        folder,
        __file__,
        ["scikit-learn", "numpy", "safetensors"],
        SEED,
        {"absolute": 2e-6, "ofLargest": 2e-6},
        cases,
        notes=["the tolerance is for float32 results; sums are in float64"],
    )


main()
