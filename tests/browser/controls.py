"""controls.py PAGE: every control of the page of bench.py is used, and what it does is read from the page."""

import sys

from bench import ODD, RICH
from browser import Browser, Keys, Tap

t = Tap()


def rows(b, section="scores"):
    return b.js(
        """return [...document.querySelectorAll(`#${arguments[0]} tbody tr`)].filter(row => row.checkVisibility())
            .map(row => row.cells[0].textContent)""",
        section,
    )


def column(b, name):
    """Values of a column of the table that is shown, as numbers or null."""
    return b.js(
        """const table = [...document.querySelectorAll('#scores table')].find(t => t.checkVisibility());
        const at = [...table.tHead.rows[0].cells].findIndex(c => c.dataset.name === arguments[0]);
        return [...table.tBodies[0].rows].filter(r => r.checkVisibility()).map(r => r.cells[at].dataset.v ?? null)""",
        name,
    )


def caption(b, section="scores"):
    return b.js(
        "return [...document.querySelectorAll(`#${arguments[0]} caption`)].find(c => c.checkVisibility())?.innerText ?? ''", section
    )


def found(b):
    return b.texts("#find .results li > a")


def search(b, **words):
    """A way to a search through the address."""
    b.js("location.hash = arguments[0]", "#find&" + "&".join(f"{k}={v}" for k, v in words.items()))
    b.until(lambda: b.words == {"find": "", **words})
    return found(b)


def scores(b):
    t.equal(sorted(rows(b)), sorted(["rich", "plain", ODD]), "the score table has a row for each model that was judged")
    visible = lambda name: next(e for e in b.all(f'#scores th[data-name="{name}"] button') if e.is_displayed())
    visible("score").click()
    b.until(lambda: b.words.get("sort") == "-score")
    values = [float(v) for v in column(b, "score") if v is not None]
    t.ok(values == sorted(values, reverse=True) and len(values) > 2, "a press on a column's head sorts by it, highest first", values)
    t.equal(
        b.js(
            "return [...document.querySelectorAll('#scores [aria-sort]')].filter(e => e.checkVisibility())"
            ".map(e => e.getAttribute('aria-sort'))"
        ),
        ["descending"],
        "aria-sort says so",
    )
    visible("score").click()
    b.until(lambda: b.words.get("sort") == "score")
    values = [float(v) for v in column(b, "score") if v is not None]
    t.equal(values, sorted(values), "a second press: lowest first")
    visible("model").click()
    b.until(lambda: b.words.get("sort") == "model")
    t.equal(rows(b), sorted(rows(b)), "by name")
    b.js("location.reload()")
    t.ok(b.until(lambda: b.words.get("sort") == "model" and rows(b) == sorted(rows(b))), "the order survives a reload")
    b.driver.back()
    t.ok(b.until(lambda: b.words.get("sort") == "score"), "the back key returns to the order before")
    b.type('#scores input[name="name"]', "LAI")
    t.ok(b.until(lambda: rows(b) == ["plain"]), "part of a name leaves its models", rows(b))
    t.ok(b.until(lambda: "1 model" in b.text("#live")), "and is said aloud", b.text("#live"))
    b.type('#scores input[name="name"]', "")
    b.js("location.hash = '#scores'")
    b.choose('#scores select[name="judge"]', "second")
    t.ok(b.until(lambda: "second" in caption(b)), "another judge's table", caption(b))
    b.choose('#scores select[name="category"]', "math")
    t.ok(b.until(lambda: "math" in caption(b) and "second" in caption(b)), "one category's table", caption(b))
    for kind in b.options('#scores select[name="kind"]') if b.all('#scores select[name="kind"]') else []:
        b.choose('#scores select[name="kind"]', kind)
        t.ok(
            b.until(
                lambda: b.js("return [...document.querySelectorAll('#scores table')].find(t => t.checkVisibility()).dataset.kind") == kind
            ),
            f"the table of kind {kind}",
        )
        said = "return document.querySelector('#scores select[name=category]').value"
        t.equal(b.js(said) == "math", "math" in caption(b), f"the control of {kind} says of which category it is")


def heat(b):
    b.one('nav a[href="#heat"]').click()
    t.ok(b.until(lambda: len(b.shown("#heat table")) == 1), "one heat map is shown")
    t.equal(b.js("return document.activeElement.textContent"), "Heat map", "the focus is at the heading of the view")
    cell = next(e for e in b.all("#heat td a") if e.is_displayed() and e.get_attribute("href").endswith("q=3&a=rich"))
    number = cell.text
    cell.click()
    t.ok(b.until(lambda: "needle3x1x0" in b.text("#read .reading")), "a cell opens its answer", b.text("#read .reading")[:200])
    t.ok(number != "" and "Question 3, rich" in b.text("#read h3"), "of its question and model", b.text("#read h3"))
    b.js("location.hash = '#heat&category=math'")
    heads = lambda: b.js(
        "return [...document.querySelectorAll('#heat thead th[data-q]')].filter(h => h.checkVisibility()).map(h => h.innerText)"
    )
    t.ok(b.until(lambda: heads() == ["4"]), "a category leaves its questions", heads())
    b.choose('#heat select[name="judge"]', "second")
    t.ok(b.until(lambda: "second" in caption(b, "heat")), "another judge's map")
    t.ok(b.text("#heat td.failed") != "" and b.all("#heat td.failed [title]"), "a failure is no number, and says why")


def find(b):
    b.one('nav a[href="#find"]').click()
    b.until(lambda: b.shown('#find input[name="text"]'))
    b.type('#find input[name="text"]', "needle5x2x0")
    t.ok(b.until(lambda: len(found(b)) == 3), "a word of an answer finds it, of each model that has it", found(b))
    b.type('#find input[name="text"]', "needle3x2x1")
    t.ok(b.until(lambda: found(b) == ["Question 3, rich"]), "another choice's word too", found(b))
    t.equal(b.text("#find mark"), "needle3x2x1", "the word is marked")
    t.ok(
        "1 item found" in b.text("#find .count") and b.text("#find .count") == b.text("#live"),
        "the number is shown and said",
        b.text("#live"),
    )
    b.type('#find input[name="text"]', '"BOXES stand in"')
    t.ok(
        b.until(lambda: "Question 3" in found(b) and f"Question 1, {ODD}" in found(b)),
        "several words in a row, in questions too, great or small",
        found(b),
    )
    t.ok("Question 1, rich" not in found(b), "and not what has them elsewhere")
    b.choose('#find select[name="in"]', "user")
    t.ok(b.until(lambda: found(b) == ["Question 3"]), "in questions alone", found(b))
    t.equal(search(b, text="verdict5x1"), ["Question 5, " + m for m in sorted([ODD, "plain", "rich"])], "a word of judgments")
    t.ok(b.until(lambda: len(b.texts("#find .excerpt")) == 6), "by both judges", b.texts("#find .excerpt"))
    t.equal(len(search(b, text="verdict5x1", judge="second")), 3, "of one judge")
    t.ok(
        all("second" in e for e in b.texts("#find .excerpt")) and len(b.texts("#find .excerpt")) == 3,
        "his texts alone",
        b.texts("#find .excerpt"),
    )
    t.equal(
        search(b, text="game2x2x1"), [f"Question 2, {' and '.join(sorted([ODD, 'rich']))}", "Question 2, plain and rich"], "a word of games"
    )
    t.equal(search(b, text="nowhere-to-be-found"), [], "nothing")
    t.ok("Nothing found" in b.text("#find .count"), "is said", b.text("#find .count"))
    b.js("location.hash = '#find'")
    for name, value, check, what in [
        ("category", "coding", lambda names: names and all(n.startswith("Question 5") for n in names), "category"),
        ("model", ODD, lambda names: names and all(ODD in n for n in names), "model"),
        ("show", "questions", lambda names: names == [f"Question {i}" for i in range(1, 9)], "questions"),
        ("show", "pairs", lambda names: len(names) == 10 and all(" and " in n for n in names), "pairs"),
        ("show", "answers", lambda names: len(names) >= 24 and not any(" and " in n for n in names), "answers"),
    ]:
        b.choose(f'#find select[name="{name}"]', value)
        t.ok(b.until(lambda: check(found(b))), f"the filter by {what}", found(b))
        b.one('#find button[name="clear"]').click()
        b.until(lambda: b.fragment == "#find")
    b.one('#find input[name="failed"]').click()
    t.ok(
        b.until(lambda: "Question 2, rich" in found(b) and "Question 3, plain" in found(b) and "Question 1, plain" not in found(b)),
        "what failed",
        found(b),
    )
    b.one('#find button[name="clear"]').click()
    t.ok(
        b.until(lambda: not b.one('#find input[name="failed"]').is_selected() and "Question 1, plain" in found(b)), "Clear shows all again"
    )
    if MADE:
        b.one('#find input[name="cut"]').click()
        t.ok(b.until(lambda: found(b) and all(MADE[0] in name for name in found(b))), "what was cut at the token limit", found(b))
        b.one('#find button[name="clear"]').click()


def narrowed(b):
    """Filters that say of a turn, a judge or a name what is not there."""
    t.equal(search(b, empty="yes"), ["Question 7, plain", "Question 7, plain and rich"], "the one empty answer, alone and in a pair")
    t.ok("empty" in b.text("#find .about"), "is called so", b.text("#find .about"))
    t.equal(search(b, empty="yes", turn="1"), [], "not at the other turn")
    t.equal(search(b, outdated="yes"), ["Question 5, plain and rich", "Question 6, plain"], "what was judged as another text")
    t.equal(search(b, outdated="yes", show="answers", judge="second", turn="2"), ["Question 6, plain"], "by one judge, of one turn")
    b.js("location.hash = '#find'")
    b.one('#find input[name="outdated"]').click()
    t.ok(b.until(lambda: len(found(b)) == 2), "there is a control for it", found(b))
    t.equal(search(b, model="nobody"), [], "a model that is not here has nothing")
    t.equal(search(b, turn="3"), [], "nor has a turn that nobody had")
    t.ok(len(search(b, show="pairs", turn="2")) == 10, "all pairs had the second turn", found(b))
    apart = search(b, differ="judges", points="7")
    t.ok(apart and search(b, differ="judges", points="7", judge="second") == apart, "a judge who disagrees with another", found(b))
    apart = search(b, differ="turns", points="7", judge="gpt-4")
    t.ok(apart and search(b, differ="turns", points="7", judge="gpt-4", turn="1") == apart, "turns that disagree, seen from one", found(b))
    t.equal(search(b, text='%22BOXES%20stand%20in', show="questions"), ["Question 3"], "a quotation that is not closed yet")


def ranges(b):
    rows_ = {(r["question_id"], r["model"], r["turn"]): r["score"] for r in WANTED["single"]}
    models = ["rich", "plain", ODD]
    mean = {(q, m): [rows_[q, m, turn] for turn in (1, 2) if 1 <= rows_[q, m, turn] <= 10] for q in range(1, 9) for m in models}
    want = sorted(f"Question {q}, {m}" for (q, m), s in mean.items() if s and 3 <= sum(s) / len(s) <= 6.5)
    b.js("location.hash = '#find'")
    b.choose('#find select[name="judge"]', "gpt-4")
    b.type('#find input[name="from"]', "3")
    b.type('#find input[name="to"]', "6.5")
    t.ok(b.until(lambda: sorted(found(b)) == want), "a range of scores, as computed here", (found(b), want))
    b.choose('#find select[name="order"]', "low")
    means = lambda: [sum(s) / len(s) for s in (mean[int(n.split(",")[0].split()[1]), n.split(", ", 1)[1]] for n in found(b))]
    t.ok(b.until(lambda: means() == sorted(means())), "lowest first", means())
    b.choose('#find select[name="order"]', "high")
    t.ok(b.until(lambda: means() == sorted(means(), reverse=True)), "highest first", means())
    apart = sorted(f"Question {q}, {m}" for (q, m), s in mean.items() if len(s) == 2 and abs(s[0] - s[1]) >= 5)
    b.js("location.hash = '#find'")
    b.choose('#find select[name="judge"]', "gpt-4")
    b.choose('#find select[name="show"]', "answers")
    b.choose('#find select[name="differ"]', "turns")
    b.type('#find input[name="points"]', "5")
    t.ok(b.until(lambda: sorted(found(b)) == apart), "turns that disagree by five points", (found(b), apart))
    b.js("location.hash = '#find&show=answers&differ=judges&points=7'")
    second = {(r["question_id"], r["model"], r["turn"]): r["score"] for r in WANTED["second"]}
    good = lambda s: 1 <= s <= 10
    apart = sorted({f"Question {k[0]}, {k[1]}" for k in rows_ if good(rows_[k]) and good(second[k]) and abs(rows_[k] - second[k]) >= 7})
    t.ok(apart and b.until(lambda: sorted(found(b)) == apart), "judges that disagree by seven points", (found(b), apart))
    t.equal(b.one('#find input[name="points"]').get_attribute("value"), "7", "the address fills the controls")


def winners(b):
    b.js("location.hash = '#find'")
    for value, kinds in [
        ("=rich", ["rich wins both games"]),
        ("tie", ["a tie in both games"]),
        ("first", ["the answer shown first won both times"]),
        ("second", ["the answer shown second won both times"]),
        ("failed", ["failed ("]),
        ("split", ["one game is a tie", "the games disagree"]),
    ]:
        b.choose('#find select[name="winner"]', value)
        lines = lambda: b.texts("#find .about")
        t.ok(
            b.until(lambda: b.words.get("winner") == value and lines() and all(any(k in line for k in kinds) for line in lines())),
            f"winner: {value}",
            lines(),
        )
    want = sum(
        1
        for g in WANTED["pairs"]
        if "error" not in (g["g1_winner"], g["g2_winner"])
        and g["g1_winner"] == g["g2_winner"]
        and g["g1_winner"] != "tie"
        and g[g["g1_winner"]] == "rich"
    )
    b.choose('#find select[name="winner"]', "=rich")
    b.until(lambda: b.words.get("winner") == "=rich")
    t.equal(b.text("#find .results").count("rich wins both games"), want, "as often as the file says")


def read(b):
    b.js("location.hash = '#read'")
    t.ok(b.until(lambda: b.shown("#read .reading h3")), "a first reading without any word")
    b.choose('#read select[name="category"]', "coding")
    t.ok(b.until(lambda: b.words.get("q") == "5"), "a category begins with its first question", b.fragment)
    b.choose('#read select[name="a"]', "rich")
    t.ok(
        b.until(lambda: b.words.get("a") == "rich" and "needle5x1x0" in b.text(".reading") and "needle5x2x1" in b.text(".reading")),
        "both turns, both choices",
        b.text(".reading"),
    )
    text = b.text(".reading")
    order = [text.find(part) for part in ("coun", "needle5x1x0", "needle5x2x0", "verdict5x1", "verdict5x2")]
    t.ok(order == sorted(order) and order[0] >= 0, "question, answers, judgments stand in this order", order)
    t.ok("by gpt-4" in text and "by second" in text, "all judges", text[-400:])
    t.ok("character" in text, "the answer's length")
    b.choose('#read select[name="judge"]', "second")
    t.ok(
        b.until(lambda: "verdict5x1 by second" in b.text(".reading") and "verdict5x1 by gpt-4" not in b.text(".reading")), "one judge alone"
    )
    b.choose('#read select[name="judge"]', "")
    b.choose('#read select[name="choice"]', "2")
    t.ok(b.until(lambda: "needle5x1x1" in b.text(".reading") and "needle5x1x0" not in b.text(".reading")), "one choice alone")
    b.choose('#read select[name="b"]', "plain")
    t.ok(b.until(lambda: len(b.shown(".columns.two .column")) == 4), "two models side by side, both turns")
    t.ok("game1x5x1" in b.text(".reading") and "game2x5x2" in b.text(".reading"), "both games of both turns", b.text(".reading"))
    verdicts = b.texts(".reading .verdict")
    t.ok(
        len(verdicts) == 2 and all(any(w in v for w in ("win", "tie", "won", "failed")) for v in verdicts), "the winner in words", verdicts
    )
    b.choose('#read select[name="q"]', "5")
    b.js("location.hash = '#q=1&a=rich&b=plain'")
    b.until(lambda: "needle1x1x0" in b.text(".reading"))
    b.one('#read button[name="diff"]').click()
    t.ok(b.until(lambda: b.shown(".difference ins") and b.shown(".difference del")), "differences are marked")
    gone = "".join(b.texts(".difference del"))
    added = " ".join(b.texts(".difference ins"))
    t.ok("strength" in gone and "boxes" in added and "needle1x1x0" not in gone + added, "what one has and the other has not", (gone, added))
    t.equal(b.words.get("diff"), "yes", "and stand in the address")
    b.press("d")
    t.ok(b.until(lambda: not b.shown(".difference")), "the key d takes them away")
    b.js("location.reload()")
    t.ok(b.until(lambda: b.shown(".reading") and "Question 1, rich and plain" in b.text("#read h3")), "a pair survives a reload")
    b.js("location.hash = '#q=1&a=plain&choice=2'")
    t.ok(
        b.until(lambda: "needle1x1x0" in b.text(".reading") and "Question 1, plain" in b.text("#read h3")),
        "a model without a second choice shows the one that it has",
        b.text(".reading"),
    )
    lines = lambda: b.js("return [...document.querySelectorAll('.reading .reference p')].map(p => p.innerText.split('\\n').length)")
    b.js("location.hash = '#q=5'")
    t.ok(b.until(lambda: max(lines(), default=0) > 5), "lines of code without a fence stay lines", lines())
    height = b.js(
        "const p = document.querySelector('.reading .reference p'); const of = html => { p.innerHTML = policy.createHTML(html);"
        "return p.getBoundingClientRect().height; }; return ['a<br>\\nb', 'a\\nb', 'a b', 'a\\n'].map(of)"
    )
    t.ok(height[0] == height[1] and height[1] > height[2] == height[3], "a break is one break, an end none", height)
    b.js("location.hash = '#q=1&a=rich&b=rich&diff=yes'")
    t.ok(b.until(lambda: "No word differs." in b.text(".difference")) and not b.all(".difference ins"), "equal answers are called equal")
    b.js("location.hash = '#q=1&a=rich&b=rich&choice_b=2&diff=yes'")
    t.ok(b.until(lambda: "needle1x1x1" in b.text(".difference ins")), "two choices of one model are told apart", b.text(".difference"))
    for q, said in ((3, "plain: The answer failed"), (7, "plain: (empty)")):
        b.js("location.hash = arguments[0]", f"#q={q}&a=rich&b=plain&diff=yes")
        t.ok(b.until(lambda: said in b.text(".difference .failed")), f"beside nothing: {said}", b.text(".difference"))
        added = b.text("ins")
        t.ok("failed" not in added and "empty" not in added and f"needle{q}x2x0" in b.text("del"), "which is no word of the model", added)
    b.js("location.hash = '#q=4711&a=rich'")
    t.ok(b.until(lambda: "no question 4711" in b.text(".reading")), "a question that is not there is named")
    t.equal(b.shown("#read form, #read .steps"), [], "without controls of another reading")
    b.js("location.hash = '#q=1&a=%E0%A4%A'")
    t.ok(b.until(lambda: "no model %E0%A4%A" in b.text(".reading")), "so is a model, however it is spelt")
    b.js("location.hash = '#q=1'")
    t.ok(b.until(lambda: len(b.shown(".overview tbody tr")) == 3 + len(MADE)), "a question without a model lists all models' scores")


def steps(b):
    b.js("location.hash = '#q=3&a=plain'")
    b.until(lambda: "Question 3" in b.text("#read h3"))
    b.press("n")
    t.ok(b.until(lambda: "Question 4, plain" in b.text("#read h3")), "n: the next question of the same model")
    b.press("p")
    b.press("p")
    t.ok(b.until(lambda: "Question 2, plain" in b.text("#read h3")), "p: the one before")
    b.driver.back()
    t.ok(b.until(lambda: "Question 3, plain" in b.text("#read h3")), "back")
    b.driver.forward()
    t.ok(b.until(lambda: "Question 2, plain" in b.text("#read h3")), "forward")
    b.one('#read button[name="previous"]').click()
    b.until(lambda: "Question 1, plain" in b.text("#read h3"))
    t.ok(not b.one('#read button[name="previous"]').is_enabled(), "nothing is before the first")
    hits = search(b, text="verdict5x1")
    b.shown("#find .results li > a")[1].click()
    t.ok(b.until(lambda: hits[1] in b.text("#read h3")), "a hit opens", b.text("#read h3"))
    t.ok(b.js("return CSS.highlights.get('hits')?.size ?? 0") > 0, "its words are marked")
    b.press("j")
    t.ok(b.until(lambda: hits[2] in b.text("#read h3")), "j: the next hit", b.text("#read h3"))
    b.js("location.reload()")
    b.until(lambda: b.shown("#read h3"))
    b.press("k")
    t.ok(b.until(lambda: hits[1] in b.text("#read h3")), "k: the one before, after a reload too", b.text("#read h3"))
    next(e for e in b.shown("#read .steps a")).click()
    t.ok(b.until(lambda: found(b) == hits), "and back to all that was found", found(b))
    b.press("/")
    t.equal(b.js("return document.activeElement.name"), "text", "/ goes to the search")
    b.press("?")
    t.ok(b.until(lambda: b.shown("#keys[open]")), "? lists the keys")
    b.one('#keys input[name="keys"]').click()
    b.one("#keys form button").click()
    b.js("location.hash = '#q=3&a=plain'")
    b.until(lambda: "Question 3" in b.text("#read h3"))
    b.press("n")
    b.js("location.hash = '#q=6&a=plain'")
    t.ok(b.until(lambda: "Question 6" in b.text("#read h3")) and b.js("return history.length") > 0, "switched off, keys do nothing")
    b.driver.back()
    t.ok(b.until(lambda: "Question 3" in b.text("#read h3")), "not even a step of the history", b.fragment)
    b.js("localStorage.clear()")


def copies(b):
    b.js("location.hash = '#q=1&a=rich&choice=1'")
    b.until(lambda: "needle1x1x0" in b.text(".reading"))
    text = b.js("return readingMarkdown()")
    for part in [
        "inline code",
        "```python",
        "def f(x):",
        "1. first",
        "- deeper",
        "> a quote",
        "| left | right |",
        "| :-- | --: |",
        "[link](<https://example.org/page>)",
        "$\\pi r^2$",
        "return x < 2",
    ]:
        t.ok(part in text, f"the Markdown of what is shown holds {part}", text[:1500])
    for html, markdown in [
        ("<table><tr><th>a<tr><td><code>x|y</code> \\| z</table>", "| a |\n| --- |\n| `x\\|y` \\\\\\| z |"),
        ("<p>one<br>\n- two<br>\n3. three</p>", "one\\\n\\- two\\\n3\\. three"),
        ("<p>a rose\nis *\n+ a rose\n</p>", "a rose\nis \\*\n\\+ a rose"),
        ("<p>wow!<a href='https://example.org'>here</a>!</p>", "wow\\![here](<https://example.org>)!"),
        ("<ul><li>a<ul><li>b<pre><code class='language-c'>x\n\n  y</code></pre></ul></ul>",
         "- a\n  - b\n    ```c\n    x\n\n      y\n    ```"),
        ("<p><span class=tex>\\(a_1 | b*c\\)</span></p>", "\\(a_1 | b*c\\)"),
    ]:
        seen = b.js(
            "const t = document.createElement('template'); t.innerHTML = policy.createHTML(arguments[0]);"
            "return markdownOf(t.content)",
            html,
        )
        t.equal(seen, markdown + "\n", f"as Markdown: {markdown!r}")
    b.js("location.hash = '#q=1&a=rich&b=plain&diff=yes'")
    b.until(lambda: b.shown(".difference ins"))
    t.ok("{+" in b.js("return readingMarkdown()") and "[-" in b.js("return readingMarkdown()"), "differences are copied with their marks")
    b.js("location.hash = '#q=1&a=rich&choice=1'")
    b.until(lambda: not b.all(".difference") and "needle1x1x0" in b.text(".reading"))
    b.driver.execute_cdp_cmd("Browser.grantPermissions", {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]})
    b.one('#read button[name="copy"]').click()
    t.ok(b.until(lambda: "Copied" in b.text("#read .done") or b.shown("dialog.copy")), "Copy says that it did, or offers the text")
    if b.shown("dialog.copy"):
        t.equal(b.js("return document.querySelector('dialog.copy textarea').value"), text, "the text is offered")
        b.one("dialog.copy form button").click()
    else:
        t.equal(b.js("return navigator.clipboard.readText()"), text, "the clipboard holds it")
    b.js("Object.defineProperty(navigator, 'clipboard', {value: {writeText: () => Promise.reject(new Error('no'))}, configurable: true})")
    b.one('#read button[name="copy"]').click()
    t.ok(b.until(lambda: b.shown("dialog.copy textarea")), "without a clipboard the text is offered")
    t.equal(
        b.js("const a = document.querySelector('dialog.copy textarea'); return a.value.slice(a.selectionStart, a.selectionEnd)"),
        text,
        "and selected",
    )
    b.one("dialog.copy form button").click()
    t.ok(b.until(lambda: not b.all("dialog.copy")), "it closes")


def colours(b):
    paper = lambda: b.js("return getComputedStyle(document.documentElement).backgroundColor")
    light = paper()
    b.choose('select[name="colours"]', "dark")
    dark = b.until(lambda: paper() != light and paper())
    t.ok(dark, "the switch makes it dark", dark)
    b.js("location.reload()")
    t.ok(b.until(lambda: paper() == dark), "a reload keeps that")
    b.choose('select[name="colours"]', "")
    t.ok(b.until(lambda: paper() == light), "as the system has it: light")
    b.media(colours="dark")
    t.ok(b.until(lambda: paper() == dark), "as the system has it: dark")
    b.choose('select[name="colours"]', "light")
    t.ok(b.until(lambda: paper() == light), "light, whatever the system has")
    b.media(kind="print")
    t.ok(not b.shown("nav, .settings, .controls, .steps"), "print: no controls")
    t.ok(b.shown(".reading"), "but what was read")
    b.js("window.printed = 0; window.print = () => { window.printed++; }")
    b.media()
    b.one('#read button[name="print"]').click()
    t.equal(b.js("return window.printed"), 1, "Print prints")
    b.js("localStorage.clear()")


def lists():
    """What bench.py wrote, again from its functions."""
    import bench

    questions = range(1, 9)
    return {
        "single": list(bench.gradings(["rich", "plain", ODD], questions, "gpt-4", 0)),
        "second": list(bench.gradings(["rich", "plain", ODD], questions, "second", 3)),
        "pairs": [*bench.pairs("gpt-4", "rich", "plain", questions), *bench.pairs("gpt-4", ODD, "rich", [1, 2])],
    }


MADE = sys.argv[2:]  # models that others have put beside those of bench.py, made by mtbench answer
WANTED = lists()
with Browser(sys.argv[1]) as b:
    for part in (scores, heat, find, narrowed, ranges, winners, read, steps, copies, colours):
        t.try_(part, b)
    events = b.events()
    t.equal(b.asked_for(events), [], "nothing was asked for but the page")
    t.equal(b.complaints(), [], "the console is empty")
t.done()
