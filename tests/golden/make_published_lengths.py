#!/usr/bin/env python3
"""tests/golden/published_lengths.txt: how long the answers of published models are, for tests/unit/dealer.c and simulate.c; and the table in
src/bench/typical.c, which is their medians.

    make_published_lengths.py ANSWERS question.jsonl MTBENCH MODEL.gguf >published_lengths.txt
    make_published_lengths.py --typical <published_lengths.txt      the rows of the table

ANSWERS holds FastChat's MODEL.jsonl or MODEL.jsonl.gz, such as the model_answer folder that LMSYS published in 2023. Tokens are the given model's, whoever
wrote the text; one for the end is added. A line a model: its name, then turn 1 and 2 of each question in the order of their ids. No text leaves the files."""
import glob
import gzip
import json
import os
import statistics
import subprocess
import sys
import tempfile


def count(texts, mtbench, model):
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as f:
        f.writelines(json.dumps(t) + "\n" for t in texts)
        f.flush()
        out = subprocess.run([mtbench, "prompt", "--model-path", model, "--text", f.name], check=True, capture_output=True, text=True).stdout
    return [len(json.loads(line)["ids"]) + 1 for line in out.splitlines()]


def lengths(folder, questions, mtbench, model):
    ids = sorted(json.loads(line)["question_id"] for line in open(questions, encoding="utf-8"))
    print("ids", *ids)
    for path in sorted(glob.glob(os.path.join(folder, "*.jsonl*"))):
        with (gzip.open if path.endswith(".gz") else open)(path, "rt", encoding="utf-8") as f:
            answers = {d["question_id"]: d["choices"][0]["turns"] for d in map(json.loads, f)}
        n = count([t for i in ids for t in answers[i]], mtbench, model)
        assert len(n) == 2 * len(ids), path
        print(os.path.basename(path).split(".jsonl")[0], *n)


def typical(lines):
    ids = next(lines).split()[1:]
    columns = list(zip(*(map(int, line.split()[1:]) for line in lines)))
    for i, q in enumerate(ids):
        print(f"{{ {q}, {{ {round(statistics.median(columns[2 * i]))}, {round(statistics.median(columns[2 * i + 1]))} }} }},")


if sys.argv[1:] == ["--typical"]:
    typical(iter(sys.stdin))
else:
    lengths(*sys.argv[1:5])
