"""1,000 judgments (125 questions, two turns, four models) by a judge that answers after 200 ms, 256 calls in flight, beside FastChat's gen_judgment
--parallel 256. The ideal is four waves of 200 ms. "judging" is the server's clock from the first judgment asked for to the last reply, so without starting the
program, reading, the first call that looks whether the judge is there, and writing; "whole" is the process. The server is tests/bench/late.c; how many
calls a second come through without the 200 ms stands below the table. BENCH_PARALLEL (256) is another number in flight. Each row is the median of
BENCH_ROUNDS runs by "judging"; its last column has the fastest and the slowest.

Then what the judge adds to `run`: the 80 questions at 64 new tokens by the demo model on two ranks, `answer` and `run` with the same server at 20 ms in turns."""
import json, math, os, re, shutil, statistics, subprocess, time, urllib.request

from peer import BENCHES, MTBENCH, QUESTIONS, ROOT, ROUNDS, WORK, env_of, fail, line, model, need

DELAY, MATCHES, MODELS = 0.2, 1000, ["model-a", "model-b", "model-c", "model-d"]
REPLY = {"id": "c", "object": "chat.completion", "created": 1, "model": "judge", "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant",
         "content": "The answer is clear and complete, with a small mistake at its end. " * 8 + "Rating: [[7]]"}}], "usage": {"prompt_tokens": 500, "completion_tokens": 120, "total_tokens": 620}}


def data(at):
    shutil.rmtree(at, ignore_errors=True)
    os.makedirs(f"{at}/data/mt_bench/model_answer")
    os.makedirs(f"{at}/data/mt_bench/reference_answer")
    shutil.copy(os.path.join(ROOT, "data/smoke/judge_prompts.jsonl"), f"{at}/data/")
    shutil.copy(os.path.join(ROOT, "data/smoke/reference_answer/smoke.jsonl"), f"{at}/data/mt_bench/reference_answer/gpt-4.jsonl")
    questions = range(1, MATCHES // len(MODELS) // 2 + 1)
    with open(f"{at}/data/mt_bench/question.jsonl", "w") as f:
        for q in questions:
            f.write(json.dumps({"question_id": q, "category": "writing", "turns": [f"Question {q}: " + "tell more of it " * 12, "And then?"]}) + "\n")
    for m in MODELS:
        with open(f"{at}/data/mt_bench/model_answer/{m}.jsonl", "w") as f:
            for q in questions:
                f.write(json.dumps({"question_id": q, "answer_id": "x", "model_id": m, "choices": [{"index": 0, "turns": [f"{m} says about {q}: " + "words of an answer " * 60] * 2}], "tstamp": 1.0}) + "\n")


def figures(url, delay=DELAY):
    """What the server saw since the last time; the delay from now on."""
    return json.load(urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{url}/{delay * 1000:.0f}"))


def judge_once(args, at, url, ours):
    """Wall seconds, CPU seconds, peak MB of the process, and what the server saw."""
    shutil.rmtree(f"{at}/data/mt_bench/model_judgment", ignore_errors=True)
    figures(url)
    env = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()} | {"OPENAI_API_BASE": url + "/v1", "OPENAI_API_KEY": "sk-none-of-yours"}
    start = time.monotonic()
    with subprocess.Popen(args, cwd=at, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as p:
        said = p.stderr.read()
        _, status, usage = os.wait4(p.pid, 0)
        p.returncode = os.waitstatus_to_exitcode(status)
    wall, seen = time.monotonic() - start, figures(url)
    with open(f"{at}/data/mt_bench/model_judgment/gpt-4_single.jsonl") as f:
        rows = sum(1 for _ in f)
    if p.returncode or rows != MATCHES or seen["calls"] != MATCHES:
        fail(f"{'mtbench' if ours else 'FastChat'} made {rows} judgments with {seen['calls']} calls", said.strip()[-200:] or "run it by hand")
    return seen["seconds"], wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, seen["peak"]


def row(name, runs, ideal):
    """The median run, and how far the others lie."""
    judging, wall, cpu, mb, peak = runs[len(runs) // 2]
    line((name, -28), (f"{judging:.2f}", 9), (f"{100 * ideal / judging:.0f}", 8), (f"{wall:.2f}", 8), (f"{100 * ideal / wall:.0f}", 8), (f"{cpu:.2f}", 8), (f"{cpu / wall:.2f}", 7), (f"{mb:.0f}", 6), (f"{peak}", 6), (f"{runs[0][0]:.2f} .. {runs[-1][0]:.2f}", 15))


def answers(verb, at, url):
    """Seconds of the answers by their own line, and of the whole process."""
    shutil.rmtree(f"{at}/data/mt_bench/model_answer", ignore_errors=True)
    shutil.rmtree(f"{at}/data/mt_bench/model_judgment", ignore_errors=True)
    judge = ["--judge-model", "judge", "--judge-provider", "openai", "--judge-base-url", url, "--parallel", "16"] if verb == "run" else []
    args = ["mpirun", "--oversubscribe", "-n", "2", MTBENCH, verb, "--model-path", model("Q4_1"), "--model-id", "m", "--data-dir", f"{at}/data", "--max-new-token", "64", "--temperature", "0",
            "--progress", "none", *judge]
    env = {k: v for k, v in env_of("native").items() if "proxy" not in k.lower()} | {"OPENAI_API_KEY": "sk-none-of-yours"}
    start = time.monotonic()
    r = subprocess.run(args, env=env, capture_output=True, text=True)
    wall, said = time.monotonic() - start, re.search(r"^answers .* ([\d.]+) s$", r.stdout, re.M)
    if r.returncode or not said or (judge and "judgments 160/160" not in r.stdout):
        fail(f"{verb} ended with {r.returncode}", r.stderr.strip()[-200:] or "run it by hand")
    return float(said[1]), wall


def beside_answers(at, url):
    shutil.copy(need(QUESTIONS, "data/fetch.sh brings the questions"), f"{at}/data/mt_bench/question.jsonl")
    shutil.copy(os.path.join(ROOT, "data/mt_bench/reference_answer/gpt-4.jsonl"), f"{at}/data/mt_bench/reference_answer/gpt-4.jsonl")
    shutil.copy(os.path.join(ROOT, "data/judge_prompts.jsonl"), f"{at}/data/")
    figures(url, 0.02)
    times = {"answer": [], "run": []}
    for _ in range(ROUNDS):
        for verb, seen in times.items():
            seen.append(answers(verb, at, url))
    alone, along = ([statistics.median(x) for x in zip(*times[verb])] for verb in ("answer", "run"))
    print()
    line(("80 questions, 2 ranks", -28), ("answers", 9), ("whole", 8))
    line(("answer", -28), (f"{alone[0]:.2f}", 9), (f"{alone[1]:.2f}", 8))
    line(("run, judged along the way", -28), (f"{along[0]:.2f}", 9), (f"{along[1]:.2f}", 8))
    print(f"   the judge adds {100 * (along[0] / alone[0] - 1):.1f} % to the answers and {100 * (along[1] / alone[1] - 1):.1f} % to the whole; limit 10 %")


def main():
    parallel = int(os.environ.get("BENCH_PARALLEL", 256))
    venv = subprocess.run([os.path.join(ROOT, "tests/peers/venv"), "judge"], capture_output=True, text=True)
    if venv.returncode != 0:
        fail(venv.stderr.strip(), "give this machine a way to PyPI, or leave judge out of BENCH_PARTS")
    at, ideal = os.path.join(WORK, "judge"), math.ceil(MATCHES / parallel) * DELAY
    data(at)
    with open(f"{at}/reply", "w") as f:
        json.dump(REPLY, f)
    with subprocess.Popen([need(os.path.join(BENCHES, "late"), "make bench-built builds it"), str(DELAY), f"{at}/reply"], stdout=subprocess.PIPE, text=True) as server:
        try:
            url = f"http://127.0.0.1:{server.stdout.readline().strip()}"
            ours = [MTBENCH, "judge", "--parallel", str(parallel), "--judge-provider", "openai", "--judge-base-url", url, "--progress", "none"]
            theirs = [venv.stdout.strip(), os.path.join(ROOT, "tests/peers/fastchat_judge.py"), "call", "-", "single", str(parallel), "gpt-3.5-turbo", *MODELS]
            line((f"{MATCHES} matches, {parallel} in flight", -28), ("judging", 9), ("% ideal", 8), ("whole", 8), ("% ideal", 8), ("CPU s", 8), ("cores", 7), ("MB", 6), ("peak", 6), ("judging, all", 15))
            row("FastChat", sorted(judge_once(theirs, at, url, False) for _ in range(ROUNDS)), ideal)
            row("mtbench judge", sorted(judge_once(ours, at, url, True) for _ in range(ROUNDS)), ideal)
            figures(url, 0)
            env = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()} | {"OPENAI_API_KEY": "sk-none-of-yours"}
            shutil.rmtree(f"{at}/data/mt_bench/model_judgment")
            subprocess.run(ours, cwd=at, env=env, stdout=subprocess.DEVNULL, check=True)
            seen = figures(url)
            print(f"   without the 200 ms {seen['calls'] / seen['seconds']:.0f} calls a second come through, both sides' work; {parallel} in flight need {parallel / DELAY:.0f}")
            beside_answers(at, url)
        finally:
            server.kill()
