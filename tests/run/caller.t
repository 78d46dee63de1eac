#!/usr/bin/env python3
"""TAP: calls to language models elsewhere, against a stub server that shows every fault of real ones: nothing is lost, nothing that was answered is
asked again, each call ends with the right status, nothing hangs, and the key is nowhere."""
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time

from stubbed import BUILD, D, ENV, KEYS, SECRET, Stub, end, key_is_nowhere as search_key, ok, serial, wait_for

PROBE = os.path.join(BUILD, "tests/probe/caller_probe")


class Run:
    """One run of the probe over prompts {key: prompt}; its journal may go on from an earlier run."""

    def __init__(self, url, prompts, *args, provider="openai", journal=None, env=None, wait=True):
        n = next(serial)
        calls = f"{D}/calls.{n}"
        self.journal = journal or f"{D}/journal.{n}"
        with open(calls, "w") as f:
            for key, prompt in prompts.items():
                f.write(json.dumps({"key": key, "prompt": prompt}) + "\n")
        self.out, self.err = f"{D}/out.{n}", f"{D}/err.{n}"
        self.process = subprocess.Popen([PROBE, "--provider", provider, "--url", url, "--calls", calls, "--journal", self.journal, "--log", f"{D}/log.{n}", *args],
                                        stdout=open(self.out, "w"), stderr=open(self.err, "w"), env=ENV | KEYS | (env or {}))
        if wait:
            self.wait()

    def wait(self):
        try:
            self.rc = self.process.wait(timeout=600)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            self.rc = "hang"
        self.said = open(self.err).read().strip()
        out = open(self.out).read()
        self.sum = json.loads(out) if out else {}
        return self

    def lines(self):
        with open(self.journal) as f:
            return [json.loads(line) for line in list(f)[1:] if line.endswith("\n")]

    def records(self):
        return {r["key"]: r for r in self.lines()}


def prompts(n, plan=()):
    """n prompts, the plans dealt out in turn; a plan is (faults, status)."""
    out, want = {}, {}
    for i in range(n):
        faults, status = plan[i % len(plan)] if plan else ("", "ok")
        out[f"q{i}"] = f"Judge this. id=q{i} {faults}"
        want[f"q{i}"] = status
    return out, want


def answered(log):
    n = {}
    for line in log:
        n[line["id"]] = n.get(line["id"], 0) + line["answered"]
    return n


def check(name, run, log, want):
    got = run.records()
    wrong = [(k, want[k], got.get(k, {}).get("status"), got.get(k, {}).get("reason")) for k in want if got.get(k, {}).get("status") != want[k]]
    ok(run.rc == 0 and not wrong, f"{name}: {len(want)} calls end as they should" + (f" (exit {run.rc}, {run.said}, {wrong[:4]})" if wrong or run.rc else ""))
    twice = [k for k, n in answered(log).items() if n > 1]
    ok(not twice and len(run.lines()) == len(want), f"{name}: none answered twice, one record each {twice[:4]}")
    mixed = [k for k, r in got.items() if r["status"] == "ok" and (f"[[7]] {k}" not in r["text"] or "[[1]]" in r["text"])]
    ok(not mixed, f"{name}: every answer is its own call's, thoughts cut {mixed[:4]}")


PASSING = [("", "ok"), ("fault=429:2:0.05", "ok"), ("fault=429:2", "ok"), ("fault=reset_headers:1:60ms", "ok"), ("fault=unknown_headers", "ok"), ("fault=500:2", "ok"),
           ("fault=502", "ok"), ("fault=503:1:0.05", "ok"), ("fault=504", "ok"), ("fault=529:2", "ok"), ("fault=cut:2", "ok"), ("fault=cut_open", "ok"), ("fault=reset:2", "ok"),
           ("fault=badjson", "ok"), ("fault=html", "ok"), ("fault=strerror", "ok"), ("fault=think", "ok"), ("fault=reasoning", "ok"), ("fault=nousage", "ok"),
           ("fault=chunked", "ok"), ("fault=close", "ok"), ("fault=slow:1:0.3", "ok"), ("fault=500 fault=cut fault=reset fault=429:1:0.02 fault=badjson", "ok")]
PASSING += [("fault=gzip", "ok"), ("fault=deflate", "ok"), ("fault=stream", "ok"), ("fault=done", "ok"), ("fault=http10", "ok"), ("fault=torn:2", "ok"),
            ("fault=beside:2", "ok"), ("fault=finish:1:network_error fault=finish:1:abort fault=finish:1:xyz", "ok")]
OPENAI = [("fault=nochoices", "ok"), ("fault=nullchoices", "ok"), ("fault=error200", "ok"), ("fault=length:*:4000", "ok"), ("fault=limit:*", "truncated")]
ENDING = [("fault=filter", "filtered"), ("fault=filter200:*", "filtered"), ("fault=refusal", "refused"), ("fault=toolong", "too_long"), ("fault=lengthtext:*", "truncated"),
          ("fault=length:*", "truncated"), ("fault=500:*", "failed"), ("fault=cut:*", "failed"), ("fault=echo:*:400", "failed"), ("fault=strerror:1:400", "failed"), ("fault=list", "failed"),
          ("fault=finish:*:insufficient_system_resource", "failed"), ("fault=finish:*:MAX_TOKENS", "truncated")]


def faults():
    plan = PASSING + OPENAI + ENDING
    with Stub() as s:
        calls, want = prompts(8 * len(plan), plan)
        r = Run(s.url, calls, "--parallel", "64", "--max-tries", "6", "--price-in", "10", "--price-out", "30")
        check("openai", r, s.log(), want)
        got = r.records()
        at = {faults: f"q{i}" for i, (faults, _) in enumerate(plan)}
        ok(got[at["fault=nousage"]]["tokens_estimated"] and got[at["fault=nousage"]]["tokens_in"] > 5 and not got["q0"]["tokens_estimated"], "missing usage is estimated and said so")
        double = [x for x in s.log() if x["id"] == at["fault=length:*:4000"]]
        ok([x["params"]["max_tokens"] for x in double] == [2048, 4096] and got[at["fault=length:*:4000"]]["sent"]["max_tokens"] == 4096, "a cut reply is asked for once more with twice the limit")
        ok("<think>" in got[at["fault=think"]]["raw"] and "[[1]]" in got[at["fault=reasoning"]]["raw"], "raw text keeps the thoughts")
        limit = got[at["fault=limit:*"]]
        ok(limit["text"] == "I think that" and limit["sent"]["max_tokens"] == 2048, "where twice the limit is refused, what came first stays")
        lost, part = got[at["fault=cut:*"]], got[at["fault=finish:*:insufficient_system_resource"]]
        ok(lost["cost"] > 0 and lost["tokens_estimated"] and got[at["fault=500:*"]]["cost"] == 0, f"replies that were lost on the way cost at worst $ {lost['cost']}, refused ones nothing")
        ok(part["text"] == "" and part["raw"] == "Half [[1]]" and part["cost"] > 0 and "insufficient_system_resource" in part["reason"], "a part is no answer, but is on record and paid")
        ok("body.tools: Field required" in got[at["fault=list"]]["reason"], f"an error in a list is told: {got[at['fault=list']]['reason']}")
        ok(abs(r.sum["journal_cost"] - r.sum["cost"]) < 1e-5, "the journal adds up to what the run has spent")
        tries = [x for x in s.log() if x["id"] == at["fault=500:*"]]
        ok(len(tries) == 6 and "the last of 6 tries" in got[at["fault=500:*"]]["reason"] and "HTTP 500" in got[at["fault=500:*"]]["reason"], "a broken server is asked as often as allowed, then told of")
        ok("sk-" not in got[at["fault=echo:*:400"]]["reason"] and "***" in got[at["fault=echo:*:400"]]["reason"], "a key that the server echoes is blotted out")
        ok(all(x["params"].get("n") == 1 and x["params"]["temperature"] == 0 and x["params"]["model"] == "stub" for x in s.log()), "requests have FastChat's fields")
        log = "".join(open(f"{D}/{f}").read() for f in os.listdir(D) if f.startswith("log."))
        ok("request req_" in log, "what is tried again is logged with the request's id")
        stats = s.stats()
        ok(stats["peak"] <= 64, f"at most 64 in flight (saw {stats['peak']}), {stats['requests']} requests over {stats['connections']} connections")
    for provider, path, env, also in (("anthropic", "", {}, []), ("azure", "", {"AZURE_OPENAI_API_VERSION": "2024-06-01"}, OPENAI), ("azure", "/openai/v1/", {}, []), ("compatible", "/v1/", {}, [])):
        with Stub() as s:
            plan = PASSING + also + [(f, "refused" if provider == "anthropic" and f.startswith("fault=filter200") else status) for f, status in ENDING[:6]]
            calls, want = prompts(len(plan), plan)
            check(f"{provider} {path or env}", Run(s.url + path, calls, "--parallel", "64", provider=provider, env=env), s.log(), want)


def sizes_and_times():
    with Stub() as s:
        calls, want = prompts(4, [("fault=huge", "ok"), ("fault=toolarge", "failed"), ("fault=huge", "ok"), ("fault=date", "ok")])
        r = Run(s.url, calls)
        check("5 MB, 17 MB, a date", r, s.log(), want)
        r2 = Run(s.url, {"b0": "id=b0 fault=bomb:*"}, "--max-tries", "2")
        ok(r2.rc == 0 and "larger than 16 MB" in r2.records()["b0"]["reason"], f"64 MB in 64 kB are not unpacked: {r2.records()['b0']['reason']}")
        ok(len(r.records()["q0"]["text"]) > 5 << 20 and "larger than 16 MB" in r.records()["q1"]["reason"], "5 MB are taken, 17 MB are not")
        held = [x["at"] for x in s.log() if x["id"] == "q3"]
        ok(held[-1] - held[0] > 0.05, f"an HTTP date is waited for ({held[-1] - held[0]:.2f} s)")
    with Stub() as s:
        calls, want = prompts(12, [("", "ok"), ("fault=late:1:4", "ok"), ("fault=late:2:4", "ok")])
        r = Run(s.url, calls, "--timeout", "1")
        check("timeouts", r, s.log(), want)
    with Stub() as s:
        r = Run(s.url, {"q0": "id=q0 fault=429:1:1.0"} | {f"q{i}": f"id=q{i}" for i in range(1, 40)}, "--parallel", "4")
        log = s.log()
        first = next(x["at"] for x in log if x.get("fault"))
        early = [x for x in log if first + 0.05 < x["at"] < first + 0.9]
        ok(r.rc == 0 and not early and len(answered(log)) == 40, f"Retry-After holds the whole endpoint back ({len(early)} requests in between)")
    with Stub("--rate", "20", "--window", "0.4") as s:
        calls, want = prompts(120)
        r = Run(s.url, calls, "--parallel", "64")
        check("a rate limit of 50 a second", r, s.log(), want)
        refused = sum(x["code"] == 429 for x in s.log())
        # Whoever keeps 64 in flight is refused some 264 times; halving after each burst comes to 64 + 32 + 16 + ..., and what started before the first refusal.
        ok(refused < 160 and r.sum["limit"] < 64, f"is not hammered at: {refused} refusals for 120 answers, in flight down to {r.sum['limit']} of 64")


def fatal():
    with Stub() as s:
        calls, _ = prompts(20)
        for smoke in ([], ["--smoke"]):
            r = Run(s.url, calls, *smoke, env={"OPENAI_API_KEY": SECRET + "-wrong"})
            ok(r.rc == 77 and "401" in r.said and "key" in r.said, f"a wrong key ends at once {smoke}: {r.said}")
        with Stub("--model", "other") as t:
            r = Run(t.url, calls, "--smoke")
            ok(r.rc == 77 and "404" in r.said and "model" in r.said, f"so does a wrong model: {r.said}")
            ok(len(t.log()) == 1, "after one request")
        r = Run(s.url + "/v1/wrong/", calls, "--smoke")
        ok(r.rc == 77 and "404" in r.said, f"and a wrong address: {r.said}")
        r = Run("http://127.0.0.1:9", calls, "--smoke")
        ok(r.rc == 77 and "--judge-base-url" in r.said, f"nobody there: {r.said}")
        r = Run(s.url, {"q0": "id=q0 fault=redirect:*"})
        ok(r.rc == 77 and "redirect" in r.said, f"redirects are not followed with the key: {r.said}")
        r = Run(s.url, calls | {"one": "id=one fault=403"}, "--smoke")
        ok(r.rc == 0 and r.records()["one"]["status"] == "failed" and sum(x["status"] == "ok" for x in r.lines()) == 20, "one call refused among answered ones is one failed call")
        r = Run(s.url, {f"z{i}": f"id=z{i} fault=403:*" for i in range(30)}, "--smoke", "--parallel", "2")
        ok(r.rc == 77 and len(r.lines()) <= 2, f"all calls refused is the end: {r.said}")


def quota_and_budget():
    with Stub("--delay", "0.05") as s:
        calls, want = prompts(60)
        calls["q30"] += " fault=quota"
        r = Run(s.url, calls, "--parallel", "8")
        before = r.records()
        paid = {k for k, n in answered(s.log()).items() if n}
        ok(r.rc == 75 and "quota" in r.said and paid == set(before) and 20 < len(before) < 60, f"no quota: exit 75, all {len(paid)} answers of the moment are kept: {r.said}")
        check("and started again", Run(s.url, calls, "--parallel", "8", journal=r.journal), s.log(), want)
    with Stub() as s:
        calls, want = prompts(40)
        price = ["--price-in", "10", "--price-out", "30", "--parallel", "4"]
        r = Run(s.url, calls, *price, "--max-cost", "0.07")
        cost, n = r.sum["journal_cost"], len(r.records())
        ok(r.rc == 75 and "--max-cost" in r.said and 0 < n < 40 and cost <= 0.07, f"--max-cost stops before it is passed: {n} calls, $ {cost}")
        r2 = Run(s.url, calls, *price, "--max-cost", "0.07", journal=r.journal)
        ok(r2.rc == 75 and len(r2.records()) <= n + 1, "what was paid counts in the next run")
        check("a larger budget", Run(s.url, calls, *price, "--max-cost", "5", journal=r.journal), s.log(), want)
        r = Run(s.url, calls, "--max-cost", "1")
        ok(r.rc == 1 and "--price-in" in r.said, f"a limit without prices: {r.said}")


def dialects():
    with Stub("--no-max-tokens", "--no-temperature") as s:
        calls, want = prompts(60)
        r = Run(s.url, calls, "--smoke", "--parallel", "16")
        check("refused parameters", r, s.log(), want)
        ok(sum(x["code"] == 400 for x in s.log()) == 2, "are refused once each, and remembered")
        ok(r.records()["q7"]["sent"] == {"n": 1, "max_completion_tokens": 2048}, "what was really sent is on record")
        r = Run(s.url, {f"p{i}": f"id=p{i}" for i in range(60)}, "--parallel", "16")
        check("without the smoke call", r, [x for x in s.log() if x["id"][0] == "p"], {f"p{i}": "ok" for i in range(60)})


    with Stub("--no-system", "--no-n", "--messages") as s:
        calls, want = prompts(40)
        r = Run(s.url, calls, "--smoke", "--parallel", "8")
        check("no system message, no n", r, s.log(), want)
        ok(sum(x["code"] in (400, 422) for x in s.log()) == 2 and all(x["code"] == 200 for x in s.log() if x["id"] in calls), "both are learnt by the smoke call")
        said = [x["messages"] for x in s.log() if x["id"] == "q7"]
        ok(said == [[{"role": "user", "content": "You judge.\n\n" + calls["q7"]}]] and r.records()["q7"]["sent"] == {"temperature": 0, "max_tokens": 2048, "system": "in the user message"},
           "the system text goes in front of the user's, which is on record")
    with Stub() as s:
        r = Run(s.url, {"q0": "id=q0 fault=stream", "q1": "id=q1"}, "--parallel", "1")
        check("a stream unasked", r, s.log(), {"q0": "ok", "q1": "ok"})
        ok(["stream" in x["params"] for x in s.log()] == [False, True] and r.records()["q0"]["tokens_in"] > 0, "after one the others say that they want none")


def killed():
    with Stub("--delay", "0.05") as s:
        calls, want = prompts(300)
        journal, kept, asked_again, args = f"{D}/killed", {}, [], ["--parallel", "8"]
        for calls_more in (20, 30, 40):
            seen = len(s.log())
            r = Run(s.url, calls, *args, journal=journal, wait=False)
            wait_for(lambda: len(s.log()) - seen >= calls_more)
            command = open(f"/proc/{r.process.pid}/cmdline").read()
            r.process.kill()
            r.wait()
            asked_again += [x["id"] for x in s.log()[seen:] if x["id"] in kept]
            kept = r.records()
        ok(SECRET not in command, "the key is not in ps")
        with open(journal, "a") as f:
            f.write('{"key": "torn')
        seen = len(s.log())
        r = Run(s.url, calls, *args, journal=journal)
        asked_again += [x["id"] for x in s.log()[seen:] if x["id"] in kept]
        ok(30 < len(kept) < 300 and r.rc == 0 and {k: x["status"] for k, x in r.records().items()} == want, f"kill -9 three times ({len(kept)} calls kept), then all 300 are there")
        ok(not asked_again and len(r.lines()) == 300, f"no finished call was sent again {asked_again[:4]}")
    with Stub("--delay", "1") as s:
        calls, want = prompts(60)
        r = Run(s.url, calls, "--parallel", "8", wait=False)
        wait_for(lambda: s.stats()["requests"] >= 16)
        r.process.send_signal(signal.SIGTERM)
        r.wait()
        paid = {k for k, n in answered(s.log()).items() if n}
        ok(r.rc == 75 and paid == set(r.records()) and 8 <= len(paid) < 60, f"drained: exit 75, every call under way is kept ({len(paid)})")
        r = Run(s.url, calls | {"q3": "id=q3 another prompt"}, "--parallel", "60", journal=r.journal)
        ok(r.rc == 0 and answered(s.log())["q3"] == 2 and len(r.records()) == 60, "a changed prompt is another call")


    with Stub("--delay", "2") as s:
        r = Run(s.url, {f"q{i}": f"id=q{i} fault=lengthtext:*" for i in range(4)}, "--parallel", "4", wait=False)
        wait_for(lambda: s.stats()["requests"] >= 4)
        r.process.send_signal(signal.SIGTERM)
        r.wait()
        got = [(x["status"], x["text"], x["sent"]["max_tokens"]) for x in r.records().values()]
        ok(r.rc in (0, 75) and len(got) == 4 and got.count(("truncated", "I think that", 2048)) >= 3 and len(s.log()) <= 5, f"what the limit cut when the stop came is kept {got}")


def speed():
    with Stub("--delay", "0.2") as s:
        calls, want = prompts(1000)
        r = Run(s.url, calls, "--parallel", "256", "--smoke")
        check("1000 calls, 256 in flight", r, s.log(), want)
        stats = s.stats()
        ok(stats["peak"] == 256 and stats["connections"] <= 260, f"peak {stats['peak']} in flight over {stats['connections']} connections; {r.sum['seconds']} s, ideal 0.8 s, {r.sum['cpu']} s CPU")


def tls_and_proxy():
    for cmd in (["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=test CA", "-keyout", f"{D}/ca.key", "-out", f"{D}/ca.pem"],
                ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost", "-keyout", f"{D}/host.key", "-out", f"{D}/host.csr"],
                ["x509", "-req", "-in", f"{D}/host.csr", "-CA", f"{D}/ca.pem", "-CAkey", f"{D}/ca.key", "-CAcreateserial", "-days", "2", "-extfile", f"{D}/san", "-out", f"{D}/host.pem"]):
        with open(f"{D}/san", "w") as f:
            f.write("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        subprocess.run(["openssl", *cmd], check=True, capture_output=True)
    with Stub("--cert", f"{D}/host.pem", "--cert-key", f"{D}/host.key") as s:
        calls, want = prompts(30, [("", "ok"), ("fault=cut", "ok"), ("fault=reset", "ok")])
        url = f"https://localhost:{s.port}"
        for name in ("SSL_CERT_FILE", "CURL_CA_BUNDLE"):
            r = Run(url, calls, env={name: f"{D}/ca.pem"})
            ok(r.rc == 0 and all(x["status"] == "ok" for x in r.lines()) and len(r.lines()) == 30, f"TLS with an own CA by {name} {r.said}")
        start = time.time()
        r = Run(url, calls, "--smoke")
        ok(r.rc == 77 and "SSL_CERT_FILE" in r.said and time.time() - start < 120, f"an unknown CA is the end, at once: {r.said}")
    with Stub() as s:
        calls, want = prompts(10)
        r = Run("http://judge.invalid/v1", calls, env={"http_proxy": s.url})
        ok(r.rc == 0 and s.stats()["proxied"] == 10, f"calls go through the proxy of the environment {r.said}")
        r = Run("http://judge.invalid/v1", calls, "--smoke", env={"http_proxy": s.url, "NO_PROXY": "judge.invalid"})
        ok(r.rc == 77 and s.stats()["proxied"] == 10, f"NO_PROXY keeps them from it: {r.said}")


def fetch(url, name, *args, env=None):
    return subprocess.run([PROBE, "--download", url, "--journal", f"{D}/got/{name}", *args], env=ENV | (env or {}), capture_output=True, text=True, timeout=60)


def downloads():
    os.makedirs(f"{D}/files")
    data = random.randbytes(3 << 20)
    with open(f"{D}/files/a.bin", "wb") as f:
        f.write(data)
    sha, size = hashlib.sha256(data).hexdigest(), str(len(data))
    whole = lambda name: open(f"{D}/got/{name}", "rb").read() == data and not os.path.exists(f"{D}/got/{name}.part")
    with Stub("--dir", f"{D}/files", key=None) as s:
        url = s.url + "/files/a.bin"
        r = fetch(url, "plain", "--size", size, "--sha256", sha)
        ok(r.returncode == 0 and whole("plain") and int(r.stdout) > 0, f"a file is fetched, checked, and told of {r.stderr}")
        r = fetch(url, "free")
        ok(r.returncode == 0 and whole("free"), "without size and hash too")
        r = fetch(url + "?flaky", "flaky", "--sha256", sha)
        ok(r.returncode == 0 and whole("flaky") and sum(x["range"] is not None for x in s.log()) >= 2, f"a connection that breaks is gone on with {r.stderr}")
        for name, part, option in (("resumed", data[:1 << 20], ""), ("norange", data[:1 << 20], "?norange"), ("other", b"x" * 1000, ""), ("long", b"x" * (4 << 20), "")):
            with open(f"{D}/got/{name}.part", "wb") as f:
                f.write(part)
            r = fetch(url + option, name, "--sha256", sha)
            ok(r.returncode == 0 and whole(name), f"from a part that is {name}: the right file {r.stderr}")
        ok(any(x["range"] == f"bytes={1 << 20}-" for x in s.log()), "only the rest was asked for")
        r = fetch(url + "?moved", "moved", "--size", size)
        ok(r.returncode == 0 and whole("moved"), "redirects are followed here")
        r = fetch(url, "bad", "--sha256", "0" * 64)
        ok(r.returncode == 1 and "SHA-256" in r.stderr and not os.path.exists(f"{D}/got/bad") and not os.path.exists(f"{D}/got/bad.part"), f"another hash is refused: {r.stderr.strip()}")
        r = fetch(url, "short", "--size", str(len(data) + 1))
        ok(r.returncode == 1 and not os.path.exists(f"{D}/got/short"), f"so is another size: {r.stderr.strip()}")
        r = fetch(s.url + "/files/none", "none")
        ok(r.returncode == 77 and "404" in r.stderr, f"a file that is not there: {r.stderr.strip()}")


def key_is_nowhere():
    search_key(100)


try:
    for part in (faults, sizes_and_times, fatal, quota_and_budget, dialects, killed, speed, tls_and_proxy, downloads, key_is_nowhere):
        if len(sys.argv) < 2 or part.__name__ in sys.argv[1:]:
            begun = time.time()
            part()
            print(f"# {part.__name__}: {time.time() - begun:.1f} s", flush=True)
finally:
    end()
