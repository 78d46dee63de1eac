"""The page of `mtbench browse`, as a whole process, on made-up models whose texts are as long as those of MT-bench: seconds, memory, size beside the
texts. FastChat has a server instead, which reads its files at its start and then answers clicks: there is nothing to time beside it."""
import glob, json, os, shutil, subprocess, sys, time

from peer import MTBENCH, ROOT, ROUNDS, WORK, fail, line

SIZES = [(1, 80, 1, 0), (6, 80, 1, 6), (31, 80, 2, 0), (100, 80, 2, 0)]


def texts_of(folder):
    """Bytes of all that the page shows of questions, answers and judgments."""
    n = sum(len(t.encode()) for row in open(folder + "/question.jsonl") for t in json.loads(row)["turns"])
    for path in glob.glob(folder + "/model_answer/*.jsonl"):
        n += sum(len(t.encode()) for row in open(path) for t in json.loads(row)["choices"][0]["turns"])
    for path in glob.glob(folder + "/model_judgment/*.jsonl"):
        n += sum(len(r.get(k, "").encode()) for r in map(json.loads, open(path)) for k in ("judgment", "g1_judgment", "g2_judgment"))
    return n


def timed(*flags):
    best = cpu = 1e9
    peak = 0
    for _ in range(max(ROUNDS, 3)):
        start = time.monotonic()
        with subprocess.Popen([MTBENCH, "browse", "--data-dir", WORK, "--bench-name", "made", *flags], stdout=subprocess.DEVNULL) as p:
            _, status, usage = os.wait4(p.pid, 0)
            p.returncode = os.waitstatus_to_exitcode(status)
        if p.returncode != 0:
            fail(f"mtbench browse {' '.join(flags)} ended with {p.returncode}", "run it by hand")
        best, peak, cpu = min(best, time.monotonic() - start), max(peak, usage.ru_maxrss / 1024), min(cpu, usage.ru_utime + usage.ru_stime)
    return best, cpu, peak


def main():
    made, page = os.path.join(WORK, "made"), os.path.join(WORK, "page.html")
    os.makedirs(WORK, exist_ok=True)
    line(("models x questions x judges", -36), ("seconds", 9), ("cpu", 7), ("peak MB", 9), ("page MB", 9), ("x texts", 9), ("--split", 9))
    for models, questions, judges, pairs in SIZES:
        shutil.rmtree(made, ignore_errors=True)
        subprocess.run([sys.executable, os.path.join(ROOT, "tests/tools/made_bench.py"), made, "--models", str(models), "--questions", str(questions),
                        "--judges", str(judges), "--pairs", str(pairs)], check=True)
        seconds, cpu, peak = timed("-o", page)
        split, _, _ = timed("--split", os.path.join(WORK, "pages"))
        size = os.path.getsize(page)
        line((f"{models} x {questions} x {judges}{', each with each' if pairs else ''}", -36), (f"{seconds:.2f}", 9), (f"{cpu:.2f}", 7), (f"{peak:.0f}", 9),
             (f"{size / 1e6:.1f}", 9), (f"{size / texts_of(made):.3f}", 9), (f"{split:.2f}", 9))
    shutil.rmtree(made)
    shutil.rmtree(os.path.join(WORK, "pages"))
    os.remove(page)
