"""bench.py DIR [MODELS QUESTIONS JUDGES]: a benchmark with answers and judgments of every kind, in DIR/smoke, beside what is there
already. The texts mean nothing. With numbers: so many models, questions and judges with texts of the usual length, for figures."""

import json
import pathlib
import random
import sys

ODD = 'odd\'name "x" <b> & ü'  # whoever forgets to escape shows it

RICH = """# A heading

Some *emphasis*, some **strength** and `inline code`, and a [link](https://example.org/page).

1. first
2. second
   - deeper
   - and deeper

> a quote

```python
def f(x):
    return x < 2 and x > 1
```

| left | right |
|:-----|------:|
| a    | 1     |

The area is $\\pi r^2$ and \\(a_1 + a_2\\)."""


def answer(model, question, turn, choice=0):
    """Every text has a word of its own."""
    needle = f"needle{question}x{turn}x{choice}"
    body = {
        "rich": RICH,
        "plain": "The boxes stand in a row, the red one first.",
        ODD: "Boxes stand in one row and the blue one comes last.",
    }[model]
    return f"{needle} of the answer.\n\n{body}"


def answers(folder, model, questions, choices):
    with open(folder / f"{model.replace('/', '_')}.jsonl", "w", encoding="utf-8") as f:
        for q in questions:
            turns = [[answer(model, q, turn, choice) for turn in (1, 2)] for choice in range(choices)]
            if model == "plain" and q == 3:
                turns[0][1] = "$ERROR$"
            if model == "plain" and q == 7:
                turns[0][1] = ""
            record = {
                "question_id": q,
                "answer_id": f"a{q}",
                "model_id": model,
                "choices": [{"index": i, "turns": t} for i, t in enumerate(turns)],
                "tstamp": 1.0,
            }
            f.write(json.dumps(record) + "\n")


def prompt(question, turn, *models):
    """What a judge was shown: the answers that lie there, but for those made anew since (of one question, and in one pair)."""
    made_anew = models == ("plain",) and question == 6 or models == ("rich", "plain") and question == 5
    return "judge this:\n" + "".join("an older answer" if made_anew else answer(model, question, turn) for model in models)


def single(judge, model, question, turn, score, text, shown="judge this"):
    return {
        "question_id": question,
        "model": model,
        "judge": [judge, "single-v1" if turn == 1 else "single-v1-multi-turn"],
        "user_prompt": shown,
        "judgment": text,
        "score": score,
        "turn": turn,
        "tstamp": 1.0,
    }


def gradings(models, questions, judge, shift):
    """Scores in fixed order; one is unreadable, one call failed, one is above the scale."""
    for m, model in enumerate(models):
        for q in questions:
            for turn in (1, 2):
                score = 1 + (3 * m + 2 * q + 4 * turn + shift) % 10
                text = f"verdict{q}x{turn} by {judge}: the answer is of use. Rating: [[{score}]]"
                if (model, q, turn) == ("rich", 2, 1):
                    score, text = -1, "no verdict at all"
                if (model, q, turn) == ("rich", 2, 2):
                    score, text = -1, "$ERROR$"
                if (model, q, turn) == (ODD, 4, 1):
                    score, text = 12, "Rating: [[12]]"
                yield single(judge, model, q, turn, score, text, prompt(q, turn, model))


WINNERS = [
    ("model_1", "model_1"),
    ("model_2", "model_2"),
    ("tie", "tie"),
    ("model_1", "model_2"),
    ("model_2", "model_1"),
    ("tie", "model_1"),
    ("error", "model_2"),
]


def pairs(judge, first, second, questions):
    for q in questions:
        for turn in (1, 2):
            g1, g2 = WINNERS[(q + 3 * turn) % len(WINNERS)]
            yield {
                "question_id": q,
                "model_1": first,
                "model_2": second,
                "g1_winner": g1,
                "g2_winner": g2,
                "judge": [judge, "pair-v2" if turn == 1 else "pair-v2-multi-turn"],
                "g1_user_prompt": prompt(q, turn, first, second),
                "g1_judgment": f"game1x{q}x{turn} says {g1}",
                "g2_user_prompt": prompt(q, turn, first, second),
                "g2_judgment": f"game2x{q}x{turn} says {g2}",
                "turn": turn,
                "tstamp": 1.0,
            }


def write(path, records):
    with open(path, "w", encoding="utf-8") as f:
        f.writelines(json.dumps(record) + "\n" for record in records)


def make(folder):
    questions = [json.loads(line)["question_id"] for line in open(folder / "question.jsonl", encoding="utf-8")]
    for kind in ("model_answer", "model_judgment"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    models = ["rich", "plain", ODD]
    for model in models:
        answers(folder / "model_answer", model, questions, choices=2 if model == "rich" else 1)
    for judge, shift in (("gpt-4", 0), ("second", 3)):
        write(folder / "model_judgment" / f"{judge}_single.jsonl", gradings(models, questions, judge, shift))
    write(
        folder / "model_judgment" / "gpt-4_pair.jsonl",
        [*pairs("gpt-4", "rich", "plain", questions), *pairs("gpt-4", ODD, "rich", questions[:2])],
    )


# ---- for figures ----


def prose(random_, words):
    pool = [
        "model",
        "answer",
        "because",
        "the",
        "of",
        "question",
        "first",
        "then",
        "value",
        "result",
        "which",
        "however",
        "number",
        "river",
        "light",
        "example",
    ]
    return " ".join(random_.choice(pool) + random_.choice(["", "", "", ",", "."]) for _ in range(words))


def make_large(folder, n_models, n_questions, n_judges):
    random_ = random.Random(7)
    for kind in ("model_answer", "model_judgment"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    categories = ["writing", "roleplay", "reasoning", "math", "coding", "extraction", "stem", "humanities"]
    write(
        folder / "question.jsonl",
        [
            {"question_id": 81 + q, "category": categories[q * 8 // n_questions], "turns": [prose(random_, 40), prose(random_, 20)]}
            for q in range(n_questions)
        ],
    )
    models = [f"model-{i:02}" for i in range(n_models)]
    for model in models:
        write(
            folder / "model_answer" / f"{model}.jsonl",
            [
                {
                    "question_id": 81 + q,
                    "answer_id": "x",
                    "model_id": model,
                    "tstamp": 1.0,
                    "choices": [{"index": 0, "turns": [prose(random_, 190) + "\n\n- " + prose(random_, 30), prose(random_, 170)]}],
                }
                for q in range(n_questions)
            ],
        )
    for j in range(n_judges):
        judge = f"judge-{j}"
        write(
            folder / "model_judgment" / f"{judge}_single.jsonl",
            (
                single(judge, model, 81 + q, turn, random_.randint(1, 10), prose(random_, 110))
                for model in models
                for q in range(n_questions)
                for turn in (1, 2)
            ),
        )


if __name__ == "__main__":
    where = pathlib.Path(sys.argv[1]) / "smoke"
    where.mkdir(parents=True, exist_ok=True)
    if len(sys.argv) > 2:
        make_large(where, *map(int, sys.argv[2:5]))
    else:
        make(where)
