"""Data folders that are odd in one way each, for tests of pages: python3 odd_data.py DIR makes DIR/CASE/odd for each case and prints the cases' names."""
import os
import sys

from bench_data import answer, pair, single, write

NAMES = ['org/model', 'quote"model', "less<b>model", "\U0001F984 model", "it's & more", "x" * 300, '"><img src=x onerror=alert(1)>']


def questions(turns=(2, 2, 2)):
    return [{"question_id": 81 + i, "category": ["writing", "math", "writing"][i], "turns": ["Say %d." % t for t in range(n)]} for i, n in enumerate(turns)]


def bench(top, case, asked=None, answers=(), single_by=(), pairs_by=()):
    """Questions, answers by file, judgments by judge's file."""
    folder = "%s/%s/odd" % (top, case)
    write(folder + "/question.jsonl", asked or questions())
    for name, rows in answers:
        write("%s/model_answer/%s.jsonl" % (folder, name), rows)
    for name, rows in single_by:
        write("%s/model_judgment/%s_single.jsonl" % (folder, name), rows)
    for name, rows in pairs_by:
        write("%s/model_judgment/%s_pair.jsonl" % (folder, name), rows)
    print(case)


def answered(*models, ids=(81, 82, 83)):
    return [(m, [answer(m, q, m + " says") for q in ids]) for m in models]


def judged(judge, *models, ids=(81, 82, 83)):
    return [single(judge, m, q, t, 1 + (len(m) + q + t + i) % 9) for i, m in enumerate(models) for q in ids for t in (1, 2)]


def main(top):
    bench(top, "other_questions", answers=answered("a") + answered("b", ids=(81, 901, 902)), single_by=[("j", judged("j", "a") + judged("j", "b", ids=(81, 901)))])
    bench(top, "unequal_turns", questions((1, 2, 3)),
          answers=[("a", [answer("a", 81, "a", 3), answer("a", 82, "a", 1), answer("a", 83, "a", 3)]), ("b", [answer("b", 81, "b", 1), answer("b", 82, "b", 2)])],
          single_by=[("j", judged("j", "a", "b"))])
    bench(top, "names", answers=[(n.replace("/", "_")[:200], [answer(n, q, "words") for q in (81, 82, 83)]) for n in NAMES],
          single_by=[("j", judged("j", *NAMES))],
          pairs_by=[("j", [pair("j", a, b, q, 1, "model_1", "model_1" if q > 81 else "tie") for q in (81, 82, 83) for a, b in zip(NAMES, NAMES[1:])])])
    bench(top, "judges_names", answers=answered("a", "b"), single_by=[("j" + n.replace("/", "_")[:150], judged("j" + n, "a", "b")) for n in NAMES])
    bench(top, "no_judgments", answers=answered("a", "b"))
    bench(top, "empty_judgments", answers=answered("a", "b"), single_by=[("j", [])], pairs_by=[("j", [])])
    bench(top, "no_answers", single_by=[("j", judged("j", "a", "b"))], pairs_by=[("j", [pair("j", "a", "b", q, 1, "model_2", "model_2") for q in (81, 82, 83)])])
    bench(top, "one_name_twice", answers=answered("a", "b"), single_by=[("first", judged("same", "a", "b")), ("second", judged("same", "b", "a"))])
    bench(top, "all_failed", answers=[("a", [answer("a", q, "x") for q in (81, 82, 83)])],
          single_by=[("j", [single("j", "a", q, t, -1, "no verdict") for q in (81, 82, 83) for t in (1, 2)])],
          pairs_by=[("j", [pair("j", "a", "b", q, 1, "error", "error") for q in (81, 82, 83)])])
    bench(top, "one_model_one_question", questions((1,)), answers=[("a", [answer("a", 81, "x", 1)])], single_by=[("j", [single("j", "a", 81, 1, 5)])])
    bench(top, "odd_bench", [{"question_id": 81, "category": '<b>"cat"</b>', "turns": ["Say </script><script>alert(1)</script>"]},
                             {"question_id": 9007199254740991, "category": "", "turns": ["Say \u202e."]}],
          answers=answered("a", ids=(81, 9007199254740991)), single_by=[("j", judged("j", "a", ids=(81, 9007199254740991)))])


if __name__ == "__main__":
    main(sys.argv[1])
