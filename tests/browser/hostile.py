"""hostile.py PAGE: a page whose texts and names are attacks. In a real browser nothing of them runs, asks for anything, or opens a
dialog, in any view, with the script and without it; and all of them are there to be read."""

import sys

from browser import Browser, Tap

t = Tap()

# What attacks would leave behind. Those of the corpus call alert(), fetch(), or set a global of one of these names.
TRACES = """return ['pwned', 'xss', 'attacked', 'hacked'].filter(name => window[name] !== undefined && !(window[name] instanceof Element)
    && !(window[name] instanceof HTMLCollection))"""


def quiet(b, where):
    events = b.events()
    t.equal(b.asked_for(events), [], f"no request leaves {where}")
    t.equal(b.dialogs(events), [], f"no dialog opens {where}")


# Anything that could run or load, anywhere in the document.
LOOK = """function suspects() {
        const bad = [...document.querySelectorAll(`script, iframe, object, embed, img, video, audio, link, base, form[action],
        foreignObject, [src], [style], meta[http-equiv="refresh"]`)]
        .filter(e => !(e.nodeName === 'SCRIPT' && (e.id === 'index' || e === document.body.querySelector(':scope > script:not([type])'))));
        const events = [...document.querySelectorAll('*')].filter(e => [...e.attributes].some(a => a.name.startsWith('on')));
        const links = [...document.querySelectorAll('[href]')].filter(e =>
            !/^(https?:|mailto:|#|q\\d+\\.html#|index\\.html)/.test(e.getAttribute('href')));
        return [...bad, ...events, ...links].map(e => e.outerHTML.slice(0, 150)); }
"""


def elements(b):
    return b.js(LOOK + "return suspects()")


with Browser(sys.argv[1]) as b:
    questions, models = b.js("return [index.questions.map(q => q[0]), index.models]")
    t.ok(len(questions) > 0 and len(models) > 0, f"a page of {len(questions)} questions and {len(models)} models")
    bad, read = [], 0
    for q, a in b.js("return [...new Set([...answersOf.keys(), ...singleOf.keys()])].map(k => k.split(' ').slice(0, 2).map(Number))"):
        b.js("go({view: 'read', q: questionId(arguments[0]), a: index.models[arguments[1]]})", q, a)
        seen, found = b.js(LOOK + "return [document.querySelectorAll('.reading section.answer').length, suspects()]")
        read += seen
        bad += found
    t.equal(bad, [], f"{read} answers hold nothing that runs or loads")
    for view in ("#scores", "#heat", "#find&text=script", "#find", "#plots", "#setup", f"#q={questions[0]}"):
        b.js("location.hash = arguments[0]", view)
        b.until(lambda: b.fragment == view)
        t.equal(elements(b), [], f"nor does {view}")
    for script in (
        "#q=%3Cscript%3Ewindow.pwned=1%3C/script%3E",
        "#find&text=%3Cimg%20src=x%20onerror=alert(1)%3E",
        "#scores&sort=__proto__&judge=constructor",
        "#q=1&__proto__=x&a=toString",
        "#find&differ=toString&order=constructor&in=__proto__&winner=hasOwnProperty",
    ):
        b.js("location.hash = arguments[0]", script)
        b.until(lambda: b.fragment == script)
        t.equal(elements(b), [], f"nor an address like {script[:40]}")
    t.equal(b.js(TRACES), [], "nothing ran")
    t.equal(
        b.js(
            "return [document.title.includes('pwned'), document.querySelectorAll('main').length, document.querySelectorAll('body').length]"
        ),
        [False, 1, 1],
        "the page is one, and whole",
    )
    for link in b.all(".reading a")[:3]:
        t.ok(link.get_attribute("rel") or link.get_attribute("href").startswith("file:"), "links out say nothing of where they come from")
    quiet(b, "with the script")
    t.equal([c for c in b.complaints() if "Content Security Policy" not in c], [], "the script has no error")
with Browser(sys.argv[1], scripts=False) as b:
    b.until(lambda: b.all("main article"))
    t.ok(len(b.all("main article")) >= len(questions), "without the script all of them are shown")
    quiet(b, "without the script")
t.done()
