#!/usr/bin/env python3
"""The whole MT-bench run through llama-server, for `make bench`: all questions at once, both turns, greedy.

Usage: llama_run.py --server BIN --model GGUF --questions FILE [--first-n N] [--max-new 1024] [--threads 2] -- SERVER FLAGS...
Prints one JSON line: seconds, output tokens, tok/s, peak resident MB, turns, flags."""
import argparse, http.client, json, os, socket, subprocess, sys, threading, time


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def call(port, path, body):
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=7200)
    c.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
    r = c.getresponse()
    data = r.read()
    if r.status != 200:
        raise RuntimeError(f"{path}: {r.status} {data[:300]!r}")
    return json.loads(data)


def wait_healthy(port, proc):
    for _ in range(600):
        if proc.poll() is not None:
            sys.exit(f"llama-server ended with {proc.returncode}")
        try:
            c = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            c.request("GET", "/health")
            if c.getresponse().status == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    sys.exit("llama-server does not become healthy")


def converse(port, question, max_new, out):
    messages, tokens = [], 0
    for turn in question["turns"]:
        messages.append({"role": "user", "content": turn})
        r = call(port, "/v1/chat/completions", {"messages": messages, "max_tokens": max_new, "temperature": 0, "cache_prompt": True})
        tokens += r["usage"]["completion_tokens"]
        messages.append({"role": "assistant", "content": r["choices"][0]["message"]["content"]})
    out.append((tokens, len(question["turns"])))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--server", required=True)
    p.add_argument("--model", required=True)
    p.add_argument("--questions", required=True)
    p.add_argument("--first-n", type=int, default=None)
    p.add_argument("--max-new", type=int, default=1024)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("flags", nargs="*")
    a = p.parse_args()
    questions = [json.loads(line) for line in open(a.questions)][: a.first_n]
    port = free_port()
    proc = subprocess.Popen([a.server, "-m", a.model, "--host", "127.0.0.1", "--port", str(port), "-t", str(a.threads), "-tb", str(a.threads),
                             *a.flags], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_healthy(port, proc)
        done, start = [], time.time()
        threads = [threading.Thread(target=converse, args=(port, q, a.max_new, done)) for q in questions]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        seconds = time.time() - start
        status = open(f"/proc/{proc.pid}/status").read()
        peak = int(status.split("VmHWM:")[1].split()[0]) / 1024
        tokens, turns = sum(t for t, _ in done), sum(n for _, n in done)
        print(json.dumps({"peer": "llama-server", "seconds": round(seconds, 1), "tokens": tokens, "tok_s": round(tokens / seconds, 1), "peak_mb": round(peak),
                          "turns": turns, "asked": sum(len(q["turns"]) for q in questions), "flags": " ".join(a.flags)}))
    finally:
        proc.terminate()
        proc.wait()


main()
