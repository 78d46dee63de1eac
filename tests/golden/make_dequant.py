#!/usr/bin/env python3
"""tests/golden/dequant.h: SHA-256 of what gguf-py makes of 8 rows of 512 elements of pseudo-random blocks, per type (package gguf)."""
import hashlib, os
import numpy as np
from gguf import GGMLQuantizationType as T
from gguf.quants import dequantize

BYTES = {"F16": 2, "BF16": 2, "Q8_0": 34 / 32, "Q4_0": 18 / 32, "Q4_1": 20 / 32, "Q5_0": 22 / 32, "Q5_1": 24 / 32, "Q4_K": 144 / 256, "Q5_K": 176 / 256, "Q6_K": 210 / 256}


def raw(n):
    x, out = 12345, bytearray()
    for _ in range(n):
        x = (x * 1103515245 + 12345) & 0x7fffffff
        out.append((x >> 16) & 0xbb)
    return np.frombuffer(bytes(out), dtype=np.uint8)


with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "dequant.h"), "w") as f:
    f.write("/* dequant.h - made by make_dequant.py. */\nstatic const struct {\n    enum dtype t;\n    const char *sha256;\n} dequant_golden[] = {\n")
    for name, size in BYTES.items():
        y = dequantize(raw(int(8 * 512 * size)).reshape(8, -1), T[name]).astype(np.float32)
        f.write(f'    {{ DT_{name}, "{hashlib.sha256(y.tobytes()).hexdigest()}" }},\n')
    f.write("};\n")
