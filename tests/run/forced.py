#!/usr/bin/env python3
"""forced.py MTBENCH MODEL BENCH JUDGE: the constrained judgments of a single run again, from the logits that `mtbench prompt` prints. The judge's prompt is
rendered from the stored user prompt and the judge prompt's system text, the reply is cut behind its "[[", and what comes next is weighed here."""
import json, math, os, subprocess, sys

mtbench, model, bench, judge = sys.argv[1:]
lines = lambda path, skip=0: [json.loads(line) for line in list(open(path, encoding="utf-8"))[skip:]]


def prompt(kind, values, *flags):
    path = os.path.join(bench, "ask.jsonl")
    with open(path, "w") as f:
        f.writelines(json.dumps(v) + "\n" for v in values)
    out = subprocess.run([mtbench, "prompt", "--model-path", model, kind, path, *flags], capture_output=True, text=True, check=True).stdout
    return [json.loads(line) for line in out.splitlines()]


def token(text):
    ids = prompt("--text", [text])[0]["ids"]
    return ids[0] if len(ids) == 1 else None


system = {p["name"]: p["system_prompt"] for p in lines(os.path.join(bench, "judge_prompts.jsonl"))}
records = lines(os.path.join(bench, f"model_judgment/{judge}_single.jsonl"))
expected = {c["text"]: c["expected_score"] for c in lines(os.path.join(bench, f"model_judgment/{judge}_single.journal"), 1)}
rendered = prompt("--messages", [[{"role": "system", "content": system[r["judge"][1]]}, {"role": "user", "content": r["user_prompt"]}] for r in records])
cut = [p["prompt"] + r["judgment"][: r["judgment"].index("[[") + 2] for p, r in zip(rendered, records)]
first, second = (prompt("--text", [c + more for c in cut], "--top-logits", "1000") for more in ("", "1"))
digit = {n: token(str(n)) for n in range(11)}
close = token("]]") or token("]")
worst = 0.0
for r, a, b in zip(records, first, second):
    logit, after_one = dict(a["top"]), dict(b["top"])
    weight = {n: math.exp(logit[digit[n]] - max(logit.values())) for n in range(1, 11 if digit[10] else 10)}
    p = {n: w / sum(weight.values()) for n, w in weight.items()}
    if not digit[10]:
        ten = 1 / (1 + math.exp(after_one[close] - after_one[digit[0]]))
        p[10], p[1] = p[1] * ten, p[1] * (1 - ten)
    if r["score"] != max(p, key=p.get):
        sys.exit(f"question {r['question_id']}, turn {r['turn']}: score {r['score']}, most likely {max(p, key=p.get)}")
    worst = max(worst, abs(sum(n * q for n, q in p.items()) - expected[r["judgment"]]))
print(f"{len(records)} judgments, largest difference {worst:.1g}")
sys.exit(worst > 1e-5 or len(records) < 8)
