"""Decode and prompt rates of the forward pass beside llama-batched-bench: same GGUF file, threads and shapes, interleaved, best of the rounds."""
import json

from peer import BENCHES, ISAS, ROUNDS, THREADS, WEIGHTS, line, model, ratio, run, tool

# name, sequences, context, new tokens per sequence (0: prompt rate), least ratio by weights
CASES = [
    ("80 sequences at 128", 80, 128, 16, {"Q4_1": 2.0, "": 1.5}),
    ("80 sequences at 400", 80, 400, 16, {"Q4_1": 2.0, "": 1.5}),
    ("1 sequence at 128", 1, 128, 64, {"": 1.0}),
    ("prompts of 400", 4, 400, 0, {"": 1.2}),
]


def ours(path, isa, n_seq, context, new):
    out, _ = run([f"{BENCHES}/decode", path, str(n_seq), str(context), str(new)], isa)
    return float(out)


def llama(path, isa, n_seq, context, new, flags):
    shared = ["-pps"] if new else []          # one prompt for all sequences: the decode rate is the same, the wait shorter
    ctx = n_seq * (context + max(new, 1)) + 512
    out, _ = run([tool("llama-batched-bench", isa), "-m", path, "-t", str(THREADS), "-tb", str(THREADS), "-c", str(ctx), "-b", "2048", "-ub", "512",
                  "-npp", str(context), "-ntg", str(max(new, 1)), "-npl", str(n_seq), "--output-format", "jsonl", *shared, *flags])
    r = json.loads(next(s for s in out.splitlines() if s.startswith("{")))
    return r["speed_tg"] if new else r["speed_pp"]


def settings():
    """The peer's choices. Not one KV buffer for all (-kvu): there a shared prompt is one piece of memory for all sequences, which no run of 80
    conversations has, and prompts of their own make every sequence attend over the cells of all."""
    return [["-fa", fa, "-no-kvu"] for fa in ("off", "on")]


def main():
    line(("weights", -7), ("isa", -6), ("case", -20), ("mtbench", 8), ("llama.cpp", 9), ("ratio", 6), ("floor", 6), ("llama.cpp's best setting", -24))
    for isa in ISAS:
        for weights in WEIGHTS:
            path = model(weights)
            for name, n_seq, context, new, floor in CASES:
                best, theirs = 0.0, {}
                for i in range(ROUNDS):
                    best = max(best, ours(path, isa, n_seq, context, new))
                    for s in settings() if i == 0 else [list(max(theirs, key=theirs.get))]:
                        theirs[tuple(s)] = max(theirs.get(tuple(s), 0.0), llama(path, isa, n_seq, context, new, s))
                s = max(theirs, key=theirs.get)
                line((weights, -7), (isa, -6), (name, -20), (f"{best:.0f}", 8), (f"{theirs[s]:.0f}", 9), (ratio(best, theirs[s]), 6),
                     (f"{floor.get(weights, floor['']):.1f}x", 6), (" ".join(s), -24))
