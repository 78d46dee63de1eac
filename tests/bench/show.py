"""The table of judgments beside FastChat's show_result.py, each as a whole process: on real judgments (MTBENCH_SHARED/corpora, where they are here) and on
BENCH_JUDGMENTS (1000000) generated ones of 100 models. Both print the same; ours then also with intervals (show)."""
import glob, gzip, json, os, random, subprocess, time

from peer import MTBENCH, ROOT, ROUNDS, WORK, fail, line

COUNT = int(os.environ.get("BENCH_JUDGMENTS", 1000000))
CORPORA = os.path.join(os.environ.get("MTBENCH_SHARED", os.path.join(ROOT, "../shared")), "corpora")


def venv():
    r = subprocess.run([os.path.join(ROOT, "tests/peers/venv"), "report"], capture_output=True, text=True)
    if r.returncode != 0:
        fail(r.stderr.strip(), "give this machine a way to PyPI, or leave show out of BENCH_PARTS")
    site = subprocess.run([r.stdout.strip(), "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"], capture_output=True, text=True).stdout.strip()
    return [r.stdout.strip(), os.path.join(site, "fastchat/llm_judge/show_result.py")]


def timed(args, rounds):
    """Best seconds, peak MB and stdout of a process."""
    best, peak = 1e9, 0
    for _ in range(rounds):
        start = time.monotonic()
        with subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=dict(os.environ, COLUMNS="1000")) as p:
            out = p.stdout.read()
            _, status, usage = os.wait4(p.pid, 0)
            p.returncode = os.waitstatus_to_exitcode(status)
        if p.returncode != 0:
            fail(f"{' '.join(args[:4])} ... ended with {p.returncode}", "run it by hand")
        best, peak = min(best, time.monotonic() - start), max(peak, usage.ru_maxrss / 1024)
    return best, peak, out


def generate(path):
    """100 models, both turns, records of FastChat's form and about 1.2 kB (real ones are near 4; pandas would not fit); some without a verdict."""
    rng = random.Random(0)
    texts = [" ".join(f"word{rng.randrange(500)}" for _ in range(70)) for _ in range(1000)]
    with open(path, "w") as f:
        for i in range(COUNT):
            question, model, turn = i // 200, i % 100, 1 + i // 100 % 2
            score = -1 if rng.random() < 0.002 else rng.randint(1, 10) if rng.random() < 0.9 else rng.randint(2, 19) / 2
            f.write(json.dumps(dict(question_id=81 + question, model=f"model-{model}", judge=["gpt-4", "single-v1" if turn == 1 else "single-v1-multi-turn"],
                                    user_prompt="[Question]\n" + rng.choice(texts), judgment=rng.choice(texts) + f" Rating: [[{score}]]",
                                    score=score, turn=turn, tstamp=1.7e9 + i / 8)) + "\n")


def compare(name, path, peer, rounds):
    ours, our_mb, our_text = timed([MTBENCH, "show_result", "--input-file", path], rounds)
    own, own_mb, _ = timed([MTBENCH, "show", "--input-file", path], rounds)
    theirs, their_mb, their_text = timed(peer + ["--input-file", path], rounds)
    same = "same" if our_text == their_text else "rows hidden" if b"..." in their_text else "OTHER"
    line((name, -36), (f"{theirs:.3f}", 10), (f"{ours:.3f}", 11), (f"{theirs / ours:.0f}", 6), (f"{own:.3f}", 8), (f"{theirs / own:.0f}", 6), (f"{their_mb:.0f}", 9),
         (f"{our_mb:.0f}", 7), (f"{own_mb:.0f}", 7), (same, 12))


def main():
    peer = venv()
    os.makedirs(WORK, exist_ok=True)
    line(("seconds", -36), ("FastChat", 10), ("show_result", 11), ("x", 6), ("show", 8), ("x", 6), ("FastChat", 9), ("MB", 7), ("show MB", 7), ("text", 12))
    path = os.path.join(WORK, "judgments.jsonl")
    for packed in sorted(glob.glob(os.path.join(CORPORA, "*/*_bench/model_judgment/*_single*.gz"))):
        with gzip.open(packed) as f, open(path, "wb") as out:
            out.write(f.read())
        compare(packed.split(os.sep)[-4][:24] + " " + os.path.basename(packed)[6:-9], path, peer, max(ROUNDS, 5))
    generate(path)
    compare(f"{COUNT} of 100 models, {os.path.getsize(path) >> 20} MiB", path, peer, 1)
    os.remove(path)
