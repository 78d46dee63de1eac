"""stubbed.py - what the tests share that talk to tests/judge/stub.py: TAP lines, a folder of their own, an environment without proxies and keys, the
server, and a look through all that was written for the key. Importing it goes to the project's folder."""
import itertools
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
os.chdir(ROOT)
BUILD = os.path.join(ROOT, "build", os.environ.get("VARIANT", "release"))
SECRET = "sk-never-" + random.randbytes(12).hex()
KEYS = {name: SECRET for name in ("OPENAI_API_KEY", "AZURE_OPENAI_API_KEY", "ANTHROPIC_API_KEY")}
ENV = {k: v for k, v in os.environ.items() if "proxy" not in k.lower() and not re.search("CERT|CURL|MTBENCH|OPENAI|ANTHROPIC", k)}
D = tempfile.mkdtemp(prefix=os.path.basename(sys.argv[0]).removesuffix(".t") + ".")
serial = itertools.count(1)
_lock, _count, _failed = threading.Lock(), 0, 0


def _line(good, text):
    global _count, _failed
    with _lock:
        _count += 1
        _failed += not good
        print("ok" if good else "not ok", _count, "-", text, flush=True)


def ok(good, what):
    _line(good, what)


def skip(what, why):
    _line(True, f"{what} # SKIP {why}")


def end():
    """The plan, and the exit code."""
    shutil.rmtree(D, ignore_errors=True)
    print(f"1..{_count}")
    sys.exit(_failed > 0)


def wait_for(what, seconds=600):
    until = time.time() + seconds
    while not what() and time.time() < until:
        time.sleep(0.01)
    return what()


class Stub:
    """The server, with flags of stub.py; replies: what it chooses from by the hash of a prompt."""

    def __init__(self, *args, key=SECRET, replies=None):
        n = next(serial)
        self.log_path, port = f"{D}/server.{n}.log", f"{D}/port.{n}"
        args = [*args, *(["--key", key] if key else [])]
        if replies:
            with open(f"{D}/replies.{n}", "w") as f:
                json.dump(replies, f)
            args += ["--replies", f"{D}/replies.{n}"]
        self.process = subprocess.Popen([sys.executable, "tests/judge/stub.py", "--port-file", port, "--log", self.log_path, *args], cwd=ROOT,
                                        stdout=subprocess.DEVNULL, stderr=open(f"{D}/server.{n}.err", "w"))
        wait_for(lambda: os.path.exists(port))
        self.port = open(port).read()
        self.url = f"http://127.0.0.1:{self.port}"

    def log(self):
        if not os.path.exists(self.log_path):
            return []
        with open(self.log_path) as f:
            return [json.loads(line) for line in f]

    def stats(self):
        return json.load(urllib.request.build_opener(urllib.request.ProxyHandler({})).open(self.url + "/stats"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def key_is_nowhere(least):
    """In no file that these tests have written, which are more than 'least'."""
    found, seen = [], 0
    for folder, _, names in os.walk(D):
        for name in names:
            seen += 1
            with open(os.path.join(folder, name), "rb") as f:
                if SECRET.encode() in f.read():
                    found.append(name)
    ok(seen > least and not found, f"the key is in none of the {seen} files that were written {found[:4]}")
