"""numbers.py PAGE DATA MTBENCH: every number of the page's tables is that of `mtbench show --format json`, digit by digit; every score,
length and verdict that a reading shows is that of the files."""

import json
import pathlib
import subprocess
import sys

from browser import Browser, Tap

t = Tap()
page, data, mtbench = sys.argv[1:4]


def show(*flags):
    """None: show has no such table."""
    done = subprocess.run(
        [mtbench, "show", "--data-dir", data, "--bench-name", "smoke", "--format", "json", *flags], capture_output=True, text=True
    )
    return json.loads(done.stdout)["rows"] if done.returncode == 0 else None


def tables(b, kind):
    """[{judge, category, rows: {model: {column: text}}}], hidden ones too; rows' data-* are columns that people are not shown."""
    return b.js(
        """return [...document.querySelectorAll(`#scores table.sheet`)]
        .filter(t => (t.dataset.kind ?? 'single') === arguments[0]).map(t => ({
        judge: index.judges[t.dataset.judge], category: index.categories[t.dataset.category] ?? null,
        rows: [...t.tBodies[0].rows].map(r => ({...r.dataset, ...Object.fromEntries([...r.cells].map((c, i) =>
            [t.tHead.rows[0].cells[i].dataset.name, c.dataset.v ?? c.textContent]))}))}))""",
        kind,
    )


def same(seen, wanted):
    """Does the page's row have the JSON's members, those that it shows?"""
    compared = 0
    for name, value in wanted.items():
        has = seen.get(name)
        if has is None:
            continue
        equal = has == "" if value is None else float(has) == value if isinstance(value, (int, float)) else has == value
        if not equal:
            return f"{name}: {has!r} instead of {value!r}"
        compared += 1
    return compared


def compare(table, rows, what):
    by_model = {r["model"]: r for r in rows}
    what = f"{what} by {table['judge']}, {table['category'] or 'all'}"
    t.equal(sorted(r["model"] for r in table["rows"]), sorted(by_model), f"{what}: the models of show")
    results = [same(r, by_model[r["model"]]) for r in table["rows"] if r["model"] in by_model]
    counted = sum(r for r in results if isinstance(r, int))
    t.ok(results and all(isinstance(r, int) and r >= 3 for r in results), f"{what}: {counted} numbers", results)


with Browser(page) as b:
    for table in tables(b, "single"):
        category = ["--category", table["category"]] if table["category"] else []
        compare(table, show("--judge-model", table["judge"], *category), "scores")
    for table in tables(b, "pairs"):
        category = ["--category", table["category"]] if table["category"] else []
        compare(table, show("--judge-model", table["judge"], "--mode", "pairwise-all", *category), "pairs")
    for table in tables(b, "length"):
        compare(table, show("--judge-model", table["judge"], "--length-slope"), "length")

    records = {}
    for judge in b.js("return index.judges"):
        path = pathlib.Path(data) / "smoke" / "model_judgment" / f"{judge}_single.jsonl"
        for line in open(path, encoding="utf-8") if path.exists() else []:
            r = json.loads(line)
            records[str(r["question_id"]), r["model"], judge, r["turn"]] = r["score"]
    seen = b.js("""return index.single.map(([q, a, judge, turn, repeat, score, status]) =>
        [index.questions[q][0], index.models[a], index.judges[judge], turn, score, index.statuses[status]])""")
    t.equal({tuple(r[:4]) for r in seen}, set(records), f"all {len(records)} gradings are in the index")
    bad = [r for r in seen if r[5] == "ok" and records[tuple(r[:4])] != r[4]]
    t.equal(bad, [], "with their scores")
    t.ok(all(not 1 <= records[tuple(r[:4])] <= 10 for r in seen if r[5] != "ok"), "those without a score have a status instead")

    lengths = {}
    for path in (pathlib.Path(data) / "smoke" / "model_answer").glob("*.jsonl"):
        for line in open(path, encoding="utf-8"):
            r = json.loads(line)
            for choice, c in enumerate(r["choices"]):
                for turn, text in enumerate(c["turns"], 1):
                    lengths[str(r["question_id"]), path.stem, choice, turn] = len(text)
    seen = b.js(
        "return index.answers.map(([q, a, choice, turn, n, flags]) => [index.questions[q][0], index.models[a], choice, turn, n, flags])"
    )
    t.equal({tuple(r[:4]) for r in seen}, set(lengths), f"all {len(lengths)} answers are in the index")
    t.equal([r for r in seen if not r[5] & 1 and lengths[tuple(r[:4])] != r[4]], [], "with their lengths")

    cells = b.js("""return [...document.querySelectorAll('#heat table')].flatMap(t =>
        [...t.tBodies[0].rows].flatMap(row => [...row.cells].slice(1).map((c, i) => [index.judges[t.dataset.judge],
         index.models[row.dataset.a], index.questions[t.tHead.rows[0].cells[i + 1].dataset.q][0], c.dataset.v ?? null,
         c.className, c.textContent])))""")
    wrong = []
    for judge, model, question, value, classes, text in cells:
        value = value or text.rstrip("*").replace("x", "") or None
        scores = [s for (q, m, j, _), s in records.items() if (q, m, j) == (question, model, judge) and 1 <= s <= 10]
        mean = sum(scores) / len(scores) if scores else None
        if (value is None) != (mean is None) or (
            mean is not None and (abs(float(value) - mean) > 1e-12 or f"h{int(mean)}" not in classes.split())
        ):
            wrong.append((judge, model, question, value, classes, text, mean))
    t.ok(cells and not wrong, f"{len(cells)} cells of the heat maps are the means of their gradings", wrong[:5])
t.done()
