#!/usr/bin/env python3
"""A data folder of made-up models, for tests of size and speed: made_bench.py DATA/BENCH [--models 31] [--questions 80] [--judges 2] [--pairs N].
Texts are of invented words, as Markdown and as long as those of MT-bench; the same arguments give the same bytes. --pairs: of the first N models,
each with each."""
import argparse
import itertools
import json
import os
import random

CATEGORIES = ["writing", "roleplay", "reasoning", "math", "coding", "extraction", "stem", "humanities"]
SYLLABLES = ["ba", "ren", "to", "mil", "ka", "sor", "ve", "lin", "dra", "pe", "nu", "gath", "o", "is", "quer", "tan", "fe", "lo", "mu", "zi"]

parser = argparse.ArgumentParser()
parser.add_argument("folder")
parser.add_argument("--models", type=int, default=31)
parser.add_argument("--questions", type=int, default=80)
parser.add_argument("--judges", type=int, default=2)
parser.add_argument("--pairs", type=int, default=0)
o = parser.parse_args()
dice = random.Random(1)
words = ["".join(dice.choices(SYLLABLES, k=dice.randint(1, 4))) for _ in range(4000)]


def sentence():
    return " ".join(dice.choices(words, k=dice.randint(6, 18))).capitalize() + "."


def paragraph():
    return " ".join(sentence() for _ in range(dice.randint(2, 5)))


def text(size):
    """About so many characters of Markdown."""
    parts = []
    while sum(map(len, parts)) < size:
        kind = dice.random()
        if kind < 0.8:
            parts.append(paragraph())
        elif kind < 0.88:
            parts.append("\n".join(f"{i}. **{dice.choice(words)}**: {sentence()}" for i in range(1, 4)))
        elif kind < 0.94:
            parts.append("\n".join(f"- {sentence()}" for _ in range(3)))
        else:
            parts.append("```python\n" + "\n".join(f"{dice.choice(words)} = {dice.randint(1, 99)} if a < b else \"x\"" for _ in range(5)) + "\n```")
    return "\n\n".join(parts)


def lines(name, records):
    path = os.path.join(o.folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        for r in records:
            f.write(json.dumps(r, ensure_ascii=False) + "\n")


models = [f"model-{i:02d}" for i in range(o.models)]
questions = [{"question_id": 81 + i, "category": CATEGORIES[i * len(CATEGORIES) // o.questions], "turns": [text(250), text(100)]} for i in range(o.questions)]
lines("question.jsonl", questions)
answers = {}
for m in models:
    records = []
    for q in questions:
        turns = answers[m, q["question_id"]] = [text(850), text(750)]
        records.append({"question_id": q["question_id"], "answer_id": "a", "model_id": m, "choices": [{"index": 0, "turns": turns}], "tstamp": 1.0})
    lines(f"model_answer/{m}.jsonl", records)


def prompt(q, shown, turn):
    both = [f"[User, turn {t + 1}]\n{q['turns'][t]}\n[Assistant]\n{a[t]}\n" for a in shown for t in range(turn)]
    return "Judge this.\n\n" + "\n".join(both)


def verdict():
    return " ".join(paragraph() for _ in range(dice.randint(2, 3)))


def singles(judge):
    for turn, q, m in itertools.product((1, 2), questions, models):
        fine = dice.random() < 0.99
        score = dice.randint(1, 10)
        yield {"question_id": q["question_id"], "model": m, "judge": [judge, "single-v1" if turn == 1 else "single-v1-multi-turn"],
               "user_prompt": prompt(q, [answers[m, q["question_id"]]], turn), "judgment": verdict() + f"\n\nRating: [[{score}]]" if fine else "$ERROR$",
               "score": score if fine else -1, "turn": turn, "tstamp": 1.0}


def pairs(judge):
    for turn, q, (a, b) in itertools.product((1, 2), questions, itertools.combinations(models[:o.pairs], 2)):
        shown = [answers[a, q["question_id"]], answers[b, q["question_id"]]]
        won = dice.choices(["model_1", "model_2", "tie", "error"], weights=[8, 8, 4, 1], k=2)
        yield {"question_id": q["question_id"], "model_1": a, "model_2": b, "g1_winner": won[0], "g2_winner": won[1],
               "judge": [judge, "pair-v2" if turn == 1 else "pair-v2-multi-turn"], "g1_user_prompt": prompt(q, shown, turn), "g1_judgment": verdict(),
               "g2_user_prompt": prompt(q, shown[::-1], turn), "g2_judgment": verdict(), "turn": turn, "tstamp": 1.0}


for j in range(o.judges):
    lines(f"model_judgment/judge-{j}_single.jsonl", singles(f"judge-{j}"))
if o.pairs > 1:
    lines("model_judgment/judge-0_pair.jsonl", pairs("judge-0"))
