"""browse_check.py PROGRAM DATA BENCH PAGE...: do the tables of the page of `mtbench browse` hold what `show --format json` prints, does its policy name what
stands in it, and do its links lead somewhere? Several pages are those of --split. One line per fault; silence is success."""
import base64
import glob
import hashlib
import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser


class Page(HTMLParser):
    """Tables with their captions' attributes; ids, links, and what must not be there. End tags may be left out, as HTML has it."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tables, self.ids, self.links, self.faults = [], [], [], []
        self.cell = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        self.faults += ["<%s %s>" % (tag, k) for k in a if k == "style" or k.startswith("on") or k == "src"]
        self.faults += ["<%s>" % tag] if tag in ("iframe", "object", "embed", "form", "link", "base", "img", "video", "audio") else []
        self.ids += [a["id"]] if "id" in a else []
        self.links += [a["href"]] if "href" in a else []
        if tag == "table" and a.get("class") in ("sheet", "heat"):
            self.tables.append({"of": a, "heads": [], "rows": []})
        elif tag == "tr" and self.tables:
            self.tables[-1]["rows"].append({"row": {k[5:]: v for k, v in a.items() if k.startswith("data-")}, "cells": []})
        elif tag in ("td", "th") and self.tables:
            self.cell = {"of": a, "text": "", "links": []}
            self.tables[-1]["rows"][-1]["cells"].append(self.cell)
        if tag == "a" and self.cell is not None:
            self.cell["links"].append(a)

    def handle_endtag(self, tag):
        if tag in ("td", "th", "table"):
            self.cell = None

    def handle_data(self, data):
        if self.cell is not None:
            self.cell["text"] += data.strip("\n")


def policy_faults(text):
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    faults = ["no policy for " + d for d in ("default-src 'none'", "base-uri 'none'", "form-action 'none'") if d not in policy]
    for name, what in (("style-src", "style"), ("script-src", "script")):
        content = re.search("<%s>(.*?)</%s>" % (what, what), text, re.S)[1]
        want = "%s 'sha256-%s'" % (name, base64.b64encode(hashlib.sha256(content.encode()).digest()).decode())
        faults += [] if want + ";" in policy else ["the policy does not name the " + what]
    return faults


def shown(text):
    """As a page has it: what would turn a line around is told."""
    return text.replace("\u202e", "\u27e8U+202E\u27e9")


def number(cell):
    v = cell["of"].get("data-v", cell["text"].rstrip("*"))
    return float(v) if v else None


def sheet_faults(table, rows):
    """Each member of show's rows is a cell, by the column's name, or an attribute of the row."""
    names = [c["of"].get("data-name") for c in table["rows"][0]["cells"]]
    if len(table["rows"]) - 1 != len(rows):
        return ["%s: %d rows, show has %d" % (table["of"], len(table["rows"]) - 1, len(rows))]
    faults = []
    for mine, want in zip(table["rows"][1:], rows):
        have = dict({k: "0" for k in rows[0] if k.startswith("failed_") or k == "empty_answers"}, **mine["row"])
        have.update({n: c["of"].get("data-v", c["text"]) for n, c in zip(names, mine["cells"])})
        for k, v in want.items():
            same = have.get(k) in (None, "") if v is None else have.get(k) == shown(v) if isinstance(v, str) else float(have.get(k) or "nan") == v
            faults += [] if same else ["%s: %s is %r, show says %r" % (table["of"], k, have.get(k), v)]
    return faults


def main(program, data, bench, paths):
    texts = {os.path.basename(p): open(p, encoding="utf-8").read() for p in paths}
    pages = {name: Page(text) for name, text in texts.items()}
    faults = [f for name in texts for f in policy_faults(texts[name]) + pages[name].faults]
    first = pages[os.path.basename(paths[0])]
    index = json.loads(re.search(r'id="index">(.*?)</script>', texts[os.path.basename(paths[0])], re.S)[1])

    def show(*flags):
        out = subprocess.run([program, "show", "--data-dir", data, "--bench-name", bench, "--format", "json", *flags], capture_output=True, text=True)
        if out.returncode and "no judgment of the chosen questions" not in out.stderr and "--length-slope" not in flags:
            faults.append("show %s: %s" % (flags, out.stderr))
        return json.loads(out.stdout)["rows"] if out.returncode == 0 else []

    for t in first.tables:
        of = t["of"]
        judge = index["judges"][int(of["data-judge"])] if of["data-judge"] != "-1" else "all"
        category = int(of.get("data-category", -1))
        single = "%s/%s/model_judgment/%s_single" % (data, bench, judge)
        flags = ["--judge-model", judge, "--repeat", str(1 + len(glob.glob(glob.escape(single) + ".repeat*.jsonl")))]
        flags += ["--category", index["categories"][category]] if category >= 0 else []
        if of["class"] == "heat":
            for column, head in enumerate(t["rows"][0]["cells"][1:], 1):
                want = {shown(r["model"]): r for r in show(*flags, "--question-ids", head["text"])}
                for row in t["rows"][1:]:
                    model, cell = row["cells"][0]["text"], row["cells"][column]
                    score = want[model]["score"] if model in want else None
                    if (None if cell["text"] == "x" else number(cell)) != score:
                        faults.append("heat %s of %s: %r, show says %r" % (head["text"], model, cell, score))
        elif of["data-kind"] in ("single", "turns", "length", "pairs"):
            more = {"single": [], "turns": ["--by", "turn"], "length": ["--length-slope"], "pairs": ["--mode", "pairwise-all"]}[of["data-kind"]]
            flags = flags if of["data-kind"] != "pairs" else flags[:2] + flags[4:]
            rows = show(*flags, *more)
            if rows or of["data-kind"] != "length":          # show wants the answers of all models, the page takes those that are there
                faults += sheet_faults(t, rows)
        else:
            column = "category" if of["data-kind"] == "categories" else "judge"
            rows = show(*flags, "--by", "category") if column == "category" else show("--judge-model", "all")
            seen = {(r["cells"][0]["text"], h["text"]): c["text"] for r in t["rows"][1:] for h, c in zip(t["rows"][0]["cells"], r["cells"])}
            for r in rows:
                text, score = seen.get((shown(r["model"]), r[column]), ""), r["score"]
                if (text in ("", "-")) != (score is None) or (score is not None and not text.startswith("%.2f" % score)):
                    faults.append("%s of %s and %s: %r, show says %r" % (of["data-kind"], r["model"], r[column], text, score))
    for name, page in pages.items():
        faults += ["%s: two elements with the id %s" % (name, i) for i in set(page.ids) if page.ids.count(i) > 1]
        for link in page.links:
            file, _, to = link.partition("#")
            if re.match(r"https?:|mailto:", link):
                continue
            target = pages.get(file or name)
            # What was only judged on another question, or has an answer alone, still has its article.
            if not target or (to and to not in target.ids):
                faults.append("%s: a link to nothing, %s" % (name, link))
    if not any(t["of"]["class"] == "sheet" for t in first.tables) and index["single"]:
        faults.append("judgments, and no table")
    print("\n".join(faults[:20]))
    return len(faults) > 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]))
