#!/usr/bin/env python3
"""papers_check.py PROGRAM DATA WORK - `--format markdown|latex` beside `--format table` of every view: the same cells and sentences, also where names are
hostile; LaTeX is read by pylatexenc, where this Python has it, and set by pdflatex, where that is installed."""
import json
import os
import re
import shutil
import subprocess
import sys

try:
    from pylatexenc.latex2text import LatexNodes2Text
    from pylatexenc.latexwalker import LatexWalker
except ImportError:
    LatexWalker = None

NAMES = ["plain", "a_b_c", "100%", "x&y", "#1", "$x$", "^~", "{br}ces}", "back\\slash", "p|pe", "<i>", "[y]", "*z*", '"q"', "`t`", "a--b", "''c", ",,d", "@e", "caf\u00e9",
         "-1", "\\end{table}", "\\input{x}", "](javascript:x)", "~~s~~", "- l", "!"]
program, data, work = sys.argv[1:4]
n = bad = 0


def ok(good, what):
    global n, bad
    n += 1
    bad += not good
    print(f"{'ok' if good else 'not ok'} {n} - {what}")


def run(form, words):
    p = subprocess.run([program, *words, "--format", form], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if p.returncode:
        print("#", p.stderr.strip())
    return p.stdout


def of_table(text):
    """Cells of the rows, and sentences."""
    text = re.sub(r"(?m)^look: .*\n", "", text)          # a hint for people at the terminal
    table, _, facts = text.partition("\n\n")
    return [re.split(r"  +", row.strip()) for row in table.split("\n")[1:] if row.strip()], [f for f in facts.splitlines() if f]


def of_markdown(text):
    title, table, *facts = text.strip("\n").split("\n\n")
    plain = lambda s: re.sub(r"\\([\\`*_\[\]<>&|~$#@])", r"\1", s)                     # noqa: E731
    rows = [[plain(c.strip()) for c in row[2:-2].split(" | ")] for row in table.split("\n")]
    assert title.startswith("**") and set("".join(rows[1])) <= set(":-"), text
    return rows[2:], [plain(f[2:]) for f in facts[0].splitlines()] if facts else []


def of_latex(text):
    """The text of each cell as LaTeX would set it."""
    read = LatexNodes2Text(math_mode="text").latex_to_text
    body = text.split("\\midrule\n")[1].split("\\bottomrule")[0]
    # what pylatexenc does not know, or has as it is printed
    hidden = {"\\char34{}": '"', "-{}": "-", ",{}": ",", "'{}": "'", "\\textless{}": "<", "\\textgreater{}": ">", "\\textbar{}": "|",
              "\\textasciicircum{}": "^"}

    def cell(s):
        for i, word in enumerate(hidden):
            s = s.replace(word, f"HIDDEN{i}.")
        s = read(s).strip().replace("\u2019", "'").replace("\u201d", "''").replace("\u2013", "--")
        s = re.sub(r"HIDDEN(\d)\.", lambda m: list(hidden.values())[int(m[1])], s)
        return "-" if s == "--" else s

    rows = [[cell(c) for c in re.split(r" & ", row)] for row in body.split(" \\\\\n")[:-1]]
    return rows, [cell(f) for f in re.findall(r"\\par\\smallskip\{\\footnotesize (.*)\}\n", text)]


def hostile_data():
    path = os.path.join(work, "names.jsonl")
    with open(path, "w", encoding="utf-8") as f:
        for i, name in enumerate(NAMES):
            for q in (1, 2, 3):
                f.write(json.dumps({"question_id": q, "model": name, "judge": ["j_%&|", "single-v1"], "user_prompt": "p", "judgment": "", "score": 1 + (i + q) % 10 if q < 3 or i else -1,
                                    "turn": 1, "tstamp": 1.0}) + "\n")
    return path


def votes():
    path = os.path.join(work, "votes.json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump([{"question_id": q, "model_a": "x", "model_b": "y", "winner": ("model_a", "model_b", "tie")[(q + (judge == "h_1" and q % 4 == 0)) % 3], "judge": judge, "turn": t}
                   for q in range(20) for t in (1, 2) for judge in ("h_1", "h&2")], f)
    return path


def campaign():
    path = os.path.join(work, "c.h5")
    p = subprocess.run([program, "aggregate", data, "-o", path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if p.returncode:
        print("#", p.stdout)
    return path


folder = ["--data-dir", data, "--bench-name", "smoke"]
show = ["show", *folder, "--judge-model", "strict"]
views = {"scores": show, "by turn": [*show, "--by", "turn"], "by category": [*show, "--by", "category"], "compare": [*show, "--compare", "beta", "delta"],
         "length": [*show, "--length-slope"], "repeats": [*show, "--repeat", "2"], "panel": ["show", *folder, "--judge-model", "all"],
         "pairs": [*show, "--mode", "pairwise-all"], "baseline": [*show, "--mode", "pairwise-baseline", "--baseline-model", "beta"],
         "matrix": [*show, "--mode", "pairwise-all", "--by", "pair"], "games": [*show, "--mode", "pairwise-all", "--compare", "beta", "delta"], "agree": ["agree", "--votefiles", votes()],
         "campaign": ["show", campaign(), "--judge-model", "strict"], "groups": ["show", campaign(), "--judge-model", "strict", "--by", "model,category"],
         "history": ["show", campaign(), "--judge-model", "strict", "--history"], "noise": ["show", campaign(), "--judge-model", "strict", "--noise"],
         "names": ["show", "--input-file", hostile_data()]}
documents = []
for name, words in views.items():
    table, markdown, latex = (run(form, words) for form in ("table", "markdown", "latex"))
    want = of_table(table)
    ok(len(want[0]) > 0 and of_markdown(markdown) == want, f"{name}: Markdown has the cells and sentences of the table")
    if of_markdown(markdown) != want:
        print(f"# {want}\n# {of_markdown(markdown)}")
    documents.append(latex)
    if LatexWalker is None:
        continue
    LatexWalker(latex, tolerant_parsing=False).get_latex_nodes()                       # raises where it is no LaTeX
    ok(of_latex(latex) == want, f"{name}: LaTeX has them, too")
    if of_latex(latex) != want:
        print(f"# {want}\n# {of_latex(latex)}")
if LatexWalker is None:
    ok(True, "LaTeX read back # SKIP pylatexenc is not here")
if shutil.which("pdflatex"):
    with open(os.path.join(work, "t.tex"), "w", encoding="utf-8") as f:
        f.write("\\documentclass{article}\\usepackage[T1]{fontenc}\\usepackage{booktabs}\\begin{document}\n" + "\n".join(documents) + "\\end{document}\n")
    p = subprocess.run(["pdflatex", "-interaction=batchmode", "-halt-on-error", "t.tex"], cwd=work, stdout=subprocess.DEVNULL)
    ok(p.returncode == 0, "pdflatex sets all of them")
else:
    ok(True, "pdflatex sets all of them # SKIP there is no pdflatex here")
print(f"1..{n}")
sys.exit(bad != 0)
