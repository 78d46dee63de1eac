#!/usr/bin/env python3
"""TAP: `mtbench judge` as a program, against a stub server whose log is the witness: matches, prompts and records (an own reading of FastChat's rules, and
FastChat itself where it can be had), nothing paid twice, each failure told, exit codes, batch files, keys, the canary. judge.t PART... runs those parts."""
import concurrent.futures
import hashlib
import itertools
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
import traceback

import stubbed
from stubbed import D, ENV, KEYS, SECRET, end, key_is_nowhere, ok, serial, skip, wait_for

MTBENCH = os.path.join(stubbed.BUILD, "mtbench")
REPLIES = ["Rating: [[8]]", "[[8.5]] {x}", "no verdict", "[[A]] \"quoted\"", "so [[B]]", "tie: [[C]]", "[7] then [[6]]\n", "\u65e5\u672c [[10]] [[A]]", "[[B]] beats [[A]], says [2]"]
MODES = ("single", "pairwise-baseline", "pairwise-all")
def lines(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def text_of(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        return f.read()


# ---- the two sides ----

class Stub(stubbed.Stub):
    def __init__(self, *args, **more):
        super().__init__("--messages", *args, **more)

    def log(self):
        """Without the call that only asks whether the judge is there."""
        return [x for x in super().log() if x["params"].get("max_tokens") != 16]

    def requests(self):
        return self.stats()["requests"]


class Run:
    """One `mtbench judge` over a folder; url None: no server is named."""

    def __init__(self, data, url, *args, judge="gpt-4", env=None, wait=True, stdin=subprocess.DEVNULL, bench="smoke", provider="openai", launcher=()):
        n = next(serial)
        self.out_path, self.err_path = f"{D}/out.{n}", f"{D}/err.{n}"
        self.command = [*launcher, MTBENCH, "judge", "--data-dir", data, "--bench-name", bench, "--judge-model", judge, "--judge-provider", provider, *(["--judge-base-url", url] if url else []),
                        "--verbose", "--log-dir", D, *args]
        self.began = time.time()
        self.process = subprocess.Popen(self.command, stdin=stdin, stdout=open(self.out_path, "w"), stderr=open(self.err_path, "w"), env=ENV | KEYS | (env or {}))
        if wait:
            self.wait()

    def wait(self, seconds=600):
        try:
            self.rc = self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            self.rc = "hang"
        self.seconds = time.time() - self.began
        self.out, self.err = text_of(self.out_path), text_of(self.err_path)
        said = [x for x in self.err.splitlines() if x.startswith("mtbench: ")]
        self.said = said[-1] if said else ""
        return self

    def refuses(self, code, *words):
        """This exit code, nothing written, one line that says why."""
        errors = [x for x in self.err.splitlines() if x and not x.startswith("mtbench: call ")]
        return self.rc == code and len(errors) == 1 and all(w in errors[0] for w in words) and "judgments " not in self.out


def folder(models, answer, questions=None):
    """A data folder of its own; answer(model, question, turn) is what it answered."""
    at = f"{D}/data.{next(serial)}"
    shutil.copytree("data/smoke", f"{at}/smoke")
    shutil.copy(f"{at}/smoke/reference_answer/smoke.jsonl", f"{at}/smoke/reference_answer/gpt-4.jsonl")
    os.makedirs(f"{at}/smoke/model_answer")
    for model in models:
        with open(f"{at}/smoke/model_answer/{model}.jsonl", "w") as f:
            for q in questions or range(1, 9):
                turns = [answer(model, q, t) for t in (1, 2)]
                f.write(json.dumps({"question_id": q, "answer_id": "x", "model_id": model, "choices": [{"index": 0, "turns": turns}], "tstamp": 1.0}) + "\n")
    return at


def plain(model, q, t):
    return f"{model} answers {q}.{t} {{as it is}} \u00e9 \"quoted\""


def judgments(data, kind="single", judge="gpt-4", repeat=1):
    path = f"{data}/smoke/model_judgment/{judge}_{kind}{'' if repeat == 1 else f'.repeat{repeat}'}.jsonl"
    return lines(path) if os.path.exists(path) else []


def journal(data, kind="single", judge="gpt-4"):
    with open(f"{data}/smoke/model_judgment/{judge}_{kind}.journal") as f:
        return [json.loads(line) for line in list(f)[1:] if line.endswith("\n")]


# ---- FastChat's rules, read once more ----

def reply_to(user):
    return REPLIES[hashlib.sha256(user.encode()).digest()[0] % len(REPLIES)]


def expected(data, mode, models, baseline=None, judge="gpt-4", first=None, reference="gpt-4", strip=False):
    """The requests (system, user) and the records but for their times, in the order of matches. 'strip': as FastChat does with this vendor's replies."""
    read = lambda path: {x["question_id"]: x for x in lines(f"{data}/smoke/{path}.jsonl")}
    questions, references = list(read("question").values())[:first], read(f"reference_answer/{reference}")
    answers = {m: read(f"model_answer/{m}") for m in set(models) | ({baseline} if baseline else set())}
    prompts = {p["name"]: p for p in lines(f"{data}/smoke/judge_prompts.jsonl")}
    turns = lambda a: a["choices"][0]["turns"]
    hard = ("math", "reasoning", "coding")
    calls, records = [], []

    def ask(prompt, q, turn, *shown):
        fields = {"question": q["turns"][0], "question_1": q["turns"][0], "question_2": q["turns"][1]}
        if "math" in prompt:
            fields |= {f"ref_answer_{i + 1}": turns(references[q["question_id"]])[i] for i in (0, 1)}
        for a, letter in zip(shown, ("_a", "_b") if len(shown) > 1 else ("",)):
            fields |= {f"answer{letter}": turns(a)[0], f"answer{letter}_1": turns(a)[0], f"answer{letter}_2": turns(a)[1]}
        user = prompts[prompt]["prompt_template"].format(**fields)
        calls.append((prompts[prompt]["system_prompt"], user))
        return user, reply_to(user).strip() if strip else reply_to(user)

    def winner(text, order):
        for letter, model in (("[[A]]", order[0]), ("[[B]]", order[1]), ("[[C]]", "tie")):
            if letter in text:
                return model
        return "error"

    for turn in (1, 2):
        for math in (False, True):
            prompt = ("single" if mode == "single" else "pair") + ("-math-v1" if math else "-v1" if mode == "single" else "-v2") + ("-multi-turn" if turn == 2 else "")
            for q in questions:
                if (q["category"] in hard) != math:
                    continue
                pairs = [(m, baseline) for m in models if m != baseline] if mode == "pairwise-baseline" else list(itertools.combinations(models, 2))
                for who in [(m,) for m in models] if mode == "single" else pairs:
                    a = [answers[m][q["question_id"]] for m in who]
                    common = {"judge": [judge, prompt], "turn": turn}
                    if mode == "single":
                        user, text = ask(prompt, q, turn, a[0])
                        found = re.search(r"\[\[(\d+\.?\d*)\]\]", text) or re.search(r"\[(\d+\.?\d*)\]", text)
                        score = json.loads(found[1]) if found else -1
                        records.append({"question_id": q["question_id"], "model": who[0], "user_prompt": user, "judgment": text, "score": score} | common)
                    else:
                        (u1, t1), (u2, t2) = ask(prompt, q, turn, *a), ask(prompt, q, turn, *a[::-1])
                        records.append({"question_id": q["question_id"], "model_1": who[0], "model_2": who[1], "g1_winner": winner(t1, ("model_1", "model_2")),
                                        "g2_winner": winner(t2, ("model_2", "model_1")), "g1_user_prompt": u1, "g1_judgment": t1, "g2_user_prompt": u2, "g2_judgment": t2} | common)
    return calls, records


def asked(log):
    return sorted((x["messages"][0]["content"], x["messages"][-1]["content"]) for x in log)


def timeless(records):
    return [{k: v for k, v in r.items() if k != "tstamp"} for r in records]


# ---- parts ----

def modes():
    models = ["m-one", "m-two", "m-three"]
    with Stub(replies=REPLIES) as s:
        for mode, parallel in itertools.product(MODES, (1, 16)):
            data = folder(models, plain)
            seen, kind = len(s.log()), "single" if mode == "single" else "pair"
            r = Run(data, s.url, "--mode", mode, "--parallel", str(parallel), "--baseline-model", "m-two", "--model-list", *models)
            calls, records = expected(data, mode, models, "m-two")
            log = s.log()[seen:]
            ok(asked(log) == sorted(calls), f"{mode}, --parallel {parallel}: {len(calls)} calls with FastChat's prompts (exit {r.rc} {r.said})")
            ok(timeless(judgments(data, kind)) == records, f"{mode}, --parallel {parallel}: {len(records)} records with FastChat's fields, in the order of matches")
            ok(log and all(x["params"] == {"model": "gpt-4", "n": 1, "temperature": 0, "max_tokens": 2048} for x in log), f"{mode}, --parallel {parallel}: FastChat's parameters")
        data = folder(models, plain)
        with open(f"{data}/smoke/reference_answer/other.jsonl", "w") as f:
            for x in lines(f"{data}/smoke/reference_answer/gpt-4.jsonl"):
                x["choices"][0]["turns"] = ["the other reference", "and its second"]
                f.write(json.dumps(x) + "\n")
        seen = len(s.log())
        r = Run(data, s.url, "--first-n", "5", "--model-list", "m-three", "m-one", "--reference", "other", "--parallel", "8", judge="my-org/Judge-7B")
        calls, records = expected(data, "single", ["m-three", "m-one"], judge="my-org/Judge-7B", first=5, reference="other")
        ok(asked(s.log()[seen:]) == sorted(calls) and len(calls) == 20 and sum("the other reference" in u for _, u in calls) == 12, "--first-n, --model-list, --reference: these and no others")
        ok(timeless(judgments(data, judge="my-org_Judge-7B")) == records, f"a judge that FastChat's list refuses works (exit {r.rc} {r.said})")


def ranks():
    """Rank 0 calls and writes; the others wait."""
    data = folder(["m-one"], plain)
    with Stub(replies=REPLIES) as s:
        more = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"} if os.getuid() == 0 else {}
        r = Run(data, s.url, "--parallel", "8", env=more, launcher=["mpirun", "--oversubscribe", "-n", "3"])
        calls, records = expected(data, "single", ["m-one"])
        ok(asked(s.log()) == sorted(calls) and timeless(judgments(data)) == records and r.out.count("judgments ") == 1, f"three ranks: each call once, each record once, one summary (exit {r.rc} {r.said})")


def official():
    what = [f"{mode}: {x}" for mode in MODES for x in ("FastChat's own process and ours send the same requests", "and write the same records")]
    why = None
    if not os.path.exists("data/judge_prompts.jsonl") or not os.path.exists("data/mt_bench/reference_answer/gpt-4.jsonl"):
        why = "the official data is not here; data/fetch.sh gets it"
    else:
        venv = subprocess.run(["tests/peers/venv", "judge"], capture_output=True, text=True)
        why = venv.stderr.strip() if venv.returncode else None
    if why:
        for w in what:
            skip(w, why)
        return
    python, models = venv.stdout.strip(), ["zephyr-7b", "gpt-3.5-turbo"]
    sides = {}
    for side in ("theirs", "ours"):
        at = f"{D}/{side}"
        os.makedirs(f"{at}/data/mt_bench/model_answer")
        shutil.copy("data/judge_prompts.jsonl", f"{at}/data/")
        shutil.copy("data/mt_bench/question.jsonl", f"{at}/data/mt_bench/")
        shutil.copytree("data/mt_bench/reference_answer", f"{at}/data/mt_bench/reference_answer")
        subprocess.run([python, "tests/peers/fastchat_judge.py", "answers", f"{at}/data", *models], check=True)
    with Stub(replies=REPLIES) as s:
        def body(x):
            return json.dumps([x["path"], x["params"], x["messages"]], sort_keys=True)
        for mode in MODES:
            kind = "single" if mode == "single" else "pair"
            for side in ("theirs", "ours"):
                seen = len(s.log())
                if side == "theirs":
                    r = subprocess.run([python, os.path.abspath("tests/peers/fastchat_judge.py"), "call", "-", mode, "16", "gpt-3.5-turbo", *models], cwd=f"{D}/theirs", capture_output=True, text=True, errors="replace",   # sixteen threads print into each other
                                       env=ENV | {"OPENAI_API_BASE": s.url + "/v1", "OPENAI_API_KEY": SECRET})
                    said = r.stderr[-200:] if r.returncode else ""
                else:
                    r = Run(f"{D}/ours/data", s.url, "--mode", mode, "--parallel", "16", "--baseline-model", "gpt-3.5-turbo", "--model-list", *models, bench="mt_bench")
                    said = r.said
                path = f"{D}/{side}/data/mt_bench/model_judgment/gpt-4_{kind}.jsonl"
                records = sorted(json.dumps(x) for x in timeless(lines(path))) if os.path.exists(path) else []
                sides[side] = sorted(map(body, s.log()[seen:])), records, said
                if mode == "pairwise-baseline":
                    os.rename(path, path + ".baseline")
                    if side == "ours":
                        os.rename(path[:-6] + ".journal", path[:-6] + ".journal.baseline")
            ours, theirs = sides["ours"], sides["theirs"]
            ok(ours[0] == theirs[0] and len(ours[0]) == 320, f"{mode}: FastChat's own process and ours send the same {len(ours[0])} requests {theirs[2]} {ours[2]}")
            ok(ours[1] == theirs[1] and len(ours[1]) == (320 if mode == "single" else 160), f"{mode}: and write the same {len(ours[1])} records, keys in the same order")


def names_of(records):
    """Whose reply it is: the stub signs with the hash of the prompt."""
    return [re.search(r"\[\[\w+\]\] ([0-9a-f]{16})", r["text"])[1] for r in records if r["status"] == "ok"]


def tally(things):
    out = {}
    for x in things:
        out[x] = out.get(x, 0) + 1
    return out


def killed():
    models, again, kept = ["m-one", "m-two", "m-three"], [], []
    data = folder(models, plain)
    args = ["--parallel", "4", "--repeat", "2"]
    with Stub("--delay", "0.04") as s:
        for stop_at in (3, 20, 45, 70):
            seen = len(s.log())
            r = Run(data, s.url, *args, wait=False)
            wait_for(lambda: len(s.log()) >= stop_at or r.process.poll() is not None)
            cmdline = text_of(f"/proc/{r.process.pid}/cmdline")
            r.process.kill()
            r.wait()
            before, kept = tally(kept), names_of(journal(data))
            sent = tally(x["id"] for x in s.log()[seen:])
            again += [k for k, n in sent.items() if n > 2 - before.get(k, 0)]
        ok(0 < len(kept) < 96 and SECRET not in cmdline, f"killed four times, {len(kept)} of 96 calls kept")
        with open(f"{data}/smoke/model_judgment/gpt-4_single.journal", "a") as f:
            f.write('{"key": "torn')
        seen, before = len(s.log()), tally(kept)
        r = Run(data, s.url, *args)
        again += [k for k, n in tally(x["id"] for x in s.log()[seen:]).items() if n > 2 - before.get(k, 0)]
        ok(r.rc == 0 and "judgments 96/96" in r.out and [len(judgments(data, repeat=i)) for i in (1, 2)] == [48, 48], f"started again, all are there (exit {r.rc} {r.said})")
        ok(not again and len(s.log()) - seen == 96 - len(kept), f"no finished call was sent again: {len(s.log()) - seen} were left {again[:3]}")
        seen = s.requests()
        r = Run(data, s.url, *args)
        ok(r.rc == 0 and s.requests() == seen and "judgments 96/96" in r.out, "a finished run calls nobody")
        with open(f"{data}/smoke/model_answer/m-two.jsonl") as f:
            changed = f.read().replace("m-two answers 6.2", "m-two changed 6.2")
        with open(f"{data}/smoke/model_answer/m-two.jsonl", "w") as f:
            f.write(changed)
        seen = len(s.log())
        r = Run(data, s.url, *args)
        ok(r.rc == 0 and len(s.log()) - seen == 2 and sum("changed 6.2" in x["user_prompt"] for x in judgments(data)) == 1 and len(judgments(data)) == 48,
           "a changed answer is judged again, and takes the old judgment's place")


def retried():
    data = folder(["m-one", "m-two"], lambda m, q, t: plain(m, q, t) + (" fault=strerror:1:400" if q == 2 and t == 2 else ""))
    with Stub() as s:
        r = Run(data, s.url, "--parallel", "4")
        ok(r.rc == 2 and "judgments 30/32   2 failed" in r.out and "2 failed" in r.err, f"failed calls: exit 2 and a count ({r.rc} {r.said})")
        bad = [x for x in judgments(data) if x["score"] == -1]
        ok(len(bad) == 2 and all(x["judgment"] == "$ERROR$" and x["question_id"] == 2 and x["turn"] == 2 for x in bad), "they are written as -1 and $ERROR$")
        seen = len(s.log())
        r = Run(data, s.url, "--parallel", "4")
        ok(r.rc == 0 and len(s.log()) - seen == 2 and all(x["score"] == 7 for x in judgments(data)) and len(judgments(data)) == 32, "the next start asks those alone, and replaces them")
        sent = []
        for judge, args in (("other-judge", ["--parallel", "4"]), ("gpt-4", ["--mode", "pairwise-all", "--parallel", "4"]), ("gpt-4", ["--repeat", "3", "--parallel", "4"])):
            seen = len(s.log())
            sent.append((Run(data, s.url, *args, judge=judge).rc, len(s.log()) - seen))
        ok(sent == [(0, 32), (2, 32), (0, 64)], f"another judge, another mode and two repeats more cost their own calls only {sent}")
        files = [len(judgments(data)), len(judgments(data, repeat=2)), len(judgments(data, repeat=3)), len(judgments(data, judge="other-judge")), len(judgments(data, "pair"))]
        ok(files == [32, 32, 32, 32, 16], f"and live side by side {files}")


def stopped():
    """A server that answers late, and one that never does; meanwhile a second run wants the same journal."""
    data, slow = folder(["m-one", "m-two"], plain), folder(["m-one"], plain)
    mute = folder(["m-one"], lambda m, q, t: plain(m, q, t) + " fault=late:*:3600")
    with Stub("--delay", "1") as s, Stub() as never, Stub("--delay", "3600") as deaf:
        runs = [Run(data, s.url, "--parallel", "8", wait=False), Run(mute, never.url, "--parallel", "8", wait=False), Run(slow, deaf.url, wait=False)]
        wait_for(lambda: s.requests() > 8 and never.requests() > 8 and deaf.requests() == 1)
        ok(Run(data, s.url).refuses(1, "gpt-4_single.journal"), "two runs on one journal: one line")
        for r in runs:
            r.began = time.time()
            r.process.send_signal(signal.SIGTERM)
        for r in reversed(runs):
            r.wait()
        kept = names_of(journal(data))
        ok(runs[0].rc == 75 and sorted(x["id"] for x in s.log()) == sorted(kept) and 8 <= len(kept) < 32, f"SIGTERM: exit {runs[0].rc}, and the {len(kept)} calls under way were waited for")
        ok("start again" in runs[0].said and f"judgments {len(kept)}/32" in runs[0].out and len(judgments(data)) == len(kept), f"what came is written: {runs[0].said}")
        ok(runs[1].rc == 75 and runs[1].seconds < 300, f"a server that never answers is not waited for longer: exit {runs[1].rc} after {runs[1].seconds:.1f} s")
        ok(runs[2].rc == 75 and runs[2].seconds < 300, f"the first call is not waited for at all: exit {runs[2].rc} after {runs[2].seconds:.1f} s")


STATUSES = {"fine": ("", "ok"), "words": ("fault=verdict:*:none", "unparsable"), "eleven": ("fault=verdict:*:11", "out_of_range"), "cut": ("fault=lengthtext:*", "truncated"),
            "filter": ("fault=filter:*", "filtered"), "refuses": ("fault=refusal:*", "refused"), "long": ("fault=toolong:*", "too_long"), "broken": ("fault=strerror:*:400", "failed"),
            "empty": (None, "ok"), "error": ("$ERROR$", "no_answer"), "cuda": ("ERROR", "no_answer")}


def honest():
    data = folder(STATUSES, lambda m, q, t: plain(m, q, t) + " " + STATUSES[m][0] if STATUSES[m][0] not in (None, "$ERROR$", "ERROR") else STATUSES[m][0] or "")
    with Stub() as s:
        r = Run(data, s.url, "--first-n", "2", "--parallel", "16")
        told = {k: n for k, n in re.findall(r"(\d+) ([a-z_]+)", next((x for x in r.err.splitlines() if "do not count" in x), ""))}
        counts = tally(status for _, status in STATUSES.values())
        want = {status: 4 * n for status, n in counts.items() if status != "ok"}
        got = {k: int(n) for n, k in told.items()} if len(told) == len(want) else dict((k, int(n)) for n, k in re.findall(r"(\d+) ([a-z_]+)", next((x for x in r.err.splitlines() if "do not count" in x), "")))
        ok(r.rc == 2 and got == want and "judgments 8/44   36 failed" in r.out, f"every kind of failure is counted: exit {r.rc} {got}")
        by = {m: [x for x in judgments(data) if x["model"] == m] for m in STATUSES}
        ok(all(len(x) == 4 for x in by.values()) and all(j["score"] == (7 if m in ("fine", "empty") else -1) for m, x in by.items() for j in x), "only what counts has a score")
        texts = {m: x[0]["judgment"][:14] for m, x in by.items()}
        ok(texts["words"].startswith("I say [[none]]") and texts["eleven"].startswith("I say [[11]]") and texts["cut"].startswith("I think that") and texts["broken"] == texts["error"] == texts["cuda"] == "$ERROR$",
           "the judge's words are kept where there are any")
        ok(len(s.log()) == sum(1 for x in s.log() if x["id"]) and "4 of the judged answers are empty" in r.err and
           tally(x["status"] for x in journal(data)) == {"ok": 16, "truncated": 4, "filtered": 4, "refused": 4, "too_long": 4, "failed": 4}, "what is no answer is never sent; the journal says why")
        out = subprocess.run([MTBENCH, "show", "--data-dir", data, "--bench-name", "smoke", "--format", "json"], capture_output=True, text=True, env=ENV).stdout
        rows = {x["model"]: x for x in json.loads(out)["rows"]}
        ok(len(rows) == 11 and rows["fine"]["n"] == rows["empty"]["n"] == 4 and all(x["n"] == 0 and x["failed"] == 4 for m, x in rows.items() if m not in ("fine", "empty")), "show counts them as failed")
        seen = len(s.log())
        r = Run(data, s.url, "--first-n", "2", "--max-error-rate", "0.9")
        ok(r.rc == 0 and len(s.log()) - seen == 4, f"--max-error-rate 0.9: exit {r.rc}; only what failed was asked again")
        seen = len(s.log())
        r = Run(data, s.url, "--first-n", "1", "--mode", "pairwise-baseline", "--baseline-model", "fine", "--parallel", "16")
        pairs = judgments(data, "pair")
        ok(r.rc == 2 and len(pairs) == 20 and all(x["g1_winner"] == x["g2_winner"] == "error" for x in pairs if x["model_1"] != "empty"), f"pairs: what failed is an error, no winner (exit {r.rc})")
    venv = subprocess.run(["tests/peers/venv", "report"], capture_output=True, text=True)
    if venv.returncode:
        skip("FastChat's show_result reads the file", venv.stderr.strip())
        return
    site = subprocess.run([venv.stdout.strip(), "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"], capture_output=True, text=True).stdout.strip()
    r = subprocess.run([venv.stdout.strip(), f"{site}/fastchat/llm_judge/show_result.py", "--input-file", f"{data}/smoke/model_judgment/gpt-4_single.jsonl"], capture_output=True, text=True)
    ok(r.returncode == 0 and re.search(r"fine +1 +7\.0", r.stdout) and "eleven" not in r.stdout, "FastChat's show_result reads the file, and counts the same")


def fallback():
    """A second judge for what the first one's filter holds back: both as they come, in an interrupted run, and when the second is no help either."""
    data = folder(["m-one"], lambda m, q, t: plain(m, q, t) + (" fault=filter200:*" if q % 4 == 1 else ""))
    with Stub() as first, Stub("--no-faults") as second:
        r = Run(data, first.url)
        ok(r.rc == 2 and "12/16   4 failed" in r.out and tally(x["status"] for x in journal(data)) == {"ok": 12, "filtered": 4}, f"without one four of 16 are filtered: {r.out.splitlines()[-2]}")
        with_other = ["--fallback-judge", "other", "--fallback-provider", "openai", "--fallback-base-url", second.url]
        r = Run(data, first.url, *with_other)
        rows, calls = judgments(data), journal(data)
        ok(r.rc == 0 and "16/16   0 failed" in r.out and len(first.log()) == 20 and len(second.log()) == 4, f"with one these are asked again, and then of it: exit {r.rc} {r.said} {len(first.log())} {len(second.log())}")
        ok(len(rows) == 16 and tally(x["judge"][0] for x in rows) == {"gpt-4": 12, "other": 4} and all(x["score"] == 7 for x in rows), "its judgments take the place of those that failed, and carry its name")
        ok([x.get("judge") for x in calls[-4:]] == ["other"] * 4 and calls[-1]["tries"] == 2 and calls[-1]["model"] == "other-dated", "so do its calls in the journal, with what both took")
        out = subprocess.run([MTBENCH, "show", "--data-dir", data, "--bench-name", "smoke", "--judge-model", "gpt-4"], capture_output=True, text=True, env=ENV).stdout
        ok(re.search(r"m-one +7.00 .* 12 +0 ", out) and "not counted: 4 by other" in out, f"show counts one judge at a time, and says so: {out!r}")
        seen = len(first.log()) + len(second.log())
        for flags in (with_other, []):
            r = Run(data, first.url, *flags)
            ok(r.rc == 0 and len(first.log()) + len(second.log()) == seen and timeless(judgments(data)) == timeless(rows), "a new start, with or without it, asks nothing and writes the same")
        pairs = folder(["m-one", "m-two"], lambda m, q, t: plain(m, q, t) + (" fault=filter:*" if q % 4 == 1 and m == "m-two" else ""))
        r = Run(pairs, first.url, "--mode", "pairwise-all", "--parallel", "4", *with_other)
        got = judgments(pairs, "pair")
        ok(len(got) == 16 and tally(x["judge"][0] for x in got) == {"gpt-4": 12, "other": 4}, f"pairs as well: exit {r.rc} {r.said}")
        data = folder(["m-one"], lambda m, q, t: plain(m, q, t) + (" fault=filter200:*" if q % 4 == 1 else ""))
        r = Run(data, first.url, "--fallback-judge", "other", "--fallback-provider", "openai", "--fallback-base-url", first.url)
        ok(r.rc == 2 and "12/16   4 failed" in r.out and tally(x["judge"][0] for x in judgments(data)) == {"gpt-4": 16}, f"what both filter stays filtered: exit {r.rc}")
        seen = len(first.log())
        r = Run(data, first.url, "--fallback-judge", "other", "--fallback-provider", "openai", "--fallback-base-url", first.url)
        ok(r.rc == 2 and len(first.log()) == seen and sum(x["tries"] for x in journal(data)) == 20, f"and is not asked again; what both took is on record: {len(first.log()) - seen}")
        data = folder(["m-one"], lambda m, q, t: plain(m, q, t) + (" fault=filter:*" if q % 4 == 1 else ""))
        Run(data, first.url, *with_other)
        shutil.copy(f"{folder(['m-one'], plain)}/smoke/model_answer/m-one.jsonl", f"{data}/smoke/model_answer/m-one.jsonl")
        r = Run(data, first.url, *with_other)
        rows = judgments(data)
        ok(r.rc == 0 and len(rows) == 16 and tally(x["judge"][0] for x in rows) == {"gpt-4": 16}, "judgments of answers that have changed take the place of its old ones too")
        with open(f"{D}/first.key", "w") as f:
            f.write(SECRET)
        data = folder(["m-one"], lambda m, q, t: plain(m, q, t) + (" fault=filter:*" if q % 4 == 1 else ""))
        with Stub("--no-faults", key="another-key") as third:
            keyed = ["--fallback-judge", "other", "--fallback-provider", "openai", "--fallback-base-url", third.url]
            r = Run(data, first.url, *keyed, env={"MTBENCH_JUDGE_KEY_FILE": f"{D}/first.key", "OPENAI_API_KEY": "another-key"})
            ok(r.rc == 0 and "16/16" in r.out, f"the key file is the judge's, the fallback has its own key: exit {r.rc} {r.said}")
        os.remove(f"{D}/first.key")
        fresh = folder(["m-one"], plain)
        r = Run(fresh, first.url, "--fallback-judge", "other", "--fallback-provider", "openai", "--fallback-base-url", "http://127.0.0.1:9")
        ok(r.refuses(77, "fallback judge other", "--fallback-base-url"), f"one that is not there is told before the first judgment: {r.said}")
        for flags, word in ((["--fallback-base-url", "http://x"], "--fallback-judge is missing"), (["--fallback-judge", ""], "empty"),
                            ([*with_other, "--max-cost", "5", "--price-in", "1", "--price-out", "1"], "--max-cost"), ([*with_other, "--export", "x"], "--fallback-judge")):
            r = Run(fresh, first.url, *flags)
            ok(r.refuses(1, word), f"refused: {r.said}")


def codes():
    data = folder(["m-one"], plain)
    untouched = lambda: not judgments(data) and not os.path.exists(f"{data}/smoke/model_judgment/gpt-4_single.journal")
    with Stub() as s, Stub("--model", "another") as t:
        r = Run(data, s.url, env={"OPENAI_API_KEY": SECRET + "x"})
        ok(r.refuses(77, "401", "key") and untouched() and s.requests() == 1, f"a wrong key: {r.said}")
        r = Run(data, t.url)
        ok(r.refuses(77, "404", "model") and t.requests() == 1, f"an unknown model: {r.said}")
        r = Run(data, None, env={"OPENAI_API_KEY": ""})
        ok(r.refuses(77, "OPENAI_API_KEY"), f"no key: {r.said}")
        r = Run(data, "http://127.0.0.1:9")
        ok(r.refuses(77, "127.0.0.1:9") and untouched(), f"nobody there: {r.said}")
        seen = s.requests()
        refusals = [(["--model-list", "m-none"], "m-none"), (["--reference", "none"], "none"), (["--judge-file", f"{D}/none.jsonl"], "none.jsonl"), (["--bench-name", "none"], "none"),
                    (["--mode", "pairwise-baseline", "--baseline-model", "m-none"], "m-none"), (["--mode", "triple"], "triple"), (["--judge-provider", "nobody"], "nobody"),
                    (["--max-cost", "1", "--judge-model", "unpriced"], "--price-in"), (["--judge-base-url", "localhost"], "http"), (["--canary", "-1"], "--canary"),
                    (["--judge-provider", "compatible", "--judge-base-url", ""], "--judge-base-url")]
        for args, word in refusals:
            r = Run(data, s.url, *args)
            ok(r.refuses(1, word), f"{' '.join(args)}: {r.said} ({r.rc})")
        half = folder(["m-half"], plain, range(1, 8))
        r = Run(half, s.url)
        ok(r.refuses(1, "m-half", "8"), f"a missing answer: {r.said}")
        r = Run(folder([], plain), s.url)
        ok(r.rc == 1 and r.said, f"no models at all: {r.said}")
        with open(f"{half}/smoke/judge_prompts.jsonl", "w") as f:
            f.writelines(json.dumps(x) + "\n" for x in lines("data/smoke/judge_prompts.jsonl") if x["name"] != "single-v1-multi-turn")
        r = Run(half, s.url, "--first-n", "7")
        ok(r.refuses(1, "single-v1-multi-turn"), f"a missing prompt: {r.said}")
        ok(s.requests() == seen, "all of that without a request")


def money():
    broke = folder(["m-one"], lambda m, q, t: plain(m, q, t) + (" fault=quota" if q == 7 and t == 2 else ""))
    data = folder(["m-one"], plain)
    with Stub() as s:
        r = Run(broke, s.url, "--parallel", "2")
        kept = len(journal(broke))
        ok(r.rc == 75 and "quota" in r.said and 0 < kept < 16 and len(judgments(broke)) == kept, f"no quota left: exit {r.rc}, {kept} kept: {r.said}")
        r = Run(broke, s.url)
        ok(r.rc == 0 and len(judgments(broke)) == 16, "and goes on when there is some again")
        price = ["--price-in", "30", "--price-out", "60"]
        r = Run(data, s.url, *price, "--max-cost", "0.2")
        kept = len(journal(data))
        ok(r.rc == 75 and "--max-cost" in r.said and 0 < kept < 16 and len(judgments(data)) == kept, f"--max-cost: exit {r.rc}, {kept} kept: {r.said}")
        r = Run(data, s.url, *price, "--max-cost", "0.2")
        ok(r.rc == 75 and len(journal(data)) <= kept + 1, "what was paid counts in the next run")
        r = Run(data, s.url, *price, "--max-cost", "5")
        bill = sum(x["cost"] for x in journal(data))
        ok(r.rc == 0 and len(judgments(data)) == 16 and f"$ {bill:.4f}\n" in r.out, f"a larger limit goes on, the bill is that of all runs: {r.out.splitlines()[-2]}")
        two = folder(["m-one", "m-two"], plain)
        shutil.rmtree(f"{two}/smoke/model_judgment", ignore_errors=True)
        shutil.copytree(f"{data}/smoke/model_judgment", f"{two}/smoke/model_judgment")
        r = Run(two, s.url, *price, "--max-cost", "0.6", "--model-list", "m-two")
        all_of_it = sum(x["cost"] for x in journal(two))
        ok(r.rc == 0 and len(journal(two)) == 32 and f"$ {all_of_it - bill:.4f}   (the whole journal: " in r.out and f"$ {all_of_it:.4f})" in r.out,
           f"--max-cost and the bill are about the calls of these judgments, the journal's other calls are named: exit {r.rc}, {r.out.splitlines()[-2]} {bill}")


def confirm():
    data = folder(["m-one"], plain)
    with Stub() as s:
        mine, theirs = os.pipe()
        os.write(theirs, b"\n\n")
        r = Run(data, s.url, "--first-n", "1", "--parallel", "2", stdin=mine)
        ok(r.rc == 0 and os.read(mine, 9) == b"\n\n", "nothing is asked: what stands on stdin is left there")
        os.write(theirs, b"\n")
        seen = s.requests()
        r = Run(data, s.url, "--first-n", "2", "--confirm", stdin=mine, wait=False)
        r.wait()
        ok(r.rc == 0 and "Enter" in r.out and "total_num_matches" in r.out.split("Enter")[0] and s.requests() > seen, "--confirm shows the matches, asks, and goes on after Enter")
        seen = s.requests()
        r = Run(data, s.url, "--first-n", "3", "--confirm")
        ok(r.rc == 1 and "--confirm" in r.said and s.requests() == seen, f"without an answer it does nothing: {r.said}")


def result(provider, custom_id, text):
    """A line of a batch's results as the provider writes it; text None: the call failed."""
    if provider == "openai":
        body = {"id": "c", "object": "chat.completion", "model": "gpt-4-dated", "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}}
        response = {"status_code": 200, "request_id": "r", "body": body} if text is not None else {"status_code": 500, "request_id": "r", "body": {"error": {"message": "trouble"}}}
        return json.dumps({"id": "b", "custom_id": custom_id, "response": response, "error": None}) + "\n"
    message = {"type": "message", "role": "assistant", "model": "c", "content": [{"type": "text", "text": text}], "stop_reason": "end_turn", "usage": {"input_tokens": 100, "output_tokens": 10}}
    return json.dumps({"custom_id": custom_id, "result": {"type": "succeeded", "message": message} if text is not None else {"type": "expired"}}) + "\n"


def batches():
    models = ["m-one", "m-two"]
    nobody = {"OPENAI_API_KEY": "", "ANTHROPIC_API_KEY": "", "http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    for provider, judge in (("openai", "gpt-4"), ("anthropic", "claude-3-opus")):
        data, file = folder(models, plain), f"{D}/{provider}.batch.jsonl"
        run = lambda *args: Run(data, None, "--mode", "pairwise-all", *args, judge=judge, provider=provider, env=nobody)
        calls, records = expected(data, "pairwise-all", models, judge=judge, strip=provider == "anthropic")
        r = run("--export", file)
        requests = lines(file) if r.rc == 0 else []
        params = [x["body" if provider == "openai" else "params"] for x in requests]
        shown = sorted((p["system"] if provider == "anthropic" else p["messages"][0]["content"], p["messages"][-1]["content"]) for p in params)
        ok(r.rc == 0 and shown == sorted(calls) and len({x["custom_id"] for x in requests}) == 32 and not judgments(data, "pair", judge),
           f"{provider}: --export writes the {len(shown)} calls, without key or network (exit {r.rc} {r.said})")
        random.Random(4).shuffle(requests)
        user_of = lambda x: (x.get("body") or x["params"])["messages"][-1]["content"]
        reply = lambda x: result(provider, x["custom_id"], reply_to(user_of(x)))
        with open(f"{D}/{provider}.results.jsonl", "w") as f:
            f.writelines(reply(x) for x in requests[2:])
        with open(f"{D}/{provider}.errors.jsonl", "w") as f:
            f.write(result(provider, requests[1]["custom_id"], None))
        r = run("--import", f"{D}/{provider}.errors.jsonl", f"{D}/{provider}.results.jsonl")
        got = tally(x["status"] for x in journal(data, "pair", judge))
        ok(r.rc == 2 and got == {"ok": 30, "failed": 2}, f"{provider}: --import takes results in any order, an error and a missing one: {got}")
        r = Run(data, None, "--mode", "pairwise-all", "--import", f"{D}/{provider}.results.jsonl", judge=judge + "-x", provider=provider, env=nobody)
        ok(r.refuses(1, "none of 30 replies") and not os.path.exists(f"{data}/smoke/model_judgment/{judge}-x_pair.jsonl"), f"{provider}: under another judge's name nothing is taken: {r.said}")
        r = run("--import", f"{D}/{provider}.results.jsonl")
        ok(r.rc == 2 and "30 replies were merged before" in r.err and tally(x["status"] for x in journal(data, "pair", judge))["ok"] == 30, f"{provider}: merged before: {r.said}")
        r = run("--export", file)
        ok(r.rc == 0 and len(lines(file)) == 2 and "exported  2 calls" in r.out, f"{provider}: the next --export holds the two that are left")
        with open(f"{D}/{provider}.late.jsonl", "w") as f:
            f.writelines(reply(x) for x in lines(file))
        r = run("--import", f"{D}/{provider}.late.jsonl")
        ok(timeless(judgments(data, "pair", judge)) == records, f"{provider}: with those imported the records are FastChat's (exit {r.rc} {r.said})")


def taken():
    """A judgment file without its journal, as FastChat leaves one: what it holds was paid for."""
    data = folder(["m-one", "m-two"], plain)
    file = f"{data}/smoke/model_judgment/gpt-4_single"
    with Stub(replies=REPLIES) as s:
        Run(data, s.url, "--parallel", "16")
        before, sent = text_of(file + ".jsonl"), len(s.log())
        os.remove(file + ".journal")
        flags = ["--data-dir", data, "--bench-name", "smoke", "--judge-model", "gpt-4"]
        plan = subprocess.run([MTBENCH, "plan", *flags, "--model-list", "m-one", "m-two"], capture_output=True, text=True, env=ENV).stdout
        ok("0 calls to come" in plan and not os.path.exists(file + ".journal"), f"plan counts what will be taken over: {next((x for x in plan.splitlines() if x.startswith('judg')), plan)}")
        r = Run(data, s.url)
        ok(len(s.log()) == sent and text_of(file + ".jsonl") == before and "32 judgments" in r.err and "taken over" in r.err, f"nothing is asked, the file stays as it is (exit {r.rc} {r.said})")
        os.remove(file + ".journal")
        answers = f"{data}/smoke/model_answer/m-two.jsonl"
        text = text_of(answers)
        with open(answers, "w") as f:
            f.write(text.replace("answers 3.2", "says for 3.2"))
        r = Run(data, s.url)
        ok(len(s.log()) - sent in (1, 2) and text_of(file + ".jsonl.old1") == before and ".old1" in r.err, f"another answer is judged anew, the file is kept in a copy (exit {r.rc} {r.said})")


def canary():
    """The judge is the same, then a point stricter, then of another mind; the stored file is never touched."""
    models = ["m-one", "m-two"]
    data = folder(models, plain)
    scores = [f"Rating: [[{n}]]" for n in (4, 5, 6, 7, 8, 9)]
    letters = ["[[A]]", "[[B]]", "[[C]]", "none"]
    digest = lambda: [hashlib.sha256(open(f"{data}/smoke/model_judgment/gpt-4_{kind}.{ending}", "rb").read()).hexdigest() for kind in ("single", "pair") for ending in ("jsonl", "journal")]
    with Stub(replies=scores) as s, Stub(replies=letters) as pairs:
        Run(data, s.url, "--parallel", "16")
        Run(data, pairs.url, "--mode", "pairwise-all", "--parallel", "16")
        before, sent = digest(), []
        for parallel in ("1", "16"):
            seen = len(s.log())
            r = Run(data, s.url, "--canary", "12", "--parallel", parallel)
            sent.append(asked(s.log()[seen:]))
            ok(r.rc == 0 and "verdicts  12/12   0 failed   12 equal   0 changed" in r.out and "drift     +0.000" in r.out, f"the same judge: no drift (exit {r.rc} {r.said})")
        stored = {x["user_prompt"]: x for x in judgments(data)}
        systems = {p["name"]: p["system_prompt"] for p in lines("data/smoke/judge_prompts.jsonl")}
        ok(sent[0] == sent[1] and len(set(sent[0])) == 12 and all(systems[stored[user]["judge"][1]] == system for system, user in sent[0]), "the same 12 stored prompts each time, asked anew, with their system texts")
        seen = len(pairs.log())
        r = Run(data, pairs.url, "--canary", "6", "--mode", "pairwise-all", "--parallel", "4")
        asked_pairs = {x["messages"][-1]["content"] for x in pairs.log()[seen:]}
        good = {x[f"g{g}_user_prompt"] for x in judgments(data, "pair") if "error" not in (x["g1_winner"], x["g2_winner"]) for g in (1, 2)}
        ok(r.rc == 0 and "verdicts  12/12   0 failed   12 equal" in r.out and len(asked_pairs) == 12 and asked_pairs <= good, f"pairs: only those that count, both games (exit {r.rc} {r.said})")
    # a drift that is not the same for all: the interval is that of the means per question, by Student's t
    shifted = [f"Rating: [[{n}]]" for n in (3, 3, 5, 5, 6, 8)]
    with Stub(replies=shifted) as s, Stub(replies=["[[B]]", "[[C]]", "[[A]]", "[[A]]"]) as pairs, Stub(replies=["no word"]) as mute:
        r = Run(data, s.url, "--canary", "30", "--parallel", "16")
        moved = {}
        for x in judgments(data):
            was, at = x["score"], hashlib.sha256(x["user_prompt"].encode()).digest()[0] % 6
            moved[x["user_prompt"]] = (x["question_id"], int(shifted[at][10]) - was)
        there = [moved[x["messages"][-1]["content"]] for x in s.log()]
        mean = sum(d for _, d in there) / len(there)
        groups = {q: sum(d - mean for p, d in there if p == q) for q, _ in there}
        half = 2.3646242510102993 * (sum(x * x for x in groups.values()) * 8 / 7) ** 0.5 / len(there)
        ok(r.rc == 2 and len(groups) == 8 and f"drift     {mean:+.3f}   95 % interval {mean - half:+.3f} .. {mean + half:+.3f}" in r.out, f"a stricter judge is found: exit {r.rc}, {r.out.splitlines()[-1]}")
        r = Run(data, s.url, "--canary", "500", "--parallel", "16")
        ok("only 32 judgments" in r.err and "verdicts  32/32" in r.out, "more than there are: all of them, and it says so")
        r = Run(data, pairs.url, "--canary", "16", "--mode", "pairwise-all", "--parallel", "16")
        ok(r.rc == 2 and " 0 equal" in r.out and "changed   +1.000" in r.out, f"other winners are found: exit {r.rc}, {r.out.splitlines()[-1]}")
        r = Run(data, mute.url, "--canary", "4")
        ok(r.rc == 2 and "verdicts  0/4   4 failed" in r.out, f"a judge without verdicts fails: exit {r.rc}")
        ok(digest() == before, "judgments and their journals were not touched")
        ok(Run(data, s.url, "--canary", "2", judge="nobody").refuses(1, "judge first") and Run(data, s.url, "--canary", "2", "--export", "x").refuses(1, "--canary"), "refusals in one line")
        r = Run(data, s.url, "--canary", "2", "--judge-base-url", "http://127.0.0.1:9")
        ok(r.rc == 77, f"nobody there: exit {r.rc}")


def keys():
    file = f"{D}/key_file"
    data = folder(["m-one"], lambda m, q, t: plain(m, q, t) + (" fault=echo:*:400" if q == 1 else " fault=echo:1 " if q == 2 else " fault=403:1" if q == 3 else ""))
    with open(file, "w") as f:
        f.write(SECRET + "\n")
    with Stub("--delay", "0.1") as s:
        r = Run(data, s.url, env={"MTBENCH_JUDGE_KEY_FILE": file, "OPENAI_API_KEY": ""}, wait=False)
        wait_for(lambda: s.requests() > 3)
        seen = [text_of(f"/proc/{p}/cmdline") for p in os.listdir("/proc") if p.isdigit() and os.path.exists(f"/proc/{p}/cmdline")]
        r.wait()
        seen = [x for x in seen if "stub.py" not in x]  # the server must know it
        ok(not any(SECRET in x for x in seen) and any("m-one" in x or data in x for x in seen), f"the key is in nobody's arguments (of {len(seen)})")
        ok("***" in "".join(x["reason"] or "" for x in journal(data)) and r.rc == 2, "a key that the server echoes is blotted out")
    os.remove(file)
    key_is_nowhere(10)


def output():
    """--output: the file named gets the judgments and has a journal of its own; the usual place stays as it is."""
    data, mine = folder(["m-one", "m-two"], plain), f"{D}/elsewhere/mine.jsonl"
    with Stub(replies=REPLIES) as s:
        run = lambda *args, **more: Run(data, s.url, *args, "--max-error-rate", "1", **more)
        r = run( "--output", mine, "--model-list", "m-one")
        calls, records = expected(data, "single", ["m-one"])
        ok(r.rc == 0 and timeless(lines(mine)) == records and f"wrote     {mine}\n" in r.out, f"--output: {len(records)} judgments in the file named, which is told (exit {r.rc} {r.said})")
        ok(not os.path.exists(f"{data}/smoke/model_judgment") and os.path.exists(f"{D}/elsewhere/mine.journal"), "its journal lies beside it, and nothing at the usual place")
        seen = len(s.log())
        os.remove(mine)
        r = run( "--output", mine, "--model-list", "m-one")
        ok(r.rc == 0 and timeless(lines(mine)) == records and len(s.log()) == seen, "started again: the file is made anew from its journal, and nothing is asked")
        r = run( "--output", mine)
        calls, records = expected(data, "single", ["m-one", "m-two"])
        key = lambda x: json.dumps(x, sort_keys=True)
        ok(r.rc == 0 and sorted(timeless(lines(mine)), key=key) == sorted(records, key=key) and len(s.log()) == len(calls), "another model: only its judgments are asked for, all stand in the file")
        r = run( "--model-list", "m-one")
        ok(r.rc == 0 and len(judgments(data)) == 16 and len(s.log()) == len(calls) + 16, "without --output the usual place knows nothing of that journal")
        shown = subprocess.run([MTBENCH, "show", "--data-dir", data, "--bench-name", "smoke", "--input-file", mine, "--format", "csv"], capture_output=True, text=True, env=ENV)
        ok(shown.returncode == 0 and "m-one," in shown.stdout and "m-two," in shown.stdout, f"show --input-file reads it ({shown.stderr.strip()})")
        before, seen = text_of(mine), s.requests()
        r = run( "--output", mine, "--mode", "pairwise-all")
        ok(r.rc == 1 and "single" in r.said and text_of(mine) == before and s.requests() == seen, f"pairs do not go into a file of single judgments, and nothing is asked: {r.said}")
        os.makedirs(f"{D}/a.jsonl")
        r = run( "--output", f"{D}/a.jsonl")
        ok(r.refuses(1, "--output", "is a folder") and s.requests() == seen and not os.listdir(f"{D}/a.jsonl") and not os.path.exists(f"{D}/a.journal"), f"a folder is refused before anything is asked: {r.said}")
        r = run( "--output", f"{D}/mine.txt")
        ok(r.refuses(1, "--output", ".jsonl"), f"a name that has no place for a journal: {r.said}")
        r = run( "--output", mine, env={k: "" for k in KEYS})
        ok(r.rc == 0 and text_of(mine) == before and s.requests() == seen, f"all is judged: written anew without a key (exit {r.rc} {r.said})")


def timed(part):
    begun = time.time()
    try:
        part()
    except Exception:  # pylint: disable=broad-except
        ok(False, f"{part.__name__} came to its end: {traceback.format_exc()!r}")
    print(f"# {part.__name__}: {time.time() - begun:.1f} s", flush=True)


# They mostly wait, so they wait together; the last looks at what all of them wrote.
PARTS = [p for p in (official, stopped, killed, taken, canary, ranks, modes, batches, codes, honest, fallback, retried, money, confirm, output) if len(sys.argv) < 2 or p.__name__ in sys.argv[1:]]
try:
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(timed, PARTS))
    if len(sys.argv) < 2 or "keys" in sys.argv[1:]:
        timed(keys)
finally:
    end()
