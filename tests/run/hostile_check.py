#!/usr/bin/env python3
"""hostile_check.py PROBE - the HTML that PROBE makes of hostile texts (tests/tools/hostile.py), read by other parsers: Python's html.parser,
and html5lib where this Python has it, which holds it to the standard and builds the tree that a browser builds."""
import html.parser
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools"))
import hostile  # noqa: E402

try:
    import html5lib
except ImportError:
    html5lib = None

ELEMENTS = {"p": (), "h5": ("class",), "h6": ("class",), "blockquote": (), "ul": (), "ol": ("start",), "li": (), "hr": (), "br": (), "em": (), "strong": (), "del": (),
            "code": ("class",), "pre": ("class",), "table": (), "thead": (), "tbody": (), "tr": (), "th": ("class",), "td": ("class",), "div": ("class",),
            "span": ("class", "title"), "a": ("href", "rel", "title")}
VOID = {"br", "hr"}
SCHEME = re.compile(r"(https?://|mailto:)", re.IGNORECASE)
UNSEEN = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufff9-\ufffb\ufdd0-\ufdef\ufffe\uffff\U000e0000-\U000e007f\ud800-\udfff]")


class Checker(html.parser.HTMLParser):
    """Every element, attribute and scheme is allowed, and what is opened is closed in its order."""

    def __init__(self):
        super().__init__(convert_charrefs=False)
        self.open, self.faults, self.text, self.deepest = [], [], [], 0

    def handle_starttag(self, tag, attrs):
        if tag not in ELEMENTS:
            self.faults.append(f"element {tag}")
        for name, value in attrs:
            if name not in ELEMENTS.get(tag, ()):
                self.faults.append(f"attribute {name} of {tag}")
            if name == "href" and not SCHEME.match(value):
                self.faults.append(f"href {value[:60]}")
        if tag not in VOID:
            self.open.append(tag)
            self.deepest = max(self.deepest, len(self.open))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"closes {tag}")

    def handle_startendtag(self, tag, attrs):
        self.faults.append(f"<{tag}/>")

    def handle_comment(self, data):
        self.faults.append("a comment")

    handle_decl = handle_pi = unknown_decl = handle_comment

    def handle_data(self, data):
        self.text.append(data)
        if "<" in data:
            self.faults.append("a bare <")

    def handle_entityref(self, name):
        self.text.append({"lt": "<", "gt": ">", "amp": "&", "quot": '"'}.get(name, ""))
        if name not in ("lt", "gt", "amp", "quot"):
            self.faults.append(f"entity {name}")

    def handle_charref(self, name):
        self.faults.append(f"reference {name}")


def check(name, text, made):
    """What is wrong with the HTML of a text."""
    page = made.decode("utf-8")                      # raises where it is none
    c = Checker()
    c.feed(page)
    c.close()
    faults = c.faults + [f"{tag} is open" for tag in c.open]
    if UNSEEN.search(page):
        faults.append("a character that nobody sees")
    if c.deepest > 100:
        faults.append(f"{c.deepest} deep")
    if re.search(r"</(no)?script|</style|<!--|<script", page, re.IGNORECASE):
        faults.append("what ends a script or begins a comment")
    if html5lib and len(page) < 200000:
        faults += check_tree(page)
    return faults


def check_tree(page):
    """As browsers read it, with scripts and without: the texts stay in their section."""
    faults = []
    for scripting in (False, True):
        whole = f'<!DOCTYPE html><html lang="en"><head><title>t</title></head><body><noscript><section id="a">{page}</section></noscript><section id="b">b</section></body></html>'
        parser = html5lib.HTMLParser(tree=html5lib.getTreeBuilder("etree"), namespaceHTMLElements=False)
        tree = parser.parse(whole, scripting=scripting)
        body = tree.find("body")
        if [e.tag for e in body] != ["noscript", "section"] or body[1].get("id") != "b":
            faults.append("the text left its section")
        if scripting and len(body[0]):
            faults.append("elements in what is raw text")
        if not scripting and (len(body[0]) != 1 or any(e.tag not in ELEMENTS and e.tag != "section" for e in body[0].iter() if e is not body[0])):
            faults.append("elements that nobody wrote")
        faults += [f"html5lib: {e[1]}" for e in parser.errors]
    return faults


def main(probe):
    n = bad = 0
    slowest = (0, "")
    for name, text in hostile.texts():
        for mode in ("markdown", "text"):
            begin = time.process_time(), os.times().children_user
            made = subprocess.run([probe, mode], input=text, stdout=subprocess.PIPE, check=True).stdout
            slowest = max(slowest, (os.times().children_user - begin[1], name))
            faults = check(name, text, made)
            if len(made) > 17 * len(text) + 70000:
                faults.append(f"{len(made)} bytes of {len(text)}")
            n += 1
            if faults:
                bad += 1
                print(f"# {name}, {mode}: {faults[:3]}")
    print(f"# {n} pages; the slowest took {slowest[0]:.2f} s of processor time ({slowest[1]})" + ("" if html5lib else "; html5lib is not here"))
    print(f"{'not ok' if bad or n < 80 else 'ok'} 1 - hostile texts: {n} pages of allowed elements alone, balanced, inside their sections")
    print(f"{'ok' if slowest[0] < 5 else 'not ok'} 2 - none takes longer than its size explains")
    return 1 if bad or n < 80 or slowest[0] >= 5 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
