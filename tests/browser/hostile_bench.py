"""hostile_bench.py DIR [all]: a benchmark in DIR/hostile whose texts, names and categories are attacks: those of tests/tools/hostile.py,
each as a question, an answer, a judgment and a reference. Without "all" those of more than LARGE bytes are left out."""
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from hostile import texts  # noqa: E402

LARGE = 300000
# Names of files cannot hold "/" or NUL, and are short; the rest is allowed.
MODELS = ['<img src=x onerror=alert(1)>', "\"onmouseover=alert(1) x='", "a&b=</noscript><script>window.pwned=1<", "javascript:alert(1)"]
JUDGES = ['judge"><svg onload=alert(1)>', "gpt-4"]
CATEGORY = "</option></select><script>alert(1)<|script>"


def quoted(data):
    """A JSON string of these bytes, valid UTF-8 or not."""
    out = bytearray(b'"')
    for byte in data:
        out += b"\\u%04x" % byte if byte < 32 or byte in (34, 92) else bytes([byte])
    return bytes(out + b'"')


def record(**fields):
    """A line; bytes are texts as they are, a list of bytes is a list of them."""
    value = lambda v: (quoted(v) if isinstance(v, bytes) else b"[" + b", ".join(map(value, v)) + b"]" if isinstance(v, list)
                       else b"{" + b", ".join(json.dumps(k).encode() + b": " + value(x) for k, x in v.items()) + b"}" if isinstance(v, dict)
                       else json.dumps(v).encode())
    return value(fields) + b"\n"


def whole(data):
    """Lines are UTF-8, and refused otherwise."""
    return data.decode("utf-8", "replace").encode()


def chosen(everything):
    return [(name, text) for name, text in texts() if everything or len(text) < LARGE]


def write(path, lines):
    path.write_bytes(b"".join(lines))


def make(folder, attacks):
    for kind in ("model_answer", "model_judgment"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    number = range(1, len(attacks) + 1)
    (folder / "question.jsonl").write_bytes(b"".join(record(question_id=i, category=CATEGORY if i % 2 else "plain", 
        turns=[whole(text) or b"?", b"and?"], reference=[whole(text), b""]) for i, (_, text) in zip(number, attacks)))
    for m, model in enumerate(MODELS[: 1 if len(attacks) > 150 else 4]):
        few = attacks if m == 0 else attacks[:4]
        write(folder / "model_answer" / f"{model.replace('/', '|')}.jsonl", (record(question_id=i, answer_id="x", model_id=model,
            tstamp=1.0, choices=[{"index": 0, "turns": [whole(text), b"from " + name.encode()]}]) for i, (name, text) in zip(number, few)))
    first = MODELS[0]
    for judge in JUDGES:
        name = judge.replace("/", "|")
        write(folder / "model_judgment" / f"{name}_single.jsonl", (record(question_id=i, model=first, judge=[judge, "single-v1"],
            user_prompt="p", judgment=whole(text) + b" [[5]]", score=5, turn=1, tstamp=1.0) for i, (_, text) in zip(number, attacks)))


if __name__ == "__main__":
    make(pathlib.Path(sys.argv[1]) / "hostile", chosen(sys.argv[2:] == ["all"]))
