#!/usr/bin/env python3
"""Generated templates and what Jinja2 makes of them, as Hugging Face sets it up: [template, text or null for an error]. `make_expressions.py SEED COUNT`
prints COUNT of them, the same ones for a seed; without arguments it writes the compact golden beside it. Needs the package jinja2.
Expressions over strings, numbers, lists, dicts, None, undefined names; filters, tests and methods with arguments of all kinds, wrong ones too;
statements with white space between them. What prints an address of Python's memory counts as an error: it means nothing."""
import copy
import json
import os
import random
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from make_templates import MESSAGES, env  # noqa: E402

ENV = env()
# Numbers of which Python would compute a million digits are errors; here they are, too.
ENV.intercepted_binops = frozenset(["**", "*"])


def call_binop(context, operator, left, right):
    ints = [x for x in (left, right) if isinstance(x, int)]
    if operator == "**":
        if len(ints) == 2 and abs(left) > 1 and right * left.bit_length() > 10000:
            raise OverflowError
        return left ** right
    if len(ints) == 1 and not isinstance(left, float) and not isinstance(right, float) and ints[0] > 10000000:
        raise MemoryError
    return left * right


ENV.call_binop = call_binop
STRINGS = ["''", "'a'", "'Hello World'", "'  x y  '", "'stra\u00dfe'", "'\u00e9\u00c9 \u0130'", "'\u0391\u03a3 \u03c3\u03a3'", "'a,b,,c'", "'l1\\nl2\\r\\nl3\\n'", "'<b>&\"'", '"it\'s"', "'3'", "' -7 '", "'3.5'",
           "'0x1f'", "'1_000'", "'True'", "'abab'", "'\u4e2d\u6587'", "'\U0001f642 ok'", "'\\t\\u00a0z'", "'%d items'", "'%s-%s'", "'{} {}'", "'{0:>5}|{1!r}'", "'nan'", "'-inf'", "'1e3'", "'a b'",
           "'B'", "'x'", "'\ufb01n'", "'e\u0301'", "'the quick-brown (fox) [jumps]'", "'1,234'", "'\\x00\\x7f'", "'a\\\\b'", "'ab cd ef gh ij kl'", "'--a--'", "'\u01c6'", "'z\u2028y'"]
INTS = ["0", "1", "2", "3", "-1", "-3", "7", "10", "12", "255", "1000000", "9007199254740993", "9223372036854775807", "0x1F", "0b101", "0o17", "1_000"]
FLOATS = ["0.0", "-0.0", "0.5", "2.5", "-2.5", "1e16", "1.5e-7", "3.14159", "2.675", "-1.25", "1e22", "123456789.125", "1e3", "0.1", "1e300"]
NAMES = ["nope", "messages", "tools", "add_generation_prompt", "bos_token"]
ATTRS = ["'a'", "'b'", "'a.b'", "0", "1", "'0'", "'x'", "'role'", "'a.0'", "none", "'a,b'", "'nope'"]
METHODS = {
    "strip": ["", "S"], "lstrip": ["", "S"], "rstrip": ["", "S"], "split": ["", "S", "S, I", "none, I", "maxsplit=I", "sep=S"], "rsplit": ["", "S", "S, I", "none, I", "maxsplit=I"],
    "splitlines": ["", "true", "keepends=true"], "startswith": ["S", "S, I", "S, I, I", "(S, S)"], "endswith": ["S", "S, I", "(S, S)"], "upper": [""], "lower": [""], "title": [""], "capitalize": [""], "swapcase": [""],
    "casefold": [""], "replace": ["S, S", "S, S, I", "S"], "join": ["L", "S", "D", "[S, S]"], "find": ["S", "S, I", "S, I, I"], "rfind": ["S", "S, I"], "index": ["S"], "rindex": ["S"], "count": ["S", "S, I", "S, I, I"],
    "format": ["E", "E, E", "a=E", "E, E, E"], "removeprefix": ["S"], "removesuffix": ["S"], "center": ["I", "I, S"], "ljust": ["I", "I, '*'"], "rjust": ["I", "I, '*'"], "zfill": ["I"], "expandtabs": ["", "I"],
    "partition": ["S"], "rpartition": ["S"], "isdigit": [""], "isdecimal": [""], "isalpha": [""], "isalnum": [""], "isspace": [""], "isprintable": [""], "isascii": [""], "islower": [""], "isupper": [""], "istitle": [""],
    "encode": [""], "nosuch": [""],
}
FILTERS = {
    "abs": [""], "attr": ["(S)", "('items')"], "batch": ["(N)", "(N, E)", "(linecount=N, fill_with=E)"], "capitalize": [""], "center": ["", "(I)", "(width=I)"], "count": [""], "d": ["(E)"],
    "default": ["", "(E)", "(E, true)", "(default_value=E, boolean=B)", "(other=E)"], "dictsort": ["", "(true)", "(by='value')", "(reverse=true)", "(B, 'key', B)", "(by='x')"], "e": [""], "escape": [""], "forceescape": [""],
    "first": [""], "float": ["", "(E)", "(default=E)"], "format": ["(E)", "(E, E)", "(a=E)"], "groupby": ["(A)", "(A, default=E)", "(attribute=A, case_sensitive=B)"],
    "indent": ["", "(I)", "(I, B)", "(I, B, B)", "(width=S, first=true)", "(blank=true)"], "int": ["", "(E)", "(default=E)", "(0, 16)", "(base=I)", "(0, 0)"], "items": [""], "join": ["", "(S)", "(S, A)", "(attribute=A)", "(d=S)"],
    "last": [""], "length": ["", "(1)"], "list": [""], "lower": [""], "map": ["('F')", "(attribute=A)", "(attribute=A, default=E)", "('upper')", "('int')", "('replace', S, S)", "('default', E)", "", "('nofilter')"],
    "max": ["", "(true)", "(attribute=A)"], "min": ["", "(case_sensitive=B)", "(attribute=A)"], "reject": ["", "('T')", "('gt', I)", "('in', L)"], "rejectattr": ["(A)", "(A, 'T')", "(A, 'eq', E)", ""],
    "replace": ["(S, S)", "(S, S, I)", "(old=S, new=S)", "(S)"], "reverse": [""], "round": ["", "(N)", "(N, 'floor')", "(1, 'ceil')", "(method='floor')", "(2, 'nope')", "(precision=2)"], "safe": [""],
    "select": ["", "('T')", "('gt', I)", "('in', L)", "('equalto', E)"], "selectattr": ["(A)", "(A, 'T')", "(A, 'equalto', E)", "(A, 'in', L)", ""], "slice": ["(N)", "(N, E)"],
    "sort": ["", "(true)", "(reverse=B)", "(attribute=A)", "(case_sensitive=B, attribute=A)"], "string": [""], "sum": ["", "(A)", "(start=E)", "(attribute=A, start=I)"], "title": [""],
    "tojson": ["", "(indent=I)", "(separators=(',', ':'))", "(sort_keys=true)", "(ensure_ascii=true)", "(true)", "(indent=S)"], "trim": ["", "(S)", "(chars=S)"],
    "truncate": ["(I)", "(I, B)", "(I, B, S)", "(length=I, leeway=I)", "(9, true, '..', 0)"], "unique": ["", "(true)", "(attribute=A)"], "upper": [""], "wordcount": [""], "strip": [""], "nofilter": [""],
}
TESTS = {
    "boolean": [""], "callable": [""], "defined": ["", "(1)"], "divisibleby": ["(I)", " I", "(E)"], "eq": ["(E)"], "equalto": ["(E)"], "escaped": [""], "even": [""], "false": [""], "filter": [""], "float": [""], "ge": ["(E)"], "gt": ["(E)"],
    "in": ["(L)", " L", "(E)"], "integer": [""], "iterable": [""], "le": ["(E)"], "lower": [""], "lt": ["(E)"], "mapping": [""], "ne": ["(E)"], "none": [""], "number": [""], "odd": [""], "sameas": ["(true)", "(none)", " false", "(I)"], "sequence": [""],
    "string": [""], "test": [""], "true": [""], "undefined": [""], "upper": [""], "notest": [""],
}
PERCENT = ["%s", "%d", "%5d", "%-5d|", "%05d", "%+d", "% d", "%x", "%#x", "%X", "%o", "%e", "%.2f", "%8.3f|", "%-8.3f|", "%08.2f", "%g", "%G", "%.3g", "%c", "%r", "%a", "%.2s", "%5s|", "%-5s|", "%i", "%%", "%.0f", "%#.3g", "%+.1e", "%*d", "%.*f", "%5.3d", "%(a)s",
           "%(a)d", "%y", "%"]
SPECS = ["", ":d", ":5", ":<5", ":>5", ":^6", ":*^7", ":05", ":+", ":,", ":_", ":x", ":#x", ":#o", ":b", ":#010b", ":e", ":.2f", ":8.3f", ":.3", ":g", ":%", ":.1%", ":s", ":.2s", "!r", "!s", "!a", "!r:>8", ":+.2e", ":010.2f", ":,.2f", ":=5", ":<05", ":G", ":,d",
         ":020,d", ":.0f", ":.10", ":n", ":c", ":q", ":{1}", ":>{1}"]
VIEWS = [".items()", ".keys()", ".values()", ".get(S)", ".get(S, E)", ".copy()", "['a']", ".a", ".b", ".get('a', default=1)", ".items", ".pop('a')", ".update"]


class Maker:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def pick(self, x):
        return x[self.r.randrange(len(x))]

    def fill(self, pattern, depth):
        """S, I, L, D, E, A, B, T, F in a pattern stand for what they begin: string, int, list, dict, expression, attribute, bool, test, filter; N is a
        small number, where a large one would keep Python busy."""
        make = {"S": self.string, "I": self.int, "L": self.list, "D": self.dict, "E": self.any, "B": lambda d: self.pick(["true", "false"]), "A": lambda d: self.pick(ATTRS),
                "N": lambda d: self.pick(["0", "1", "2", "3", "5", "-1", "10"]), "T": lambda d: self.pick(list(TESTS)), "F": lambda d: self.pick(list(FILTERS))}
        return re.sub(r"\b[SILDEABTFN]\b", lambda m: make[m.group()](depth - 1), pattern)

    def string(self, d):
        k = self.r.randrange(14) if d > 0 else 0
        if k < 6:
            return self.pick(STRINGS)
        if k == 6:
            return self.method(self.string(d - 1), d)
        if k == 7:
            return f"({self.string(d - 1)} ~ {self.any(d - 1)})"
        if k == 8:
            return f"({self.string(d - 1)} + {self.string(d - 1)})"
        if k == 9:
            return self.percent(d)
        if k == 10:
            return self.format(d)
        if k == 11:
            return f"{self.string(d - 1)}{self.slice(d)}"
        if k == 12:
            return f"({self.string(d - 1)} * {self.pick(['0', '2', '3', '-1', 'true'])})"
        return f"({self.any(d - 1)}|{self.pick(['string', 'upper', 'lower', 'title', 'trim', 'tojson', 'join'])})"

    def method(self, s, d):
        name = self.pick(list(METHODS))
        return f"{s}.{name}({self.fill(self.pick(METHODS[name]), d)})"

    def percent(self, d):
        form = " ".join(self.pick(PERCENT) for _ in range(self.r.randint(1, 2)))
        args = self.pick(["({0}, {1})", "{0}", "({0},)", "({0}, {1}, 3)", "{{'a': {0}}}"]).format(self.any(d - 1), self.number(d - 1))
        return f"('{form}' % {args})"

    def format(self, d):
        fields = "".join("{" + self.pick(["", "", "0", "1", "a", "0[0]", "a.b", "a[b]"]) + self.pick(SPECS) + "}" + self.pick(["", " ", "{{", "}}"]) for _ in range(self.r.randint(1, 2)))
        return f"'{fields}'.format({self.any(d - 1)}, {self.pick([self.number(d - 1), self.string(d - 1)])}, a={self.any(d - 1)})"

    def int(self, d):
        if d > 0 and self.r.random() < 0.3:
            return f"({self.int(d - 1)} {self.pick(['+', '-', '*', '//', '%', '**'])} {self.pick(INTS[:9])})"
        return self.pick(INTS[:10] if self.r.random() < 0.8 else INTS)

    def number(self, d):
        k = self.r.randrange(9) if d > 0 else self.r.randrange(3)
        if k == 0:
            return self.pick(FLOATS)
        if k < 3:
            return self.int(d)
        if k < 6:
            return f"({self.number(d - 1)} {self.pick(['+', '-', '*', '/', '//', '%', '**'])} {self.number(d - 1)})"
        if k == 6:
            return f"({self.any(d - 1)}|{self.pick(['length', 'int', 'float', 'abs', 'round', 'sum', 'wordcount', 'count'])})"
        if k == 7:
            return f"{self.pick(['-', '+'])}{self.number(d - 1)}"
        return self.pick(["true", "false"])

    def slice(self, d):
        part = lambda: self.pick(["", "", "0", "1", "2", "-1", "-2", "5", "-9", "none", self.int(d - 1)])  # noqa: E731
        return self.pick([f"[{part()}:{part()}]", f"[{part()}:{part()}:{self.pick(['', '2', '-1', '-2', '1', '0', '3'])}]", f"[{self.int(d - 1)}]", "[0]", "[-1]", "[0:2]", f"[{self.any(d - 1)}]"])

    def list(self, d):
        k = self.r.randrange(12) if d > 0 else 0
        if k < 4:
            items = ", ".join(self.any(d - 1) for _ in range(self.r.randint(0, 4)))
            return f"[{items}]" if self.r.random() < 0.8 else f"({items}, )" if items else "()"
        if k == 4:
            return "[" + ", ".join(self.string(0) for _ in range(self.r.randint(1, 5))) + "]"
        if k == 5:
            return "[" + ", ".join(self.number(0) for _ in range(self.r.randint(1, 5))) + "]"
        if k == 6:
            return "[" + ", ".join(self.dict(1) for _ in range(self.r.randint(1, 4))) + "]"
        if k == 7:
            return f"range({self.pick(['3', '5', '1, 4', '0, 10, 3', '5, 0, -2', self.int(d - 1)])})"
        if k == 8:
            return f"{self.list(d - 1)}{self.slice(d)}"
        if k == 9:
            return f"({self.list(d - 1)} + {self.list(d - 1)})"
        if k == 10:
            return f"{self.dict(d - 1)}{self.fill(self.pick(VIEWS), d)}"
        return f"({self.filtered(d - 1)}|list)"

    def dict(self, d):
        if d > 0 and self.r.random() < 0.1:
            return f"dict({self.pick(['a=1', 'x=' + self.any(d - 1), self.list(d - 1), '[(1, 2)]', '{}, b=2'])})"
        keys = ["'a'", "'b'", "'B'", "'x'", "1", "'0'", "none", "true", "2.5", "(1, 2)", "'items'"]
        return "{" + ", ".join(f"{self.pick(keys[:4] if self.r.random() < 0.7 else keys)}: {self.any(d - 1)}" for _ in range(self.r.randint(0, 3))) + "}"

    def atom(self):
        k = self.r.randrange(20)
        return (self.pick(STRINGS) if k < 6 else self.pick(INTS) if k < 9 else self.pick(FLOATS) if k < 11 else self.pick(NAMES) if k < 13 else "none" if k == 13 else self.pick(["true", "false"]) if k == 14 else
                self.list(1) if k < 18 else self.dict(1))

    def filtered(self, d):
        name = self.pick(list(FILTERS))
        source = self.any if self.r.random() < 0.35 else {"map": self.list, "select": self.list, "selectattr": self.list, "rejectattr": self.list, "reject": self.list, "sort": self.list, "groupby": self.list, "join": self.list, "unique": self.list,
                                                           "batch": self.list, "slice": self.list, "sum": self.list, "max": self.list, "min": self.list, "dictsort": self.dict, "items": self.dict, "round": self.number, "abs": self.number}.get(name, self.any)
        out = f"{source(d - 1)}|{name}{self.fill(self.pick(FILTERS[name]), d)}"
        if name in ("map", "select", "reject", "selectattr", "rejectattr", "batch", "slice", "unique", "items", "reverse") and self.r.random() < 0.8:
            out += self.pick(["|list", "|list", "|join('+')", "|first", "|length"])
        return out

    def any(self, d):
        if d <= 0:
            return self.atom()
        k = self.r.randrange(20)
        if k < 4:
            return self.atom()
        if k < 8:
            return f"({self.filtered(d)})"
        if k < 10:
            name = self.pick(list(TESTS))
            return f"({self.any(d - 1)} is {self.pick(['', '', 'not '])}{name}{self.fill(self.pick(TESTS[name]), d)})"
        if k == 10:
            return f"({self.any(d - 1)} {self.pick(['==', '!=', '<', '<=', '>', '>=', 'in', 'not in'])} {self.any(d - 1)})"
        if k == 11:
            return f"({self.number(d - 1)} < {self.number(d - 1)} <= {self.number(d - 1)})"
        if k == 12:
            return f"({self.any(d - 1)} {self.pick(['and', 'or'])} {self.any(d - 1)})"
        if k == 13:
            return f"({self.any(d - 1)} if {self.any(d - 1)} else {self.any(d - 1)})"
        if k == 14:
            return f"{self.pick([self.string, self.list])(d - 1)}{self.slice(d)}"
        if k == 15:
            return self.string(d)
        if k == 16:
            return self.number(d)
        if k == 17:
            return self.list(d)
        if k == 18:
            return f"(not {self.any(d - 1)})"
        return f"({self.any(d - 1)} {self.pick(['+', '-', '*', '/', '//', '%', '**', '~'])} {self.any(d - 1)})"

    # statements

    def space(self):
        return self.pick(["", "", "", " ", "\n", "\n  ", "  \n", "\n\n", "\t", "a", " b ", "\r\n", "\r", "\x0b", "\u00a0\n "])

    def tag(self, text):
        return "{%" + self.pick(["", "", "-", "+"]) + self.pick([" ", " ", "\n"]) + text + self.pick([" ", " "]) + self.pick(["", "", "-", "+"]) + "%}"

    def out(self, text):
        return "{{" + self.pick(["", "", "-"]) + " " + text + " " + self.pick(["", "", "-"]) + "}}"

    def target(self):
        return self.pick(["v", "w", "x", "ns.v", "(v, w)", "v, w"])

    def body(self, d, loop=False):
        return self.space() + "".join(self.statement(d, loop) + self.space() for _ in range(self.r.randint(1, 3)))

    def loop_word(self):
        return self.pick(["index", "index0", "revindex", "revindex0", "first", "last", "length", "previtem", "nextitem", "depth", "cycle('a', 'b', 'c')", "changed(v)", "nope"])

    def statement(self, d, loop=False):
        k = self.r.randrange(22) if d > 0 else self.r.randrange(6)
        if k < 3:
            return self.out(self.pick(["v", "w", "x", "ns.v", "v ~ w", "v|string", "w is defined", self.any(1)] + (["loop." + self.loop_word()] * 5 if loop else [])))
        if k == 3:
            return self.tag(f"set {self.target()} = {self.any(2)}")
        if k == 4:
            return "{#" + self.pick(["", "-", "+"]) + " c " + self.pick(["", "-", "+"]) + "#}"
        if k == 5:
            return self.pick([self.tag("raw") + " {{ x }}\n" + self.tag("endraw"), "text", "{{ 'q' }}", self.tag("break") if loop else "-", self.tag("continue") if loop else "+"])
        if k < 9:
            test = self.any(2)
            middle = self.pick(["", self.tag("else") + self.body(d - 1, loop), self.tag("elif " + self.any(1)) + self.body(d - 1, loop)])
            return self.tag("if " + test) + self.body(d - 1, loop) + middle + self.tag("endif")
        if k < 14:
            over = self.pick([self.list(2), "messages", "range(3)", self.dict(1), self.string(1), "[1, 2, 3]", "[[1, 2], [3, 4]]", "{'a': 1, 'b': 2}.items()", self.any(2), "[1, [2, [3]], 4]"])
            target = self.pick(["v", "v", "v", "v, w", "(v, w)"])
            kind = self.pick(["", "", "", " if v", " if " + self.any(1), " recursive"])
            inside = self.body(d - 1, True) + (self.tag("if v is iterable and v is not string") + self.out("loop(v)") + self.tag("endif") if "recursive" in kind else "")
            return self.tag(f"for {target} in {over}{kind}") + inside + self.pick(["", "", self.tag("else") + self.body(d - 1, loop)]) + self.tag("endfor")
        if k == 14:
            return self.tag("set " + self.pick(["v", "x"]) + self.pick(["", " | upper", " | trim | replace('a', 'b')"])) + self.body(d - 1) + self.tag("endset")
        if k == 15:
            return self.tag("filter " + self.pick(["upper", "trim", "indent(2)", "replace('a', v)", "length", "tojson"])) + self.body(d - 1) + self.tag("endfilter")
        if k == 16:
            return self.tag("with " + self.pick(["", "v = 1", "v = 1, w = v", "x = " + self.any(1)])) + self.body(d - 1, loop) + self.tag("endwith")
        if k == 17:
            sign = self.pick(["", "v", "v, w=2", "v=1, w=v", "v, x=ns.v"])
            call = self.pick(["m()", "m(1)", "m(1, 2)", "m(w=3)", "m(v=1, w=2)", "m(1, 2, 3)", "m(*[1, 2])", "m(**{'v': 4})", "m(1, k=5)"])
            extra = self.pick(["", "", "{{ varargs }}", "{{ kwargs }}", "{{ caller is defined }}", "{{ caller() if caller else '' }}"])
            return self.tag(f"macro m({sign})") + self.body(d - 1) + extra + self.tag("endmacro") + self.space() + self.out(call)
        if k == 18:
            args = self.pick(["", "y", "y=1"])
            call = self.pick(["caller()", "caller(1)", "caller(y=2)"])
            return "{% macro c(v=0) %}[" + self.out(call) + "]{% endmacro %}" + self.tag("call" + (f"({args})" if args else "") + " c(" + self.pick(["", "1", "v"]) + ")") + self.body(d - 1) + "{{ y }}" + self.tag("endcall")
        if k == 19:
            return self.tag("generation") + self.body(d - 1) + self.tag("endgeneration")
        if k == 20:
            return self.out(self.any(3))
        return self.tag(self.pick(["set v = namespace(v=1)", "set ns = namespace(v=" + self.any(1) + ")", "set ns.w = ns.v", "set x = v|default(1)", "set w = [v, x]", "do v", "include 'x'", "block b"]))

    def template(self):
        if self.r.random() < 0.7:
            return "{{ " + self.any(self.r.choice([1, 2, 2, 3, 3, 4])) + " }}"
        head = "{% set ns = namespace(v=1) %}{% set v = " + self.any(1) + " %}"
        return head + self.body(self.r.choice([1, 2, 2, 3])) + self.pick(["", "\n", "\r\n", "\n\n"])


ADDRESS = re.compile(r" at 0x[0-9a-f]+|<function|<Macro|<module|<class|<method|<LoopContext|<built-in|<reversed|_iterator object|<generator|<bound")
HEAVY = re.compile(r"\*\* *\(?\d{3,}|\d{6,} *\)*\||\* *\(?-?\d{5,}|\d{5,} *\)*\ *\*")


def judge(t):
    """Jinja2's text, or None; False where it trips over its own constants (it compiles a folded nan as a name)."""
    try:
        out = ENV.from_string(t).render(messages=copy.deepcopy(MESSAGES[2]), add_generation_prompt=True, bos_token="<s>", eos_token="</s>", tools=None, documents=None)
        out.encode()
    except NameError:
        return False
    except Exception:
        return None
    return None if ADDRESS.search(out) else out


def lines(seed, count):
    maker, done = Maker(seed), 0
    while done < count:
        t = maker.template()
        if len(t) > 1500 or HEAVY.search(t):
            continue
        out = judge(t)
        if out is False or out is not None and (len(out) > 5000 or "\0" in out):
            continue
        done += 1
        yield json.dumps([t, out])


if __name__ == "__main__":
    sys.setrecursionlimit(5000)
    if len(sys.argv) == 3:
        for line in lines(int(sys.argv[1]), int(sys.argv[2])):
            print(line)
    else:
        with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "expressions.jsonl"), "w") as f:
            kept = 0
            for line in lines(1, 2500):
                if len(line) < 220 and kept + len(line) < 120000:
                    f.write(line + "\n")
                    kept += len(line) + 1
