#!/usr/bin/env python3
"""fastchat_browser.py - the texts that FastChat's own qa_browser shows, a JSON line each, for tests/unit/browser_text.c.

fastchat_browser.py                         of questions, answers and judgments of our own
fastchat_browser.py DATA... [--most N]      of folders that hold question.jsonl, model_answer/*.jsonl and model_judgment/gpt-4_*.jsonl; N texts of a kind
"""
import glob
import gzip
import json
import os
import sys

import absent

absent.Absent.ROOTS |= {"gradio", "openai"}
absent.put()
from fastchat.llm_judge import qa_browser as browser  # noqa: E402
from fastchat.llm_judge import common  # noqa: E402

OURS = ["plain", " \u00a0 around \u3000\n", "one\n\n1. two\n\n2. three\n\n\n3. four", "a\n\n- b\n\n-c\n\n - d\n\n\n- e", "\u2022 a\n\n\u2022 b\u2022\n\n\u2022c",
        "\n\n1. first", "x\n\n12345678901. y\n\n1.z\n\n1 . z\n\n. z", "x\n\n\u0661\u0662. arabic\n\n\u0967. devanagari\n\n\u00b2. no digit\n\n\u2460. none",
        "q\n\n- \u2022 r\n\n1. \u2022\n\n- s", "\x1c\x1f\x85\u2028lines\u2029\u200b\ufeff", "**bold** _it_ $x_1$ \\(y\\)", "<b>&amp;</b> \"quoted\" 'single'", "\u65e5\u672c\u8a9e " * 70,
        "\U0001f600" * 200, "e\u0301" * 100, "short\u00e9" * 40, "tab\tand\r\nreturn\n\n1.\tx\n\n-\ty", "", " ", "\n", "``` \n\n1. x\n```\n\n- y", "A: B\n\n1. C\n\n\n\n- D\n\n",
        "\n\n- only", "1. x\n\n1. y\n\n- z\n\n1. ", "{braces} %s %d \\n", "ends with newlines\n\n\n"]


def put(**line):
    print(json.dumps(line, ensure_ascii=False))


def behind(heading, text):
    assert text.startswith(heading), text
    return text[len(heading):]


def show_question(question):
    browser.questions = [question]
    browser.question_selector_map.clear()
    browser.category_selector_map.clear()
    browser.build_question_selector_map()
    put(what="question", id=question["question_id"], turn=question["turns"][0], out=next(iter(browser.question_selector_map)))


def show_answer(turns):
    answer = {"choices": [{"turns": turns}]}
    blocks = browser.single_to_gradio_chat_mds({"turns": ["q"] * len(turns)}, answer)
    for i, turn in enumerate(turns):
        put(what="answer", text=turn, out=behind("##### Assistant A\n", blocks[2 * i + 1]))
    assert blocks[1] == browser.pairwise_to_gradio_chat_mds({"turns": ["q"]}, answer, answer)[1]


def show_reference(reference):
    text = browser.single_to_gradio_chat_mds({"turns": [], "reference": reference}, None)[4]
    put(what="reference", reference=reference, out=behind("##### Reference Solution\n", text) if text else "")


def show_single(model, score, judgment):
    put(what="single", model=model, score=score, judgment=judgment,
        out=common.get_single_judge_explanation((1, model), {(1, model): {"score": score, "judgment": judgment}}))


def show_pair(a, b, first, second):
    """'first': of the game that the record calls the first."""
    stored = (1, *sorted((a, b)))
    out = common.get_pairwise_judge_explanation((1, a, b), {stored: {"g1_judgment": first, "g2_judgment": second}})
    put(what="pair", a=a, b=b, first=first if a < b else second, second=second if a < b else first, out=out)


def ours():
    for i, text in enumerate(OURS):
        show_question({"question_id": 80 + i * 7, "category": "c", "turns": [text, "more"]})
        show_reference([text, OURS[i - 1]])
        show_single(f"m{i}", (8, 8.5, -1, 10.0, None, 7.25)[i % 6], text)
        show_pair(("b", "a", "\u00e9", "Z")[i % 4], ("m", "m", "z", "a")[i % 4], text, OURS[i - 3])
    for i in range(0, len(OURS), 2):
        show_answer(OURS[i:i + 2])
    show_reference(["", ""])
    show_reference(["", "second alone"])


def rows(path):
    """Of a file or of its .gz."""
    for name, opened in ((path, open), (path + ".gz", gzip.open)):
        if os.path.exists(name):
            with opened(name, "rt", encoding="utf-8") as f:
                return [json.loads(line) for line in f if line.strip()]
    return []


def of_folder(folder, most):
    for q in rows(f"{folder}/question.jsonl")[:most]:
        show_question(q)
        if len(q.get("reference", [])) == 2:
            show_reference(q["reference"])
    for path in sorted(glob.glob(f"{folder}/model_answer/*.jsonl*")):
        for a in rows(path.removesuffix(".gz"))[:most]:
            show_answer(a["choices"][0]["turns"][:2])
    for r in rows(f"{folder}/model_judgment/gpt-4_single.jsonl")[:most]:
        show_single(r["model"], r["score"], r["judgment"])
    for r in rows(f"{folder}/model_judgment/gpt-4_pair.jsonl")[:most]:
        show_pair(*sorted((r["model_1"], r["model_2"])), r["g1_judgment"], r["g2_judgment"])


if __name__ == "__main__":
    words = sys.argv[1:]
    most = int(words.pop(words.index("--most") + 1)) if "--most" in words else 1000
    folders = [w for w in words if w != "--most"]
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    for folder in folders:
        of_folder(folder, most)
    if not folders:
        ours()
