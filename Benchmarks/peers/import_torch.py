"""Start to first tensor: prints the seconds `import torch` and one matrix product take in this process.

The caller times the whole process, interpreter included; the number printed leaves the interpreter out.
"""

import time

start = time.perf_counter()

import torch  # noqa: E402

(torch.ones(2, 2) @ torch.ones(2, 2)).sum().item()
print(f"{time.perf_counter() - start:.6f}")
