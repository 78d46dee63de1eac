#!/usr/bin/env python3
"""tests/golden/times_*.txt: when a run did what, for tests/unit/forecast.c. Times and counts only.

    mpirun -n 2 mtbench run ... --judge-path ... --log-dir LOG
    make_times.py answers LOG/mtbench.*.0.log MODEL.journal RANKS MAX_NEW_TOKEN >times_answers.txt
        run RANKS MAX_NEW_TOKEN; work AT STEPS ROWS TOKENS MADE (sums of rank 0's engine, MADE by all); turn WHO TURN BEGIN END TOKENS
    make_times.py judge LOG/mtbench.*.0.log >times_judge.txt
        a line a second: AT BACK CALLS PROMPTS REPLIES_BACK MAX_REPLY MADE

The machine has to have nothing else to do: what other programs will take of it is nobody's law."""
import datetime
import json
import re
import sys

WORK = re.compile(r"(\S+) work: ([\d.]+) s, here (\d+) steps, (\d+) rows, (\d+) tokens, by all (\d+)")
CALLS = re.compile(r"\S+ calls: ([\d.]+) s, (\d+) of (\d+) back, (\d+) tokens of prompts, (\d+) of replies back of at most (\d+) each, (\d+) made")


def answers(log, journal, ranks, most):
    print("run", ranks, most)
    work = [m.groups() for m in map(WORK.match, open(log)) if m]
    # A log line has whole seconds of the epoch, and those since the start: together they tell the start's.
    stamps = [datetime.datetime.strptime(w[0], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc).timestamp() - float(w[1]) for w in work]
    start = (max(stamps) + min(stamps) + 1) / 2
    for w in work:
        print("work", *w[1:])
    turns = [d for d in map(json.loads, open(journal, encoding="utf-8")) if d.get("status") == "ok"]
    who = {q: i for i, q in enumerate(dict.fromkeys(d["question_id"] for d in sorted(turns, key=lambda d: d["tstamp"] - d["seconds"])))}
    for d in sorted(turns, key=lambda d: d["tstamp"]):
        end = d["tstamp"] - start
        print("turn", who[d["question_id"]], d["turn"], f"{max(0, end - d['seconds']):.2f} {end:.2f}", d["n_new"])


def judge(log):
    for m in filter(None, map(CALLS.match, open(log))):
        print(*m.groups())


{"answers": answers, "judge": judge}[sys.argv[1]](*sys.argv[2:])
