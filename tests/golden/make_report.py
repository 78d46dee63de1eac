#!/usr/bin/env python3
"""tests/golden/report/: small judgment and vote files of our own with what FastChat's own scripts print of them, and estimates.h with what scipy
and statsmodels make of small samples. Run it by the Python that `tests/peers/venv report` prints."""
import json, os, random, shutil, subprocess, sys, sysconfig
import numpy as np, statsmodels.api as sm
from scipy import stats

ROOT = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(ROOT, "report")
SCRIPTS = os.path.join(sysconfig.get_paths()["purelib"], "fastchat", "llm_judge")
os.makedirs(OUT, exist_ok=True)
os.chdir(OUT)
for old in os.listdir("."):
    os.remove(old)


def write(name, records, array=False):
    with open(name, "w") as f:
        if array:
            json.dump(records, f)
        for r in [] if array else records:
            f.write(json.dumps(r) + "\n")


def single(model, question, turn, score, prompt=None):
    prompt = prompt or ("single-v1" if turn == 1 else "single-v1-multi-turn")
    return dict(question_id=question, model=model, judge=["gpt-4", prompt], user_prompt="p", judgment=f"Rating: [[{score}]]", score=score, turn=turn,
                tstamp=1.5 + question)


def pair(a, b, question, turn, g1, g2):
    return dict(question_id=question, model_1=a, model_2=b, g1_winner=g1, g2_winner=g2, judge=["gpt-4", "pair-v2"], g1_user_prompt="p", g1_judgment="j",
                g2_user_prompt="p", g2_judgment="j", turn=turn, tstamp=0.1)


def vote(question, a, b, winner, judge, turn):
    return dict(question_id=question, model_a=a, model_b=b, winner=winner, judge=judge, turn=turn)


rng = random.Random(1)
# Trimming of zeros: all cells end in 0, some do, none does; -1 rows; a model without any score; thirds; a long name, a name with letters beyond ASCII.
write("thirds.jsonl", [single("one", 81 + i, 1, s) for i, s in enumerate((8, 9, -1))] + [single("one", 81 + i, 2, s) for i, s in enumerate((7, 6.5, 10))] +
      [single(m, 81, t, 5 if t == 1 else 4) for m in ("two", "three", "four") for t in (1, 2)])
write("names.jsonl", [single(m, q, t, s) for m, s in (("m" * 50, 8), ("n" * 51, 8.5), ("o" * 70, 7), ("\u00e9t\u00e9", 8.5), ("b", 3), ("a", 3)) for q in (81, 82) for t in (1, 2)])
write("floats.jsonl", [single(f"m{i}", 80 + q, 1 + q % 2, rng.choice([1, 2.5, 7.3, 9.99, 10, 8.25])) for q in range(14) for i in range(9)])
write("none.jsonl", [single("lost", 81, 1, -1), single("lost", 81, 2, -1)])
write("one_turn.jsonl", [single("a", 81, 1, 3), single("b", 81, 1, 4)])
# Scores that are null: in no mean, a row of NaN where a model has no others, last; beside -1, which makes no row.
write("nulls.jsonl", [single(m, 81 + q, t, s) for m, row in (("a", (None, None, None, None)), ("b", (8, None, 7, 6)), ("c", (-1, None, 9, None)), ("d", (5, 5, None, None)),
                                                             ("e", (-1, -1, -1, 4)))
                      for (q, t), s in zip(((0, 1), (1, 1), (0, 2), (1, 2)), row)])
write("tiny.jsonl", [single("a", 81, 1, 0.0000004), single("b", 81, 1, 4)])
write("pairs.jsonl", [pair("m1", "m2", 81 + i, 1, *g) for i, g in enumerate([("model_1", "model_1"), ("model_2", "model_2"), ("tie", "tie"), ("model_1", "model_2"),
                                                                             ("error", "model_2"), ("tie", "model_1"), ("model_1", "tie")])])
WINNERS = ["model_1", "model_2", "tie"]
write("many.jsonl", [pair(f"m{i}", f"m{j}", 81 + q, 1 + q % 2, rng.choice(WINNERS), rng.choice(WINNERS)) for q in range(20) for i in range(6) for j in range(i + 1, 6)])
# What clean_judgment keeps: the first of two, one of its 31 names, order by model, question, turn; forms that json.dumps changes.
dirty = [single("vicuna-13b-v1.3", 82, 2, 8.5), single("gpt-4", 81, 1, 9), single("vicuna-13b-v1.3", 82, 1, 8), single("vicuna-13b-v1.3", 82, 1, 3),
         single("another", 81, 1, 5), single("gpt-4", 81, 2, 10)]
with open("dirty.jsonl", "w", encoding="utf-8") as f:
    for i, r in enumerate(dirty):
        f.write(json.dumps(r, ensure_ascii=i % 2 == 0, separators=(",", ":") if i == 1 else (", ", ": ")) + "\n")
    f.write('{"question_id": 83, "model": "gpt-4", "judge": ["gpt-4", "single-v1"], "judgment": "caf\u00e9 \U0001f600 \\/ \\u0041", "score": 7.50, "turn": 1, '
            '"more": {"a": [1, -0, 1e3, true, null, {}, []]}, "tstamp": 1e22}\n')
write("dirty_pairs.jsonl", [pair("gpt-4", "claude-v1", 82, 1, "tie", "tie"), pair("gpt-4", "claude-v1", 81, 1, "tie", "model_1"), pair("x", "claude-v1", 81, 1, "tie", "tie"),
                            pair("gpt-4", "claude-v1", 82, 1, "model_1", "model_1")])
# Votes.
votes, gpt4 = [], []
for q in range(81, 93):
    for turn in (1, 2):
        for a, b in (("x", "y"), ("z", "x"), ("y", "z")):
            gpt4.append(vote(q, *sorted((a, b)), rng.choice(["model_a", "model_b", "tie", "tie (inconsistent)"]), ["gpt-4", "pair-v2"], turn))
            for k in range(rng.randrange(4)):
                votes.append(vote(q, a, b, rng.choice(["model_a", "model_a", "model_b", "tie"]), rng.choice(["expert_1", "expert_2", "author_1"]), turn))
write("votes_human.json", votes, array=True)
write("votes_gpt4.json", gpt4, array=True)
write("votes_human.jsonl", votes)


def run(name, script, *args):
    p = subprocess.run([sys.executable, os.path.join(SCRIPTS, script), *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "COLUMNS": "1000"})
    assert p.returncode == 0, p.stderr
    with open(name + ".txt", "w") as f:
        f.write("# " + script[:-3] + " " + " ".join(args) + "\n" + p.stdout)


for name in ("thirds", "names", "floats", "none", "one_turn", "nulls", "tiny"):
    run(name, "show_result.py", "--input-file", name + ".jsonl")
run("thirds_listed", "show_result.py", "--input-file", "thirds.jsonl", "--model-list", "two", "one")
run("thirds_bench", "show_result.py", "--input-file", "thirds.jsonl", "--bench-name", "my_bench")
run("pairs_all", "show_result.py", "--input-file", "pairs.jsonl", "--mode", "pairwise-all")
run("pairs_baseline", "show_result.py", "--input-file", "pairs.jsonl", "--mode", "pairwise-baseline", "--baseline-model", "m2")
run("many_all", "show_result.py", "--input-file", "many.jsonl", "--mode", "pairwise-all")
run("many_baseline", "show_result.py", "--input-file", "many.jsonl", "--mode", "pairwise-baseline", "--baseline-model", "m3")
run("many_listed", "show_result.py", "--input-file", "many.jsonl", "--mode", "pairwise-all", "--model-list", "m1", "m3")
run("agree_gpt4", "compute_agreement.py", "--judges", "gpt4-pair", "human", "--votefiles", "votes_gpt4.json", "votes_human.json")
run("agree_human", "compute_agreement.py", "--judges", "human", "human", "--votefiles", "votes_human.json")
for name in ("dirty", "dirty_pairs"):
    run(name, "clean_judgment.py", "--infile", name + ".jsonl")
    shutil.move(name + "_clean.jsonl", name + ".clean")

# ---- estimates.h ----

nrng = np.random.default_rng(2)
h = ["/* Made by make_report.py: quantiles of scipy, clustered errors of statsmodels (cov_type cluster, use_t). */"]
h.append("static const struct { double p, df, t; } quantiles[] = {")
for df in (1, 2, 3, 5, 10, 29, 79, 159, 1000, 1e6):
    for p in (0.5001, 0.6, 0.8, 0.9, 0.975, 0.995, 0.99995, 0.025):
        h.append(f"    {{ {p!r}, {df!r}, {stats.t.ppf(p, df):.17g} }},")
h.append("};")
samples, want = [], []


def fit(y, x, groups, within=False):
    if within:
        return sm.OLS(y, x).fit(cov_type="cluster", cov_kwds=dict(groups=groups, use_correction=True), use_t=True)
    return sm.OLS(y, x).fit(cov_type="cluster", cov_kwds=dict(groups=groups), use_t=True)


for clusters, per in ((80, 2), (2, 2), (3, 1), (10, (1, 4)), (40, (1, 3))):
    groups = np.repeat(np.arange(clusters), per if isinstance(per, int) else nrng.integers(per[0], per[1] + 1, clusters))
    y = np.clip(np.round(7 + nrng.normal(0, 2, clusters)[groups] + nrng.normal(0, 1.5, len(groups))), 1, 10)
    x = np.round(7 + nrng.normal(0, 1, len(groups)), 3)
    m = fit(y, np.ones(len(y)), groups)
    s = fit(y, sm.add_constant(x), groups) if len(y) > 3 else None
    low, high = m.conf_int(0.05)[0]
    row = [m.params[0], m.bse[0], low, high] + ([s.params[1], s.bse[1], *s.conf_int(0.05)[1]] if s is not None else [0, 0, 0, 0])
    smallest = (stats.t.ppf(0.975, clusters - 1) + stats.t.ppf(0.8, clusters - 1)) * m.bse[0]
    start = len(samples)
    samples += list(zip(groups.tolist(), x.tolist(), y.tolist()))
    want.append((start, len(samples), clusters, *map(float, row), smallest))
h.append("static const struct { int cluster; double x, y; } observations[] = {")
for i in range(0, len(samples), 5):
    h.append("    " + " ".join(f"{{ {g}, {x!r}, {y!r} }}," for g, x, y in samples[i:i + 5]))
h.append("};")
h.append("static const struct { int from, to, clusters; double mean, se, low, high, slope, slope_se, slope_low, slope_high, smallest; } estimates[] = {")
h += ["    { " + ", ".join(repr(v) if isinstance(v, int) else f"{v:.17g}" for v in w) + " }," for w in want]
h.append("};")

# A small study: 3 models, 12 questions, 2 turns, 3 repeats; some failed (0). What statsmodels makes of it by other ways than ours.
import pandas as pd
rows = [(m, q, t, r, int(np.clip(round(6 + m + q % 4 + nrng.normal(0, 1.5)), 1, 10)) * (nrng.random() > 0.4)) for m in range(3) for q in range(12) for t in (1, 2) for r in range(3)]
length = {(m, q, t): int(2 ** nrng.uniform(3, 8)) for m in range(3) for q in range(12) for t in (1, 2)}
df = pd.DataFrame(rows, columns=["m", "q", "t", "r", "y"])
df["x"] = [np.log2(length[m, q, t]) for m, q, t in zip(df.m, df.q, df.t)]
df = df[df.y > 0]
cell = df.groupby(["m", "q", "t"]).y.mean().unstack("m").dropna(subset=[0, 1]).reset_index()
diff = fit(cell[0] - cell[1], np.ones(len(cell)), cell.q)
one = df[df.m == 0].assign(item=lambda f: f.q * 2 + f.t)
anova = sm.stats.anova_lm(sm.formula.ols("y ~ C(item)", one).fit())
sizes = one.groupby("item").size()
n0 = (len(one) - (sizes ** 2).sum() / len(one)) / (len(sizes) - 1)
msb, within = anova.mean_sq.iloc[0], anova.mean_sq.iloc[1]
by_repeat = one.groupby("r").y.mean()
slope = fit(one.y, sm.add_constant(one.x), one.q)
dummies = sm.formula.ols("y ~ x + C(q * 2 + t)", df).fit()       # the slope: another way; its error: on differences from the means
inner = df[["x", "y"]] - df.groupby(["q", "t"])[["x", "y"]].transform("mean")
fixed = fit(inner.y, inner.x, df.q, within=True)
assert abs(dummies.params["x"] - fixed.params.iloc[0]) < 1e-10


def line(fit, i):
    return ", ".join(f"{v:.17g}" for v in (fit.params.iloc[i], fit.bse.iloc[i], *np.asarray(fit.conf_int(0.05))[i]))


h.append("static const struct { int model, question, turn, repeat, score; } study[] = {")      # score 0: failed
for i in range(0, len(rows), 8):
    h.append("    " + " ".join("{ %d, %d, %d, %d, %d }," % r for r in rows[i:i + 8]))
h.append("};")
h.append("static const int study_length[3][12][2] = {")
h += ["    { " + ", ".join("{ %d, %d }" % (length[m, q, 1], length[m, q, 2]) for q in range(12)) + " }," for m in range(3)]
h.append("};")
h.append(f"static const double study_difference[4] = {{ {line(diff, 0)} }}, study_slope[4] = {{ {line(slope, 1)} }}, study_within_slope[4] = {{ {line(fixed, 0)} }};")
h.append(f"static const double study_within = {within:.17g}, study_between = {(msb - within) / n0:.17g}, study_sd = {by_repeat.std(ddof=1):.17g};")
h.append(f"static const int study_pairs = {len(cell)}, study_unpaired = {int(df[df.m < 2].groupby(['q', 't']).m.nunique().eq(1).sum())};")
with open("estimates.h", "w") as f:
    f.write("\n".join(h) + "\n")
