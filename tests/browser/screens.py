"""screens.py PAGE FOLDER: pictures of every view at 1440, 768 and 390 px, light and dark, to be looked at."""

import pathlib
import sys

from browser import Browser

folder = pathlib.Path(sys.argv[2])
folder.mkdir(parents=True, exist_ok=True)
VIEWS = {"scores": "#scores", "heat": "#heat", "find": "#find&text=boxes", "plots": "#plots", "setup": "#setup"}
with Browser(sys.argv[1]) as b:
    q, a, other = b.js("return [questionId(Math.min(4, index.questions.length - 1)), index.models[0], index.models.at(-1)]")
    route = lambda **words: b.js("return address({view: 'read', ...arguments[0]})", words)
    VIEWS |= {
        "read": route(q=q, a=other),
        "pair": route(q=q, a=a, b=other),
        "diff": route(q=q, a=a, b=other, diff="yes"),
        "question": route(q=q),
    }
    for width, height in ((1440, 900), (768, 1024), (390, 844)):
        b.size(width, height)
        for colours in ("light", "dark"):
            b.media(colours=colours)
            for name, view in VIEWS.items():
                b.js("location.hash = arguments[0]", view)
                b.until(lambda: b.fragment == view)
                b.js("return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
                b.picture(folder / f"{name}-{width}-{colours}.png")
    b.size(1440, 900)
    b.media(kind="print")
    b.picture(folder / "print.png", whole=True)
