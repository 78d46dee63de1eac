#!/usr/bin/env python3
"""tests/golden/tiny.gguf: one value of every type and a few tensors, as the package gguf writes them; tests/unit/gguf.c knows what is in it."""
import os
import numpy as np
from gguf import GGUFWriter, GGMLQuantizationType as Q

w = GGUFWriter(os.path.join(os.path.dirname(os.path.abspath(__file__)), "tiny.gguf"), "llama")
w.add_uint8("t.u8", 200)
w.add_int8("t.i8", -100)
w.add_uint16("t.u16", 60000)
w.add_int16("t.i16", -30000)
w.add_uint32("t.u32", 4000000000)
w.add_int32("t.i32", -2000000000)
w.add_uint64("t.u64", 1 << 60)
w.add_int64("t.i64", -(1 << 60))
w.add_float32("t.f32", 0.5)
w.add_float64("t.f64", 0.1)
w.add_bool("t.yes", True)
w.add_bool("t.no", False)
w.add_string("t.string", "h\u00e9llo \U0001f600")
w.add_array("t.strings", ["a", "", "\u20ac uro"])
w.add_array("t.ints", [1, -2, 3])
w.add_array("t.floats", [0.5, -1.25])
w.add_tensor("one", np.arange(6, dtype=np.float32).reshape(2, 3))
w.add_tensor("half", np.arange(5, dtype=np.float16))
w.add_tensor("quant", np.zeros((4, 2 * 34), dtype=np.uint8), raw_dtype=Q.Q8_0)
w.write_header_to_file()
w.write_kv_data_to_file()
w.write_tensors_to_file()
w.close()
