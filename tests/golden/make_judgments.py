#!/usr/bin/env python3
"""make_judgments.py - records as json.dumps writes them, for tests/unit/judgment.c; prints tests/golden/judgments.h."""
import json

text = 'quote " slash / \\ tab\t newline\n bell\x07 del\x7f é 日 \U0001f600 {x}'
single = [dict(question_id=q, model=m, judge=[j, p], user_prompt=text, judgment=t, score=s, turn=n, tstamp=w) for q, m, j, p, t, s, n, w in [
    (81, "m", "gpt-4", "single-v1", "Rating: [[8]]", 8, 1, 1686286924.844282),
    (160, 'a"b', "judge é", "single-v1-multi-turn", "", 8.5, 2, 1.0),
    (-1, "", "", "", "$ERROR$", -1, 1, 1e22),
    (9007199254740991, "m", "j", "p", "x", 8.0, 255, 0.1),
    (1, "m", "j", "p", "x", 0.30000000000000004, 1, 1e-7)]]
pair = [dict(question_id=q, model_1="a", model_2="b", g1_winner=g, g2_winner=h, judge=["gpt-4", "pair-v2"], g1_user_prompt="p1", g1_judgment=text,
             g2_user_prompt="p2", g2_judgment="", turn=n, tstamp=w) for q, g, h, n, w in [
    (81, "model_1", "model_2", 1, 1717231244.6949673), (82, "tie", "error", 2, 5.0)]]


def c_string(s):
    return '"' + s.replace("\\", "\\\\").replace('"', '\\"') + '"'


print("/* judgments.h - written by make_judgments.py: records as Python's json.dumps writes them. */")
for name, rows in ("single", single), ("pair", pair):
    print(f"static const char *const golden_{name}[] = {{")
    for r in rows:
        print(f"    {c_string(json.dumps(r))},")
    print("};")
