#!/usr/bin/env python3
"""TAP: `mtbench fetch --model` against a server with the hub's paths: files come whole or not at all, the cache is laid out as huggingface_hub does it, the token
goes nowhere else, what was stopped goes on, what is refused says why."""
import json
import os
import re
import shutil
import signal
import subprocess
import time

import hub_server
import stubbed
from hub_server import Hub, Repo, etag, git_sha1, model_files, sha256, want
from stubbed import BUILD, D, ENV, ROOT, end, serial, wait_for

ENV |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "TMPDIR": D, "MTBENCH_DEVICE": "cpu"}
for name in [n for n in ENV if re.match("HF_|HUGGING|TRANSFORMERS_OFFLINE|XDG_CACHE", n)]:
    del ENV[name]
TOKEN = "hf_never" + os.urandom(12).hex()


def ok(good, what):
    stubbed.ok(good, " / ".join(what.split("\n")))


def start(cache, *flags, hub=None, env=None, verb="fetch"):
    n = next(serial)
    e = ENV | {"HF_HUB_CACHE": f"{D}/{cache}"} | ({"HF_ENDPOINT": hub.url} if hub else {"HF_ENDPOINT": "http://127.0.0.1:9"}) | (env or {})
    p = subprocess.Popen([f"{ROOT}/mtbench", verb, *flags], stdin=subprocess.DEVNULL, cwd=D, env=e, stdout=open(f"{D}/out.{n}", "w"), stderr=open(f"{D}/err.{n}", "w"))
    p.at, p.cache = n, cache
    return p


def finish(p):
    p.rc = p.wait(timeout=600)
    p.said, p.printed = open(f"{D}/err.{p.at}").read(), open(f"{D}/out.{p.at}").read()
    p.why = f" (exit {p.rc}: {p.said.strip()[-300:]})"
    return p


def fetch(cache, *flags, model="org/name", **rest):
    return finish(start(cache, "--model", model, "--progress", "none", *flags, **rest))


def tree(cache):
    return hub_server.tree(f"{D}/{cache}")


def wrong(got, wanted):
    return "" if got == wanted else f" (too many: {sorted(set(got) - set(wanted))[:4]}, missing: {sorted(set(wanted) - set(got))[:4]})"


# ---- a model of two shards, and what lies beside it ----

MODEL = model_files(f"{D}/model")
shards = sorted(p for p in MODEL if p.endswith(".safetensors"))
FILES = MODEL | {".gitattributes": b"*.bin filter=lfs\n", "README.md": b"# a model\n", "original/consolidated.00.pth": b"0" * 5000, "model.onnx": b"1" * 4000,
                 "pytorch_model.bin": b"2" * 3000, "consolidated.safetensors": b"3" * 2000, "tf_model.h5": b"4" * 1000, "flax_model.msgpack": b"5" * 1000}
repo = Repo(FILES)
COMMIT = repo.branches["main"]
hub = Hub({"org/name": repo})
big = max(MODEL, key=lambda p: len(MODEL[p]))

down, secret = (start("down", "--model", "org/name", "--from", f"http://{user}127.0.0.1:9") for user in ("", "user:pass-word@"))      # they try for a while

failing = {}
for status, file in ((500, False), (503, True), (429, False)):
    h = Hub({"org/name": repo})
    h.refuse = lambda method, path, status=status, file=file: (status, b"no") if ("/resolve/" in path) == file else None
    failing[status] = start(f"fails{status}", "--model", "org/name", hub=h)

# ---- fresh, again, used ----

r = fetch("fresh", hub=hub, env={"HF_TOKEN": f" {TOKEN}\n"})
ok(r.rc == 0 and tree("fresh") == want(MODEL, COMMIT), f"a model's files, and no others, are laid out as the cache has them{wrong(tree('fresh'), want(MODEL, COMMIT))}{r.why if r.rc else ''}")
total = sum(len(x) for x in MODEL.values())
ok(re.search(rf"^fetched +{len(MODEL)}/{len(MODEL)} files +0 were there +0 failed +{total / 1e6:.1f} MB", r.printed, re.M) and r.printed.endswith("use:      --model-path org/name\n") and
   "room for" in r.said, f"it says what came and what to type: {r.printed.strip()}")
ok(hub.asked and all(h.get("Authorization") == f"Bearer {TOKEN}" for _, _, h in hub.asked) and hub.store.asked and not any("Authorization" in h for _, _, h in hub.store.asked),
   f"the token goes with all {len(hub.asked)} requests to the hub and with none of the {len(hub.store.asked)} to its store")
n = len(hub.asked), len(hub.store.asked)
r = fetch("fresh", hub=hub)
ok(r.rc == 0 and len(hub.asked) == n[0] + 1 and len(hub.store.asked) == n[1] and f"0/{len(MODEL)} files   {len(MODEL)} were there" in r.printed, f"a second fetch asks for the list alone{r.why if r.rc else ''}")
open(f"{D}/text", "w").write('"hello there"\n')
r = finish(start("fresh", "--model-path", "org/name", "--text", f"{D}/text", "--top-logits", "1", verb="prompt"))
t = finish(start("fresh", "--model-path", f"{D}/model", "--text", f"{D}/text", "--top-logits", "1", verb="prompt"))
ok(r.rc == 0 and r.printed and r.printed == t.printed, f"--model-path org/name runs it, as its folder does{r.why if r.rc else ''}")
for flags, command in ([], "mtbench fetch --model org/other"), (["--revision", "v2"], "mtbench fetch --model org/other --revision v2"):
    r = finish(start("fresh", "--model-path", "org/other", "--text", f"{D}/text", *flags, verb="prompt"))
    ok(r.rc == 1 and f'"{command}"' in r.said and r.said.count("\n") == 1, f"a hub id that is not there says the command: {r.said.strip()[:250]}")
shutil.copytree(f"{D}/fresh", f"{D}/gap", symlinks=True)
os.remove(f"{D}/gap/models--org--name/snapshots/{COMMIT}/{shards[0]}")
r = finish(start("gap", "--model-path", "org/name", "--text", f"{D}/text", verb="prompt"))
ok(r.rc == 1 and shards[0] in r.said and r.said.rstrip().endswith('"mtbench fetch --model org/name" brings what is missing'), f"so does a snapshot with a gap: {r.said.strip()[-200:]}")
r = finish(start("fresh", "--model-path", "./org/other", "--text", f"{D}/text", verb="prompt"))
ok(r.rc == 1 and "fetch" not in r.said and "no such file or folder" in r.said, f"what can be no hub id does not: {r.said.strip()}")

# ---- cut, stopped, killed, moved ----

hub.store.cuts, hub.cuts, n = 4, 1, len(hub.store.asked)
r = fetch("cut", hub=hub)
ranges = [h.get("Range") for _, _, h in hub.store.asked[n:]]
ok(r.rc == 0 and tree("cut") == want(MODEL, COMMIT) and sum(x is not None for x in ranges) == 4, f"replies that are cut are gone on with by range{r.why if r.rc else ''}")
for how, code in ((signal.SIGTERM, 75), (signal.SIGKILL, -9), (signal.SIGINT, 75)):
    cache, hub.store.slow = f"stop{int(how)}", 50_000
    part = f"{D}/{cache}/models--org--name/blobs/{etag(big, MODEL[big])}.incomplete"
    p = start(cache, "--model", "org/name", hub=hub)
    wait_for(lambda: os.path.exists(part) and os.path.getsize(part) > 400_000)
    p.send_signal(how)
    finish(p)
    size, names = os.path.getsize(part), [x for x in tree(cache) if "/blobs/" not in x]
    ok(p.rc == code and 400_000 < size < len(MODEL[big]) and not names, f"{how.name}: exit {p.rc}, the part is kept, no name is given{p.why if p.rc != code else ''}")
    hub.store.slow, n = 0, len(hub.store.asked)
    if how == signal.SIGKILL:           # the branch goes on: what is the same is not fetched twice
        commit = repo.push(FILES | {"config.json": MODEL["config.json"] + b"\n"})
        r = fetch(cache, hub=hub)
        ok(r.rc == 0 and tree(cache) | want(MODEL | {"config.json": MODEL["config.json"] + b"\n"}, commit) == tree(cache), "the branch has moved: its new commit is fetched")
        repo.push(FILES)
    else:
        r = fetch(cache, hub=hub)
        ok(r.rc == 0 and tree(cache) == want(MODEL, COMMIT), f"the same command goes on{wrong(tree(cache), want(MODEL, COMMIT))}{r.why if r.rc else ''}")
    ok([h.get("Range") for _, p, h in hub.store.asked[n:] if sha256(MODEL[big]) in p] == [f"bytes={size}-"], "and asks for the rest of the open file")
FILES2 = FILES | {"config.json": MODEL["config.json"] + b" "}
moved, n = repo.push(FILES2), len(hub.store.asked)
r = fetch("fresh", hub=hub)
got = tree("fresh")
ok(r.rc == 0 and len(hub.store.asked) == n and got == want(MODEL, COMMIT, ref=False) | want({p: FILES2[p] for p in MODEL}, moved) and f"1/{len(MODEL)} files" in r.printed,
   f"a newer commit brings what changed, and the older one stays{wrong(got, want(MODEL, COMMIT, ref=False) | want({p: FILES2[p] for p in MODEL}, moved))}")
repo.push(FILES)
hub.store.ranges, cache = False, "noranges"
os.makedirs(f"{D}/{cache}/models--org--name/blobs")
open(f"{D}/{cache}/models--org--name/blobs/{etag(big, MODEL[big])}.incomplete", "wb").write(MODEL[big][:1000])
r = fetch(cache, hub=hub)
ok(r.rc == 0 and tree(cache) == want(MODEL, COMMIT), f"a store without ranges sends the whole again{r.why if r.rc else ''}")
hub.store.ranges, cache = True, "alien"
os.makedirs(f"{D}/{cache}/models--org--name/blobs")
for p in MODEL:
    open(f"{D}/{cache}/models--org--name/blobs/{etag(p, MODEL[p])}.incomplete", "wb").write(b"another file"[:max(len(MODEL[p]) - 2, 0)])
r = fetch(cache, hub=hub)
ok(r.rc == 0 and tree(cache) == want(MODEL, COMMIT), f"parts of other files are found out and fetched anew{r.why if r.rc else ''}")
cache = "spoiled"
shutil.copytree(f"{D}/cut", f"{D}/{cache}", symlinks=True)
blob = f"{D}/{cache}/models--org--name/blobs/{etag(big, MODEL[big])}"
open(blob, "r+b").write(b"!")
os.truncate(f"{D}/{cache}/models--org--name/blobs/{etag('config.json', MODEL['config.json'])}", 3)
os.remove(f"{D}/{cache}/models--org--name/snapshots/{COMMIT}/tokenizer.json")
os.symlink("../../blobs/nothing", f"{D}/{cache}/models--org--name/snapshots/{COMMIT}/tokenizer.json")
r = fetch(cache, hub=hub)
ok(r.rc == 0 and tree(cache) == want(MODEL, COMMIT) and r.said.count("which is fetched anew") == 2, f"what is there is checked, and a spoiled file is fetched anew{r.why if r.rc else ''}")

# ---- two at once ----

hub.store.slow, n = 100_000, len(hub.store.asked)
ps = [start("twice", "--model", "org/name", hub=hub) for _ in range(3)]
ps = [finish(p) for p in ps]
hub.store.slow = 0
ok([p.rc for p in ps] == [0, 0, 0] and tree("twice") == want(MODEL, COMMIT) and len(hub.store.asked) - n == len(shards) and any("another run fetches this" in p.said for p in ps),
   f"three at once bring each file once ({len(hub.store.asked) - n} files from the store), and say that they wait{ps[0].why if ps[0].rc else ''}")

# ---- other places: a mirror, folders, caches ----

n = len(hub.asked)
r = fetch("mirror", "--from", hub.url + "/", env={"HF_TOKEN": TOKEN})
ok(r.rc == 0 and tree("mirror") == want(MODEL, COMMIT) and not any("Authorization" in h for _, _, h in hub.asked[n:]), f"from a mirror, which is sent no token{r.why if r.rc else ''}")
r = fetch("disabled", hub=hub, env={"HF_TOKEN": TOKEN, "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"})
ok(r.rc == 0 and not any("Authorization" in h for _, _, h in hub.asked[n:]), "HF_HUB_DISABLE_IMPLICIT_TOKEN: the token stays here")
for at in "fresh", "cut/models--org--name", f"cut/models--org--name/snapshots/{COMMIT}", f"home":
    if at == "home":
        os.makedirs(f"{D}/home")
        shutil.copytree(f"{D}/cut", f"{D}/home/hub", symlinks=True)
    cache, files, commit = "from-" + at.replace("/", "-"), MODEL, COMMIT
    if at == "fresh":
        files, commit = {p: FILES2[p] for p in MODEL}, moved
    r = fetch(cache, "--from", f"{D}/{at}")
    again = fetch(cache, "--from", f"{D}/{at}")
    pointed = want(files, commit)
    ok(r.rc == 0 and tree(cache) == pointed and again.rc == 0 and f"{len(MODEL)} were there" in again.printed, f"from another cache, {at[:25]}{wrong(tree(cache), pointed)}{r.why if r.rc else ''}")
os.makedirs(f"{D}/model/additional_chat_templates")
for p in MODEL:
    open(f"{D}/model/{p}", "wb").write(MODEL[p])
open(f"{D}/model/README.md", "w").write("not of a run\n")
r = fetch("folder", "--from", f"file://{D}/model")
again = fetch("folder", "--from", f"{D}/model")
commit = os.listdir(f"{D}/folder/models--org--name/snapshots")[0]
ok(r.rc == 0 and re.fullmatch("[0-9a-f]{40}", commit) and tree("folder") == want(MODEL, commit) and f"{len(MODEL)} were there" in again.printed,
   f"from a folder of files, twice the same{wrong(tree('folder'), want(MODEL, commit))}{r.why if r.rc else ''}")
n = len(hub.store.asked)
r = fetch("folder", hub=hub)
ok(r.rc == 0 and len(hub.store.asked) == n and open(f"{D}/folder/models--org--name/refs/main").read() == COMMIT, "the hub's own commit then finds all bytes there")
open(f"{D}/model/{big}", "wb").write(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n")
r = fetch("lfs", "--from", f"{D}/model")
ok(r.rc == 2 and "git lfs pull" in r.said and len(re.findall("^mtbench: (?!fetched)", r.said, re.M)) == 1 and not r.printed, f"a clone without LFS: {r.said.strip()}")
open(f"{D}/cut/models--org--name/blobs/{etag(big, MODEL[big])}", "r+b").write(b"!!")
r = fetch("bad-usb", "--from", f"{D}/cut")
ok(r.rc == 2 and "hash is" in r.said and not any("/snapshots/" in p for p in tree("bad-usb")), f"another cache's spoiled file is not copied: {r.said.strip()[-200:]}")
r = fetch("none", "--from", f"{D}/fresh", "--revision", "v9")
ok(r.rc == 1 and "no revision v9" in r.said, f"a revision that the cache does not have: {r.said.strip()}")

# ---- which files ----

branch = repo.push({"config.json": b"{}", "model.safetensors": b"weights", "x/y z/\u00e9.json": b"deep"}, "refs/pr/1")
r = fetch("only", "--revision", "refs/pr/1", "--only", "x/*", "*.json", hub=hub)
ok(r.rc == 0 and tree("only") == want({"config.json": b"{}", "x/y z/\u00e9.json": b"deep"}, branch, revision="refs/pr/1"), f"--only, and a revision with slashes{r.why if r.rc else ''}")
r = fetch("by-commit", "--revision", branch, hub=hub)
ok(r.rc == 0 and tree("by-commit") == want({"config.json": b"{}", "model.safetensors": b"weights"}, branch, ref=False), f"a commit as revision has no name beside it{r.why if r.rc else ''}")
gguf = open(f"{ROOT}/tests/golden/tiny.gguf", "rb").read()
hub.repos["org/gguf"] = Repo({"m-Q4_0.gguf": gguf, "m-Q8_0.gguf": gguf + b"\0", "README.md": b""})
r = fetch("gguf", model="org/gguf", hub=hub)
ok(r.rc == 1 and "m-Q4_0.gguf" in r.said and "m-Q8_0.gguf" in r.said and " GB  " in r.said and "--only" in r.said and not tree("gguf"), f"several GGUF files are listed, and none is fetched: {r.said.strip().splitlines()[-1]}")
r = fetch("gguf", "--only", "*Q4_0*", model="org/gguf", hub=hub)
ok(r.rc == 0 and len(tree("gguf")) == 3 and r.printed.endswith("--model-path org/gguf\n"), f"--only chooses one: {r.printed.strip()[-60:]}")
r = fetch("gguf", "--only", "*Q8_0*", model="org/gguf", hub=hub)
ok(r.rc == 0 and r.printed.endswith("m-Q8_0.gguf\n") and os.path.exists(r.printed.split()[-1]), "a second one beside it is named by its file")
hub.repos["org/none"] = Repo({"README.md": b"", "tf_model.h5": b"1"})
r = fetch("no", model="org/none", hub=hub)
ok(r.rc == 1 and "no weights" in r.said, f"{r.said.strip()[:150]}")
hub.repos["org/gap"] = Repo({p: MODEL[p] for p in MODEL if p != shards[0]})
r = fetch("no", model="org/gap", hub=hub)
ok(r.rc == 1 and shards[0] in r.said, f"an index that names what is not there: {r.said.strip()[:200]}")

# ---- an adapter ----


def lora(rank, dim):
    """Weights of an adapter of the queries of two layers (safetensors)."""
    rows = {f"base_model.model.model.layers.{i}.self_attn.q_proj.lora_{k}.weight": shape for i in range(2) for k, shape in (("A", (rank, dim)), ("B", (dim, rank)))}
    data, header, at = b"", {}, 0
    for name, shape in rows.items():
        n = 4 * shape[0] * shape[1]
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + n]}
        data += b"\0\0\0\x3d" * (n // 4)
        at += n
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


ADAPTER = {"adapter_config.json": json.dumps({"peft_type": "LORA", "base_model_name_or_path": "org/name", "revision": None, "r": 2, "lora_alpha": 2, "target_modules": ["q_proj"],
                                              "task_type": "CAUSAL_LM"}).encode(), "adapter_model.safetensors": lora(2, 256)}

hub.repos["org/lora"] = Repo(ADAPTER | {"README.md": b"", "checkpoint-10/optimizer.pt": b"6" * 100})
r = fetch("lora", model="org/lora", hub=hub)
ok(r.rc == 0 and tree("lora") == want(ADAPTER, hub.repos["org/lora"].branches["main"], "org/lora") | want(MODEL, COMMIT) and "org/lora is an adapter of org/name" in r.said and
   r.printed.endswith("--model-path org/lora\n"), f"an adapter's base comes too{r.why if r.rc else ''}")
p = finish(start("lora", "--model-path", "org/lora", "--text", f"{D}/text", "--top-logits", "3", verb="prompt"))
base = finish(start("lora", "--model-path", "org/name", "--text", f"{D}/text", "--top-logits", "3", verb="prompt"))
ok(p.rc == 0 and base.rc == 0 and p.printed != base.printed, f"and both run{p.why if p.rc else ''}")
shutil.rmtree(f"{D}/lora/models--org--name")
p = finish(start("lora", "--model-path", "org/lora", "--text", f"{D}/text", verb="prompt"))
ok(p.rc == 1 and '"mtbench fetch --model org/name"' in p.said, f"a base that is not there says the command: {p.said.strip()[-200:]}")
n = len(hub.asked)
r = fetch("lora", model="org/lora", hub=hub)
ok(r.rc == 0 and len(hub.asked) > n and "were there" in r.printed, "and again, all of it is there")

# ---- refused ----


def refused(text, code, what, *flags, server=hub, model="org/name", env=None):
    r = fetch(f"refused{next(serial)}", *flags, model=model, hub=server, env=env)
    names = [p for p in tree(r.cache) if "/snapshots/" in p or "/refs/" in p]
    ok(r.rc == code and re.search(text, r.said) and len(re.findall("^mtbench: (?!org/|fetched )", r.said, re.M)) == 1 and not r.printed and not names and TOKEN not in r.said,
       f"{what}: {r.said.strip().splitlines()[-1][:230] if r.said else ''} (exit {r.rc})")


gated = Hub({"org/name": Repo(FILES, gated=True, token=TOKEN)})
refused(r"gated; accept the licence at \S+/org/name, then with a token of that account set HF_TOKEN$", 77, "gated, without a token", server=gated)
refused("HF_ENDPOINT in the place of --from", 77, "gated, from a mirror", "--from", gated.url, env={"HF_TOKEN": TOKEN})
with open(f"{D}/no_folder", "w"):
    pass
refused(r"cannot create the folder: Not a directory; set HF_HUB_CACHE to", 2, "a file in the place of the cache", env={"HF_HUB_CACHE": f"{D}/no_folder"})
refused("does not know this token", 77, "a token that the hub does not know", server=gated, env={"HF_TOKEN": "hf_other"})
gated.repos["org/name"].token = "hf_somebody"
gated.refuse = lambda method, path: (403, b"", ) if "/resolve/" in path else None
refused("account of HUGGING_FACE_HUB_TOKEN has no access yet", 77, "gated, with a token of somebody else", server=gated, env={"HUGGING_FACE_HUB_TOKEN": "hf_somebody"})
gated.refuse = lambda method, path: None
gated.repos["org/name"].token = TOKEN
r = fetch("gated", hub=gated, env={"HF_TOKEN": TOKEN})
ok(r.rc == 0 and tree("gated") == want(MODEL, COMMIT), f"gated, with the right token{r.why if r.rc else ''}")
refused("no such repository, or a private one", 77, "no such repository, without a token", model="org/absent")
refused("no such repository, or a private one", 1, "no such repository, with a token", model="org/absent", env={"HF_TOKEN": TOKEN})
refused("--revision v9: org/name has no such", 1, "no such revision", "--revision", "v9")
for name, words in ("lmsys/fastchat-t5-3b-v1.0", "would not run"), ("lmsys/vicuna-7b-delta-v1.1", "only differences"):
    n = len(hub.asked)
    refused(words, 1, f"what would not run, {name}", model=name)
    ok(len(hub.asked) == n, "is not asked for")
hub.repos["lmsys/vicuna-7b-delta-v1.1"] = Repo({"config.json": b"{}"})
r = fetch("delta", "--only", "*.json", model="lmsys/vicuna-7b-delta-v1.1", hub=hub)
ok(r.rc == 0 and len(tree("delta")) == 3, f"unless its files are named{r.why if r.rc else ''}")
refused("HF_HUB_OFFLINE: is set", 77, "offline", env={"HF_HUB_OFFLINE": "1"})
refused("TRANSFORMERS_OFFLINE: is set", 77, "offline, the older name", env={"TRANSFORMERS_OFFLINE": "yes"})
refused("a token is letters and digits", 1, "a token that would break a header", env={"HF_TOKEN": f"{TOKEN}\r\nX: y"})
refused("HF_ENDPOINT ftp://h: is no URL", 1, "an endpoint that is no web server", env={"HF_ENDPOINT": "ftp://h"})
for name in "../x", "org/name/x", "org/-name", "a--b/c", "", "org/name.git", "org/na me":
    refused("is no name of a repository", 1, f"no name: '{name}'", model=name)
for name in "../main", "a b", "/etc", "refs//x":
    refused("is no name of a branch", 1, f"no revision: '{name}'", "--revision", name)
refused("--manifest: is a list of data", 1, "a list and a model", "--manifest", f"{D}/text")
refused("none of the repository's", 1, "--only that fits nothing", "--only", "*.zip")
refused("PB|GB are to come", 77, "more than the disk has room for", server=(lambda h: (h.__setattr__("listed", json.dumps(
    {"sha": COMMIT, "siblings": [{"rfilename": "model.safetensors", "size": 10 ** 15, "lfs": {"sha256": "0" * 64, "size": 10 ** 15}}]}).encode()), h)[1])(Hub({"org/name": repo})))

# ---- a server that lies, fails, or is none ----

tries = iter([429, 500, 503])
hub.refuse = lambda method, path: (next(tries, 200), b"later") if "/api/models" in path and tries.__length_hint__() else None
r = fetch("busy", hub=hub)
hub.refuse = lambda method, path: None
ok(r.rc == 0 and tree("busy") == want(MODEL, COMMIT), f"429, 500 and 503 pass when asked again{r.why if r.rc else ''}")
for status, p in failing.items():
    finish(p)
    ok(p.rc == 2 and f"{'asked too often' if status == 429 else status}" in p.said and "start again to go on" in p.said and p.said.count("\n") == 1 and not p.printed and
       not any("/snapshots/" in x for x in tree(p.cache)), f"{status} to the end: {p.said.strip().splitlines()[-1][:200]}")
refusals = iter([(403, b"expired"), (403, b"expired")])
hub.store.refuse = lambda method, path: next(refusals, None)
r = fetch("expired", hub=hub)
hub.store.refuse = lambda method, path: None
ok(r.rc == 0 and tree("expired") == want(MODEL, COMMIT), f"an address of the store that has expired is asked for anew{r.why if r.rc else ''}")
refusals, at = iter([(429, b"later", {"Retry_After": "6"})]), time.time()
hub.refuse = lambda method, path: next(refusals, None)
r = fetch("later", hub=hub)
ok(r.rc == 0 and time.time() - at > 6 and "in 6 s" in r.said, f"Retry-After is heeded, and a long wait is said: {r.said.strip().splitlines()[0]}")
refusals = iter([(429, b"later", {"Retry_After": "60"})])
p = start("later2", "--model", "org/name", hub=hub)
wait_for(lambda: "in 60 s" in open(f"{D}/err.{p.at}").read())
p.send_signal(signal.SIGTERM)
finish(p)
hub.refuse = lambda method, path: None
ok(p.rc == 75 and time.time() - at < 30, "a stop is heard while it waits")
lying = Hub({"org/name": Repo(FILES)})
lying.altered = {big: MODEL[big][:-1] + b"?"}
refused("its SHA-256 is [0-9a-f]{64} instead of", 2, "another file of the same size", server=lying)
lying.altered = {"tokenizer.json": MODEL["tokenizer.json"][:-1] + b"?"}
refused("its git SHA-1 is [0-9a-f]{40} instead of", 2, "the same of a small file", server=lying)
lying.altered = {big: MODEL[big] + b"more"}
refused("more than its", 2, "a file that does not end", server=lying)
lying.altered = {big: MODEL[big][:-10]}
refused("bytes came instead of|answered 416|returned error: 416", 2, "a file that is short", server=lying)
lying.altered = {}
loop = Hub({"org/name": Repo(FILES)})
loop.file = lambda h, m, commit, files, path: h.reply(302, b"", Location=h.path)
refused("redirected more than 10 times", 2, "a loop of redirects", server=loop)
loop.file = lambda h, m, commit, files, path: h.reply(302, b"", Location="file:///etc/passwd")
refused("[Pp]rotocol", 2, "a redirect to a file of this machine", server=loop)
loop.file = lambda h, m, commit, files, path: h.reply(304)
refused("the server answered 304", 2, "a status that brings nothing", server=loop)
for listed, text in ((b"<html>hello</html>", "no valid JSON"), (b"{}", "no commit"), (b"[" * 100000, "JSON|deep|nest"), (b'{"sha": "../../x", "siblings": []}', "no commit"),
                     (json.dumps({"sha": COMMIT, "siblings": []}).encode(), "no files")):
    lying.listed = listed
    refused(text, 2, f"a list that is none, {listed[:20]}", server=lying)
for path in "../evil", "/etc/evil", "a/../../evil", "./evil", "a//evil", "", "evil/", "a\\evil", "evil\0", "e\nvil", "x" * 300, "a/" * 1200 + "evil", "config.json", "config.json/evil":
    lying.listed = json.dumps({"sha": COMMIT, "siblings": [{"rfilename": p, "size": 1, "blobId": "0" * 40} for p in ("config.json", "model.safetensors", path)]}).encode()
    refused("is no path of a file|stands there twice|lies in what is a file", 2, f"a list that names {path[:20]!r}", server=lying)
for f in {"size": -1}, {"size": 1.5}, {"size": 1e30}, {"blobId": "../../../evil"}, {"blobId": "A" * 40}, {"lfs": {"sha256": "../" * 20}}, {"lfs": {}}:
    lying.listed = json.dumps({"sha": COMMIT, "siblings": [{"rfilename": "model.safetensors", "size": 1, "blobId": "0" * 40} | f]}).encode()
    refused("model.safetensors: ", 2, f"a list that states {json.dumps(f)[:40]}", server=lying)
ok(not any("evil" in name for _, folders, names in os.walk(D) for name in folders + names), "and no such file is anywhere")
lying.listed = None
n = len(lying.asked)
r = fetch("userinfo", "--from", lying.url.replace("//", "//user:pass-word@"), model="org/absent")
ok(r.rc == 77 and "pass-word" not in r.said and "127.0.0.1" in r.said and all(h.get("Authorization", "").startswith("Basic ") for _, _, h in lying.asked[n:]),
   f"a mirror's password is sent and not shown: {r.said.strip()[:200]}")
hub.renamed["old/name"] = "org/name"
r = fetch("renamed", model="old/name", hub=hub, env={"HF_TOKEN": TOKEN})
ok(r.rc == 0 and tree("renamed") == want(MODEL, COMMIT, "old/name") and r.printed.endswith("--model-path old/name\n"), f"a repository that was renamed is found by its older name{r.why if r.rc else ''}")
for p, what in (down, "no server"), (secret, "a mirror with a password that is none"):
    finish(p)
    ok(p.rc == 2 and "HTTPS_PROXY" in p.said and "127.0.0.1:9" in p.said and "pass-word" not in p.said and p.said.count("\n") == 1 and not p.printed, f"{what}: {p.said.strip()[:150]}")

lying.answer = lambda h: h.reply(403, X_Error_Message=f"no, {h.headers['Authorization']}")
refused("forbids it; with a token that may read it set HF_TOKEN", 77, "a server that repeats the token", server=lying, env={"HF_TOKEN": TOKEN})
lying.answer = lambda h: h.reply(407)
refused("huggingface.co/.*: the proxy answered 407", 2, "a proxy that wants a password", server=lying, env={"HF_ENDPOINT": "", "https_proxy": lying.url, "NO_PROXY": ""})
short = Hub({"org/name": Repo(FILES)})
short.refuse = lambda method, path: (404, b"") if path.endswith("tokenizer.json") else None
refused(r"/tokenizer.json: the server answered 404", 1, "a mirror without one of the files", server=short)

# ---- lists without hashes; disks without links, without room ----

plain = Hub({"org/name": Repo(FILES)})
plain.plain = True
r = fetch("plain", hub=plain, env={"HF_TOKEN": TOKEN})
ok(r.rc == 0 and tree("plain") == want(MODEL, COMMIT) and not any("Authorization" in h for _, _, h in plain.store.asked), f"a list of names alone: hashes are asked for file by file{r.why if r.rc else ''}")
plain.file = lambda h, m, commit, files, path: h.send_file(files[path]) if path in files else h.reply(404)
r = fetch("bare", hub=plain)
bare = {f"models--org--name/blobs/{git_sha1(d)}": d for d in MODEL.values()}
ok(r.rc == 0 and {p: d for p, d in tree("bare").items() if "/blobs/" in p} == bare and r.said.count("only its size was checked") == len(MODEL), f"no hash anywhere: sizes are checked, and it says so{r.why if r.rc else ''}")
again = fetch("bare", hub=plain)
ok(again.rc == 0 and f"{len(MODEL)} were there" in again.printed, f"and it is not fetched twice: {again.printed.strip().splitlines()[0] if again.printed else again.why}")
sabotage = {"LD_PRELOAD": f"{BUILD}/tests/saboteur.so", "SABOTAGE": "0:symlink:0:EPERM"}
hub.repos["org/twins"] = Repo({"config.json": b"{}", "tokenizer_config.json": b"{}", "model.safetensors": b"weights"})
for model, files in ("org/name", MODEL), ("org/twins", {"config.json": b"{}", "tokenizer_config.json": b"{}", "model.safetensors": b"weights"}):
    r = fetch("nolinks", hub=hub, env=sabotage, model=model)
    top = f"models--{model.replace('/', '--')}"
    commit = hub.repos[model].branches["main"]
    pointed = {f"{top}/snapshots/{commit}/{p}": d for p, d in files.items()} | {f"{top}/refs/main": commit.encode()}
    got = {p: d for p, d in tree("nolinks").items() if p.startswith(top)}
    again = fetch("nolinks", hub=hub, env=sabotage, model=model)
    ok(r.rc == 0 and got == pointed and again.rc == 0 and f"0/{len(files)} files" in again.printed, f"no symbolic links: {model}'s files stand in the snapshot themselves, once{wrong(got, pointed)}{r.why if r.rc else ''}")
r = fetch("full", hub=hub, env={"LD_PRELOAD": f"{BUILD}/tests/saboteur.so", "SABOTAGE": "0:pwrite:3:ENOSPC"})
ok(r.rc == 2 and "No space left" in r.said and not any("/snapshots/" in p for p in tree("full")), f"a disk that fills up: {r.said.strip().splitlines()[-1]}")
r = fetch("full", hub=hub)
ok(r.rc == 0 and tree("full") == want(MODEL, COMMIT), f"and goes on when there is room again{r.why if r.rc else ''}")
r = fetch("quiet", "--quiet", hub=hub)
ok(r.rc == 0 and not r.said and r.printed.startswith("fetched "), "--quiet: results alone")

os.makedirs(f"{D}/clash/models--org--name/snapshots/{COMMIT}/config.json")
r = fetch("clash", hub=hub)
ok(r.rc == 2 and "config.json: is there, and is no file" in r.said and not any("/refs/" in p for p in tree("clash")), f"a folder in the place of a file: {r.said.strip().splitlines()[-1]}")
os.makedirs(f"{D}/org")
os.symlink(f"{D}/model", f"{D}/org/name")
r = fetch("fresh", hub=hub)
os.unlink(f"{D}/org/name")
ok(r.rc == 0 and r.printed.endswith(f"--model-path {D}/fresh/models--org--name/snapshots/{COMMIT}\n") and "lies here too" in r.said, f"where a folder has the model's name the snapshot is named{r.why}")
os.makedirs(f"{D}/tuned")
for p, d in ("adapter_config.json", b'{"base_model_name_or_path": "org/name"}'), ("adapter_model.bin", b"AB" * 500):
    open(f"{D}/tuned/{p}", "wb").write(d)
fetch("kept", hub=hub)
r = fetch("kept", "--from", f"{D}/tuned", model="org/tuned")
kept = {p: d for p, d in tree("kept").items() if p.startswith("models--org--name/")}
ok(r.rc == 0 and kept == want(MODEL, COMMIT) and "room for" in r.said and "mtbench fetch" not in r.said, f"an adapter's own folder is not taken for its base, which is there{r.why}")

found, seen = [], 0
for folder, _, names in os.walk(D):
    for name in names:
        seen += 1
        if TOKEN.encode() in open(os.path.join(folder, name), "rb").read() if os.path.exists(os.path.join(folder, name)) else False:
            found.append(name)
ok(seen > 200 and not found, f"the token is in none of the {seen} files that were written {found[:4]}")

end()
