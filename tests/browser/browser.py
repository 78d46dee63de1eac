"""browser.py - a real Chromium that opens a page from a file, and what its tests share: TAP lines, waiting, what was requested."""

import json
import os
import pathlib
import sys
import time
import traceback
import urllib.parse

from selenium import webdriver
from selenium.common.exceptions import NoAlertPresentException, StaleElementReferenceException, TimeoutException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

PATIENCE = 30  # seconds; a condition that holds is seen at once


class Tap:
    """ok(condition, "what is true") prints a TAP line; done() the plan."""

    def __init__(self):
        self.n = self.bad = 0

    def ok(self, condition, what, seen=None):
        self.n += 1
        print(f"{'ok' if condition else 'not ok'} {self.n} - {what}", flush=True)
        if not condition:
            self.bad = 1
            print(f"#   seen: {str(seen)[:1500]}", flush=True)
        return bool(condition)

    def equal(self, seen, wanted, what):
        return self.ok(seen == wanted, what, f"{seen!r} instead of {wanted!r}")

    def try_(self, part, *arguments):
        """A part that cannot go on is one failure; the others are still looked at."""
        try:
            part(*arguments)
        except Exception:  # of any kind: what is missing shows as anything
            self.ok(False, f"{part.__name__} comes to its end", traceback.format_exc(limit=-2).splitlines()[:8])

    def done(self):
        print(f"1..{self.n}")
        sys.exit(self.bad)


def options(width, height, scripts, colours):
    o = webdriver.ChromeOptions()
    o.binary_location = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    for flag in [
        "--headless=new",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-default-apps",
        "--lang=en",
        f"--window-size={width},{height}",
        "--force-device-scale-factor=1",
    ]:
        o.add_argument(flag)
    if os.geteuid() == 0:
        o.add_argument("--no-sandbox")
    if not scripts:
        o.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
    o.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    o.page_load_strategy = "normal"
    return o


class Browser:
    """with Browser(page) as b: the page is open. Texts are compared with white space folded."""

    def __init__(self, page, fragment="", width=1440, height=900, scripts=True, colours="light"):
        self.address = pathlib.Path(page).resolve().as_uri()
        service = webdriver.ChromeService(os.environ.get("CHROMEDRIVER", "/usr/bin/chromedriver"))
        self.driver = webdriver.Chrome(options=options(width, height, scripts, colours), service=service)
        self.size(width, height)
        self.media(colours=colours)
        self.open(fragment)

    def __enter__(self):
        return self

    def __exit__(self, *why):
        self.driver.quit()

    def open(self, fragment=""):
        """In a document of its own, whatever was open."""
        self.driver.get("about:blank")
        self.driver.get(self.address + fragment)

    def media(self, colours="light", kind=""):
        self.driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"media": kind, "features": [{"name": "prefers-color-scheme", "value": colours}]}
        )

    def size(self, width, height):
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride", {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        )

    # ---- looking ----

    def js(self, code, *arguments):
        return self.driver.execute_script(code, *arguments)

    def all(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def one(self, css):
        return self.driver.find_element(By.CSS_SELECTOR, css)

    def shown(self, css):
        return [e for e in self.all(css) if e.is_displayed()]

    def text(self, css):
        """The visible text of all that match, white space folded."""
        return self.js(
            "return [...document.querySelectorAll(arguments[0])].map(e => e.innerText).join(' ').replace(/\\s+/g, ' ').trim()", css
        )

    def texts(self, css):
        return self.js(
            "return [...document.querySelectorAll(arguments[0])].filter(e => e.checkVisibility())"
            ".map(e => e.innerText.replace(/\\s+/g, ' ').trim())",
            css,
        )

    @property
    def fragment(self):
        return self.js("return location.hash")

    @property
    def words(self):
        """The address as a dictionary."""
        parts = [part.split("=", 1) for part in self.fragment.lstrip("#").split("&")]
        return {part[0]: urllib.parse.unquote(part[1]) if len(part) > 1 else "" for part in parts}

    def until(self, condition):
        """What the condition returned, once it is true; else what it returned last."""
        last = [None]

        def held(_):
            last[0] = condition()
            return last[0]

        try:
            WebDriverWait(self.driver, PATIENCE, 0.03, ignored_exceptions=[StaleElementReferenceException]).until(held)
        except TimeoutException:
            pass
        return last[0]

    # ---- doing ----

    def choose(self, css, value):
        Select(self.one(css)).select_by_index(self.options(css).index(value))

    def options(self, css):
        return [o.get_attribute("value") for o in Select(self.one(css)).options]

    def type(self, css, text):
        field = self.one(css)
        field.clear()
        field.send_keys(text)

    def press(self, key):
        """On the page itself."""
        self.js("document.activeElement?.blur()")
        webdriver.ActionChains(self.driver).send_keys(key).perform()

    def tab(self):
        webdriver.ActionChains(self.driver).send_keys(Keys.TAB).perform()

    def picture(self, path, whole=False):
        shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": whole})
        import base64

        pathlib.Path(path).write_bytes(base64.b64decode(shot["data"]))

    # ---- what must not happen ----

    def events(self):
        return [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]

    def asked_for(self, events):
        """Everything but the page itself that the browser asked for."""
        wanted = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
        sockets = [e["params"]["url"] for e in events if e["method"] in ("Network.webSocketCreated", "Network.webTransportCreated")]
        own = self.address
        return [url for url in wanted + sockets if url.split("#")[0] != own and url != "about:blank"]

    def dialogs(self, events):
        return [e["params"] for e in events if e["method"] == "Page.javascriptDialogOpening"]

    def dialog_open(self):
        try:
            return self.driver.switch_to.alert.text
        except NoAlertPresentException:
            return None

    def complaints(self):
        """Of the console: errors of the script, and what the policy of the page refused."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]


def figure(what, value, unit):
    """A figure is no test: the machine may be busy."""
    print(f"# {what}: {value:.0f} {unit}", flush=True)


def median_time(run, times=5):
    """Milliseconds."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        taken.append((time.perf_counter() - start) * 1000)
    return sorted(taken)[times // 2]
