#!/usr/bin/env python3
"""tests/golden/literals.jsonl: what Python itself makes of literals, for src/text/python_literal.c. Each line [source, value]; tuples are lists."""
import ast
import json
import os

SOURCES = [
    "'a'", '"it\'s"', "'\\''", '""', "''", "''''''", '"""a "quoted" word\n  and a line"""', "'''a\\\nb'''", "'a\\\nb'", "'a' 'b'\n", "('a'\n 'b'  # c\n \"d\")",
    r"'\a\b\f\n\r\t\v\\\"\''", r"'\x41\u00e9\U0001f600\101\7\377\1234'", r"'\q\ \d'", r"r'\n\'x\\'", r"R'''\u0041\
b'''", "u'\u00e9\u4e2d'", "'''a\r\nb\rc\n'''", "'#' # '", "'\t \f'", "('a',)", "('a')", "(('a', 'b'), ('c', 'd'),)", "['a', 'b']", "[]", "()", "[('x')]",
    "None", "(None, 1)", "0", "[32000, 32001]", "128009", "'a' \\\n 'b'", "(\n)", "(((('deep',),),),)", "'\u2028'", r"'\
'", r"'\x7f\x80'", "'{system_message}'", "('a' 'b', 'c')", "'a''b'", "'''a''''b'", '"""\n"""', r'"\"" """ \""" """', "'\\\\'", r"r'\\'", "'\\1'",
]

HERE = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(HERE, "literals.jsonl"), "w") as f:
    for source in SOURCES:
        f.write(json.dumps([source, ast.literal_eval(source)]) + "\n")
