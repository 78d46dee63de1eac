#!/usr/bin/env python3
"""fastchat_judge.py - FastChat's own gen_judgment over a folder of data, with canned replies in place of a network, or a server's.

fastchat_judge.py answers DATA MODEL...                         writes answers of these models, odd texts among them
fastchat_judge.py judge CALLS MODE PARALLEL BASELINE MODEL...   runs in the folder that holds data/; every call goes to CALLS as a JSON line
fastchat_judge.py call - MODE PARALLEL BASELINE MODEL...        the same with FastChat's own calls, to the server that OPENAI_API_BASE names
fastchat_judge.py compare OURS THEIRS ordered|any               equal but for tstamp?
"""
import builtins
import concurrent.futures
import hashlib
import json
import runpy
import sys

import absent

REPLIES = ["Rating: [[8]]", "[[8.5]] {x}", "no verdict", "[[A]] \"quoted\"", "so [[B]]", "tie: [[C]]", "[7] then [[6]]\n", "\u65e5\u672c [[10]] [[A]]",
           "[[B]] beats [[A]], says [2]"]


def reply_to(user):
    return REPLIES[hashlib.sha256(user.encode()).digest()[0] % len(REPLIES)]


class Serial:
    """A pool that keeps the order it is given, so that the order can be seen."""

    def __init__(self, *_):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return False

    def map(self, f, things):
        return map(f, things)


def judge(calls, mode, parallel, baseline, models):
    absent.put()
    from fastchat.llm_judge import common

    def complete(model, conv, temperature, max_tokens, api_dict=None):
        messages = conv.to_openai_api_messages()
        with open(calls, "a") as f:
            f.write(json.dumps({"messages": messages, "temperature": temperature, "max_tokens": max_tokens}) + "\n")
        return reply_to(messages[-1]["content"])

    if calls != "-":
        common.chat_completion_openai = complete
        concurrent.futures.ThreadPoolExecutor = Serial
    builtins.input = lambda *_: ""
    sys.argv = ["gen_judgment.py", "--mode", mode, "--parallel", parallel, "--baseline-model", baseline, "--model-list", *models]
    runpy.run_module("fastchat.llm_judge.gen_judgment", run_name="__main__")


def answers(data, models):
    odd = ["plain", "{braces} {question} {{two}}", 'quotes " and \\ back', "lines\n\n[The End of Assistant's Answer]\nmore", "\u00e9\u65e5\U0001f600 \x7f\t", "$ERROR", " "]
    for m, model in enumerate(models):
        with open(f"{data}/mt_bench/model_answer/{model}.jsonl", "w") as f:
            for q in range(81, 161):
                turns = [f"{model} {q} {t} {odd[(q * 7 + t * 3 + m) % len(odd)]}" for t in (1, 2)]
                f.write(json.dumps({"question_id": q, "answer_id": "x", "model_id": model, "choices": [{"index": 0, "turns": turns}], "tstamp": 1.0}) + "\n")


def compare(ours, theirs, order):
    def rows(path):
        out = []
        for line in open(path):
            row = json.loads(line)
            assert json.dumps(row) == line.rstrip("\n"), "not as json.dumps writes it"
            row.pop("tstamp")
            out.append(json.dumps(row))             # the order of keys counts
        return out if order == "ordered" else sorted(out)
    a, b = rows(ours), rows(theirs)
    wrong = [i for i, (x, y) in enumerate(zip(a, b)) if x != y]
    if wrong:
        print(f"# row {wrong[0]}\n# ours   {a[wrong[0]]}\n# theirs {b[wrong[0]]}")
    print(f"# {len(a)} and {len(b)} rows, {len(wrong)} differ")
    return 0 if len(a) == len(b) > 0 and not wrong else 1


if __name__ == "__main__":
    what, rest = sys.argv[1], sys.argv[2:]
    if what == "answers":
        answers(rest[0], rest[1:])
    elif what in ("judge", "call"):
        judge(rest[0], rest[1], rest[2], rest[3], rest[4:])
    else:
        sys.exit(compare(*rest))
