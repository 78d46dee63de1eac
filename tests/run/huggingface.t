#!/usr/bin/env python3
"""TAP: huggingface_hub itself, beside `mtbench fetch --model` on the same server: the same cache, each other's files, parts and locks."""
import os
import re
import signal
import subprocess

from hub_server import Hub, Repo, etag, model_files, sha256, tree, want
from stubbed import D, ENV, ROOT, end, ok, skip, wait_for

peer = subprocess.run(["tests/peers/venv", "hub"], capture_output=True, text=True)
if peer.returncode:
    skip("huggingface_hub on the same server", peer.stderr.strip())
    end()
for name in [n for n in ENV if re.match("HF_|HUGGING|TRANSFORMERS_OFFLINE|XDG_CACHE", n)]:
    del ENV[name]
MODEL = model_files(f"{D}/model")
repo = Repo(MODEL | {"README.md": b"# a model\n"})
hub, COMMIT = Hub({"org/name": repo}), repo.branches["main"]
big = max(MODEL, key=lambda p: len(MODEL[p]))
BIG = etag(big, MODEL[big])
TREE = want(MODEL, COMMIT)
ENV |= {"HF_ENDPOINT": hub.url, "HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "PYTHONDONTWRITEBYTECODE": "1", "HF_HOME": f"{D}/home"}


def env(cache):
    return ENV | {"HF_HUB_CACHE": f"{D}/{cache}"}


def ours(cache, wait=True, *flags):
    p = subprocess.Popen([f"{ROOT}/mtbench", "fetch", "--model", "org/name", *flags], cwd=D, env=env(cache), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if wait:
        p.printed, p.said = p.communicate(timeout=120)
    return p


def theirs(cache, code):
    """Runs a line of Python with huggingface_hub in it; what it prints."""
    text = f"import os, filelock\nfrom huggingface_hub import *\nfiles = {sorted(MODEL)!r}\n{code}"
    p = subprocess.run([peer.stdout.strip(), "-c", text], cwd=D, env=env(cache), capture_output=True, text=True, timeout=120)
    return p.stdout.strip() if p.returncode == 0 else f"exit {p.returncode}: {p.stderr.strip()[-300:]}"


DOWNLOAD = "print(snapshot_download('org/name', allow_patterns=files))"
SCAN = "c = scan_cache_dir()\nprint(len(c.warnings), [(r.repo_id, r.nb_files, sorted(v.commit_hash for v in r.revisions), [sorted(v.refs) for v in r.revisions]) for r in c.repos])"

place = f"/models--org--name/snapshots/{COMMIT}"
said = theirs("theirs", DOWNLOAD)
r = ours("ours")
ok(said == f"{D}/theirs{place}" and r.returncode == 0 and tree(f"{D}/theirs") == tree(f"{D}/ours") == TREE, f"both make the same cache: {len(TREE)} files and links {said[-200:] if said.startswith('exit') else r.said[-200:]}")
scan = [theirs(cache, SCAN) for cache in ("ours", "theirs")]
ok(scan[0] == scan[1] and scan[0].startswith(f"0 [('org/name', {len(MODEL)}, ['{COMMIT}'], [['main']])]"), f"scan_cache_dir: {scan[0][:120]}")
n = len(hub.asked)
local = theirs("ours", "print(snapshot_download('org/name', local_files_only=True), hf_hub_download('org/name', files[0], local_files_only=True))")
ok(local == f"{D}/ours{place} {D}/ours{place}/{sorted(MODEL)[0]}" and len(hub.asked) == n, "it finds ours without asking")
n = len(hub.store.asked)
said, r = theirs("ours", DOWNLOAD), ours("theirs")
ok(said == f"{D}/ours{place}" and r.returncode == 0 and f"0/{len(MODEL)} files   {len(MODEL)} were there" in r.printed and len(hub.store.asked) == n and tree(f"{D}/theirs") == tree(f"{D}/ours") == TREE,
   "each takes the other's files as there")

# ---- halves ----

hub.store.slow = 50_000
p, part = ours("half", False), f"{D}/half/models--org--name/blobs/{BIG}.incomplete"
wait_for(lambda: os.path.exists(part) and os.path.getsize(part) > 300_000)
p.send_signal(signal.SIGTERM)
p.communicate()
hub.store.slow, n, size = 0, len(hub.store.asked), os.path.getsize(part)
said = theirs("half", DOWNLOAD)
ranges = [h.get("Range") for m, a, h in hub.store.asked[n:] if BIG in a and m == "GET"]
ok(p.returncode == 75 and said == f"{D}/half{place}" and tree(f"{D}/half") == TREE and ranges == [f"bytes={size}-"], f"it goes on with the part that ours left: {ranges}")
said = theirs("first", "hf_hub_download('org/name', 'config.json')\nos.makedirs('first/models--org--name/blobs', exist_ok=True)")
part = f"{D}/first/models--org--name/blobs/{BIG}.incomplete"
open(part, "wb").write(MODEL[big][:200_000])
open(f"{D}/text", "w").write('"hello"\n')
prompt = [f"{ROOT}/mtbench", "prompt", "--model-path", "org/name", "--text", f"{D}/text"]
p = subprocess.run(prompt, cwd=D, env=env("first"), capture_output=True, text=True)
ok(p.returncode == 1 and "mtbench fetch --model org/name" in p.stderr, f"a snapshot that it has filled in part is no model: {p.stderr.strip()[:250]}")
n = len(hub.store.asked)
r = ours("first")
ranges = [h.get("Range") for m, a, h in hub.store.asked[n:] if BIG in a]
ok(r.returncode == 0 and tree(f"{D}/first") == TREE and ranges == ["bytes=200000-"], f"ours goes on with a part of its kind, and fills the snapshot: {ranges}{r.said[-200:] if r.returncode else ''}")

# ---- locks ----

lock = f"{D}/locked/.locks/models--org--name/{BIG}.lock"
holder = subprocess.Popen([peer.stdout.strip(), "-c", f"import filelock, os, sys\nos.makedirs(os.path.dirname({lock!r}))\nwith filelock.FileLock({lock!r}):\n print('held', flush=True)\n sys.stdin.read()"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=ENV)
holder.stdout.readline()
p = ours("locked", False)
waiting = p.stderr.readline()
while waiting and "another run" not in waiting:
    waiting = p.stderr.readline()
there = os.path.exists(f"{D}/locked/models--org--name/blobs/{BIG}")
holder.stdin.close()
p.communicate(timeout=120)
ok("another run fetches this; waiting for it" in waiting and not there and p.returncode == 0 and tree(f"{D}/locked") == TREE, f"ours waits for its lock: {waiting.strip()}")

end()
