#!/usr/bin/env python3
"""Do the tests notice? One small change to the code at a time, each built and tested until a test fails.

    tests/tools/mutate.py [-n 100] [--seed 1] [--files 'src/judge/*.c'] [--runs tests/run/plan.t ...]

A mutant swaps an operator (< <=, == !=, + -, && ||, ...), moves a constant by one, negates a condition or drops a call whose value nobody takes. The unit
and op tests run first, that of the file's own name first of all, then the scripts of --runs. What no test notices is printed with its line; the
exit code is 1 if anything survived. The tree itself is not touched: it is copied to build/mutate, and built there as a shared library, so that a
mutant costs one compilation and one link.
"""
import argparse
import glob
import os
import random
import re
import shutil
import subprocess
import sys
import time

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
WORK = os.path.join(TOP, "build", "mutate")
SWAPS = [("<=", "<"), (">=", ">"), ("==", "!="), ("!=", "=="), ("&&", "||"), ("||", "&&"), ("+=", "-="), (" + ", " - "), (" - ", " + "),
         (" * ", " / "), (" < ", " <= "), (" > ", " >= "), ("++", "--"), (" >> ", " << "), (" & ", " | "), ("true", "false"), ("false", "true"),
         ("continue;", "break;"), ("return -1;", "return 0;"), ("return 0;", "return -1;"), ("if (!", "if ("), ("if (", "if (!")]
SKIP = re.compile(r'^\s*(//|/\*|\*|#|$)|assert|log_|err_set|err_wrap|err_advise|MTB_INLINE .*\{ return')


def code_of(line):
    """The line with strings, characters and comments blanked, so that places in it are places in code."""
    blank = lambda m: " " * len(m.group(0))
    return re.sub(r'"(\\.|[^"\\])*"|\'(\\.|[^\'\\])*\'|/\*.*?\*/|/\*.*|//.*', blank, line)


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


def matching(code, at):
    depth = 0
    for i in range(at, len(code)):
        depth += (code[i] == "(") - (code[i] == ")")
        if depth == 0:
            return i
    return None


def candidates(files):
    for name in files:
        inside = False
        with open(os.path.join(WORK, name)) as f:
            for number, line in enumerate(f):
                starts = re.match(r"^\s*/\*", line) and "*/" not in line
                if not inside and not starts and line.startswith(" ") and not SKIP.match(line) and not re.search(SKIP, line):
                    for text, what in mutations(line):
                        yield name, number, text, what
                inside = (inside or bool(starts)) and "*/" not in line


def sh(command, timeout, **more):
    """Exit code; -1: ran past the timeout, the whole process group is killed then."""
    p = subprocess.Popen(command, cwd=WORK, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, start_new_session=True, **more)
    try:
        return p.wait(timeout)
    except subprocess.TimeoutExpired:
        os.killpg(p.pid, 9)
        p.wait()
        return -1


MAKE = ["make", "-s", "-j2", "VARIANT=mutate", "LIB=build/mutate/libmtbench.so", "ARCHIVE=$(CC) -shared -o"]


def build():
    return sh(MAKE + ["build/mutate/libmtbench.so"], 600)


def prepare():
    shutil.rmtree(WORK, ignore_errors=True)
    built = {"build", ".git", "mtbench"}
    shutil.copytree(TOP, WORK, ignore=lambda folder, names: built & set(names) if folder == TOP else [])
    if sh(MAKE + ["all", "tests-built"], 1800) != 0:
        sys.exit("mutate: the tree does not build")


def tests_for(name, all_tests):
    own = os.path.basename(name)[:-2]
    return sorted(all_tests, key=lambda t: (os.path.basename(t) != own, not own.startswith(os.path.basename(t)), all_tests[t]))


def killed_by(name, all_tests, runs):
    for t in tests_for(name, all_tests):
        if sh([t], 20 + 10 * all_tests[t]) != 0:
            return os.path.basename(t)
    if runs:
        sh(MAKE + ["all"], 600)
    for t in runs:
        if sh([t], 600, env=dict(os.environ, VARIANT="mutate")) != 0:
            return os.path.basename(t)
    return None


def main():
    p = argparse.ArgumentParser(description="mutation test: what the tests do not notice")
    p.add_argument("-n", type=int, default=100)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--files", nargs="+", default=["src/*/*.c", "kernels/cpu/*.c"])
    p.add_argument("--runs", nargs="*", default=[])
    a = p.parse_args()
    prepare()
    all_tests = {}
    for t in glob.glob(os.path.join(WORK, "build/mutate/tests/unit/*")) + glob.glob(os.path.join(WORK, "build/mutate/tests/ops/*")):
        if not t.endswith(".d"):
            start = time.time()
            if sh([t], 300) != 0:
                sys.exit(f"mutate: {os.path.basename(t)} fails without any change")
            all_tests[t] = time.time() - start
    files = sorted({os.path.relpath(f, WORK) for pattern in a.files for f in glob.glob(os.path.join(WORK, pattern))})
    pool = list(candidates(files))
    random.Random(a.seed).shuffle(pool)
    used, count = set(), {"killed": 0, "survived": 0, "refused by the compiler": 0}
    for name, number, text, what in pool:
        if count["killed"] + count["survived"] >= a.n:
            break
        if (name, number) in used:
            continue
        used.add((name, number))
        path = os.path.join(WORK, name)
        with open(path) as f:
            lines = f.readlines()
        with open(path, "w") as f:
            f.writelines(lines[:number] + [text] + lines[number + 1:])
        killer = killed_by(name, all_tests, a.runs) if build() == 0 else "the compiler"
        with open(path, "w") as f:
            f.writelines(lines)
        result = "survived" if killer is None else "refused by the compiler" if killer == "the compiler" else "killed"
        count[result] += 1
        print(f"{result:9} {name}:{number + 1}  {what}" + (f"  by {killer}" if killer else f"\n          {lines[number].strip()}"), flush=True)
    print(", ".join(f"{v} {k}" for k, v in count.items()) + f" of {len(pool)} possible")
    sys.exit(count["survived"] > 0)


if __name__ == "__main__":
    main()
