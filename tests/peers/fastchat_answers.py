#!/usr/bin/env python3
"""fastchat_answers.py BENCH JOURNAL... : in a folder that holds data/BENCH with our answers, FastChat's own code reads them: its loaders, its
reorganisation of answer files, and gen_judgment, whose calls to the judge end here instead of in a network. Prints TAP."""
import builtins
import glob
import json
import os
import runpy
import sys
from unittest import mock

import absent

BENCH, JOURNALS = sys.argv[1], sys.argv[2:]
ANSWERS = "data/%s/model_answer/" % BENCH
ran = failed = 0


def ok(good, what):
    global ran, failed
    ran += 1
    failed += not good
    print("%s %d - %s" % ("ok" if good else "not ok", ran, what))


absent.put()
from fastchat.llm_judge import common  # noqa: E402
from fastchat.llm_judge.gen_model_answer import reorg_answer_file  # noqa: E402


def journal_texts(path):
    """(question, choice, turn) -> text, of the turns that were finished."""
    with open(path) as f:
        next(f)
        return {(r["question_id"], r["choice"], r["turn"]): r["text"] for r in map(json.loads, f) if r["status"] == "ok"}


def prompts():
    """Judge prompts of our own with FastChat's names and fields."""
    for pair in (False, True):
        for math in ("", "-math"):
            for turns in ("", "-multi-turn"):
                fields = ["answer_a", "answer_b"] if pair else ["answer"]
                if turns:
                    fields = ["question_1", "question_2"] + [f + n for n in ("_1", "_2") for f in fields]
                else:
                    fields = ["question"] + fields
                if math:
                    fields += ["ref_answer_1"] + (["ref_answer_2"] if turns else [])
                yield dict(name=("pair" + math + "-v2" if pair and not math else "pair" + math + "-v1" if pair else "single" + math + "-v1") + turns,
                           type="pairwise" if pair else "single", system_prompt="Grade.", prompt_template="".join("<%s>{%s}</%s>\n" % (f, f, f) for f in fields),
                           output_format="[[A]]" if pair else "[[rating]]", description="", category="math" if math else "general")


def judge(mode, **flags):
    """The user prompts that gen_judgment would send, in order."""
    sent = []

    def completion(model, conv, temperature, max_tokens, api_dict=None):
        sent.append(conv.messages[-2][1])
        return "[[A]]" if mode != "single" else "[[7]]"
    words = ["gen_judgment", "--bench-name", BENCH, "--judge-file", "data/prompts.jsonl", "--mode", mode]
    for name, value in flags.items():
        words += ["--" + name.replace("_", "-"), value]
    with mock.patch.object(common, "chat_completion_openai", completion), mock.patch.object(builtins, "input", lambda *_: ""), \
            mock.patch.object(sys, "argv", words), mock.patch.object(builtins, "print", lambda *_, **__: None), mock.patch.object(sys, "stderr", open(os.devnull, "w")):
        runpy.run_module("fastchat.llm_judge.gen_judgment", run_name="__main__")
    return sent


questions = common.load_questions("data/%s/question.jsonl" % BENCH, None, None)
answers = common.load_model_answers(ANSWERS)
names = sorted(os.path.basename(j)[:-len(".journal")] for j in JOURNALS)
ok(sorted(answers) == names and len(names) > 1, "load_model_answers: %s and nothing else" % ", ".join(names))
ok(sorted(common.get_model_list(ANSWERS)) == names, "get_model_list: neither journal nor manifest is taken for answers")
for name in names:
    texts, found = journal_texts(ANSWERS + name + ".journal"), {}
    for q, a in answers[name].items():
        for c in a["choices"]:
            for t, text in enumerate(c["turns"]):
                found[q, c["index"], t + 1] = text
    ok(found == texts and set(answers[name]) == {q["question_id"] for q in questions}, "%s: all %d turns as the journal has them" % (name, len(texts)))
    ok(all(list(a) == ["question_id", "answer_id", "model_id", "choices", "tstamp"] and a["model_id"] == name and isinstance(a["tstamp"], float) and
           len(a["answer_id"]) == 22 for a in answers[name].values()), "%s: keys in FastChat's order, values of its types" % name)
    with open(ANSWERS + name + ".jsonl", "rb") as f:
        raw = f.read()
    ok(all(json.dumps(json.loads(line)).encode() == line for line in raw.splitlines()) and raw.endswith(b"\n"), "%s: every line as json.dumps writes it" % name)
    reorg_answer_file(ANSWERS + name + ".jsonl")
    with open(ANSWERS + name + ".jsonl", "rb") as f:
        ok(f.read() == raw, "%s: reorg_answer_file finds nothing to do" % name)
with open("data/prompts.jsonl", "w") as f:
    for p in prompts():
        f.write(json.dumps(p) + "\n")
turn = {(n, q): [(c["turns"]) for c in a["choices"]][0] for n in names for q, a in answers[n].items()}
sent = judge("single", model_list=names[0])
math = [q for q in questions if q["category"] in common.NEED_REF_CATS]
ok(len(sent) == 2 * len(questions), "gen_judgment --mode single: %d calls for %d questions of two turns" % (len(sent), len(questions)))
ordered = [q for q in questions if q not in math] + math
first, second = sent[:len(questions)], sent[len(questions):]
ok(all("<answer>%s</answer>" % turn[names[0], q["question_id"]][0] in s for q, s in zip(ordered, first)), "the first half asks for our first turns")
ok(all("<answer_1>%s</answer_1>\n<answer_2>%s</answer_2>" % tuple(turn[names[0], q["question_id"]]) in s for q, s in zip(ordered, second)), "the second half for both turns")
ok(len(math) > 0 and sum("<ref_answer_1>" in s for s in sent) == 2 * len(math), "math questions come with their reference answers")
sent = judge("pairwise-baseline", model_list=names[0], baseline_model=names[1])
ok(len(sent) == 4 * len(questions) and all("<answer_b>%s</answer_b>" % turn[names[1], q["question_id"]][0] in s for q, s in zip(ordered, sent[::2])),
   "gen_judgment --mode pairwise-baseline: two games per match, our two models in them")
records = [json.loads(line) for path in sorted(glob.glob("data/%s/model_judgment/*.jsonl" % BENCH)) for line in open(path)]
ok(len(records) == 4 * len(questions) and {r["model"] for r in records if "model" in r} == {names[0]}, "and its judgments name our models")
print("1..%d" % ran)
sys.exit(failed != 0)
