"""Pictures of `mtbench show --plot`, read back:
plots_check.py marks PICTURE.svg TABLE.json    every row of the table is one mark with the same figures
plots_check.py browser PICTURE.svg ...         no two words touch and none leaves the picture, as Chromium lays them out; dark and light
plots_check.py many DIR N                      writes a data folder with N models whose names are long, wide, from right to left, or nothing but signs
plots_check.py example DIR                     writes the data folder, made up, of tests/golden/report/radar.svg"""
import html
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

SVG = "{http://www.w3.org/2000/svg}"
# What a mark has to tell, if the table has it.
TOLD = ("model against category turn judge checkpoint score low high n failed change change_low change_high win_rate_adjusted win loss tie "
        "points_per_doubling characters no_answer_found").split()
KEYS = [k for k in TOLD[:6]]


def key_of(values):
    return tuple(values.get(k) for k in KEYS)


def marks(picture, table):
    root = xml.parse(picture).getroot()
    rows = {}
    for row in json.load(open(table))["rows"]:
        told = {k: str(v) if k in KEYS else v for k, v in row.items() if k in TOLD and v is not None}
        rows[key_of(told)] = told
    assert rows, "an empty table"
    for mark in root.iter(SVG + "g"):
        if "mark" not in mark.get("class", "").split():
            continue
        data = {k[5:]: v for k, v in mark.attrib.items() if k.startswith("data-")}
        told = {k: v if k in KEYS else float(v) for k, v in data.items()}
        row = rows.pop(key_of(told), None)
        assert row == told, (told, row)
        assert mark.find(SVG + "title").text.strip(), told
    assert not rows, "rows without a mark: %s" % list(rows)[:3]
    ids = [e.get("id") for e in root.iter() if e.get("id")]
    assert root.get("role") == "img" and root.get("aria-labelledby").split() == ids[:2], ids
    assert root.find(SVG + "title").text and "failed" in root.find(SVG + "desc").text
    assert not [e for e in root.iter() if e.get("style") or e.tag.endswith("script")]


MEASURE = """<script>
const out = [];
for (const svg of document.querySelectorAll('svg')) {
    const all = svg.getBoundingClientRect(), faults = [];
    const texts = [...svg.querySelectorAll('text')].map(t => [t.textContent, t.getBoundingClientRect()]);
    texts.forEach(([words, a], i) => {
        if (a.left < all.left || a.right > all.right || a.top < all.top || a.bottom > all.bottom) faults.push('leaves: ' + words);
        for (const [other, b] of texts.slice(i + 1))
            if (a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom) faults.push('touch: ' + words + ' | ' + other);
    });
    out.push({ words: texts.length, faults: faults.slice(0, 3), ink: getComputedStyle(svg).color });
}
const pre = document.createElement('pre');
pre.id = 'measured';
pre.textContent = JSON.stringify(out);
document.body.append(pre);
</script>"""


def browser(pictures):
    with tempfile.TemporaryDirectory() as d:
        page = os.path.join(d, "page.html")
        with open(page, "w", encoding="utf-8") as f:
            f.write("<!doctype html><meta charset=utf-8><body>" + "<br>".join(open(p, encoding="utf-8").read() for p in pictures) + MEASURE)
        got = subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir=" + d, "--dump-dom", "file://" + page],
                             capture_output=True, text=True, timeout=100)
        found = re.search(r'<pre id="measured">(.*?)</pre>', got.stdout, re.S)
        assert found, "chromium said nothing: " + got.stderr[-300:]
        for picture, seen in zip(pictures, json.loads(html.unescape(found.group(1))), strict=True):
            assert seen["words"] > 5 and not seen["faults"], (picture, seen)


def many(top, n):
    draw = random.Random(5)
    pieces = ["<b>&\"'", "\u6a21\u578b", "\u05de\u05d5\u05d3\u05dc", "\U0001f469\u200d\U0001f52c", "W\u0301\u0302\u0303", "\ufdfd", "mmmm", "plain-7b", "\u0646\u0645\u0648",
              "\U0001f1e9\U0001f1ea"]
    names = [pieces[i % 10] * (1 + 300 // len(pieces[i % 10]) if i % 3 else 2) + str(i) for i in range(n)]
    bench = os.path.join(top, "smoke")
    os.makedirs(bench + "/model_judgment")
    with open(bench + "/question.jsonl", "w") as f:
        for q in range(16):
            f.write(json.dumps({"question_id": q, "category": "category %d" % (q // 2), "turns": ["a", "b"]}) + "\n")
    with open(bench + "/model_judgment/j_single.jsonl", "w") as f:
        for name in names:
            for q in range(16):
                for turn in (1, 2):
                    f.write(json.dumps({"question_id": q, "model": name, "judge": ["j", "p"], "user_prompt": "", "judgment": "", "turn": turn,
                                        "score": draw.choice([-1, 2, 5, 6, 7, 8, 9, 10]), "tstamp": 1.0}) + "\n")
    with open(bench + "/model_judgment/j_pair.jsonl", "w") as f:
        for a in range(n):
            for b in range(a):
                winner = draw.choice(["model_1", "model_2", "tie"])
                f.write(json.dumps({"question_id": 1, "model_1": names[a], "model_2": names[b], "g1_winner": winner, "g2_winner": winner, "judge": ["j", "p"],
                                    "g1_judgment": "", "g2_judgment": "", "turn": 1, "tstamp": 1.0}) + "\n")


def example(top):
    models = {"model-1b": (3.1, 1, 2, 0), "model-7b": (5.2, 2, 0, 1), "model-13b": (6.4, 1, 1, 2), "model-70b": (7.6, 2, 3, 0)}
    categories = "writing roleplay reasoning math coding extraction stem humanities".split()
    easy = (1.4, 1.1, -0.8, -2.0, -1.7, -0.4, 1.0, 1.7)
    bench = os.path.join(top, "example")
    os.makedirs(bench + "/model_judgment")
    with open(bench + "/question.jsonl", "w") as f:
        for q in range(80):
            f.write(json.dumps({"question_id": 81 + q, "category": categories[q // 10], "turns": ["a", "b"]}) + "\n")
    with open(bench + "/model_judgment/a-judge_single.jsonl", "w") as f:
        for m, (name, (level, a, b, c)) in enumerate(models.items()):
            for q in range(80):
                for turn in (1, 2):
                    scatter = (q * (7 + a) + turn * 3 + m * 5) % 5 - 2 + 0.6 * ((q // 10 * (3 + b) + c) % 4 - 1.5)
                    score = min(10, max(1, int(level + easy[q // 10] + scatter - 0.4 * (turn == 2) + 0.5)))
                    failed = (q, turn, m) in ((12, 2, 0), (33, 1, 2), (34, 2, 0))
                    f.write(json.dumps({"question_id": 81 + q, "model": name, "judge": ["a-judge", "p"], "user_prompt": "", "judgment": "", "turn": turn,
                                        "score": -1 if failed else score, "tstamp": 1.0}) + "\n")


if __name__ == "__main__":
    if sys.argv[1] == "marks":
        marks(*sys.argv[2:])
    elif sys.argv[1] == "browser":
        browser(sys.argv[2:])
    elif sys.argv[1] == "example":
        example(sys.argv[2])
    else:
        many(sys.argv[2], int(sys.argv[3]))
