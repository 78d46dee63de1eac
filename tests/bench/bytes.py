"""What a run costs beside time to answer: bytes read from files, peak resident memory of a rank, start to first token."""
import re, time

from peer import DEMO, MTBENCH, DataDir, answer, in_child, line, need, peak_mb, run

PAGE = 64                                                    # positions of a KV page


def kv_mb(records, page_mb):
    """KV of all conversations at their ends, in whole pages, and one more each that turn 2 copied."""
    end = {}
    for r in records:
        end[r["question_id"]] = max(end.get(r["question_id"], 0), r["n_prompt"] + r["n_new"])
    return sum(-(-n // PAGE) + 1 for n in end.values()) * page_mb


def measure(ranks):
    with DataDir() as data:
        r = answer(data, DEMO, "bytes", ["--max-new-token", 128], ranks)
        weights, kv, pages = map(float, re.search(r"weights ([\d.]+) MB .*KV cache ([\d.]+) MB \((\d+) pages", r["log"]).groups())
        read = re.search(r"read ([\d.]+) MB from files for a model of ([\d.]+) MB: ([\d.]+) of", r["log"])
        in_use = kv_mb(data.journal("bytes"), kv / pages) / ranks
        return {"read": float(read[1]), "model": float(read[2]), "share": read[3], "weights": weights, "kv": in_use, "peak": peak_mb()}


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
        least = m["weights"] * 1e6 / 2**20 + m["kv"] * 1e6 / 2**20
        line((ranks, 5), (m["read"], 8), (m["model"], 8), (m["share"], 6), (f"{m['peak']:.0f}", 18), (f"{least:.0f}", 20),
             (f"{m['peak'] - least:.0f}", 6), (100, 6))
    print(f"start to first token, warm page cache: {first_token():.2f} s (limit 0.50)", flush=True)
