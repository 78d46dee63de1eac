#!/usr/bin/env python3
"""tests/golden/base.txt: what Python's json, hashlib, float and str say. Lines: kind, input, what Python makes of it.
  s HEX TEXT    json.dumps of the string with these UTF-8 bytes
  d HEX TEXT    repr of the double with these bits
  h N HEX       SHA-256 of N bytes, byte i being (7 i + 3) mod 256
  v HEX 0|1     does json.loads take these bytes?
  n FORM HEX HEX   unicodedata.normalize
  t HEX HEX     str.strip"""
import hashlib, json, math, os, random, struct, unicodedata

random.seed(1)
out = []
POOL = [c for c in range(1, 0x3000) if not 0xd800 <= c < 0xe000] + [0xfffd, 0xffff, 0x10000, 0x1f600, 0x10ffff]


def text(n, pool):
    return "".join(chr(random.choice(pool)) for _ in range(n))


for c in list(range(1, 0x81)) + [0xa0, 0x7ff, 0x800, 0x2028, 0xd7ff, 0xe000, 0xfffe, 0xffff, 0x10000, 0x10ffff]:
    out.append("s %s %s" % (chr(c).encode().hex(), json.dumps(chr(c))))
for i in range(60):
    s = text(i % 12 + 1, POOL)
    out.append("s %s %s" % (s.encode().hex(), json.dumps(s)))
values = [0.0, -0.0, 1.0, 0.1, 1 / 3, 1e15, 1e16, 123456789012345.6, 1e-4, 1e-5, 5e-324, 1.7976931348623157e308, 2.2250738585072014e-308, 1686286924.844282, 1e22, 1e23, 2.0 ** 53, 9.5, 8.0, 0.7]
for i in range(200):
    values.append(struct.unpack("<d", random.randbytes(8))[0])
    values.append(round(random.uniform(-1e6, 1e6), i % 8))
for v in values:
    if math.isfinite(v):
        out.append("d %s %r" % (struct.pack(">d", v).hex(), v))
for n in [0, 1, 3, 55, 56, 57, 63, 64, 65, 119, 120, 127, 128, 129, 1000, 100000]:
    out.append("h %d %s" % (n, hashlib.sha256(bytes((7 * i + 3) & 255 for i in range(n))).hexdigest()))
DOCUMENTS = [b'{}', b' [1, 2]\n', b'"x"', b'1', b'-0.5e+3', b'true', b'null', b'', b'{', b'{"a":}', b'[1,]', b'{"a":1,}', b'{a:1}', b"{'a':1}", b'"x', b'"\\x"', b'"\\u12"', b'nul', b'{} {}', b'[1] x',
             b'"\xff"', b'"\xc3"', b'"\xed\xa0\x80"', b'"\xc0\xaf"', b'"\xf4\x90\x80\x80"', b'"\xe2\x82\xac"', b'[[[[[[]]]]]]', b'"\\ud83d\\ude00"', b'--1', b'[1 2]', b'{"a" 1}']
for d in DOCUMENTS:
    try:
        json.loads(d.decode())
        good = 1
    except ValueError:
        good = 0
    out.append("v %s %d" % (d.hex() or "-", good))
HARD = ["e\u0301", "\u00e9", "\u1e9b\u0323", "\uac00\u11a8", "\ufb01", "\u2460", "\uff21", "A\u030a\u0301", "\u0f73", "q\u0307\u0323"]
for form in ("NFC", "NFD", "NFKC", "NFKD"):
    for s in HARD + [text(4, POOL[:0x600]) for _ in range(20)]:
        if all(unicodedata.category(c) != "Cn" for c in s):      # what is assigned in one version of Unicode only may differ
            out.append("n %s %s %s" % (form, s.encode().hex(), unicodedata.normalize(form, s).encode().hex()))
for c in list(range(1, 0x100)) + [0x1680, 0x180e, 0x2000, 0x200a, 0x200b, 0x2028, 0x2029, 0x202f, 0x205f, 0x2060, 0x3000, 0xfeff]:
    s = chr(c) + "a" + chr(c) + "b" + chr(c)
    out.append("t %s %s" % (s.encode().hex(), s.strip().encode().hex()))
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "base.txt"), "w") as f:
    f.write("\n".join(out) + "\n")
