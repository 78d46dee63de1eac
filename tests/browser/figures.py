"""figures.py PAGE: how long the first view and a search take, and what memory: figures, beside two conditions that are no times."""

import os
import sys

from browser import Browser, Tap, figure

t = Tap()
figure("size of the page", os.path.getsize(sys.argv[1]) / 1e6, "MB")
with Browser(sys.argv[1], "#none") as b:
    paint = []
    for _ in range(5):
        b.open()
        paint.append(b.until(lambda: b.js("return performance.getEntriesByName('first-contentful-paint')[0]?.startTime")))
    figure("first view, from the start of the navigation", sorted(paint)[2], "ms (median of 5)")
    figure(
        "until the script has done its part", b.js("return performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"), "ms"
    )
    b.js("location.hash = '#find'")
    b.until(lambda: b.shown('#find input[name="text"]'))
    figure(
        "a search before the texts were read in idle time",
        b.js("const s = performance.now(); find({text: 'however river'}); return performance.now() - s"),
        "ms",
    )
    t.ok(b.until(lambda: b.js("return unread.length === 0")), "all texts are read")
    characters = b.js("return plainTexts.reduce((sum, text) => sum + text.small.length, 0)")
    figure("characters to search in", characters / 1e6, "million")
    for words in ("however", "however river example", '"the model answer"', "nowhere-to-be-found", "e"):
        took = b.js(
            """const times = []; for (let i = 0; i < 5; i++) { const s = performance.now();
            find({text: arguments[0]}); times.push(performance.now() - s); }
            return times.sort((x, y) => x - y)[2]""",
            words,
        )
        figure(f"search for {words}", took, "ms (median of 5)")
    took = b.js(
        """const s = performance.now(); change({text: 'however river', view: 'find'}, true);
        document.body.offsetHeight; return performance.now() - s"""
    )
    figure("search with its results laid out", took, "ms")
    figure("JavaScript heap", b.js("return performance.memory.usedJSHeapSize") / 1e6, "MB")
    first = b.js("return [questionId(0), index.models[0], index.models[1]]")
    took = b.js(
        "const s = performance.now(); go({view: 'read', q: arguments[0], a: arguments[1], b: arguments[2]});"
        "document.body.offsetHeight; return performance.now() - s",
        *first,
    )
    figure("a reading", took, "ms")
    long_a, long_b = "one two three four " * 50000, "five six one seven two " * 40000
    took = b.js(
        "const s = performance.now(); const d = diffWords(arguments[0], arguments[1]);"
        "return [performance.now() - s, d.complete, d.pieces.length]",
        long_a,
        long_b,
    )
    figure("differences of two texts of 900,000 characters that have little in common", took[0], "ms")
    t.ok(took[0] < 60000 and took[2] > 0, "it ends")
t.done()
