"""access.py PAGE [AXE.js]: the rules of accessibility: axe-core's own where it can be had, and those that it cannot see: what
the keyboard reaches, what is said, contrast of every heat colour, width of a phone, no script at all."""

import os
import sys

from bench import ODD
from browser import Browser, Keys, Tap

t = Tap()
page, axe = sys.argv[1], open(sys.argv[2], encoding="utf-8").read() if len(sys.argv) > 2 else None
LONG = os.environ.get("BROWSER") == "long"
VIEWS = [
    "#scores",
    "#heat",
    "#q=5&a=rich",
    "#q=1&a=rich&b=plain",
    "#q=1&a=rich&b=plain&diff=yes",
    "#q=5",
    "#find&text=needle5x1x0",
    "#plots",
    "#setup",
]
AXE_VIEWS = ["#scores", "#heat", "#q=1&a=rich&b=plain", "#find&text=needle5x1x0"]  # of the short form

CONTRAST = """
const channel = c => { c /= 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const background = e => {
    for (; e; e = e.parentElement) {
        const c = numbers(getComputedStyle(e).backgroundColor);
        if (c.length < 4 || c[3] > 0) return c;
    }
    return [255, 255, 255];
};
const ratio = e => {
    const x = light(numbers(getComputedStyle(e).color)), y = light(background(e));
    return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
};
const own = e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
return [...document.querySelectorAll('body *')]
    .filter(e => e.checkVisibility() && own(e) && !e.closest('svg') && !e.disabled && e.id !== 'live')
    .map(e => [ratio(e), e.nodeName + '.' + e.className, e.textContent.trim().slice(0, 30)]).filter(x => x[0] < 4.5);
"""


def ready(b, view):
    b.js("location.hash = arguments[0]", view)
    b.until(lambda: b.js("return location.hash === arguments[0] && address(route) === address(parseRoute(arguments[0]))", view))


def by_axe(b, view, colours):
    if axe is None or (not LONG and (colours == "dark" or view not in AXE_VIEWS)):
        return
    b.js(axe)
    found = b.driver.execute_async_script("""const done = arguments[0];
        axe.run({resultTypes: ['violations']}).then(r => done(r.violations.map(v =>
            [v.id, v.impact, v.nodes.length, v.nodes[0].html.slice(0, 200), v.nodes[0].failureSummary])),
            e => done([['axe', String(e)]]))""")
    t.equal(found, [], f"axe-core finds nothing at {view}, {colours}")


def names(b):
    """Controls without a name."""
    return b.js("""return [...document.querySelectorAll('input, select, button, textarea, a[href], summary')]
        .filter(e => e.checkVisibility()
        && !(e.innerText?.trim() || e.labels?.length || e.getAttribute('aria-label'))).map(e => e.outerHTML.slice(0, 120))""")


def rules(b):
    t.equal(
        b.js(
            "return [document.documentElement.lang, document.querySelectorAll('h1').length, document.querySelectorAll('main').length, "
            "document.querySelectorAll('header nav[aria-label]').length]"
        ),
        ["en", 1, 1, 1],
        "a language, one h1, one main, a named nav",
    )
    for view in VIEWS:
        ready(b, view)
        t.equal(names(b), [], f"every control has a name at {view}")
    for colours in ("light", "dark"):
        b.media(colours=colours)
        for view in VIEWS:
            ready(b, view)
            t.equal(b.js(CONTRAST), [], f"contrast of 4.5 and more at {view}, {colours}")
            by_axe(b, view, colours)
    b.media()
    t.equal(
        b.js(
            "return [...document.querySelectorAll('table')].filter(t => !t.closest('.reading section')"
            " && (!t.caption || [...t.querySelectorAll('th')].some(h => !h.scope))).length"
        ),
        0,
        "tables have captions, heads have scopes",
    )
    t.ok(b.all('#live[role="status"][aria-live="polite"]'), "a place from which changes are said")
    t.ok(
        b.js("return new Set([...document.querySelectorAll('[id]')].map(e => e.id)).size === document.querySelectorAll('[id]').length"),
        "no id is there twice",
    )


def keyboard(b):
    b.open()
    b.tab()
    t.equal(b.js("return document.activeElement.className"), "skip", "the first thing that Tab reaches is the way to the content")
    t.ok(b.until(lambda: b.js("return document.activeElement.getBoundingClientRect().top") >= 0), "which is seen then")
    b.driver.switch_to.active_element.send_keys(Keys.ENTER)
    t.ok(b.until(lambda: b.js("return document.activeElement.id") == "main") and b.shown("#scores"), "it leads there, and the view stays")
    reached = []
    for _ in range(80):
        b.tab()
        reached.append(
            b.js("""const e = document.activeElement, s = getComputedStyle(e); 
            return [e.nodeName, e.getAttribute('name') ?? e.textContent.trim().slice(0, 20), e.matches(':focus-visible')
            && s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2]""")
        )
        if reached[-1][0] == "BODY":
            break
    kinds = {(kind, name) for kind, name, _ in reached}
    t.ok(
        ("SELECT", "category") in kinds
        and ("INPUT", "name") in kinds
        and any(kind == "BUTTON" and name == "score" for kind, name in kinds),
        "Tab reaches every control",
        reached,
    )
    t.equal([r for r in reached if r[0] != "BODY" and not r[2]], [], "and each shows that it has the focus")
    heads = [e for e in b.all('#scores th[data-name="score"] button') if e.is_displayed()]
    heads[0].send_keys(Keys.ENTER)
    t.ok(b.until(lambda: b.words.get("sort") == "-score"), "Enter on a column's head sorts")
    b.one('nav a[href="#find"]').send_keys(Keys.ENTER)
    t.ok(b.until(lambda: b.js("return document.activeElement.textContent") == "Find"), "a view's heading has the focus when it opens")
    t.equal(b.texts('nav a[aria-current="page"]'), ["Find"], "the nav says which view is shown")


def narrow(b):
    for width in (390, 320) if LONG else (390,):
        b.size(width, 844)
        for view in VIEWS:
            ready(b, view)
            t.ok(
                b.js("return document.documentElement.scrollWidth <= innerWidth"),
                f"{width} px: nothing is wider than the screen at {view}",
                b.js(
                    "return [...document.querySelectorAll('body *')].filter(e => e.checkVisibility()"
                    " && e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.scroll, pre, figure, table'))"
                    ".map(e => e.outerHTML.slice(0, 100)).slice(0, 5)"
                ),
            )
    ready(b, "#q=1&a=rich&b=plain")
    tops = b.js(
        "return [...document.querySelectorAll('.columns.two')][0].children.length === 2"
        " && [...document.querySelector('.columns.two').children].map(e => e.getBoundingClientRect().left)"
    )
    t.ok(tops and tops[0] == tops[1], "two answers stand one below the other", tops)


def without_script():
    with Browser(page, scripts=False) as b:
        text = b.one("body").text
        t.ok(
            "needle5x2x1" in text and "verdict5x1 by second" in text and "game2x5x1" in text,
            "without a script all texts are there",
            text[:500],
        )
        t.ok(len([e for e in b.all("#scores table, #heat table")]) >= 2 and b.all("#scores table")[0].is_displayed(), "and the tables")
        t.ok(b.all(".reading") == [] and not b.shown("#find, #read, nav a[href='#find']"), "and nothing that would do nothing")
        link = next(e for e in b.all("#heat td a") if "q=3&a=rich" in e.get_attribute("href"))
        address = link.get_attribute("href")
        b.driver.get(address)
        top = b.one('[id="q=3&a=rich"]').rect["y"]
        b.until(lambda: b.driver.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssVisualViewport"]["pageY"] > 0)
        at = b.driver.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssVisualViewport"]["pageY"]
        t.ok(at > 0 and abs(at - top) < 900, "a cell of the heat map leads to its answer", (at, top))
        odd = next(e for e in b.all("#heat td a") if "odd" in e.get_attribute("href"))
        t.ok(ODD in b.one(f'[id="{odd.get_attribute("href").split("#")[1]}"]').text, "of an odd name too")


with Browser(page) as b:
    for part in (rules, keyboard, narrow):
        t.try_(part, b)
t.try_(without_script)
t.done()
