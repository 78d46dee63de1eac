"""report_check.py PAGE DIR PROGRAM: does the page of `mtbench report` hold what `show --format json` prints, and nothing that it may not hold? One TAP-less
line per fault; silence is success. Its parser serves other tests of pages, too."""
import base64
import hashlib
import json
import re
import subprocess
import sys
from html.parser import HTMLParser

VOID = {"meta", "br", "hr", "img", "input", "link", "col", "wbr"}
# HTML lets these end by what follows: which open ones a tag ends when it begins, and those that end with their parent.
ENDS = {"li": {"p", "li"}, "td": {"td", "th"}, "th": {"td", "th"}, "tr": {"td", "th", "tr"}, "tbody": {"td", "th", "tr", "thead"}}
ENDS.update({tag: {"p"} for tag in "p div ul ol table pre blockquote section article h1 h2 h3 h4 h5 h6 hr details figure".split()})
IMPLIED = {"p", "li", "td", "th", "tr", "thead", "tbody"}


class Page(HTMLParser):
    """Tables by data-table, each with heads, rows (dicts by column, data- of the row included), facts; faults of form."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tables, self.faults, self.open, self.ids, self.links, self.text = {}, [], [], [], [], []
        self.table = self.cell = self.fact = None
        self.feed(text)
        self.close()
        if self.open:
            self.faults.append("not closed: %s" % self.open)

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        while self.open and self.open[-1] in ENDS.get(tag, ()):
            self.open.pop()
        if len(a) != len(attrs):
            self.faults.append("an attribute twice in <%s>" % tag)
        self.faults += ["<%s %s>" % (tag, k) for k in a if k == "style" or k.startswith("on")]
        if tag in ("script", "iframe", "object", "embed", "form", "link", "base", "img"):
            self.faults.append("<%s>" % tag)
        if "id" in a:
            self.ids.append(a["id"])
        self.links += [a[k] for k in ("href", "src", "xlink:href") if k in a]
        if tag == "table":
            self.table = {"heads": [], "rows": [], "facts": []}
            if "data-table" in a and a["data-table"] in self.tables:
                self.faults.append("two tables %s" % a.get("data-table"))
            self.tables[a.get("data-table")] = self.table
        elif tag == "tr" and self.table is not None:
            self.row = {k[5:]: v for k, v in a.items() if k.startswith("data-")}
            self.at = 0
        elif tag in ("td", "th") and self.table is not None:
            self.cell = {"v": a.get("data-v"), "text": "", "head": a.get("data-name")}
        elif tag == "p" and a.get("class") == "fact":
            self.fact = ""
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        while self.open and self.open[-1] != tag and self.open[-1] in IMPLIED:
            self.open.pop()
        if not self.open or self.open.pop() != tag:
            self.faults.append("</%s> closes another element" % tag)
        if tag in ("td", "th") and self.cell is not None:
            if self.cell["head"] is not None:
                self.table["heads"].append(self.cell["head"])
            elif self.table["heads"]:
                self.row[self.table["heads"][self.at]] = self.cell["v"] if self.cell["v"] is not None else self.cell["text"]
                self.row["shown:" + self.table["heads"][self.at]] = self.cell["text"]
                self.at += 1
            self.cell = None
        elif tag == "tr" and self.table is not None and self.at:
            self.table["rows"].append(self.row)
        elif tag == "p" and self.fact is not None:
            self.last_facts().append(self.fact)
            self.fact = None

    def last_facts(self):
        return self.table["facts"] if self.table is not None else []

    def handle_data(self, data):
        self.text.append(data)
        if self.cell is not None:
            self.cell["text"] += data
        if self.fact is not None:
            self.fact += data


def check_form(text, page):
    faults = list(page.faults)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text).group(1)
    style = re.search(r"<style>(.*?)</style>", text, re.S).group(1)
    want = "default-src 'none'; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'" % base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    if policy != want:
        faults.append("policy %s, and the style's is %s" % (policy, want))
    if text.index("Content-Security-Policy") > text.index("<style"):
        faults.append("the style stands before the policy")
    faults += ["a link out of the page: %s" % x for x in page.links if not x.startswith("#")]
    faults += ["a link to nothing: %s" % x for x in page.links if x.startswith("#") and x[1:] not in page.ids]
    faults += ["two elements with id %s" % x for x in set(page.ids) if page.ids.count(x) > 1]
    return faults


def same(shown, value):
    """A cell's text against a value of JSON."""
    if value is None:
        return shown in (None, "")
    return shown is not None and (float(shown) == value if isinstance(value, (int, float)) else shown == value)


def check_rows(name, table, rows, at=lambda r: r["model"]):
    """All members of show's rows are in the table's row of the same name, and no row is more or less."""
    faults = []
    mine = {at(r): r for r in table["rows"]}
    if [at(r) for r in table["rows"]] != [at(r) for r in rows]:
        return ["%s: rows %s, and show has %s" % (name, list(mine), [at(r) for r in rows])]
    for r in rows:
        faults += ["%s of %s: %s is %r, show says %r" % (name, at(r), k, mine[at(r)].get(k), v) for k, v in r.items() if not same(mine[at(r)].get(k), v)]
    return faults


def check_agreement(rows, top):
    """Two judges on what both have scored, computed here from the files."""
    scores = []
    for judge in ("kind", "strict"):
        lines = [json.loads(line) for line in open("%s/smoke/model_judgment/%s_single.jsonl" % (top, judge), encoding="utf-8")]
        scores.append({(r["model"], r["question_id"], r["turn"]): r["score"] for r in lines if r["score"] != -1})
    both = [(scores[0][k], scores[1][k]) for k in scores[0] if k in scores[1]]
    n, x, y = len(both), [a for a, _ in both], [b for _, b in both]
    mx, my = sum(x) / n, sum(y) / n
    r = sum((a - mx) * (b - my) for a, b in both) / (sum((a - mx) ** 2 for a in x) * sum((b - my) ** 2 for b in y)) ** 0.5
    want = {"n": n, "equal": sum(a == b for a, b in both) / n, "within_one": sum(abs(a - b) <= 1 for a, b in both) / n, "correlation": r, "difference": mx - my}
    return ["judges agree: %s is %s, not %s" % (k, rows[0][k], v) for k, v in want.items() if len(rows) != 1 or abs(float(rows[0][k]) - v) > 1e-9]


def main(path, top, program):
    text = open(path, encoding="utf-8").read()
    page = Page(text)

    def show(*flags):
        out = subprocess.run([program, "show", "--data-dir", top, "--bench-name", "smoke", *flags, "--format", "json"], capture_output=True, text=True)
        assert out.returncode == 0, out.stderr
        return json.loads(out.stdout)

    faults = check_form(text, page)
    failed = 0
    for i, (judge, repeats) in enumerate((("kind", "1"), ("strict", "2"))):
        as_json = show("--judge-model", judge, "--repeat", repeats)
        faults += check_rows("scores by " + judge, page.tables["scores-%d" % i], as_json["rows"])
        failed += as_json["about"]["failed"]
        if not any("%.2f (80" % as_json["about"]["smallest_difference"] in f for f in page.tables["scores-%d" % i]["facts"]):
            faults.append("%s: no smallest difference below the scores" % judge)
        by_turn = show("--judge-model", judge, "--repeat", repeats, "--by", "turn")["rows"]
        faults += check_rows("turns by " + judge, page.tables["turns-%d" % i], by_turn, lambda r: (r["model"], str(r["turn"])))
        wide = {r["model"]: r for r in page.tables["categories-%d" % i]["rows"]}
        for r in show("--judge-model", judge, "--repeat", repeats, "--by", "category")["rows"]:
            cell = wide[r["model"]][r["category"]]
            want = "" if r["score"] is None else "%.2f" % r["score"] if r["low"] is None else "%.2f (%.1f-%.1f)" % (r["score"], r["low"], r["high"])
            if cell != want:
                faults.append("category %s of %s by %s: %r, show says %r" % (r["category"], r["model"], judge, cell, want))
        for r in page.tables["neighbours-%d" % i]["rows"]:
            c = show("--judge-model", judge, "--repeat", repeats, "--compare", r["a"], r["b"])["rows"][0]
            faults += ["neighbours %s, %s: %s" % (r["a"], r["b"], k) for k in ("difference", "low", "high", "pairs", "smallest_difference") if not same(r.get(k), c[k])]
    panel = {r["model"]: r for r in page.tables["panel"]["rows"]}
    for r in show("--judge-model", "all")["rows"]:
        want = "%.2f (%.2f-%.2f)" % (r["score"], r["low"], r["high"])
        if panel[r["model"]][r["judge"]] != want:
            faults.append("side by side %s by %s: %r, show says %r" % (r["model"], r["judge"], panel[r["model"]][r["judge"]], want))
    if not any("first repeat alone" in f for f in page.tables["panel"]["facts"]):
        faults.append("side by side: not told that repeats are left out")
    faults += check_agreement(page.tables["judges-agree"]["rows"], top)
    pairs = show("--mode", "pairwise-all", "--judge-model", "strict")
    faults += check_rows("pairs", page.tables["pairs-2"], pairs["rows"])
    listed = page.tables["failed"]["rows"]
    if len(listed) != failed + pairs["about"]["failed"]:
        faults.append("%d failures are listed, %d + %d are counted" % (len(listed), failed, pairs["about"]["failed"]))
    print("\n".join(faults))
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
