"""hub_server.py - a server with the Hugging Face hub's paths, and beside it, on a port of its own, the store that it sends to for large files. It keeps every
request with its headers, and can be told to drop, stall, lie and refuse."""
import hashlib
import http.server
import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.parse

LFS = (".safetensors", ".bin", ".gguf", ".model")


def git_sha1(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def etag(path, data):
    """What the hub and its cache call these bytes."""
    return sha256(data) if path.endswith(LFS) else git_sha1(data)


def tree(cache):
    """{path: bytes or '-> target'} of a cache, without its locks."""
    out = {}
    for folder, _, names in os.walk(cache):
        for name in names:
            full = os.path.join(folder, name)
            path = os.path.relpath(full, cache)
            if not path.startswith(".locks"):
                out[path] = "-> " + os.readlink(full) if os.path.islink(full) else open(full, "rb").read()
    return out


def want(files, commit, model="org/name", revision="main", ref=True):
    """The same tree, as it has to be."""
    top, out = "models--" + model.replace("/", "--"), {}
    for path, data in files.items():
        out[f"{top}/blobs/{etag(path, data)}"] = data
        out[f"{top}/snapshots/{commit}/{path}"] = "-> " + "../" * (2 + path.count("/")) + "blobs/" + etag(path, data)
    return out | ({f"{top}/refs/{revision}": commit.encode()} if ref else {})


def model_files(folder):
    """Makes a model of two shards with its index there, and a template in a folder; {path: bytes}."""
    subprocess.run([sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), "random_model.py"), folder, "2"], check=True)
    files = {p: open(f"{folder}/{p}", "rb").read() for p in os.listdir(folder)}
    header = {p: json.loads(d[8:8 + int.from_bytes(d[:8], "little")]) for p, d in files.items() if p.endswith(".safetensors")}
    files["model.safetensors.index.json"] = json.dumps({"weight_map": {name: p for p in header for name in header[p] if name != "__metadata__"}}).encode()
    files["additional_chat_templates/default.jinja"] = b"{% for m in messages %}{{ m.content }}{% endfor %}"
    return files


class Repo:
    """Revisions of a repository: a branch or commit to files {path: bytes}."""

    def __init__(self, files, gated=False, token=None):
        self.commits, self.branches, self.gated, self.token = {}, {}, gated, token
        self.push(files)

    def push(self, files, branch="main"):
        commit = hashlib.sha1(repr(sorted((p, sha256(d)) for p, d in files.items())).encode()).hexdigest()
        self.commits[commit], self.branches[branch] = files, commit
        return commit


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version, disable_nagle_algorithm = "HTTP/1.1", True

    def do_HEAD(self):
        self.do_GET()

    def do_CONNECT(self):
        self.do_GET()

    def do_GET(self):
        s = self.server
        with s.lock:
            s.asked.append((self.command, self.path, dict(self.headers)))
            refusal = s.refuse(self.command, self.path)
        if refusal:
            return self.reply(*refusal[:2], **(refusal[2] if len(refusal) > 2 else {}))
        s.answer(self)

    def reply(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_file(self, data, **headers):
        """Whole or from a byte on; cut, slow or longer than it should be where the server was told so."""
        s, start = self.server, 0
        m = re.fullmatch(r"bytes=(\d+)-", self.headers.get("range", ""))
        if m and s.ranges:
            start = int(m[1])
            if start >= len(data):
                return self.reply(416, Content_Range=f"bytes */{len(data)}")
            headers["Content_Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        self.send_response(206 if start else 200)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        data = data[start:]
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command == "HEAD":
            return
        with s.lock:
            cut = s.cuts > 0 and len(data) > 1000
            s.cuts -= cut
        if cut:
            data = data[:len(data) // 3]
            self.close_connection = True
        step = s.slow or len(data) or 1
        for i in range(0, len(data), step):
            self.wfile.write(data[i:i + step])
            if s.slow:
                time.sleep(0.05)

    def log_message(self, *_):
        pass


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 50

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.lock = threading.Lock()
        self.asked = []                                 # (method, path, headers)
        self.cuts = self.slow = 0                       # replies that end early; bytes at a time
        self.ranges = True
        self.refuse = lambda method, path: None         # (status, body, {header}) instead of the answer
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):                         # a client that was stopped
        pass


class Store(_Server):
    def __init__(self):
        super().__init__()
        self.files = {}

    def answer(self, h):
        name = urllib.parse.urlsplit(h.path).path.strip("/")
        if name not in self.files:
            return h.reply(404)
        h.send_file(self.files[name], ETag='"store"')


class Hub(_Server):
    """'repos': {"org/name": Repo}. 'altered': {path: bytes} are sent in the place of what is stated. 'plain': lists names alone, as old mirrors do.
    'renamed': {an older name: its name}."""

    def __init__(self, repos=None):
        super().__init__()
        self.repos, self.store, self.altered, self.listed, self.plain, self.renamed = repos or {}, Store(), {}, None, False, {}

    def token(self, h):
        kind, _, token = h.headers.get("Authorization", "").partition(" ")
        return token if kind == "Bearer" else None

    def siblings(self, files):
        for path, data in sorted(files.items()):
            f = {"rfilename": path}
            if not self.plain:
                f |= {"size": len(data), "blobId": git_sha1(data)}
                if path.endswith(LFS):
                    f |= {"blobId": git_sha1(b"pointer of " + path.encode()), "lfs": {"sha256": sha256(data), "size": len(data), "pointerSize": 134}}
            yield f

    def answer(self, h):
        url = urllib.parse.urlsplit(h.path)
        listing = re.fullmatch(r"/api/models/([^/]+/[^/]+|[^/]+)/revision/([^/]+)", url.path)
        file = re.fullmatch(r"/(?:api/resolve-cache/models/)?([^/]+/[^/]+)(/resolve)?/([^/]+)/(.+)", url.path)
        m = listing or file
        if m and m[1] in self.renamed:
            return h.reply(307, b"Temporary Redirect", Location=h.path.replace(m[1], self.renamed[m[1]], 1))
        repo = m and self.repos.get(m[1])
        if not repo:
            return h.reply(404, b"{}", X_Error_Code="RepoNotFound") if self.token(h) else h.reply(401, b"{}", X_Error_Message="Invalid username or password.")
        if self.token(h) and repo.token and self.token(h) != repo.token:
            return h.reply(401, b"{}", X_Error_Message="Invalid credentials in Authorization header")
        revision = urllib.parse.unquote(m[2] if listing else m[3])
        commit = repo.branches.get(revision, revision)
        if commit not in repo.commits:
            return h.reply(404, b"{}", X_Error_Code="RevisionNotFound")
        files = repo.commits[commit]
        if listing:
            body = {"id": m[1], "sha": commit, "gated": "manual" if repo.gated else False, "siblings": list(self.siblings(files))}
            return h.reply(200, self.listed if self.listed is not None else json.dumps(body).encode(), Content_Type="application/json")
        if repo.gated and self.token(h) != repo.token:
            return h.reply(401 if not self.token(h) else 403, b"Access is restricted", X_Error_Code="GatedRepo", X_Error_Message="Access to it is restricted.")
        self.file(h, m, commit, files, urllib.parse.unquote(m[4]))

    def file(self, h, m, commit, files, path):
        if path not in files:
            return h.reply(404, X_Error_Code="EntryNotFound")
        data, stated = self.altered.get(path, files[path]), {"X_Repo_Commit": commit, "X_Linked_Size": str(len(files[path]))}
        if path.endswith(LFS):              # to the store, at an address that is signed
            self.store.files[sha256(files[path])] = data
            where = f"{self.store.url}/{sha256(files[path])}?X-Amz-Signature=0123"
            return h.reply(302, b"Found. Redirecting", Location=where, X_Linked_Etag=f'"{sha256(files[path])}"', **stated)
        if m[2]:                            # to another path of the hub
            return h.reply(307, b"Temporary Redirect", Location=f"/api/resolve-cache/models/{m[1]}/{commit}/{urllib.parse.quote(path)}",
                           X_Linked_Etag=f'"{git_sha1(files[path])}"', **stated)
        h.send_file(data, ETag=f'"{git_sha1(files[path])}"', X_Repo_Commit=commit)
