#!/usr/bin/env python3
"""TAP: llama.cpp's llama-server as a judge behind `compatible`: a server that nobody here wrote. It loads the demo model; what it bills is held against
our tokenizer, what it refuses against the statuses, and a server that dies against the journal."""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "run"))
from stubbed import BUILD, D, ENV, ROOT, SECRET, end, key_is_nowhere, ok, serial, wait_for  # noqa: E402

SERVER, MODEL = "build/llama/native/llama-server", os.path.join(ROOT, "data/models/SmolLM2-135M-Instruct.Q4_1.gguf")
ENV |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "TMPDIR": D}
for need, how in ((SERVER, "tests/bench/build_llama builds it"), (MODEL, "data/fetch.sh gets it")):
    if not os.path.exists(need):
        sys.exit(f"llama_server.t: {need} is missing; {how}")


class Server:
    """On a port of its own, until the with-block ends."""

    def __init__(self, *flags, port=0):
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(("127.0.0.1", port))
            self.port = s.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen([SERVER, "-m", MODEL, "--host", "127.0.0.1", "--port", str(self.port), "-t", "2", *flags], stdout=subprocess.DEVNULL,
                                        stderr=open(f"{D}/llama.{next(serial)}", "w"))
        if not wait_for(self.healthy, 60):
            sys.exit("llama_server.t: llama-server does not start")

    def healthy(self):
        try:
            return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(self.url + "/health").status == 200
        except OSError:
            time.sleep(0.1)
            return False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def folder():
    """A data folder with answers of our own engine to the small set of questions."""
    data = f"{D}/data.{next(serial)}"
    os.makedirs(f"{data}/smoke/model_answer")
    for name in ("question.jsonl", "judge_prompts.jsonl", "reference_answer"):
        (shutil.copytree if "." not in name else shutil.copy)(f"data/smoke/{name}", f"{data}/smoke/{name}")
    shutil.copy(ANSWERS, f"{data}/smoke/model_answer/demo.jsonl")
    return data


def mtbench(verb, data, *flags, key=None, wait=True):
    n = next(serial)
    p = subprocess.Popen([f"{BUILD}/mtbench", verb, "--data-dir", data, "--bench-name", "smoke", *([] if verb == "show" else ["--quiet"]), *flags], cwd=D, env=ENV | ({"OPENAI_API_KEY": key} if key else {}),
                         stdin=subprocess.DEVNULL, stdout=open(f"{D}/out.{n}", "w"), stderr=open(f"{D}/err.{n}", "w"))
    p.at = n
    return ended(p) if wait else p


def ended(p):
    p.rc = p.wait(timeout=300)
    p.out, p.said = open(f"{D}/out.{p.at}").read(), open(f"{D}/err.{p.at}").read().strip()
    return p


def judge(data, url, *flags, **more):
    return mtbench("judge", data, "--reference", "smoke", "--judge-model", "llama", "--judge-provider", "compatible", "--judge-base-url", url, "--judge-max-tokens", "48", "--parallel", "4",
                   "--max-error-rate", "1", *flags, **more)


def calls(data):
    path = f"{data}/smoke/model_judgment/llama_single.journal"
    return [json.loads(line) for line in open(path).read().splitlines()[1:]] if os.path.exists(path) else []


ANSWERS = f"{D}/answers/smoke/model_answer/demo.jsonl"
shutil.copytree("data/smoke", f"{D}/answers/smoke")
r = mtbench("answer", f"{D}/answers", "--model-path", MODEL, "--model-id", "demo", "--max-new-token", "64", "--temperature", "0")
ok(r.rc == 0 and os.path.exists(ANSWERS), f"answers to judge {r.said}")

with Server("-c", "16384", "-np", "4") as s:
    for at in (s.url, s.url + "/v1", s.url + "/v1/"):
        data = folder()
        r = judge(data, at)
        made = calls(data)
        ok(r.rc in (0, 2) and len(made) == 16, f"16 calls to {at.replace(str(s.port), 'PORT')}: exit {r.rc} {r.said}")
    ends = {c["finish"] for c in made}
    ok({c["status"] for c in made} <= {"ok", "truncated"} and ends <= {"stop", "length"}, f"each reply ended by itself or at the limit: {sorted(ends)}")
    ok(all(c["text"].strip() and c["tokens_out"] > 0 and not c["tokens_estimated"] and c["model"] for c in made), "with text, a model's name and a bill")
    once = [c for c in made if c["tries"] == 1]
    twice = [c for c in made if c["tries"] == 2]
    ok(len(once) + len(twice) == 16 and all(c["status"] == "truncated" or c["sent"]["max_tokens"] == 96 for c in twice), f"what the limit cut was asked for once more with twice of it ({len(twice)})")
    r = mtbench("plan", folder(), "--reference", "smoke", "--model-list", "demo", "--judge-model", "llama", "--judge-tokenizer", MODEL)
    planned = int(r.out.split("\ntokens")[1].split()[0])
    billed = sum(c["tokens_in"] // c["tries"] for c in made)
    ok(planned == billed, f"the server billed the prompt tokens that plan had counted: {billed}, {planned}")
    r = judge(data, s.url)
    ok(len(calls(data)) == 16, f"a second start asks nothing again: exit {r.rc}")
    r = mtbench("show", data, "--judge-model", "llama", "--format", "json")
    row = json.loads(r.out)["rows"][0]
    scored = sum(1 for line in open(f"{data}/smoke/model_judgment/llama_single.jsonl") if json.loads(line)["score"] >= 0)
    ok((row["n"], row["failed"]) == (scored, 16 - scored), f"show counts the {scored} judgments with a verdict, and the others as failed: exit {r.rc} {r.said}")
    r = mtbench("api-answer", data, "--model", "served", "--base-url", s.url, "--max-tokens", "16", "--parallel", "4", "--force-temperature", "0")
    served = [json.loads(line) for line in open(f"{data}/smoke/model_answer/served.jsonl")] if r.rc == 0 else []
    ok(len(served) == 8 and all(t.strip() for a in served for t in a["choices"][0]["turns"]), f"api-answer has both turns of 8 questions from it: exit {r.rc} {r.said}")

with Server("-c", "16384", "-np", "2", "--api-key", SECRET) as s:
    data = folder()
    r = judge(data, s.url, key="wrong-" + SECRET[:8])
    ok(r.rc == 77 and r.said.count("\n") == 0 and "key" in r.said and not calls(data), f"a wrong key ends it before the first call: {r.said}")
    r = judge(data, s.url, key=SECRET)
    ok(r.rc in (0, 2) and len(calls(data)) == 16, f"the right one is taken: exit {r.rc} {r.said}")

with Server("-c", "256", "-np", "1") as s:
    data = folder()
    r = judge(data, s.url)
    by = {x: sum(c["status"] == x for c in calls(data)) for x in ("ok", "truncated", "too_long", "failed")}
    ok(r.rc in (0, 2) and by["too_long"] > 0 and by["failed"] == 0 and sum(by.values()) == 16, f"a context of 256 tokens is too short for some: {by}")
    ok(all("context" in c["reason"] for c in calls(data) if c["status"] == "too_long"), "and its words say so")

data = folder()
with Server("-c", "16384", "-np", "4") as s:
    port = s.port
    p = judge(data, s.url, "--parallel", "2", wait=False)
    wait_for(lambda: len(calls(data)) >= 3, 60)
    s.process.kill()
    kept = len(calls(data))
    p.send_signal(signal.SIGTERM)
    r = ended(p)
    ok(r.rc == 75 and kept >= 3, f"a server that dies, and a signal: exit {r.rc} with {kept} of 16 kept")
before = [c["key"] for c in calls(data) if c["status"] != "failed"]
r = judge(data, f"http://127.0.0.1:{port}")
ok(r.rc == 77 and r.said.count("\n") == 0, f"no server: {r.said}")
with Server("-c", "16384", "-np", "4", port=port) as s:
    r = judge(data, s.url)
    finished = [c["key"] for c in calls(data) if c["status"] != "failed"]
    ok(r.rc in (0, 2) and len(finished) == len(set(finished)) == 16 and finished[:len(before)] == before, "the next start asks for what is missing and nothing twice")
key_is_nowhere(20)
end()
