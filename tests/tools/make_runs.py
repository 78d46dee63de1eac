#!/usr/bin/env python3
"""make_runs.py FOLDER RUNS [QUESTIONS [SEED]]: folders run0000, run0001 ... with what `mtbench run` leaves of a model, its journals, answers, judgments and
manifests, in the very bytes, and with texts of nobody. Four models share the runs, each with seeds 0, 1, ...; all of a model's texts come from its seed."""
import hashlib
import json
import os
import random
import sys

CATEGORIES = ["writing", "roleplay", "reasoning", "math", "coding", "extraction", "stem", "humanities"]
SYSTEM = "Rate the answer. " * 20
PROMPTS = {name: form for name, form in (
    ("single-v1", "[Instruction]\n" + SYSTEM + "\n\n[Question]\n{q1}\n\n[The Start of Assistant's Answer]\n{a1}\n[The End of Assistant's Answer]"),
    ("single-v1-multi-turn", SYSTEM + "\n\n<|The Start of Assistant A's Conversation with User|>\n\n### User:\n{q1}\n\n### Assistant A:\n{a1}\n\n### User:\n{q2}\n\n"
     "### Assistant A:\n{a2}\n\n<|The End of Assistant A's Conversation with User|>"))}


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()


def words(rng, most):
    pool = words.pool
    return " ".join(pool[int(len(pool) * rng.random() ** 3)] for _ in range(rng.randint(most // 3, most)))


def make_words():
    rng = random.Random(7)
    return ["".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(2, 9))) for _ in range(4000)] + ["naïve", "日本語", "\n\n", "\"so\""]


def game_key(judge, prompt, model, question, turn, repeat):
    names = "".join(part + "\0" for part in (judge, prompt, model, ""))
    return f"q{question}-t{turn}-g1-r{repeat}-{hashlib.sha256(names.encode()).hexdigest()[:16]}"


def make_run(folder, questions, model, seed, judge="a-judge", mean=6.0, length=250):
    """One model's run on these questions. The scores are round 'mean', with noise of the question, the answer and the judge."""
    rng = random.Random(f"{model} {seed}")
    bench = os.path.join(folder, "mt_bench")
    os.makedirs(os.path.join(bench, "model_answer"))
    os.makedirs(os.path.join(bench, "model_judgment"))
    identity = {"model_header_sha256": sha(model), "template": "x", "sampler": "top_k 50", "max_new_token": "1024", "seed": str(seed), "numerics": "cpu",
                "model_sha256": sha(model + "w")}
    info = {"program": "mtbench 0.1.0", "model_id": model, "bench": "mt_bench", "weights": "Q8_0"}
    head = json.dumps({"journal": "turns", "version": 1, "identity": identity, "info": info})
    manifest = json.dumps({"identity": identity, "info": info})
    calls_head = json.dumps({"journal": "calls", "version": 1, "identity": {}, "info": {"program": "mtbench 0.1.0", "judge": judge}})
    at, journal, answers, judgments, calls = 1.7e9 + seed * 1e4, [head], [], [], [calls_head]
    for q in questions:
        texts, t_answer = [], at
        for turn in (1, 2):
            at += rng.random()
            texts.append(words(rng, length))
            journal.append(json.dumps({
                "question_id": q["question_id"], "choice": 0, "turn": turn, "status": "ok", "reason": None, "text": texts[-1],
                "finish": "length" if q["question_id"] % 7 == 0 else "stop", "question_sha256": q["sha256"], "prompt_sha256": sha(texts[-1]), "n_prompt": 120 * turn,
                "n_new": len(texts[-1]) // 4, "n_reused": 100 * (turn - 1), "temperature": 0.7, "top_k": 50, "top_p": 1.0, "min_p": 0.0,
                "repetition_penalty": 1.0, "seconds": 1.5, "tstamp": at, "rank": turn - 1}))
        answers.append(json.dumps({"question_id": q["question_id"], "answer_id": sha(texts[0])[:22], "model_id": model,
                                   "choices": [{"index": 0, "turns": texts}], "tstamp": at}))
        hard = random.Random(q["question_id"]).gauss(0, 1.5)
        for turn in (1, 2):
            at += rng.random()
            prompt = "single-v1" if turn == 1 else "single-v1-multi-turn"
            user = PROMPTS[prompt].format(q1=q["turns"][0], q2=q["turns"][1], a1=texts[0], a2=texts[1])
            score = min(10, max(1, round(mean + hard + rng.gauss(0, 1))))
            said = words(rng, length // 2) + f" [[{score}]]"
            judgments.append(json.dumps({"question_id": q["question_id"], "model": model, "judge": [judge, prompt], "user_prompt": user,
                                         "judgment": said, "score": score, "turn": turn, "tstamp": at}))
            calls.append(json.dumps({
                "key": game_key(judge, prompt, model, q["question_id"], turn, 1), "content": sha(user)[:16], "status": "ok",
                "reason": None, "text": said, "raw": None, "model": judge, "request_id": None, "finish": "stop",
                "sent": {"temperature": 0}, "tokens_in": len(user) // 4, "tokens_out": len(said) // 4, "tokens_estimated": False,
                "cost": 0.01, "tries": 1, "seconds": 0.8, "tstamp": at, "expected_score": None}))
        del t_answer

    def put(name, lines):
        with open(os.path.join(bench, name), "w", encoding="utf-8") as f:
            f.write("".join(line + "\n" for line in lines))
    put(f"model_answer/{model}.journal", journal)
    put(f"model_answer/{model}.manifest", [manifest])
    put(f"model_answer/{model}.jsonl", answers)
    put(f"model_judgment/{judge}_single.jsonl", judgments)
    put(f"model_judgment/{judge}_single.journal", calls)


def make_questions(n):
    rng, out = random.Random(5), []
    for i in range(n):
        q = {"question_id": 81 + i, "category": CATEGORIES[i * len(CATEGORIES) // n], "turns": [words(rng, 60), words(rng, 20)]}
        line = json.dumps(q)
        out.append({**q, "line": line, "sha256": sha(line)})
    return out


def main():
    folder, runs = sys.argv[1], int(sys.argv[2])
    n_questions = int(sys.argv[3]) if len(sys.argv) > 3 else 80
    first = int(sys.argv[4]) if len(sys.argv) > 4 else 0
    questions = make_questions(n_questions)
    for i in range(first, first + runs):
        at = os.path.join(folder, f"run{i:04d}")
        make_run(at, questions, f"model-{i % 4}", i // 4, mean=5 + i % 4 * 0.5)
        with open(os.path.join(at, "mt_bench", "question.jsonl"), "w", encoding="utf-8") as f:
            f.write("".join(q["line"] + "\n" for q in questions))


words.pool = make_words()
if __name__ == "__main__":
    main()
