#!/usr/bin/env python3
"""TAP: `mtbench fetch` from folders and web servers: every byte is checked before it has its name, what was cut or stopped goes on, what is there and differs
is refused."""
import hashlib
import http.server
import json
import os
import random
import re
import shutil
import signal
import subprocess
import threading
import time

from stubbed import D, ENV, ROOT, end, ok, serial

ENV |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
ENV["TMPDIR"] = D                       # Open MPI's folders: jobs that share them remove each other's


class Server(http.server.ThreadingHTTPServer):
    """Files by path, whole or from a byte on. Cuts the first 'cuts' replies of each path in the middle; sends 'slow' bytes at a time."""
    daemon_threads = True

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version, disable_nagle_algorithm = "HTTP/1.1", True

        def do_GET(self):
            s, path, start = self.server, self.path.lstrip("/"), 0
            s.asked.append((path, self.headers.get("range")))
            if path not in s.files:
                self.send_error(404)
                return
            data, m = s.files[path], re.fullmatch(r"bytes=(\d+)-", self.headers.get("range", ""))
            if m:
                start = int(m[1])
                self.send_response(206)
                self.send_header("content-range", f"bytes {start}-{len(data) - 1}/{len(data)}")
            else:
                self.send_response(200)
            data = data[start:]
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            if [x[0] for x in s.asked].count(path) <= s.cuts:
                self.wfile.write(data[:len(data) // 3])
                self.close_connection = True
                return
            step = s.slow or len(data) or 1
            for i in range(0, len(data), step):
                self.wfile.write(data[i:i + step])
                if s.slow:
                    time.sleep(0.05)

        def log_message(self, *_):
            pass

    def handle_error(self, *_):          # a client that was stopped
        pass

    def __init__(self, files, cuts=0, slow=0):
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.files, self.cuts, self.slow, self.asked = files, cuts, slow, []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


def fetch(data, *flags, before=(), wait=True):
    n = next(serial)
    p = subprocess.Popen([*before, f"{ROOT}/mtbench", "fetch", "--data-dir", data, "--progress", "none", *flags], stdin=subprocess.DEVNULL, cwd=D, env=ENV,
                         stdout=open(f"{D}/out.{n}", "w"), stderr=open(f"{D}/err.{n}", "w"))
    p.at = n
    return finish(p) if wait else p


def finish(p):
    p.rc = p.wait(timeout=600)
    p.said, p.printed = open(f"{D}/err.{p.at}").read(), open(f"{D}/out.{p.at}").read()
    p.why = f" (exit {p.rc}: {p.said.strip()[:300]})"
    return p


def manifest(entries, url="http://127.0.0.1:9"):
    """Entries {path: (hash known, size known)} over FILES."""
    name = f"{D}/list.{next(serial)}"
    with open(name, "w") as f:
        f.write("# a list\n")
        for path, (hashed, sized) in entries.items():
            f.write(f"{hashlib.sha256(FILES[path]).hexdigest() if hashed else '-'} {len(FILES[path]) if sized else '-'} {path} {url}/{path}\n")
    return name


def there(data):
    return {os.path.relpath(os.path.join(p, f), f"{D}/{data}") for p, _, files in os.walk(f"{D}/{data}") for f in files}


def right(data, paths=None):
    paths = set(FILES) if paths is None else set(paths)
    return there(data) == paths and all(open(f"{D}/{data}/{p}", "rb").read() == FILES[p] for p in paths)


LINES = "".join(json.dumps({"question_id": i, "text": "\u00e9 " * 50}) + "\n" for i in range(300)).encode()
FILES = {"b/model_answer/big.bin": random.randbytes(700_000), "b/model_answer/x.jsonl": LINES, "b/model_judgment/y.jsonl": LINES[:100_000].rsplit(b"\n", 1)[0],
         "top.jsonl": b"{}\n"}
KNOWN = {"b/model_answer/big.bin": (True, True), "b/model_answer/x.jsonl": (True, False), "b/model_judgment/y.jsonl": (False, True), "top.jsonl": (False, False)}
for path, data in FILES.items():
    os.makedirs(os.path.dirname(f"{D}/mirror/{path}"), exist_ok=True)
    open(f"{D}/mirror/{path}", "wb").write(data)
nowhere = fetch("nowhere", "--manifest", manifest({"top.jsonl": (True, True)}, "http://127.0.0.1:1"), wait=False)     # tries for a while

# ---- from a folder, a mirror, and the addresses of the list ----

whole = manifest(KNOWN)
for source in (f"{D}/mirror", f"file://{D}/mirror/"):
    r = fetch("folder", "--manifest", whole, "--from", source)
    want = "fetched   4/4 files   0 were there   0 failed" if source.startswith("/") else "fetched   0/4 files   4 were there   0 failed"
    ok(r.rc == 0 and right("folder") and r.printed.startswith(want), f"from {source.replace(D, 'DIR')}: {r.printed.strip()}{r.why if r.rc else ''}")
s = Server(FILES)
r = fetch("web", "--manifest", whole, "--from", s.url + "/")
ok(r.rc == 0 and right("web") and sorted(p for p, _ in s.asked) == sorted(FILES), f"from a mirror: {r.printed.strip()}{r.why if r.rc else ''}")
s = Server(FILES, cuts=2)
r = fetch("cut", "--manifest", manifest(KNOWN, s.url))
ranges = [x for p, x in s.asked if p.endswith("big.bin")]
a, b = 700_000 // 3, 700_000 // 3 + (700_000 - 700_000 // 3) // 3
ok(r.rc == 0 and right("cut") and ranges == [None, f"bytes={a}-", f"bytes={b}-"], f"by their own addresses, each reply cut twice: gone on with {ranges}{r.why if r.rc else ''}")
r = fetch("ranks", "--manifest", manifest(KNOWN, s.url), before=["mpirun", "--oversubscribe", "-n", "2"])
ok(r.rc == 0 and right("ranks") and r.printed.count("fetched ") == 1, f"on two ranks, once{r.why if r.rc else ''}")

# ---- stopped, killed, started again ----

s = Server(FILES, slow=20_000)
for how, code in ((signal.SIGTERM, 75), (signal.SIGKILL, -9)):
    data = f"stop{int(how)}"
    p = fetch(data, "--manifest", manifest(KNOWN, s.url), "--only", "*.bin", wait=False)
    part = f"{D}/{data}/b/model_answer/big.bin.part"
    while not (os.path.exists(part) and os.path.getsize(part) > 100_000):
        time.sleep(0.01)
    p.send_signal(how)
    finish(p)
    size = os.path.getsize(part)
    ok(p.rc == code and size < 700_000 and there(data) == {"b/model_answer/big.bin.part"}, f"{how.name}: exit {p.rc}, the part is kept and has another name")
    s.slow, n = 0, len(s.asked)
    r = fetch(data, "--manifest", manifest(KNOWN, s.url), "--only", "*.bin")
    ok(r.rc == 0 and s.asked[n:] == [("b/model_answer/big.bin", f"bytes={size}-")] and right(data, ["b/model_answer/big.bin"]), f"the next start goes on there{r.why if r.rc else ''}")
    s.slow = 20_000
os.makedirs(f"{D}/alien/b/model_answer")
open(f"{D}/alien/b/model_answer/big.bin.part", "wb").write(b"another file" * 1000)
s.slow = 0
r = fetch("alien", "--manifest", manifest(KNOWN, s.url), "--only", "*.bin")
ok(r.rc == 0 and right("alien", ["b/model_answer/big.bin"]), f"a part of another file is found out, and fetched anew{r.why if r.rc else ''}")

# ---- what is not what it should be ----

shutil.copytree(f"{D}/mirror", f"{D}/differs")
open(f"{D}/differs/b/model_answer/x.jsonl", "ab").write(b"{}\n")
open(f"{D}/differs/top.jsonl", "wb").write(b"{}\n{")
os.remove(f"{D}/differs/b/model_answer/big.bin")
r = fetch("differs", "--manifest", whole, "--from", f"{D}/mirror")
ok(r.rc == 1 and r.said.count("is there, but is not the file of the list") == 2 and "x.jsonl" in r.said and "top.jsonl" in r.said and not r.printed and
   "b/model_answer/big.bin" not in there("differs") and open(f"{D}/differs/top.jsonl", "rb").read() == b"{}\n{", "what is there and differs is named and left, nothing is fetched")
bad = {"b/model_answer/big.bin": FILES["b/model_answer/big.bin"][:-1] + bytes([FILES["b/model_answer/big.bin"][-1] ^ 1]), "b/model_answer/x.jsonl": LINES, "b/model_judgment/y.jsonl": b"<html>log in</html>",
       "top.jsonl": b"<html>log in</html>"}
for path, data in bad.items():
    os.makedirs(os.path.dirname(f"{D}/bad/{path}"), exist_ok=True)
    open(f"{D}/bad/{path}", "wb").write(data)
for source in (f"{D}/bad", Server(bad).url):
    data = "bad-" + source[:4].strip("/")
    r = fetch(data, "--manifest", whole, "--from", source)
    ok(r.rc == 2 and right(data, ["b/model_answer/x.jsonl"]) and "   3 failed" in r.printed and "SHA-256" in r.said and "bytes" in r.said and "line 1" in r.said,
       f"wrong bytes from a {'web server' if source.startswith('http') else 'folder'} do not get into place: {r.printed.strip()}")
s = Server({"top.jsonl": FILES["top.jsonl"]})
r = fetch("gone", "--manifest", whole, "--from", s.url)
ok(r.rc == 2 and len(s.asked) == 3 and "3 files in a row" in r.said and "   4 failed" in r.printed and "404" in r.said, f"three in a row that are not there: the rest is not tried{'' if r.rc == 2 else r.why}")

# ---- what is asked for ----

r = fetch("some", "--manifest", whole, "--from", f"{D}/mirror", "--only", "*/y.*", "top*", "--quiet")
ok(r.rc == 0 and right("some", ["b/model_judgment/y.jsonl", "top.jsonl"]) and not r.said, f"--only, --quiet: {r.printed.strip()}")
shutil.copy(whole, f"{D}/some/pregenerated.txt")
r = fetch("some", "--from", f"{D}/mirror")
ok(r.rc == 0 and "2/4 files   2 were there" in r.printed, f"the list of the data folder: {r.printed.strip()}")
open(f"{D}/escape", "w").write("- - ../evil.jsonl http://h/x\n")
for flags, words in ((["--manifest", whole, "--only", "z*"], "--only z*: no path"), (["--manifest", f"{D}/escape"], "is no path below"), ([], "name the list of files by --manifest"),
                     (["--manifest", whole, "--from", f"{D}/none"], "--from"), (["--manifest", whole, "--from", ""], "--from: empty"), (["--onyl", "x"], "did you mean --only")):
    r = fetch("none", *flags)
    ok(r.rc == 1 and words in r.said and r.said.count("mtbench: ") == 1 and not r.printed and not there("none"), f"refused: {r.said.strip()[:160]}")
finish(nowhere)
ok(nowhere.rc == 2 and "http://127.0.0.1:1/top.jsonl" in nowhere.said and "start again" in nowhere.said, f"no server: {nowhere.said.strip()[:160]}")

end()
