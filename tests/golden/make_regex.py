#!/usr/bin/env python3
"""tests/golden/regex.jsonl: where the tokenizers library cuts texts by patterns, for tests/unit/regex_dialect.c. A line:
{"p": pattern, "cuts": [[byte offsets where pieces begin] per text]}, the first line {"texts": [...]}. Patterns that the library refuses are left out.
Needs tokenizers (0.22)."""
import json, os
from tokenizers import Regex
from tokenizers.pre_tokenizers import Split

TEXTS = ["", "a", "Hello  world, 12 345", "4444 55555 666", "don't I'LL we've", "x\u0301y e\u0301t\u00e9 \u00c9", "a_b-c.d", "\u4e2d\u6587 \u65e5\u672c\u3042\u30ab\u30ca \ud55c",
         "line\nnext\r\n\n end\t \n", "\u00a0a\u2003b\u180ec\u3000", "deadBEEF 0xfF gh", "[x]^{y}-|z|", "\u0391\u03b2\u03b3 \u2126 \u0416\u0436", "\u0e01\u0e33 \u0915\u094d\u0937",
         "\u0663\u0664 \u2167 \u00bd \u00b2", "~`$+=<>^| !?", "aaaabbb aab abab", "\x0b\x0c\x07", "\U0001f600\U0001f468\u200d\U0001f469 ok", "\u30fc\u3005\u3007 \u0342"]
P = [
    r"\p{N}{1,3}+", r"\d{2}+", r"a{1,2}+b", r"(?:ab){1,2}+", r"[ab]{2,}+", r"\w{2}?", r"a{,2}b", r"a{2}", r"a{2,}?", r"a{1,3}?b", r"a{", r"a{x}", r"a++b", r"a*+", r"a?+a",
    r"\h+", r"\H+", r"[\h]+", r"[^\h\s]+", r"\v", r"[\v\f]", r"\a", r"\s+", r"\S+", r"[^\S\n]+", r"[\S]+", r"[^\S]+", r"\w+", r"\W+", r"[\W_]+", r"[^\W_]+", r"[^\W\d]+",
    r"[\W\S]", r"\b", r"\B", r"\bw", r"\w+\b", r"\d+", r"\D+", r"[\D]+", r"[a-z&&[^aeiou]]+", r"[a-z&&[^a]&&[^b]]", r"[a[bc]]+", r"[^a[bc]]+", r"[[a-c][x-z]]+", r"[\p{L}&&[^a-z]]+",
    r"[^a-z&&[a-m]]", r"[[:alpha:]]+", r"[[:^alpha:]]+", r"[[:punct:]]+", r"[[:space:]]+", r"[[:digit:]]+", r"[[:upper:]]", r"[[:lower:]]+", r"[[:alnum:]]+", r"[[:word:]]+", r"[[:xdigit:]]+",
    r"[[:blank:]]+", r"[[:cntrl:]]", r"[[:ascii:]]+", r"[]a]+", r"[^]a]+", r"[a\]]+", r"[\[\]]", r"[a^]", r"[\^a]", r"[-a]", r"[a-]", r"[\-x]", r"a(?i)b|C", r"(x|a(?i)B|c)d", r"(?i)A|(?-i)B|c", r"(?i)HELLO|W", r"(?m)a|.b", r"(?i:HELLO)", r"(?i)don't", r"(?i)\u00e9",
    r"(?m:l.+n)", r"l.+n", r"(?m).+", r".+", r"^", r"$", r"^\w", r"\w$", r"\A\w", r"\w\Z", r"\s\z", r"\R", r"\X", r"(?x: a  b )", r"(?x)a b # c", r"(?#say)a", r"(?=b)", r"(?!a)\w", r"(?<=a)b",
    r"(?<!a)b", r"(?>a+)b", r"(a)(b)\2", r"(a)\1", r"\p{L}+", r"\p{^L}+", r"\P{L}+", r"\P{^L}+", r"\p{Lu}", r"\p{Letter}+", r"\p{Alpha}+", r"\p{Han}+", r"\p{Hiragana}+", r"\p{Katakana}+",
    r"\p{Greek}+", r"\p{Cyrillic}+", r"\P{Han}+", r"[\p{Han}\p{Katakana}]+", r"\p{Thai}+", r"\p{Devanagari}+", r"\p{M}", r"\p{N}", r"\p{Nd}", r"\p{Nl}", r"\p{No}", r"\p{P}+", r"\p{S}+", r"\p{Z}+",
    r"\p{So}", r"\p{Sm}", r"\p{Alphabetic}+", r"\p{Uppercase}", r"\p{Lowercase}+", r"\p{Digit}+", r"\p{Punct}+", r"\p{Space}+", r"\p{Word}+", r"\p{Alnum}+", r"\x41|\x61", r"\x{1F600}", r"\u0391",
    r"\t|\n", r"\.", r"\-", r"\|", r"\/", r"\'", r"\"", "\\\u4e2d", r"a|b|", r"|a", r"(a|b)+", r"(?:a|ab)(?:b|)", r"\K", r"a\Kb", r"(?<n>a)b", r"(?<n>a)\k<n>", r"(?~ab)", r"\N", r"\O", r"\Qa\E", r"\C-a",
    r"\y", r"(?s:a.)", r"(?P<n>a)", r"(*FAIL)", r"\p{L}++", r"[^\r\n\p{L}\p{N}]?\p{L}+", r"\s*[\r\n]+", r"\s+(?!\S)", r"[a-z&&]", r"[\w&&[^\d]]+", r"[\s\S]", r"[\d\D]{2}", r"[^\s\p{L}\p{N}]+[\r\n/]*",
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"[\p{Han}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
]

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "regex.jsonl"), "w") as f:
    f.write(json.dumps({"texts": TEXTS}) + "\n")
    for p in P:
        try:
            split = Split(Regex(p), "isolated")
            cuts = []
            for s in TEXTS:
                pieces = split.pre_tokenize_str(s)
                cuts.append([len(s[:start].encode()) for _, (start, _) in pieces])
        except BaseException as e:
            print("refused by the library:", p, "-", str(e)[:70])
            continue
        f.write(json.dumps({"p": p, "cuts": cuts}) + "\n")
