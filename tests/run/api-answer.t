#!/usr/bin/env python3
"""TAP: answers of hosted models. Requests against FastChat's rules and, where it can be installed, FastChat itself; files, failures, kills and signals
against the stub server that shows every fault: nothing that is no answer gets into the file, nothing finished is asked again, the key is nowhere."""
import re
import hashlib
import http.server
import json
import os
import random
import shutil
import signal
import subprocess
import threading
import time

import stubbed
from stubbed import D, ENV, KEYS, ROOT, SECRET, end, ok, serial, skip

ENV |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMPI_MCA_ess_singleton_isolated": "1"}
ENV["TMPDIR"] = D                       # Open MPI's folders: jobs that share them remove each other's
DATA = f"{D}/data"


def bench(name, questions):
    os.makedirs(f"{DATA}/{name}", exist_ok=True)
    with open(f"{DATA}/{name}/question.jsonl", "w") as f:
        f.writelines(json.dumps({"question_id": i, **q}) + "\n" for i, q in questions.items())


class Stub(stubbed.Stub):
    def log(self):
        """Without the calls that only ask whether the model is there."""
        return [x for x in super().log() if re.match(r"q\d+t\d", x["id"])]


class Run:
    def __init__(self, *flags, bench="b", env=KEYS, wait=True, before=()):
        n = next(serial)
        self.out, self.err = f"{D}/out.{n}", f"{D}/err.{n}"
        self.process = subprocess.Popen([*before, f"{ROOT}/mtbench", "api-answer", "--data-dir", DATA, "--bench-name", bench, *flags], stdin=subprocess.DEVNULL,
                                        stdout=open(self.out, "w"), stderr=open(self.err, "w"), env=ENV | env)
        if wait:
            self.wait()

    def wait(self):
        try:
            self.rc = self.process.wait(timeout=600)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.rc = "hang"
        self.said, self.printed = open(self.err).read(), open(self.out).read()
        return self

    def why(self):
        return f" (exit {self.rc}: {self.said.strip()[:200]})" if self.rc else ""


def answers(name, bench="b"):
    path = f"{DATA}/{bench}/model_answer/{name}.jsonl"
    return [json.loads(line) for line in open(path)] if os.path.exists(path) else []


def journal(name, bench="b"):
    with open(f"{DATA}/{bench}/model_answer/{name}.journal") as f:
        return [json.loads(line) for line in list(f)[1:] if line.endswith("\n")]


def asked(log):
    return sorted(x["id"] for x in log)


def two(i, category, first="", second="", **more):
    return {"category": category, "turns": [f"Say a. id=q{i}t1 {first}", f"Say b. id=q{i}t2 {second}"], **more}


ODD = [" blanks \n", "\u00e9\u65e5\U0001f600 \t", "### Human: x", "</s> \"quoted\" \\", "plain"]


def reply_to(messages):
    return ODD[hashlib.sha256(json.dumps(messages).encode()).digest()[0] % len(ODD)] + f" {len(messages)}"


class Recorder(http.server.ThreadingHTTPServer):
    """Keeps the bodies it gets; its replies depend on all that was said."""
    daemon_threads = True

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version, disable_nagle_algorithm = "HTTP/1.1", True

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            if "number 1" not in body["messages"][-1]["content"]:
                self.server.bodies.append((self.path, body))
            message = {"role": "assistant", "content": reply_to(body["messages"])}
            data = json.dumps({"id": "1", "object": "chat.completion", "model": "x", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                               "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    def __init__(self):
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.bodies = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}/v1"
        threading.Thread(target=self.serve_forever, daemon=True).start()


# FastChat itself, which takes its time: started now, looked at in the end.
PEERS = {}
peer = subprocess.run(["tests/peers/venv", "judge"], capture_output=True, text=True)
if not os.path.exists("data/mt_bench/question.jsonl"):
    absent = "the official data is not here; data/fetch.sh gets it"
else:
    absent = "" if peer.returncode == 0 else peer.stderr.strip().splitlines()[-1]
for model in ("gpt-3.5-turbo", "nobody-knows"):
    PEERS[model] = theirs, server = f"{D}/theirs-{model}", Recorder()
    if not absent:
        for place in (f"{theirs}/data/mt_bench", f"{DATA}/mt_bench"):
            os.makedirs(place, exist_ok=True)
            shutil.copy("data/mt_bench/question.jsonl", place)
        server.process = subprocess.Popen([peer.stdout.strip(), f"{ROOT}/tests/peers/fastchat_api.py", "--model", model, "--openai-api-base", server.url,
                                           "--max-tokens", "77"], cwd=theirs, env=ENV | KEYS, stdout=subprocess.DEVNULL, stderr=open(f"{theirs}/err", "w"))

# ---- a plain run, and what it leaves ----

CATEGORY = {1: ("writing", 0.7), 2: ("math", 0.0), 3: ("stem", 0.1), 4: ("nobody's", 0.7), 5: ("math", 0.3), 6: ("roleplay", 0.7)}
bench("b", {i: two(i, c, **({"required_temperature": t} if i == 5 else {})) for i, (c, t) in CATEGORY.items()})
with Stub() as s:
    flags = ["--base-url", s.url, "--model", "m", "--parallel", "4", "--progress", "none"]
    r = Run(*flags)
    log = s.log()
    ok(r.rc == 0 and asked(log) == sorted(f"q{i}t{t}" for i in CATEGORY for t in (1, 2)), f"six questions of two turns, each asked once{r.why()}")
    wrong = [x for x in log if x["params"] != {"model": "m", "n": 1, "temperature": CATEGORY[int(x["id"][1])][1], "max_tokens": 1024}]
    ok(not wrong, f"temperatures by question, else by category {wrong[:1]}")
    path = f"{DATA}/b/model_answer/m.jsonl"
    first = open(path).read()
    rows = answers("m")
    ok([x["question_id"] for x in rows] == sorted(CATEGORY) and "".join(json.dumps(x) + "\n" for x in rows) == first and
       all(list(x) == ["question_id", "answer_id", "model_id", "choices", "tstamp"] and x["model_id"] == "m" and
           x["choices"] == [{"index": 0, "turns": [f"Rating: [[7]] q{x['question_id']}t1", f"Rating: [[7]] q{x['question_id']}t2"]}] for x in rows),
       "the answer file has FastChat's form and the texts as they came")
    digest = hashlib.sha256()
    for x in rows:
        for t, text in enumerate(x["choices"][0]["turns"], 1):
            digest.update(f"{x['question_id']}\0{0}\0{t}\0{len(text.encode())}\0{text}".encode())
    lines = r.printed.splitlines()
    ok(lines[0].startswith("answers   12/12 turns   0 failed   120 tokens") and lines[0].endswith("$ unknown") and lines[1] == f"wrote     {path}" and
       lines[2] == f"digest    {digest.hexdigest()}", "its closing lines, with the digest of the texts")
    r2 = Run(*flags)
    ok(r2.rc == 0 and len(s.log()) == 12 and open(path).read() == first and r2.printed.splitlines()[1:] == lines[1:], "a second start asks nothing and leaves the same bytes")
    r = Run(*flags, "--force-temperature", "1.5")
    ok(r.rc == 1 and "question 5 has a required_temperature" in r.said and len(s.log()) == 12, f"--force-temperature against a required one: {r.said.strip()}")
    r = Run(*flags, "--force-temperature", "1.5", "--question-end", "4", "--max-tokens", "7", "--num-choices", "2", "--model-id", "forced")
    mine = s.log()[12:]
    ok(r.rc == 0 and len(mine) == 16 and all(x["params"]["temperature"] == 1.5 and x["params"]["max_tokens"] == 7 for x in mine), f"--force-temperature, --max-tokens{r.why()}")
    ok([[c["index"] for c in x["choices"]] for x in answers("forced")] == [[0, 1]] * 4, "--num-choices 2, --question-end, --model-id")
    n = len(s.log())
    r = Run(*flags, "--model", "org/name", "--first-n", "1", "--openai-api-base", s.url + "/v1")
    ok(r.rc == 0 and [x["model_id"] for x in answers("org_name")] == ["org_name"] and s.log()[n]["params"]["model"] == "org/name", f"a model called org/name{r.why()}")
    r = Run(*flags, "--first-n", "1", "--answer-file", f"{D}/new/folder/x.jsonl", "--price-in", "100", "--price-out", "200", "--quiet")
    ok(r.rc == 0 and os.path.exists(f"{D}/new/folder/x.jsonl") and r.said == "" and "   $ 0.0" in r.printed, f"--answer-file, --quiet, prices{r.why()}")
    # ---- whose answers these are, and what they were made with ----
    n, kept = len(s.log()), open(path).read()
    for other, word in ((["--max-tokens", "7"], "max_tokens was 1024 and is 7"), (["--system", "Be brief."], "system was "), (["--model", "m2"], "model was m and is m2"),
                        (["--force-temperature", "1", "--question-end", "4"], "temperature was by question and category and is 1")):
        r = Run(*flags, "--model-id", "m", *other)
        ok(r.rc == 1 and word in r.said and "--fresh" in r.said and len(s.log()) == n and open(path).read() == kept, f"made otherwise, refused: {r.said.strip()[:160]}")
    r = Run(*flags, "--model-id", "m", "--max-tokens", "7", "--first-n", "2", "--fresh")
    place = f"{DATA}/b/model_answer/"
    ok(r.rc == 0 and len(answers("m")) == 2 and open(path + ".old1").read() == kept and os.path.exists(place + "m.journal.old1") and os.path.exists(place + "m.manifest.old1") and
       len(s.log()) == n + 4 and {x["params"]["max_tokens"] for x in s.log()[n:]} == {7}, f"--fresh keeps the old files and mixes nothing{r.why()}")
    r = Run(*flags, "--model-id", "m", "--max-tokens", "7", "--first-n", "3", "--price-in", "100", "--price-out", "100")
    ok(r.rc == 0 and len(s.log()) == n + 6 and "at least $ 0.0" in r.printed and "whole journal" not in r.printed, f"and the next start goes on with the new ones: {r.printed.splitlines()[0]}")
    r = Run(*flags, "--model-id", "m", "--max-tokens", "7", "--question-begin", "3", "--question-end", "4", "--price-in", "100", "--price-out", "100")
    ok(r.rc == 0 and len(s.log()) == n + 8 and re.search(r"   \$ 0\.0\d+   \(the whole journal: \d+ tokens, at least \$ 0\.", r.printed), f"its own calls are billed, and the journal's named: {r.printed.splitlines()[0]}")
    with open(f"{place}theirs.jsonl", "w") as f:
        f.write(kept)
    n = len(s.log())
    r = Run(*flags, "--model-id", "theirs")
    ok(r.rc == 1 and "another program made these answers" in r.said and len(s.log()) == n and open(f"{place}theirs.jsonl").read() == kept, f"answers of others: {r.said.strip()}")
    with open(f"{place}local.journal", "w") as f:
        f.write('{"identity": {"model_header_sha256": "x"}, "info": {}}\n{"question_id": 1, "choice": 0, "turn": 1, "status": "ok", "text": "x"}\n')
    r = Run(*flags, "--model-id", "local")
    ok(r.rc == 1 and "these answers are of `mtbench answer`, from local weights" in r.said, f"of local weights: {r.said.strip()}")
    shutil.copy(f"{place}m.journal", f"{place}spoilt.journal")
    with open(f"{place}spoilt.journal", "r+") as f:
        f.readline()
        f.seek(f.tell())
        f.write("spoilt")
    r = Run(*flags, "--model-id", "spoilt", "--max-tokens", "7")
    ok("spoilt.journal:2: the journal is damaged here" in r.said and "weights" not in r.said, f"a damaged journal is told, and gone on with: {r.said.strip()}")
    n = len(s.log())
    r = Run(*flags, "--model-id", "ranks", before=["mpirun", "--oversubscribe", "-n", "2"])
    ok(r.rc == 0 and len(s.log()) == n + 12 and r.printed.count("answers ") == 1, f"on two ranks: rank 0 asks, once{r.why()}")

# ---- the conversation that is sent ----

def talks(question_file, system):
    """What section after section of a bench has to be sent, by the rules."""
    for q in map(json.loads, open(question_file)):
        said = [{"role": "system", "content": system}] if system else []
        for turn in q["turns"]:
            said = said + [{"role": "user", "content": turn}]
            yield said
            said = said + [{"role": "assistant", "content": reply_to(said)}]


server = Recorder()
HELPFUL = "You are a helpful assistant."
for model, flags, system in (("gpt-4", [], HELPFUL), ("gpt-4", ["--system", "Be brief."], "Be brief."), ("qwen2-7b", ["--system", ""], ""), ("o1-mini", [], ""),
                             ("nobody-knows", [], "A chat between a curious human and an artificial intelligence assistant. The assistant gives helpful, detailed, and "
                              "polite answers to the human's questions."), ("gpt-4o-2024-08-06", [], "")):
    server.bodies.clear()
    r = Run("--base-url", server.url, "--model", model, "--model-id", f"talk{next(serial)}", *flags)
    sent = [x["messages"] for _, x in server.bodies]
    noted = r.said.count("the system message of FastChat's template")
    ok(r.rc == 0 and sent == list(talks(f"{DATA}/b/question.jsonl", system)) and noted == (model == "gpt-4o-2024-08-06"),
       f"{model} {flags}: the messages, turn 2 with the reply to turn 1, one call at a time in FastChat's order{r.why()}")

nowhere = Run("--model", "m", "--model-id", "nowhere", "--base-url", "http://127.0.0.1:1/v1", wait=False)    # tries for a while

# ---- failures are no answers ----

bench("f", {1: two(1, "math"), 2: two(2, "math", "fault=echo:1:400"), 3: two(3, "math", "", "fault=echo:1:400"), 4: two(4, "math", "fault=500"),
            5: two(5, "math", "fault=lengthtext"), 6: two(6, "math", "", "fault=think")})
with Stub() as s:
    flags = ["--base-url", s.url, "--model", "m", "--parallel", "3", "--progress", "none"]
    r = Run(*flags, bench="f")
    ok(r.rc == 2 and [x["question_id"] for x in answers("m", "f")] == [1, 4, 5, 6] and "q2t2" not in asked(s.log()), f"a failed turn: no answer, no turn after it, exit 2{r.why()}")
    ok("answers   9/12 turns   3 failed" in r.printed and "question 2, choice 0, turn 1: failed: HTTP 400" in r.said and "question 3, choice 0, turn 2: failed" in r.said,
       "both are named, and what could not be asked counts as failed")
    rows = {x["question_id"]: x["choices"][0]["turns"] for x in answers("m", "f")}
    ok(rows[5][0] == "I think that" and asked(s.log()).count("q5t1") == 1, "a text that the limit cut is an answer")
    ok(rows[6][1] == "Rating: [[7]] q6t2" and any("maybe [[1]]" in (x["raw"] or "") for x in journal("m", "f")) and
       "1 answers came with thoughts" in r.said, "thoughts are in the journal only")
    n = len(s.log())
    r = Run(*flags, bench="f")
    ok(r.rc == 0 and asked(s.log()[n:]) == ["q2t1", "q2t2", "q3t2"] and len(answers("m", "f")) == 6, f"the next start asks what failed, and nothing else{r.why()}")
    bench("r", {1: two(1, "math"), 2: two(2, "math", "", "fault=filter:*")})
    codes = [Run(*flags, bench="r").rc, Run(*flags, "--max-error-rate", "0.5", bench="r").rc]
    ok(codes == [2, 0] and asked(s.log()).count("q2t2") >= 1 and len(answers("m", "r")) == 1, f"a filtered turn, and --max-error-rate: exit codes {codes}")
    paths = [os.path.join(p, f) for p, _, files in os.walk(DATA) for f in files]
    # "nowhere" is at work, and has a link beside its journal that says who writes it and leads nowhere
    text = "".join(os.readlink(f) if os.path.islink(f) else open(f).read() for f in paths)
    ok("$ERROR$" not in text.replace(SECRET, "") and SECRET not in text + "".join(open(f"{D}/{x}").read() for x in os.listdir(D) if x.startswith(("out.", "err."))),
       "no $ERROR$, and no key in any file or message")

# ---- limits, keys, servers ----

with Stub() as s:
    flags = ["--base-url", s.url, "--model", "m", "--progress", "none"]
    r = Run(*flags, "--max-cost", "1")
    ok(r.rc == 1 and "no price of m is known" in r.said, f"--max-cost without prices: {r.said.strip()}")
    r = Run(*flags, "--max-cost", "0.135", "--price-in", "100", "--price-out", "100", "--model-id", "dear")
    done = len(journal("dear"))
    ok(r.rc == 75 and 0 < done < 12 and "--max-cost" in r.said and "$ 0.0" in r.printed, f"--max-cost stops after {done} of 12 turns, exit 75{r.why()}")
    n = len(s.log())
    r = Run(*flags, "--max-cost", "9", "--price-in", "100", "--price-out", "100", "--model-id", "dear")
    ok(r.rc == 0 and len(s.log()) - n == 12 - done and len(answers("dear")) == 6, f"and goes on with more{r.why()}")
    n = len(s.log())
    r = Run(*flags, "--model-id", "key", env={"OPENAI_API_KEY": "sk-wrong-key-of-somebody"})
    ok(r.rc == 77 and "key was refused" in r.said and "sk-wrong" not in r.said and len(s.log()) == n and not answers("key"), f"a wrong key: {r.said.strip()}")
    r = Run("--model", "claude-2", "--provider", "anthropic", "--base-url", s.url, "--parallel", "2")
    ok(r.rc == 0 and {x["path"] for x in s.log()[n:]} == {"/v1/messages"} and len(answers("claude-2")) == 6, f"another provider{r.why()}")
r = Run("--model", "gpt-4", env={})
ok(r.rc == 77 and "model gpt-4: no key for openai; set OPENAI_API_KEY" in r.said, f"no key: {r.said.strip()}")
r = nowhere.wait()
ok(r.rc == 77 and "model m at http://127.0.0.1:1/v1" in r.said and "--base-url" in r.said and "judge" not in r.said, f"no server: {r.said.strip()}")
REFUSED = ((["--num-choices", "0"], "--num-choices 0"), (["--parallel", "0"], "--parallel 0"), (["--max-tokens", "0"], "--max-tokens 0"),
           (["--force-temperature", "-1"], "--force-temperature -1"), (["--model", ""], "--model: empty"), (["--model-id", "a/../b"], "--model-id \"a/../b\""),
           (["--base-url", "localhost:8000"], "--base-url: localhost:8000: no URL"), (["--provider", "nobody"], "--provider: nobody: no such provider"),
           (["--max-error-rate", "2"], "--max-error-rate 2"), (["--progress", "loud"], "--progress loud"), (["--modell", "x"], "did you mean"))
for r, words in [(Run(*flags, wait=False), words) for flags, words in REFUSED]:
    r.wait()
    ok(r.rc == 1 and words in r.said and r.said.count("mtbench: ") == 1 and not r.printed, f"refused: {r.said.strip()[:150]}")

# ---- killed at any moment, and asked to stop ----

bench("k", {i: two(i, "math") for i in range(1, 31)})
with Stub("--delay", "0.03") as s:
    flags = ["--base-url", s.url, "--model", "m", "--parallel", "4", "--progress", "none"]
    kills = []
    while len(kills) < 4:
        seen = len(s.log())
        r = Run(*flags, bench="k", wait=False)
        while len(s.log()) < seen + random.randrange(5, 9) and r.process.poll() is None:
            time.sleep(0.005)
        r.process.kill()
        r.wait()
        time.sleep(0.2)                                                         # for the stub's last replies
        kills.append((len(s.log()), {"{}{}".format(*x["key"].split("-")[::2]) for x in journal("m", "k")}))
    r = Run(*flags, bench="k")
    records = [x["key"] for x in journal("m", "k")]
    ok(r.rc == 0 and len(answers("m", "k")) == 30 and len(records) == len(set(records)) == 60, f"killed {len(kills)} times: all 30 answers are there{r.why()}")
    resent = [finished & set(asked(s.log()[n:])) for n, finished in kills]
    ok(not any(resent) and len(kills[-1][1]) >= 10 and len(s.log()) <= 60 + 4 * len(kills),
       f"{[len(f) for _, f in kills]} calls were finished at the kills, none of them was sent again")
with Stub("--delay", "0.2") as s:
    flags = ["--base-url", s.url, "--model", "m", "--model-id", "term", "--parallel", "4", "--progress", "none"]
    r = Run(*flags, bench="k", wait=False)
    while len(s.log()) < 9:
        time.sleep(0.01)
    r.process.send_signal(signal.SIGTERM)
    start = time.time()
    r.wait()
    ok(r.rc == 75 and time.time() - start < 300 and len(journal("term", "k")) == len(s.log()) and "goes on from there" in r.said, f"SIGTERM: what is in flight comes home, exit 75{r.why()}")
    ok(0 < len(answers("term", "k")) < 30, "what is complete is in the file")
with Stub() as s2:
    flags[1] = s2.url
    r = Run(*flags, bench="k")
    both = asked(s.log() + s2.log())
    ok(r.rc == 0 and len(answers("term", "k")) == 30 and both == sorted(set(both)), f"the next start asks only the rest, of another server{r.why()}")

with Stub("--delay", "20") as slow:
    r = Run("--base-url", slow.url, "--model", "waits", bench="k", wait=False)
    time.sleep(1)
    r.process.send_signal(signal.SIGTERM)
    start = time.time()
    r.wait()
    ok(r.rc == 75 and time.time() - start < 8 and "stopped before it answered" in r.said, f"SIGTERM while the first call waits: exit 75 at once{r.why()}")

# ---- the same as FastChat ----

for model, (theirs, server) in PEERS.items():
    if absent:
        skip(f"{model}: FastChat's bodies", absent)
        skip(f"{model}: FastChat's answers", absent)
        continue
    done, ours = server.process.wait(), Recorder()
    r = Run("--base-url", ours.url, "--model", model, "--max-tokens", "77", bench="mt_bench")
    ok(done == 0 and r.rc == 0 and len(server.bodies) == 160 and ours.bodies == server.bodies,
       f"{model}: the same 160 bodies as FastChat's gen_api_answer, in order{r.why()}{open(f'{theirs}/err').read()[-300:] if done else ''}")
    rows = [[json.loads(line) for line in open(f)] for f in (f"{theirs}/data/mt_bench/model_answer/{model}.jsonl", f"{DATA}/mt_bench/model_answer/{model}.jsonl")]
    for x in rows[0] + rows[1]:
        x["answer_id"] = x["tstamp"] = 0
    ok(len(rows[0]) == 80 and [json.dumps(x) for x in rows[0]] == [json.dumps(x) for x in rows[1]], f"{model}: the same 80 answers, but for ids and times")

end()
