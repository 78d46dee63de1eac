#!/usr/bin/env python3
"""hostile_page.py PROGRAM WORK - the page of `mtbench browse` with hostile questions, answers, judgments and names has the elements of a harmless one:
both are read by html5lib, with scripts and without, and counted."""
import collections
import json
import os
import subprocess
import sys

import html5lib

from hostile_check import ELEMENTS, SCHEME, UNSEEN
import hostile

NAMES = ['"><script>alert(1)</script>', "a'b&amp;<!--", "\u202eabc", "</noscript>", "javascript:alert(1)"]
PLAIN = ["m0", "m1", "m2", "m3", "m4"]
program, work = sys.argv[1:3]
attacks = [text.decode("utf-8", "replace") for name, text in hostile.texts() if len(text) < 5000 and text.strip()]


def write(path, rows):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.writelines(json.dumps(row) + "\n" for row in rows)


def make(folder, names, texts):
    """Every text as a question, an answer, a reference, a judgment of one answer and of two."""
    def text(i):
        return texts[i % len(texts)]
    n = range(1, len(attacks) + 1)
    top = os.path.join(work, folder, "mt_bench")
    write(f"{top}/question.jsonl", [{"question_id": q, "category": names[q % 5], "turns": [text(q), text(q + 1)], "reference": [text(q + 2), "r"]} for q in n])
    for m, name in enumerate(names):
        write(f"{top}/model_answer/{name.replace('/', '%')}.jsonl", [{"question_id": q, "answer_id": "x", "model_id": name.replace("/", "%"),
              "choices": [{"index": 0, "turns": [text(q + m), text(q + m + 1)]}], "tstamp": 1.0} for q in n])
    known = [name.replace("/", "%") for name in names]
    write(f"{top}/model_judgment/gpt-4_single.jsonl", [{"question_id": q, "model": m, "judge": ["gpt-4", "single-v1"], "user_prompt": "p", "judgment": text(q + 7), "score": 5,
                                                        "turn": t, "tstamp": 1.0} for q in n for m in known for t in (1, 2)])
    write(f"{top}/model_judgment/gpt-4_pair.jsonl", [{"question_id": q, "model_1": min(known[:2]), "model_2": max(known[:2]), "g1_winner": "tie", "g2_winner": "tie",
                                                      "judge": ["gpt-4", "pair-v2"], "g1_user_prompt": "p", "g1_judgment": text(q + 3), "g2_user_prompt": "p",
                                                      "g2_judgment": text(q + 5), "turn": 1, "tstamp": 1.0} for q in n])
    page = os.path.join(work, folder + ".html")
    subprocess.run([program, "browse", "--data-dir", os.path.join(work, folder), "-o", page], stdout=subprocess.DEVNULL, check=True)
    with open(page, "rb") as f:
        return f.read().decode("utf-8")


def look(page, scripting):
    """How many elements there are of each kind that no answer may make, and what is wrong."""
    parser = html5lib.HTMLParser(tree=html5lib.getTreeBuilder("etree"), namespaceHTMLElements=False)
    tree = parser.parse(page, scripting=scripting)
    count, faults = collections.Counter(), [str(e[1]) for e in parser.errors]
    for e in tree.iter():
        if not isinstance(e.tag, str):
            faults.append("a comment")
            continue
        tag = e.tag.rpartition("}")[2]
        if tag not in ELEMENTS and not e.tag.startswith("{http://www.w3.org/2000/svg}"):
            count[tag] += 1
        for name, value in e.attrib.items():
            if str(name).startswith("on") or name == "style":
                faults.append(f"{tag} {name}")
            if name in ("href", "src", "action") and not value.startswith("#") and not SCHEME.match(value):
                faults.append(f"{tag} {name}={value[:40]}")
    return count, faults


pages = {"harmless": make("harmless", PLAIN, ["x"]), "hostile": make("hostile", NAMES, attacks)}
bad = 0
for i, scripting in enumerate((False, True), 3):
    harmless, hurt = (look(pages[k], scripting) for k in ("harmless", "hostile"))
    same = harmless[0] == hurt[0]
    bad += not (same and not harmless[1] and not hurt[1])
    print(f"{'ok' if same and not harmless[1] and not hurt[1] else 'not ok'} {i} - a page of {len(attacks)} attacks, scripts {'on' if scripting else 'off'}: "
          f"{sum(hurt[0].values())} elements of its own, as many as of harmless texts")
    if not same:
        print(f"# {harmless[0] - hurt[0]} more in the harmless one, {hurt[0] - harmless[0]} more in the hostile one")
    print("".join(f"# {kind}: {sorted(set(faults))[:6]}\n" for kind, faults in (("harmless", harmless[1]), ("hostile", hurt[1])) if faults), end="")
unseen = UNSEEN.search(pages["hostile"])
print(f"{'not ok' if unseen else 'ok'} 5 - no character that nobody sees" + (f": {unseen.group()!r} in {pages['hostile'][unseen.start() - 60:unseen.end() + 20]!r}" if unseen else ""))
sys.exit(bool(bad or unseen))
