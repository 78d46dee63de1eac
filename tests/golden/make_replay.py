#!/usr/bin/env python3
"""From journals of whole runs to times and lengths: what tests/unit/forecast.c replays.

    make_replay.py ANSWERS.journal >replay/NAME.answers     a line a turn: conversation, turn, begin and end in seconds, tokens, 1 if it failed
    make_replay.py --calls JUDGE_single.journal >...        a line a call: begin, end, prompt tokens, reply tokens

Of a run that was not interrupted. No text leaves the journal."""
import json
import sys


def records(path):
    for line in open(path, encoding="utf-8"):
        d = json.loads(line)
        if "tstamp" in d and "seconds" in d:
            yield d


def main():
    calls = sys.argv[1] == "--calls"
    rows = list(records(sys.argv[-1]))
    start = min(d["tstamp"] - d["seconds"] for d in rows)
    number = {}
    for d in rows:
        end = d["tstamp"] - start
        if calls:
            print(f"{end - d['seconds']:.2f} {end:.2f} {d['tokens_in']} {d['tokens_out']}")
        else:
            who = number.setdefault((d["question_id"], d["choice"]), len(number))
            print(f"{who} {d['turn']} {end - d['seconds']:.2f} {end:.2f} {d['n_new']} {int(d['status'] != 'ok')}")


main()
