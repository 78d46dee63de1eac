#!/usr/bin/env python3
"""miniatures_check.py messages NAME: the messages of each turn of tests/tools/miniatures.py's questions, as `mtbench prompt --messages` reads them, with the
answers of tests/golden/miniatures.json. miniatures_check.py prompts NAME FILE: what that wrote is the golden's: prompts, ids, and logits up to the rounding of a
float16 KV cache. miniatures_check.py answers NAME FILE...: so are the texts of these answer files. Says what differs; exit code 1."""
import hashlib, json, os, sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../tools"))
import miniatures

SLACK = 2e-3                       # of the spread of all logits, as in tests/unit/forward.c


def golden(name):
    with open(os.path.join(HERE, "../golden/miniatures.json")) as f:
        return json.load(f)[name]["turns"]


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def messages(name):
    turns = golden(name)
    for q, texts in enumerate(miniatures.QUESTIONS):
        said = []
        for t, text in enumerate(texts):
            said.append({"role": "user", "content": text})
            print(json.dumps(said))
            said.append({"role": "assistant", "content": turns[q * len(texts) + t]["answer"]})


def prompts(name, file):
    got, want = [json.loads(line) for line in open(file)], golden(name)
    assert len(got) == len(want) > 0, f"{len(got)} prompts of {len(want)}"
    for i, (g, w) in enumerate(zip(got, want)):
        assert (len(g["prompt"].encode()), sha(g["prompt"])) == (w["bytes"], w["prompt"]), f"turn {i}: prompt {g['prompt']!r}"
        assert (len(g["ids"]), g["ids"][-6:]) == (w["n_ids"], w["last"]), f"turn {i}: {len(g['ids'])} ids, the last {g['ids'][-6:]}, not {w['n_ids']}, {w['last']}"
        assert sha(" ".join(map(str, g["ids"]))) == w["ids"], f"turn {i}: ids {g['ids']}"
        logit, slack = dict(map(tuple, g["top"])), SLACK * w["spread"]
        for token, value in w["top"]:
            assert abs(logit.get(token, 1e9) - value) <= slack, f"turn {i}: logit of {token} is {logit.get(token)}, not {value} within {slack:.5f}"


def answers(name, *files):
    want = [g["answer"] for g in golden(name)]
    for file in files:
        got = [text for line in open(file) for text in json.loads(line)["choices"][0]["turns"]]
        assert got == want, f"{file}: {got} and not {want}"


try:
    {"messages": messages, "prompts": prompts, "answers": answers}[sys.argv[1]](*sys.argv[2:])
except AssertionError as e:
    sys.exit(str(e))
