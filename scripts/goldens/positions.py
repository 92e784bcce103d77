"""Goldens/positions: fixed 2-D sin-cos position tables.

`tables.safetensors`: `<rows>x<columns>x<width>` [1 + rows·columns, width] float32, whole, a zero row for
the class token first. Of the large tables (a whole one would be 600 kB) `<name>.rows` holds the rows
named by `<name>.indices` int64, and `<name>.sum` [width] float64 the sum over all rows.
"""

import numpy as np

from common import *

WHOLE = [(1, 1, 4), (4, 4, 16), (2, 3, 8), (6, 4, 32), (3, 7, 24), (1, 5, 12), (8, 8, 192)]
PART = [(14, 14, 768), (14, 14, 512), (16, 16, 1280), (28, 28, 128)]


def formula(rows, columns, width):
    """The rule written out once more in numpy, to check the library's table against."""
    omega = 10000.0 ** (-np.arange(width // 4) / (width / 4))
    table = np.zeros((1 + rows * columns, width))
    for row in range(rows):
        for column in range(columns):
            parts = [f(p * omega) for p in (column, row) for f in (np.sin, np.cos)]
            table[1 + row * columns + column] = np.concatenate(parts)
    return torch.from_numpy(table)


def main():
    folder = output_folder("positions")
    tensors, cases = {}, []
    for rows, columns, width in WHOLE + PART:
        name = f"{rows}x{columns}x{width}"
        table = position_table(rows, columns, width)[0]
        exact = position_table(rows, columns, width, torch.float64)[0]
        assert (exact - formula(rows, columns, width)).abs().max() < 1e-12, name
        whole = (rows, columns, width) in WHOLE
        if whole:
            tensors[name] = table
        else:
            last = rows * columns
            indices = torch.tensor([0, 1, 2, columns, columns + 1, last // 2, last])
            tensors[f"{name}.rows"] = table[indices]
            tensors[f"{name}.indices"] = indices
            tensors[f"{name}.sum"] = exact.sum(0)
        cases.append(
            {"name": name, "rows": rows, "columns": columns, "width": width, "whole": whole}
        )
    write(folder / "tables.safetensors", tensors)
    write_manifest(
        folder,
        __file__,
        ["transformers", "numpy", "safetensors"],
        None,
        {"absolute": 1.2e-7, "relative": 0},
        cases,
        notes=[
            "called: transformers.models.vit_mae.modeling_vit_mae.build_2d_sinusoidal_position_embedding("
            "rows, columns, width, cls_token=True), for square grids and others alike; its halves (row, "
            "column) are exchanged as transformers' ViTMAE does, so a row is sin(c·ω) | cos(c·ω) | "
            "sin(r·ω) | cos(r·ω) for column c and row r",
            "ω_i = 10000^(−i/(width/4)) in float64, rounded to float32 at the end; checked here against "
            "the formula in numpy within 1e-12",
            "one unit in the last place (6e-8) may differ with the mathematical library",
            ".sum is of the float64 table: compare a float32 table's sum within 1e-5",
        ],
    )


if __name__ == "__main__":
    main()
