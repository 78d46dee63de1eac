#!/usr/bin/env python3
"""Do the tests notice? One small change to the code at a time, each built and tested until a test fails.

    tests/tools/mutate.py [-n 100] [--seed 1] [--files 'src/judge/*.c'] [--runs tests/run/plan.t ...] [--skip demo]
    tests/tools/mutate.py --named [WORD ...]

A mutant swaps an operator (< <=, == !=, + -, && ||, ...), moves a constant by one, negates a condition or drops a call whose value nobody takes. The unit
and op tests that link the file run first, that of its own name first of all, then the scripts of --runs. What no test notices is printed with its line; the
exit code is 1 if anything survived. --named plants the faults of tests/tools/mutants.jsonl instead (those whose law, file or test has one of the WORDs), each
of which breaks a law that its test is there for, and runs that test alone. The tree itself is not touched: it is copied to --work (build/mutate), and
built there as a shared library, so that a mutant costs one compilation and one link; two that run side by side need a folder each.
"""
import argparse
import filecmp
import glob
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
NAMED = "tests/tools/mutants.jsonl"
SWAPS = [("<=", "<"), (">=", ">"), ("==", "!="), ("!=", "=="), ("&&", "||"), ("||", "&&"), ("+=", "-="), (" + ", " - "), (" - ", " + "),
         (" * ", " / "), (" < ", " <= "), (" > ", " >= "), ("++", "--"), (" >> ", " << "), (" & ", " | "), ("true", "false"), ("false", "true"),
         ("continue;", "break;"), ("return -1;", "return 0;"), ("return 0;", "return -1;"), ("if (!", "if ("), ("if (", "if (!")]
SKIP = re.compile(r'^\s*(//|/\*|\*|#|$)|assert|log_|err_set|err_wrap|err_advise|MTB_INLINE .*\{ return')
MOST_MEMORY, MOST_FILE = 12 << 30, 1 << 30      # bytes: a mutant that allocates or writes without end is stopped, not the machine
ENDLESS_CPU, ENDLESS_WALL = 4, 30               # a test that takes so many times its usual seconds (of the CPU, of the clock) hangs


# ---- what may be changed ----

def code_of(line):
    """The line with strings, characters and comments blanked, so that places in it are places in code."""
    blank = lambda m: " " * len(m.group(0))
    return re.sub(r'"(\\.|[^"\\])*"|\'(\\.|[^\'\\])*\'|/\*.*?\*/|/\*.*|//.*', blank, line)


def matching(code, at):
    depth = 0
    for i in range(at, len(code)):
        depth += (code[i] == "(") - (code[i] == ")")
        if depth == 0:
            return i
    return None


def mutations(line):
    """All single changes of a line, as (text, what)."""
    code, out = code_of(line), []
    for old, new in SWAPS:
        at = code.find(old)
        while at >= 0:
            around = code[max(0, at - 1):at] + code[at + len(old):at + len(old) + 1]
            if old[0].isalpha() and re.search(r"\w", around) or old in ("<=", ">=") and code[at - 1:at] in "<>" and at:
                pass
            elif not (old == "if (" and code.startswith("if (!", at)):
                text = line[:at] + new + line[at + len(old):]
                if old == "if (":       # the whole condition, not its first operand
                    close = matching(code, at + 3)
                    text = line[:at] + "if (!(" + line[at + 4:close] + "))" + line[close + 1:] if close else None
                if text:
                    out.append((text, f"{old.strip()} -> {new.strip()}"))
            at = code.find(old, at + 1)
    for m in re.finditer(r"(?<![\w.])\d+(?![\w.])", code):
        out.append((line[:m.start()] + str(int(m.group(0)) + 1) + line[m.end():], f"{m.group(0)} -> {int(m.group(0)) + 1}"))
    call = re.match(r"^(\s+)(?!return|if|for|while|else|free|log|goto|switch)[a-z_0-9]+\(.*\);\s*$", code)
    if call:
        out.append((call.group(1) + ";\n", "call dropped"))
    return out


def candidates(tree, files):
    for name in files:
        inside = False
        with open(os.path.join(tree.folder, name)) as f:
            for number, line in enumerate(f):
                starts = re.match(r"^\s*/\*", line) and "*/" not in line
                if not inside and not starts and line.startswith(" ") and not SKIP.match(line) and not re.search(SKIP, line):
                    for text, what in mutations(line):
                        yield name, number, text, what
                inside = (inside or bool(starts)) and "*/" not in line


# ---- the copy that is changed ----

class Tree:
    def __init__(self, folder):
        self.folder = os.path.abspath(folder)
        self.library = os.path.join(self.folder, "build/mutate/libmtbench.so")
        # Its own name in full, so that programs find it wherever they are started.
        shared = f"ARCHIVE=$(CC) -shared -Wl,-soname={self.library} -Wl,--no-as-needed $(LDLIBS) -o"
        self.make = ["make", "-s", "-j2", "VARIANT=mutate", "LIB=build/mutate/libmtbench.so", shared]
        self.usual = {}                  # test to (CPU, wall) seconds

    def sh(self, command, cpu, wall, stop_at=None):
        """Exit code. -1: ran past a limit, or said a line that begins with 'stop_at'; whatever it started is ended then."""
        def limit():
            os.setsid()
            # Soft ones: tests that set limits of their own may raise them.
            most_of = {resource.RLIMIT_CPU: cpu, resource.RLIMIT_AS: MOST_MEMORY, resource.RLIMIT_FSIZE: MOST_FILE, resource.RLIMIT_CORE: 0}
            for what, most in most_of.items():
                resource.setrlimit(what, (most, resource.getrlimit(what)[1]))

        def end(how):
            try:
                os.killpg(p.pid, how)
            except ProcessLookupError:
                pass
        quiet, late = subprocess.DEVNULL, threading.Event()
        env = dict(os.environ, VARIANT="mutate", TMPDIR=os.path.join(self.folder, "build/tmp"))
        p = subprocess.Popen(command, cwd=self.folder, stdout=subprocess.PIPE, stderr=quiet, stdin=quiet, preexec_fn=limit, env=env)
        watch = threading.Timer(wall, lambda: (late.set(), end(signal.SIGKILL)))
        watch.start()
        said = any(stop_at and line.startswith(stop_at) for line in p.stdout)
        if said:
            end(signal.SIGTERM)          # scripts clear up behind themselves
            p.stdout.close()
        code = p.wait()
        watch.cancel()
        end(signal.SIGKILL)
        return -1 if said or late.is_set() else code

    def prepare(self):
        """The folder becomes a copy of the tree. What was built there stays: a file that differs gets a new time, so that make sees it."""
        built = {"build", ".git", "mtbench"}
        wanted = set()
        for at, folders, names in os.walk(TOP):
            folders[:] = [d for d in folders if at != TOP or d not in built]
            for source in (os.path.join(at, n) for n in names if at != TOP or n not in built):
                wanted.add(os.path.relpath(source, TOP))
                self.copy(source, os.path.join(self.folder, os.path.relpath(source, TOP)))
        for at, folders, names in os.walk(self.folder):
            folders[:] = [d for d in folders if at != self.folder or d not in built]
            for here in (os.path.relpath(os.path.join(at, n), self.folder) for n in names):
                if here not in wanted and here not in built:
                    os.remove(os.path.join(self.folder, here))
        os.makedirs(os.path.join(self.folder, "build/tmp"), exist_ok=True)
        if os.path.exists(self.library):
            os.remove(self.library)      # it may have been linked by another version of this script
        if self.sh(self.make + ["build/mutate/libmtbench.so", "all", "tests-built"], 3600, 3600) != 0:
            sys.exit("mutate: the tree does not build")

    @staticmethod
    def copy(source, to):
        os.makedirs(os.path.dirname(to), exist_ok=True)
        if os.path.exists(to) and filecmp.cmp(source, to, shallow=False):
            return
        if os.path.exists(to):
            os.remove(to)
        if source.endswith(".gguf") and os.stat(source).st_dev == os.stat(os.path.dirname(to)).st_dev:
            os.link(source, to)          # large and never changed: a second name is enough
        else:
            shutil.copy(source, to)

    def build(self, what="build/mutate/libmtbench.so"):
        return self.sh(self.make + [what], 600, 1200) == 0

    def measure(self, tests):
        """The usual seconds of each test; whoever fails already says nothing about mutants."""
        for t in tests:
            before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.time()
            if self.sh([t], 600, 1200) != 0:
                sys.exit(f"mutate: {os.path.relpath(t, self.folder)} fails without any change")
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            self.usual[t] = (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, time.time() - start)

    def fails(self, test, *words):
        cpu, wall = self.usual.get(test, (60, 20))
        return self.sh([test, *words], int(5 + ENDLESS_CPU * cpu), 20 + ENDLESS_WALL * wall, b"not ok ") != 0

    def swap(self, name, text):
        """Give a file another text; returns the old one."""
        path = os.path.join(self.folder, name)
        with open(path) as f:
            old = f.read()
        with open(path, "w") as f:
            f.write(text)
        return old


# ---- which tests can notice ----

def symbols(files, *flags):
    """Of each file the names that nm lists with these flags."""
    out = {f: set() for f in files}
    for line in subprocess.run(["nm", "--print-file-name", *flags, *files], capture_output=True, text=True).stdout.splitlines():
        f, _, rest = line.partition(":")
        out[f].add(rest.split()[-1].split("@")[0])
    return out


def reach(tree, tests):
    """Source file to the tests that would link it: by the symbols that they want, and those that these objects want in turn."""
    where = os.path.join(tree.folder, "build/mutate")
    objects = glob.glob(where + "/src/*/*.o") + glob.glob(where + "/kernels/cpu/*.o")
    wants = symbols(objects, "--undefined-only")
    home = {s: o for o, defined in symbols(objects, "--defined-only", "--extern-only").items() for s in defined}
    out = {}
    for t, todo in symbols(tests, "--dynamic", "--undefined-only").items():
        found = set()
        while todo:
            new = {home[s] for s in todo if s in home} - found
            found |= new
            todo = set().union(*(wants[o] for o in new))
        for o in found:                  # kernels/cpu/attend.avx2.o is made of kernels/cpu/attend.c
            out.setdefault(re.sub(r"(\.\w+)?\.o$", ".c", os.path.relpath(o, where)), set()).add(t)
    return out


# ---- at random ----

def killer_of(tree, name, tests, runs):
    own = os.path.basename(name)[:-2]
    rank = lambda t: (os.path.basename(t) != own, not own.startswith(os.path.basename(t)), tree.usual[t])
    for t in sorted(tests, key=rank):
        if tree.fails(t):
            return os.path.basename(t)
    if runs:
        tree.build("all")
    return next((os.path.basename(t) for t in runs if tree.fails(t)), None)


def at_random(tree, a):
    built = glob.glob(os.path.join(tree.folder, "build/mutate/tests/unit/*")) + glob.glob(os.path.join(tree.folder, "build/mutate/tests/ops/*"))
    tree.measure(t for t in built if not t.endswith(".d") and os.path.basename(t) not in a.skip)
    reached = reach(tree, tree.usual)
    files = sorted({os.path.relpath(f, tree.folder) for pattern in a.files for f in glob.glob(os.path.join(tree.folder, pattern))})
    pool = list(candidates(tree, files))
    random.Random(a.seed).shuffle(pool)
    used, count = set(), {"killed": 0, "survived": 0, "refused by the compiler": 0}
    for name, number, text, what in pool:
        if count["killed"] + count["survived"] >= a.n:
            break
        if (name, number) in used:
            continue
        used.add((name, number))
        with open(os.path.join(tree.folder, name)) as f:
            lines = f.readlines()
        old = tree.swap(name, "".join(lines[:number] + [text] + lines[number + 1:]))
        tests = reached.get(name, tree.usual if name.endswith(".h") else ())
        killer = killer_of(tree, name, tests, a.runs) if tree.build() else "the compiler"
        tree.swap(name, old)
        result = "survived" if killer is None else "refused by the compiler" if killer == "the compiler" else "killed"
        count[result] += 1
        print(f"{result:9} {name}:{number + 1}  {what}" + (f"  by {killer}" if killer else ("" if tests else "  (no unit test links it)") + f"\n          {lines[number].strip()}\n          {text.strip()}"), flush=True)
    print(", ".join(f"{v} {k}" for k, v in count.items()) + f" of {len(pool)} possible")
    return count["survived"]


# ---- by name ----

def named(words):
    """The faults of the table; each must say where it goes without doubt."""
    with open(os.path.join(TOP, NAMED)) as f:
        table = [json.loads(line) for line in f]
    for m in table:
        with open(os.path.join(TOP, m["file"])) as f:
            if (n := f.read().count(m["find"])) != 1:
                sys.exit(f"mutate: {NAMED}: \"{m['law']}\": its text stands {n} times in {m['file']}; it must be there once")
        if not os.path.exists(os.path.join(TOP, "tests", m["test"].split()[0] + ("" if ".t" in m["test"] else ".c"))):
            sys.exit(f"mutate: {NAMED}: \"{m['law']}\": there is no test {m['test']}")
    return [m for m in table if not words or any(w in m["law"] + m["file"] + m["test"] for w in words)]


def by_name(tree, table):
    survived = 0
    for m in table:
        test, *words = m["test"].split()
        script = test.endswith(".t")
        with open(os.path.join(tree.folder, m["file"])) as f:
            text = f.read()
        tree.swap(m["file"], text.replace(m["find"], m["put"]))
        if not tree.build("all"):
            sys.exit(f"mutate: {NAMED}: \"{m['law']}\": what it puts into {m['file']} does not compile")
        fails = tree.fails(os.path.join("tests" if script else "build/mutate/tests", test), *words)
        tree.swap(m["file"], text)
        survived += not fails
        print(f"{'killed' if fails else 'survived':9} {m['law']}  ({m['file']}, {m['test']})", flush=True)
    # Unchanged again, they must pass: a test that always fails kills everything.
    tree.build("all")
    for t in sorted({m["test"] for m in table}):
        test, *words = t.split()
        if tree.fails(os.path.join("tests" if test.endswith(".t") else "build/mutate/tests", test), *words):
            sys.exit(f"mutate: {t} fails without any change")
    print(f"{len(table) - survived} killed, {survived} survived")
    return survived


def main():
    p = argparse.ArgumentParser(description="mutation test: what the tests do not notice")
    p.add_argument("-n", type=int, default=100)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--files", nargs="+", default=["src/*/*.c", "kernels/cpu/*.c"])
    p.add_argument("--runs", nargs="*", default=[], help="scripts of tests/run, when the unit tests have noticed nothing")
    p.add_argument("--skip", nargs="*", default=[], help="unit tests not to run: \"demo\" takes longer than all others together")
    p.add_argument("--named", nargs="*", metavar="WORD", help=f"the faults of {NAMED}")
    p.add_argument("--list", action="store_true", help="with --named: say what there is, and whether it still fits the code")
    p.add_argument("--work", default=os.path.join(TOP, "build/mutate"), help="folder of the copy")
    a = p.parse_args()
    tree, table = Tree(a.work), named(a.named or [])
    if a.list:
        print("\n".join(f"{m['file']}  {m['law']}  ({m['test']})" for m in table))
        return
    tree.prepare()
    sys.exit((at_random(tree, a) if a.named is None else by_name(tree, table)) > 0)


if __name__ == "__main__":
    main()
