#!/usr/bin/env python3
"""tests/golden/pytorch/NAME.bin: state dicts as torch.save() writes them, in the zip form and in the old one, and NAME.txt: what is in them,
a line for each tensor: name, type, sizes joined by x, and for F32, F16 and BF16 its bytes in order as hex. smollm/: tests/golden/tiny/smollm
saved by transformers in shards. Needs torch, transformers (4.x) and numpy."""
import collections, os, shutil
import torch
from transformers import AutoModelForCausalLM

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "pytorch")
TYPES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.float64: "F64", torch.int64: "I64", torch.int32: "I32", torch.int16: "I16", torch.int8: "I8",
         torch.uint8: "U8", torch.bool: "BOOL", torch.complex64: "C64", torch.float8_e4m3fn: "F8_E4M3", torch.uint16: "U16"}


class Tied(torch.nn.Module):
    """Two names of one storage, and a buffer that is no weight."""
    def __init__(self):
        super().__init__()
        self.embed = torch.nn.Embedding(6, 4)
        self.norm = torch.nn.LayerNorm(4, bias=False)
        self.head = torch.nn.Linear(4, 6, bias=False)
        self.head.weight = self.embed.weight
        self.register_buffer("mask", torch.ones(3, 3, dtype=torch.bool).tril())


def numbers(*shape, dtype=torch.float32):
    return torch.randn(*shape).to(dtype)


def views():
    big = numbers(8, 8)
    return collections.OrderedDict(
        whole=big, same=big, rows=big[2:4], transposed=big.t(), columns=big[:, 1:3], every_other=big[::2, ::3], one=big[1, 2], diagonal=big.diagonal(), flat=big.view(-1)[3::5],
        row_for_all=big[3:4].expand(5, 8), column_for_all=big[:, 4:5].expand(8, 5), number_for_all=big[5, 5].expand(3, 4), vector_of_one=big[0, 0].expand(6),
        overlapping=big.as_strided((4, 6), (3, 2)), hankel=big.as_strided((6, 9), (1, 1), 7), cube=big.view(2, 4, 8).transpose(0, 2),
        half=big.to(torch.float16).t(), bf16_columns=big.to(torch.bfloat16)[:, 5:])


def buffers():
    return dict(w=numbers(3, 2, dtype=torch.bfloat16), i=torch.arange(5), i32=torch.arange(3, dtype=torch.int32), i16=torch.zeros(2, dtype=torch.int16), b=torch.tensor([[True, False]]),
                u=torch.zeros(3, dtype=torch.uint8), i8=torch.zeros(3, dtype=torch.int8), d=torch.zeros(2, dtype=torch.float64), c=torch.zeros(2, dtype=torch.complex64),
                scalar=torch.tensor(3.5), empty=torch.zeros(0, 4))


def main():
    torch.manual_seed(12)
    shared = numbers(2)
    cases = {
        "module": Tied().state_dict(),
        "plain": {"a.weight": numbers(4, 3, dtype=torch.bfloat16), "a.bias": numbers(4, dtype=torch.float16)},
        "parameters": collections.OrderedDict(w=torch.nn.Parameter(numbers(3, 3)), b=torch.nn.Parameter(numbers(3), requires_grad=False)),
        "views": views(),
        "buffers": buffers(),
        "newer_types": dict(f8=torch.zeros(4, 4).to(torch.float8_e4m3fn), u16=torch.zeros(4, dtype=torch.uint16), w=numbers(2, 2)),
        "many": {f"x.{i}": shared for i in range(1100)},
    }
    odd = {"conjugate": dict(c=numbers(3).to(torch.complex64).conj()), "negative": dict(n=torch.randn(3, dtype=torch.complex64).conj().imag)}
    shutil.rmtree(OUT, ignore_errors=True)
    os.makedirs(OUT)
    for name, tensors in {**cases, **odd}.items():
        for form in ("zip", "old") if name not in odd and name != "many" else ("zip",):
            for protocol in (2, 3, 4, 5) if name == "plain" else (2,):
                path = f"{OUT}/{name}.{form}{'' if protocol == 2 else protocol}"
                torch.save(tensors, path + ".bin", _use_new_zipfile_serialization=form == "zip", pickle_protocol=protocol)
                with open(path + ".txt", "w") as f:
                    for key, t in tensors.items():
                        kind = TYPES[t.dtype] if name not in odd else "odd"
                        data = t.detach().contiguous().view(-1).view(torch.uint8).numpy().tobytes().hex() if kind in ("F32", "F16", "BF16") and t.numel() else ""
                        f.write(f"{key} {kind} {'x'.join(map(str, t.shape)) or '1'} {data or '-'}\n")
    model = AutoModelForCausalLM.from_pretrained(os.path.join(HERE, "tiny", "smollm"), dtype="auto")
    model.save_pretrained(os.path.join(OUT, "smollm"), safe_serialization=False, max_shard_size="20KB")


main()
