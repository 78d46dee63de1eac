#!/usr/bin/env python3
"""tests/golden/lengths.txt: how many tokens each turn of real runs came to, for tests/unit/forecast.c.

    make_lengths.py ANSWERS.journal question.jsonl >lengths.txt     a line a conversation, as they are dealt (likely the longest first): tokens of turn 1, 2

No text leaves the journal, and no time: when the machine was busy with other work is nobody's law."""
import json
import sys

LIKELY = dict(writing=400, roleplay=350, extraction=150, math=220, coding=420, reasoning=200, stem=400, humanities=450)    # as in src/bench/question.c
lengths = {}
for line in open(sys.argv[1], encoding="utf-8"):
    d = json.loads(line)
    if d.get("status") == "ok" and "n_new" in d:
        lengths.setdefault(d["question_id"], {})[d["turn"]] = d["n_new"]
questions = [json.loads(line) for line in open(sys.argv[2], encoding="utf-8")]
for q in sorted(questions, key=lambda q: -LIKELY[q["category"]]):
    turns = lengths[q["question_id"]]
    print(*(turns[t] for t in sorted(turns)))
