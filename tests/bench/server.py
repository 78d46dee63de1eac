"""The whole run: 80 questions, both turns, greedy, all conversations at once, beside llama-server at the best of its settings.

The settings are tried at BENCH_TRIAL new tokens (128), then the best one runs at BENCH_NEW (1024), as mtbench does. BENCH_SERVER="-np 16 ..." names
the setting and skips the trials. BENCH_N: the first questions only. One weight type: BENCH_SERVER_WEIGHTS (Q4_1, the demo model)."""
import http.client, json, os, socket, subprocess, sys, threading, time

from peer import QUESTIONS, THREADS, DataDir, answer, fail, in_child, line, model, need, peak_mb, ratio, tool

NEW, TRIAL = int(os.environ.get("BENCH_NEW", 1024)), int(os.environ.get("BENCH_TRIAL", 128))
LONGEST = 4096                                               # prompt and answer of both turns


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def request(port, method, path, body=None):
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=7200)
    c.request(method, path, body and json.dumps(body), {"Content-Type": "application/json"})
    r = c.getresponse()
    return r.status, r.read()


def wait_healthy(port, proc):
    for _ in range(600):
        if proc.poll() is not None:
            fail(f"llama-server ended with {proc.returncode}", "run it by hand with the same flags")
        try:
            if request(port, "GET", "/health")[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    fail("llama-server does not become healthy within a minute", "run it by hand with the same flags")


def converse(port, question, new, out):
    messages, tokens = [], 0
    for turn in question["turns"]:
        messages.append({"role": "user", "content": turn})
        body = {"messages": messages, "max_tokens": new, "temperature": 0, "cache_prompt": True}
        status, data = request(port, "POST", "/v1/chat/completions", body)
        if status != 200:
            print(f"bench: llama-server answers {status}: {data[:200]!r}", file=sys.stderr)
            return
        r = json.loads(data)
        tokens += r["usage"]["completion_tokens"]
        messages.append({"role": "assistant", "content": r["choices"][0]["message"]["content"]})
    out.append(tokens)


def llama_server(path, isa, questions, new, flags):
    port = free_port()
    args = [tool("llama-server", isa), "-m", path, "--host", "127.0.0.1", "--port", str(port), "-t", str(THREADS), "-tb", str(THREADS), *flags]
    proc = subprocess.Popen(args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_healthy(port, proc)
        done, start = [], time.monotonic()
        threads = [threading.Thread(target=converse, args=(port, q, new, done)) for q in questions]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        seconds = time.monotonic() - start
        if len(done) < len(questions):
            fail(f"llama-server answered {len(done)} of {len(questions)} conversations", f"its flags were {' '.join(flags)}")
        peak = int(open(f"/proc/{proc.pid}/status").read().split("VmHWM:")[1].split()[0]) / 1024
        return {"tokens": sum(done), "seconds": seconds, "tok_s": sum(done) / seconds, "peak": peak}
    finally:
        proc.terminate()
        proc.wait()


def settings(new):
    """Slots and flash attention over one KV buffer that holds what all slots may need; and one buffer per slot."""
    for slots in (16, 32, 80):
        for fa in ("on", "off"):
            yield ["-np", str(slots), "-c", str(slots * min(LONGEST, 1024 + 2 * new)), "-kvu", "-fa", fa]
    for fa in ("on", "off"):
        yield ["-np", "80", "-c", str(80 * min(LONGEST, 1024 + 2 * new)), "-no-kvu", "-fa", fa]


def ours(path, isa, new, n, ranks):
    def work():
        with DataDir() as data:
            first = ["--first-n", n] if n else []
            r = answer(data, path, "whole", ["--max-new-token", new, *first], ranks, isa)
            return {**r, "peak": peak_mb()}
    return in_child(work)


def show(name, r, new, other=None):
    line((name, -48), (new, 5), (r["tokens"], 7), (f"{r['seconds']:.1f}", 7), (f"{r['tok_s']:.1f}", 7), (f"{r['peak']:.0f}", 8),
         (ratio(r["tok_s"], other["tok_s"]) if other else "", 7))


def main():
    weights, isa, n = os.environ.get("BENCH_SERVER_WEIGHTS", "Q4_1"), os.environ.get("BENCH_SERVER_ISA", "native"), int(os.environ.get("BENCH_N", 0))
    path = model(weights)
    questions = [json.loads(s) for s in open(need(QUESTIONS, "data/fetch.sh brings the questions"))][: n or None]
    print(f"{len(questions)} questions, both turns, greedy, {weights}, {isa}, {THREADS} threads; best floor 1.5x")
    line(("run", -48), ("limit", 5), ("tokens", 7), ("s", 7), ("tok/s", 7), ("peak MB", 8), ("ratio", 7))
    best = os.environ.get("BENCH_SERVER", "").split()
    if not best:
        tried = []
        for flags in settings(TRIAL):
            r = llama_server(path, isa, questions, TRIAL, flags)
            show("llama-server " + " ".join(flags), r, TRIAL)
            tried.append((r["tok_s"], flags))
        best = max(tried)[1]
        best[best.index("-c") + 1] = str(int(best[1]) * min(LONGEST, 1024 + 2 * NEW))
    theirs = llama_server(path, isa, questions, NEW, best)
    show("llama-server " + " ".join(best), theirs, NEW)
    for ranks in (1, 2) if THREADS > 1 else (1,):
        show(f"mtbench, {ranks} rank{'s'[: ranks - 1]}", ours(path, isa, NEW, n, ranks), NEW, theirs)
