/* campaign_schema.c - the tables of a campaign file: what each field is called, where it lies in its row, its unit, its meaning. */
#include "campaign_rows.h"

#include <stddef.h>

/* In the order of the enums of turn_status, judgment_status, winner and call_status, which these words name. */
static const char *const turn_status_words[] = { "ok", "failed", "too_long", NULL };
static const char *const turn_finish_words[] = { "none", "stop", "length", "context", NULL };
static const char *const judgment_status_words[] = { "ok",      "unparsable", "out_of_range", "truncated", "filtered",
                                                     "refused", "too_long",   "failed",       "no_answer", NULL };
static const char *const winner_words[] = { "model_1", "model_2", "tie", "error", NULL };
static const char *const call_status_words[] = { "ok", "truncated", "filtered", "refused", "too_long", "failed", NULL };
static const char *const file_kind_words[] = { "answers",  "judgments", "pairs",     "turns_journal", "calls_journal",
                                               "manifest", "questions", "reference", "judge_prompts", "phases", NULL };

static const struct h5_field runs_field[] = {
    { "key", H5_HASH, offsetof(struct run_row, key), NULL,
      "what the run is: bench, model, and all that its answers depend on; /run has a group of its first 16 digits", NULL },
    { "content", H5_HASH, offsetof(struct run_row, content), NULL, "what it holds: journals, answers, judgments", NULL },
    { "sources", H5_HASH, offsetof(struct run_row, sources), NULL,
      "what else its rows came from: files of judgments as a whole, with other runs' lines, journals of judges, phases", NULL },
    { "bench", H5_TEXT, offsetof(struct run_row, bench), NULL, "set of questions", NULL },
    { "model", H5_TEXT, offsetof(struct run_row, model), NULL, "name of the model", NULL },
    { "seed", H5_INT, offsetof(struct run_row, seed), NULL, "seed of the answers; -1: not known", NULL },
    { "bench_key", H5_TEXT, offsetof(struct run_row, bench_key), NULL, "group of /bench with its questions; empty: they were not there",
      NULL },
    { "turns", H5_INT32, offsetof(struct run_row, turns), NULL, "finished turns", NULL },
    { "failed_turns", H5_INT32, offsetof(struct run_row, failed_turns), NULL, "turns that failed and were not made since", NULL },
    { "cut_turns", H5_INT32, offsetof(struct run_row, cut_turns), NULL, "finished turns of choice 0 that ran into the token limit", NULL },
    { "judgments", H5_INT32, offsetof(struct run_row, judgments), NULL, "single judgments", NULL },
    { "failed_judgments", H5_INT32, offsetof(struct run_row, failed_judgments), NULL, "of these without a score", NULL },
    { "pairs", H5_INT32, offsetof(struct run_row, pairs), NULL, "judgments of pairs", NULL },
    { "new_tokens", H5_INT, offsetof(struct run_row, new_tokens), "tokens", "tokens of the answers; -1: not known", NULL },
    { "judge_tokens", H5_INT, offsetof(struct run_row, judge_tokens), "tokens", "of all calls to judges; -1: not known", NULL },
    { "bytes", H5_INT, offsetof(struct run_row, bytes), "bytes", "of its rows and texts, before they are compressed", NULL },
    { "seconds", H5_REAL, offsetof(struct run_row, seconds), "s", "sum over turns from submission to end, which overlap", NULL },
    { "energy_j", H5_REAL, offsetof(struct run_row, energy_j), "J", "sum over the turns where it was measured; NaN: none", NULL },
    { "cost", H5_REAL, offsetof(struct run_row, cost), "USD", "of the calls to judges whose price is known; NaN: none", NULL },
    { "first_tstamp", H5_REAL, offsetof(struct run_row, first_tstamp), "s since 1970-01-01 UTC", "earliest time in its records", NULL },
    { "last_tstamp", H5_REAL, offsetof(struct run_row, last_tstamp), "s since 1970-01-01 UTC", "latest time in its records", NULL },
    { "program", H5_TEXT, offsetof(struct run_row, program), NULL, "what made the answers", NULL },
    { "numerics", H5_TEXT, offsetof(struct run_row, numerics), NULL, "arithmetic of the answers", NULL },
    { "weights", H5_TEXT, offsetof(struct run_row, weights), NULL, "types of the weights", NULL },
    { "folder", H5_TEXT, offsetof(struct run_row, folder), NULL, "where it was read, for information", NULL },
    { "job", H5_TEXT, offsetof(struct run_row, job), NULL, "batch job, for information", NULL },
    { "foreign", H5_FLAG, offsetof(struct run_row, foreign), NULL, "1: without a journal, nobody knows how the answers were made", NULL },
};
const struct h5_table runs_table = { "runs", "a row per run: which model, of what, from where, and its sums",
                                      runs_field, sizeof runs_field / sizeof *runs_field, sizeof(struct run_row) };

static const struct h5_field turns_field[] = {
    { "question_id", H5_INT, offsetof(struct turn_row, question_id), NULL, "", NULL },
    { "choice", H5_INT32, offsetof(struct turn_row, choice), NULL, "from 0", NULL },
    { "turn", H5_INT32, offsetof(struct turn_row, turn), NULL, "from 1", NULL },
    { "status", H5_WORD, offsetof(struct turn_row, status), NULL, "", turn_status_words },
    { "counts", H5_FLAG, offsetof(struct turn_row, counts), NULL, "1: the last word on this turn", NULL },
    { "finish", H5_WORD, offsetof(struct turn_row, finish), NULL, "why it ended", turn_finish_words },
    { "n_prompt", H5_INT32, offsetof(struct turn_row, n_prompt), "tokens", "tokens of the prompt; -1: not known", NULL },
    { "n_new", H5_INT32, offsetof(struct turn_row, n_new), "tokens", "tokens of the answer; -1: not known", NULL },
    { "n_reused", H5_INT32, offsetof(struct turn_row, n_reused), "tokens", "of the prompt's, not computed again; -1: not known", NULL },
    { "temperature", H5_REAL, offsetof(struct turn_row, temperature), NULL, "", NULL },
    { "top_k", H5_INT32, offsetof(struct turn_row, top_k), NULL, "-1: not known", NULL },
    { "top_p", H5_REAL, offsetof(struct turn_row, top_p), NULL, "", NULL },
    { "min_p", H5_REAL, offsetof(struct turn_row, min_p), NULL, "", NULL },
    { "repetition_penalty", H5_REAL, offsetof(struct turn_row, repetition_penalty), NULL, "", NULL },
    { "seconds", H5_REAL, offsetof(struct turn_row, seconds), "s", "from submission to the end", NULL },
    { "energy_j", H5_REAL, offsetof(struct turn_row, energy_j), "J", "NaN: not measured", NULL },
    { "tstamp", H5_REAL, offsetof(struct turn_row, tstamp), "s since 1970-01-01 UTC", "end", NULL },
    { "rank", H5_INT32, offsetof(struct turn_row, rank), NULL, "-1: not known", NULL },
    { "question_sha256", H5_HASH, offsetof(struct turn_row, question_sha256), NULL, "of the question's line", NULL },
    { "prompt_sha256", H5_HASH, offsetof(struct turn_row, prompt_sha256), NULL, "of the rendered prompt", NULL },
    { "text", H5_TEXT, offsetof(struct turn_row, text), NULL, "the answer", NULL },
    { "reason", H5_TEXT, offsetof(struct turn_row, reason), NULL, "why it failed", NULL },
};
const struct h5_table turns_table = { "turns", "a row per record of the turns' journal, in its order; without one, per turn of the answers",
                                      turns_field, sizeof turns_field / sizeof *turns_field, sizeof(struct turn_row) };

static const struct h5_field answers_field[] = {
    { "question_id", H5_INT, offsetof(struct answer_row, question_id), NULL, "", NULL },
    { "answer_id", H5_TEXT, offsetof(struct answer_row, answer_id), NULL, "", NULL },
    { "model_id", H5_TEXT, offsetof(struct answer_row, model_id), NULL, "", NULL },
    { "choices", H5_INT32, offsetof(struct answer_row, choices), NULL, "how many", NULL },
    { "tstamp", H5_REAL, offsetof(struct answer_row, tstamp), "s since 1970-01-01 UTC", "", NULL },
    { "file", H5_INT32, offsetof(struct answer_row, at.file), NULL, "row of files", NULL },
    { "line", H5_INT32, offsetof(struct answer_row, at.line), NULL, "its place among the file's lines, from 1", NULL },
    { "raw", H5_TEXT, offsetof(struct answer_row, at.raw), NULL, "its bytes, where they do not follow from the other fields", NULL },
};
const struct h5_table answers_table = { "answers", "a row per line of the answer file",
                                      answers_field, sizeof answers_field / sizeof *answers_field, sizeof(struct answer_row) };

static const struct h5_field judgments_field[] = {
    { "question_id", H5_INT, offsetof(struct judged_row, question_id), NULL, "", NULL },
    { "turn", H5_INT32, offsetof(struct judged_row, turn), NULL, "from 1", NULL },
    { "repeat", H5_INT32, offsetof(struct judged_row, repeat), NULL, "from 1", NULL },
    { "asked", H5_INT32, offsetof(struct judged_row, asked), NULL, "row of asked", NULL },
    { "call", H5_INT32, offsetof(struct judged_row, call), NULL, "row of calls; -1: none is known", NULL },
    { "status", H5_WORD, offsetof(struct judged_row, status), NULL, "only ok counts", judgment_status_words },
    { "score", H5_REAL, offsetof(struct judged_row, score), "points", "as stored; -1: none", NULL },
    { "score_is_int", H5_FLAG, offsetof(struct judged_row, score_is_int), NULL, "written without a point", NULL },
    { "empty", H5_FLAG, offsetof(struct judged_row, empty), NULL, "1: the answer is empty", NULL },
    { "tstamp", H5_REAL, offsetof(struct judged_row, tstamp), "s since 1970-01-01 UTC", "", NULL },
    { "judgment", H5_TEXT, offsetof(struct judged_row, judgment), NULL, "what the judge said", NULL },
    { "file", H5_INT32, offsetof(struct judged_row, at.file), NULL, "row of files", NULL },
    { "line", H5_INT32, offsetof(struct judged_row, at.line), NULL, "its place among the file's lines, from 1", NULL },
    { "raw", H5_TEXT, offsetof(struct judged_row, at.raw), NULL, "its bytes, where they do not follow from the other fields", NULL },
};
const struct h5_table judgments_table = { "judgments", "a row per single judgment",
                                      judgments_field, sizeof judgments_field / sizeof *judgments_field, sizeof(struct judged_row) };

static const struct h5_field pairs_field[] = {
    { "question_id", H5_INT, offsetof(struct pair_row, question_id), NULL, "", NULL },
    { "model_1", H5_TEXT, offsetof(struct pair_row, model_1), NULL, "", NULL },
    { "model_2", H5_TEXT, offsetof(struct pair_row, model_2), NULL, "", NULL },
    { "turn", H5_INT32, offsetof(struct pair_row, turn), NULL, "from 1", NULL },
    { "repeat", H5_INT32, offsetof(struct pair_row, repeat), NULL, "from 1", NULL },
    { "asked_1", H5_INT32, offsetof(struct pair_row, asked_1), NULL, "row of asked", NULL },
    { "asked_2", H5_INT32, offsetof(struct pair_row, asked_2), NULL, "row of asked", NULL },
    { "call_1", H5_INT32, offsetof(struct pair_row, call_1), NULL, "row of calls; -1: none is known", NULL },
    { "call_2", H5_INT32, offsetof(struct pair_row, call_2), NULL, "row of calls; -1: none is known", NULL },
    { "g1_winner", H5_WORD, offsetof(struct pair_row, g1_winner), NULL, "with model_1's answer first", winner_words },
    { "g2_winner", H5_WORD, offsetof(struct pair_row, g2_winner), NULL, "with model_2's answer first", winner_words },
    { "status", H5_WORD, offsetof(struct pair_row, status), NULL, "of the worse game; only ok counts", judgment_status_words },
    { "empty", H5_FLAG, offsetof(struct pair_row, empty), NULL, "1: one of the answers is empty", NULL },
    { "tstamp", H5_REAL, offsetof(struct pair_row, tstamp), "s since 1970-01-01 UTC", "", NULL },
    { "g1_judgment", H5_TEXT, offsetof(struct pair_row, g1_judgment), NULL, "what the judge said", NULL },
    { "g2_judgment", H5_TEXT, offsetof(struct pair_row, g2_judgment), NULL, "what the judge said", NULL },
    { "file", H5_INT32, offsetof(struct pair_row, at.file), NULL, "row of files", NULL },
    { "line", H5_INT32, offsetof(struct pair_row, at.line), NULL, "its place among the file's lines, from 1", NULL },
    { "raw", H5_TEXT, offsetof(struct pair_row, at.raw), NULL, "its bytes, where they do not follow from the other fields", NULL },
};
const struct h5_table pairs_table = { "pairs", "a row per judgment of a pair: two games",
                                      pairs_field, sizeof pairs_field / sizeof *pairs_field, sizeof(struct pair_row) };

static const struct h5_field asked_field[] = {
    { "judge", H5_TEXT, offsetof(struct asked_row, judge), NULL, "", NULL },
    { "prompt", H5_TEXT, offsetof(struct asked_row, prompt), NULL, "name of the judge prompt", NULL },
    { "user_prompt", H5_TEXT, offsetof(struct asked_row, user_prompt), NULL,
      "the words; with holes, {{question_N}}, {{answer_N}} and {{reference_N}} stand for the texts of turn N", NULL },
    { "holes", H5_FLAG, offsetof(struct asked_row, holes), NULL, "", NULL },
};
const struct h5_table asked_table = { "asked", "a row per thing that judges were asked: who, by which prompt, in which words",
                                      asked_field, sizeof asked_field / sizeof *asked_field, sizeof(struct asked_row) };

static const struct h5_field calls_field[] = {
    { "key", H5_TEXT, offsetof(struct call_row, key), NULL, "", NULL },
    { "question_id", H5_INT, offsetof(struct call_row, question_id), NULL, "", NULL },
    { "turn", H5_INT32, offsetof(struct call_row, turn), NULL, "", NULL },
    { "game", H5_INT32, offsetof(struct call_row, game), NULL, "of pairs", NULL },
    { "repeat", H5_INT32, offsetof(struct call_row, repeat), NULL, "", NULL },
    { "file", H5_INT32, offsetof(struct call_row, file), NULL, "row of files", NULL },
    { "status", H5_WORD, offsetof(struct call_row, status), NULL, "", call_status_words },
    { "counts", H5_FLAG, offsetof(struct call_row, counts), NULL, "1: the last word on this call", NULL },
    { "tokens_in", H5_INT, offsetof(struct call_row, tokens_in), "tokens", "", NULL },
    { "tokens_out", H5_INT, offsetof(struct call_row, tokens_out), "tokens", "", NULL },
    { "tokens_estimated", H5_FLAG, offsetof(struct call_row, tokens_estimated), NULL, "1: our own count", NULL },
    { "cost", H5_REAL, offsetof(struct call_row, cost), "USD", "over all tries; NaN: no price known", NULL },
    { "tries", H5_INT32, offsetof(struct call_row, tries), NULL, "", NULL },
    { "seconds", H5_REAL, offsetof(struct call_row, seconds), "s", "from the first try to the end", NULL },
    { "tstamp", H5_REAL, offsetof(struct call_row, tstamp), "s since 1970-01-01 UTC", "end", NULL },
    { "expected_score", H5_REAL, offsetof(struct call_row, expected_score), "points", "of a constrained local judge; NaN otherwise", NULL },
    { "server_model", H5_TEXT, offsetof(struct call_row, model), NULL, "who replied, as the server named it", NULL },
    { "judge", H5_TEXT, offsetof(struct call_row, judge), NULL, "who replied instead of the one that was asked", NULL },
    { "reason", H5_TEXT, offsetof(struct call_row, reason), NULL, "why it failed", NULL },
    { "text", H5_TEXT, offsetof(struct call_row, text), NULL, "the reply, where no judgment has it", NULL },
};
const struct h5_table calls_table = { "calls", "a row per record of the judges' journals, paid for or failed, in their order",
                                      calls_field, sizeof calls_field / sizeof *calls_field, sizeof(struct call_row) };

static const struct h5_field files_field[] = {
    { "path", H5_TEXT, offsetof(struct file_row, path), NULL, "in the data folder", NULL },
    { "kind", H5_WORD, offsetof(struct file_row, kind), NULL, "", file_kind_words },
    { "bytes", H5_INT, offsetof(struct file_row, bytes), "bytes", "", NULL },
    { "lines", H5_INT32, offsetof(struct file_row, lines), NULL, "", NULL },
    { "sha256", H5_HASH, offsetof(struct file_row, sha256), NULL, "", NULL },
    { "text", H5_TEXT, offsetof(struct file_row, text), NULL,
      "of manifests, questions, references and judge prompts all of it; of others what stands behind the last record", NULL },
};
const struct h5_table files_table = { "files", "a row per file that the rows came from",
                                      files_field, sizeof files_field / sizeof *files_field, sizeof(struct file_row) };

static const struct h5_field phases_field[] = {
    { "name", H5_TEXT, offsetof(struct phase_row, name), NULL, "load, answers, judging", NULL },
    { "started", H5_REAL, offsetof(struct phase_row, started), "s since 1970-01-01 UTC", "", NULL },
    { "seconds", H5_REAL, offsetof(struct phase_row, seconds), "s", "", NULL },
    { "energy_j", H5_REAL, offsetof(struct phase_row, energy_j), "J", "NaN: not measured", NULL },
    { "tokens", H5_INT, offsetof(struct phase_row, tokens), "tokens", "-1: not known", NULL },
    { "nodes", H5_INT32, offsetof(struct phase_row, nodes), NULL, "-1: not known", NULL },
    { "file", H5_INT32, offsetof(struct phase_row, file), NULL, "row of files; phases of a judge are of all models that it judged", NULL },
    { "source", H5_TEXT, offsetof(struct phase_row, source), NULL, "what measured the energy", NULL },
    { "reason", H5_TEXT, offsetof(struct phase_row, reason), NULL, "why it was not measured", NULL },
};
const struct h5_table phases_table = { "phases", "a row per phase of a start of the run, in their order",
                                      phases_field, sizeof phases_field / sizeof *phases_field, sizeof(struct phase_row) };

static const struct h5_field questions_field[] = {
    { "question_id", H5_INT, offsetof(struct question_row, question_id), NULL, "", NULL },
    { "turn", H5_INT32, offsetof(struct question_row, turn), NULL, "from 1", NULL },
    { "category", H5_TEXT, offsetof(struct question_row, category), NULL, "", NULL },
    { "text", H5_TEXT, offsetof(struct question_row, text), NULL, "", NULL },
    { "reference", H5_TEXT, offsetof(struct question_row, reference), NULL, "shown to people", NULL },
};
const struct h5_table questions_table = { "questions", "a row per turn of a question",
                                      questions_field, sizeof questions_field / sizeof *questions_field, sizeof(struct question_row) };
