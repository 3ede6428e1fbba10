"""A trial in Python: it reads a parameter `x`, prints one metric line per step, and then its result."""

import json
import os

x = json.loads(os.environ["HONE_PARAMS"])["x"]
steps = int(os.environ.get("HONE_RESOURCE", "10"))

for step in range(1, steps + 1):
    print(json.dumps({"step": step, "loss": (x - 3) ** 2 + 1 / step}))
print(json.dumps({"loss": (x - 3) ** 2}))
