"""GFLOP/s of the products and of attention beside the machine's FMA peak and memory bandwidth."""
from peer import BENCHES, ISAS, run


def main():
    for isa in ISAS:
        name = [] if isa == "native" else [isa]
        print(run([f"{BENCHES}/linear", *name])[0], end="", flush=True)
    for isa in ISAS:
        name = [] if isa == "native" else [isa]
        for what in ("decode", "prefill"):
            print(run([f"{BENCHES}/attention", what, *name])[0], end="", flush=True)
