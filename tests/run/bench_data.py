"""A small data folder of our own for tests of pages: python3 bench_data.py DIR: DIR/smoke with the questions that ship here, four models, two judges of
single answers (one asked twice), pairs; some judgments and one answer failed."""
import json
import os
import shutil
import sys

MODELS = ["alpha-7b", "beta", "gamma-chat", "delta"]


def write(path, rows):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        for row in rows:
            f.write((row if isinstance(row, str) else json.dumps(row)) + "\n")


def answer(model, q, text, turns=2, choices=1):
    return {"question_id": q, "answer_id": "a%d" % q, "model_id": model, "tstamp": 1.0,
            "choices": [{"index": c, "turns": ["%s, turn %d, choice %d." % (text, t + 1, c) for t in range(turns)]} for c in range(choices)]}


def single(judge, model, q, turn, score, text=None):
    return {"question_id": q, "model": model, "judge": [judge, "single-v1" + ("-multi-turn" if turn == 2 else "")],
            "user_prompt": "[question] %s on %d, turn %d, choice 0." % (model, q, turn), "judgment": text or "A remark. Rating: [[%g]]" % score,
            "score": score, "turn": turn, "tstamp": 2.0}


def pair(judge, a, b, q, turn, g1, g2):
    shown = " ".join("%s on %d, turn %d, choice 0." % (m, q, turn) for m in (a, b))
    text = {"model_1": "[[A]]", "model_2": "[[B]]", "tie": "[[C]]", "error": "$ERROR$"}
    return {"question_id": q, "model_1": a, "model_2": b, "g1_winner": g1, "g2_winner": g2, "judge": [judge, "pair-v2" + ("-multi-turn" if turn == 2 else "")],
            "g1_user_prompt": shown, "g1_judgment": text[g1], "g2_user_prompt": shown, "g2_judgment": text[g2], "turn": turn, "tstamp": 3.0}


def main(top):
    here = os.path.dirname(os.path.abspath(__file__))
    bench = os.path.join(top, "smoke")
    os.makedirs(bench, exist_ok=True)
    for name in ("question.jsonl", "judge_prompts.jsonl"):
        shutil.copy(os.path.join(here, "../../data/smoke", name), bench)
    ids = [json.loads(line)["question_id"] for line in open(os.path.join(bench, "question.jsonl"), encoding="utf-8")]
    for m, model in enumerate(MODELS):
        rows = [answer(model, q, "%s on %d" % (model, q), choices=2 if model == "delta" else 1) for q in ids]
        if model == "beta":
            rows[3]["choices"][0]["turns"][1] = "$ERROR$"
        write("%s/model_answer/%s.jsonl" % (bench, model), rows)
    for j, judge in enumerate(("strict", "kind")):
        for repeat in (1, 2) if judge == "strict" else (1,):
            rows = []
            for m, model in enumerate(MODELS):
                for q in ids:
                    for turn in (1, 2):
                        score = 1 + (4 * m + 5 * q + 2 * turn + 7 * j + repeat * (q % 2)) % 9 + (0.5 if q == 2 else 0)
                        if model == "gamma-chat" and q == ids[1] and turn == 2:
                            rows.append(single(judge, model, q, turn, -1, "No rating here."))
                        elif model == "beta" and q == ids[3] and turn == 2:
                            rows.append(single(judge, model, q, turn, -1, "$ERROR$"))
                        else:
                            rows.append(single(judge, model, q, turn, score))
            write("%s/model_judgment/%s_single%s.jsonl" % (bench, judge, ".repeat2" if repeat == 2 else ""), rows)
    words = ["model_1", "model_2", "tie"]
    write("%s/model_judgment/strict_pair.jsonl" % bench,
          [pair("strict", MODELS[a], MODELS[b], q, turn, words[(q + a) % 3], "error" if (q, a, turn) == (ids[0], 0, 1) else words[(q + a + (q % 4 == 0)) % 3])
           for q in ids for turn in (1, 2) for a in range(4) for b in range(a + 1, 4)])


if __name__ == "__main__":
    main(sys.argv[1])
