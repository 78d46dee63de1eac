"""hostile.py - texts that a model or a judge might write to do harm: the files of tests/fuzz/corpus/markdown, and large ones that are made here.

texts() yields (name, bytes); `hostile.py FOLDER` writes a file of each."""
import os
import sys

CORPUS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fuzz", "corpus", "markdown")
MEGA = 1 << 20


def large():
    for depth in (1000, 100000):
        yield f"fences_{depth}", b"".join(b"`" * (3 + i % 400) + b"\n" for i in range(depth))
        yield f"fences_in_quotes_{depth}", b"> " * depth + b"```\n" + b"> " * depth + b"</script>\n"
        yield f"quotes_{depth}", b">" * depth + b" <script>alert(1)</script>\n"
        yield f"lists_{depth}", b"- " * depth + b"x\n"
        yield f"numbers_{depth}", b"1. " * depth + b"x\n"
        yield f"brackets_{depth}", b"[" * depth + b"x" + b"](javascript:alert(1))" * depth
        yield f"images_{depth}", b"![" * depth + b"x" + b"](data:x)" * depth
        yield f"emphasis_{depth}", b"*_" * depth + b"x" + b"_*" * depth
        yield f"strong_{depth}", b"**a " * depth + b" b**" * depth
        yield f"tables_{depth}", b"|" * depth + b"\n" + b"|-" * depth + b"|\n" + b"|\n" * 100
    yield "indented_1000", b"".join(b"  " * i + b"- a\n" for i in range(1000))
    yield "line_of_letters", b"a" * MEGA
    yield "line_of_tags", b"<script>alert(1)</script>" * (MEGA // 25)
    yield "line_of_links", b"[a](javascript:alert(1)) " * (MEGA // 25)
    yield "line_of_quotes", b"\"'<>&" * (MEGA // 5)
    yield "line_of_dollars", b"$a_b*c$ " * (MEGA // 8)
    yield "line_of_nul", b"\0" * MEGA
    yield "line_of_bidi", "\u202e".encode() * (MEGA // 3)
    yield "line_of_broken", b"\xff\xfe\xc0\xaf\xed\xa0\x80" * (MEGA // 7)
    yield "line_in_fence", b"```html\n" + b"</script></noscript><!--" * (MEGA // 24) + b"\n```\n"
    yield "references", b"".join(b"[r%d]: javascript:alert(%d)\n[r%d]\n\n" % (i, i, i) for i in range(20000))
    yield "reference_bomb", b"[a]: http://x.example/" + b"y" * 20000 + b"\n\n" + b"[a] " * 20000


def texts():
    for name in sorted(os.listdir(CORPUS)):
        with open(os.path.join(CORPUS, name), "rb") as f:
            yield name, f.read()
    yield from large()


if __name__ == "__main__":
    os.makedirs(sys.argv[1], exist_ok=True)
    for name, text in texts():
        with open(os.path.join(sys.argv[1], name), "wb") as f:
            f.write(text)
