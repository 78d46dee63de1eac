"""What a run costs beside time to answer: bytes read from files, peak resident memory of a rank, start to first token."""
import re, time

from peer import DEMO, MTBENCH, DataDir, answer, in_child, line, need, peak_mb, run


def measure(ranks):
    with DataDir() as data:
        r = answer(data, DEMO, "bytes", ["--max-new-token", 128], ranks)
        read = re.search(r"read ([\d.]+) MB from files for a model of ([\d.]+) MB: ([\d.]+) of", r["log"])
        weights, kv = map(float, re.search(r"peak memory of a rank: [\d.]+ MB = weights ([\d.]+) .*KV cache ([\d.]+) ", r["log"]).groups())
        return {"read": float(read[1]), "model": float(read[2]), "share": read[3], "least": (weights + kv) * 1e6 / 2**20, "peak": peak_mb()}


def first_token():
    best = 1e9
    for _ in range(5):
        start = time.monotonic()
        run([MTBENCH, "prompt", "--model-path", DEMO, "--question", "81", "--top-logits", "1"])
        best = min(best, time.monotonic() - start)
    return best


def main():
    need(DEMO, "data/fetch.sh brings the demo model")
    line(("ranks", 5), ("read MB", 8), ("model MB", 8), ("share", 6), ("peak MB of a rank", 18), ("weights + KV in use", 20), ("over", 6), ("limit", 6))
    for ranks in (1, 2, 4):
        m = in_child(lambda: measure(ranks))
        line((ranks, 5), (m["read"], 8), (m["model"], 8), (m["share"], 6), (f"{m['peak']:.0f}", 18), (f"{m['least']:.0f}", 20),
             (f"{m['peak'] - m['least']:.0f}", 6), (100, 6))
    print(f"start to first token, warm page cache: {first_token():.2f} s (limit 0.50)", flush=True)
