"""split.py FOLDER: the page of bench.py as a folder of files, one per question, opened in a browser: ways lead from file to file."""

import pathlib
import sys

from browser import Browser, Tap

t = Tap()


def file(b):
    return b.js("return location.pathname.split('/').pop()")


def opened(b, name, word):
    """Is this file open, and does it show the word?"""
    return b.until(lambda: file(b) == name and word in b.text(".reading"))


with Browser(pathlib.Path(sys.argv[1]) / "index.html") as b:
    t.ok(b.until(lambda: b.shown("#scores table")), "index.html shows the scores")
    b.one('nav a[href="#heat"]').click()
    b.until(lambda: b.shown("#heat table"))
    next(e for e in b.all("#heat td a") if e.is_displayed() and "q=3&a=rich" in e.get_attribute("href")).click()
    t.ok(opened(b, "q3.html", "needle3x1x0"), "a cell of the heat map opens the question's file", (file(b), b.fragment))
    t.ok("verdict3x1 by second" in b.text(".reading"), "with its judgments")
    b.press("n")
    t.ok(opened(b, "q4.html", "needle4x1x0"), "the key n goes to the next question's", (file(b), b.fragment))
    b.choose('#read select[name="category"]', "coding")
    t.ok(opened(b, "q5.html", "needle5x1x0"), "so does a category", (file(b), b.fragment))
    b.choose('#read select[name="b"]', "plain")
    t.ok(opened(b, "q5.html", "game1x5x1"), "a pair stays in the file", (file(b), b.fragment))
    b.driver.back()
    b.driver.back()
    t.ok(opened(b, "q4.html", "needle4x1x0"), "back", (file(b), b.fragment))
    b.driver.get(b.address + "#q=6&a=plain")
    t.ok(opened(b, "q6.html", "needle6x1x0"), "an address of another file's question leads there", (file(b), b.fragment))
    b.driver.get(b.address + "#find&category=math&show=answers")
    t.ok(b.until(lambda: len(b.texts("#find .results li > a")) == 3), "filters need no texts", b.texts("#find .results li > a"))
    note = b.text("#find")
    t.ok(not b.shown('#find input[name="text"]') and "file for each question" in note, "where the texts are not, that is said", note[:300])
    b.shown("#find .results li > a")[1].click()
    t.ok(b.until(lambda: file(b) == "q4.html" and b.shown(".reading h3")), "what was found opens", (file(b), b.fragment))
    t.equal(b.complaints(), [], "the console is empty")
t.done()
