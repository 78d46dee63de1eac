/* campaign_rows.h - what a campaign file holds, as rows of C structs and their tables (room: report, the campaign file's own).
 *
 *   /            attributes: schema, schema_version, about
 *   /runs        a row per run: which model, of what, from where, and its sums
 *   /run/KEY     of each run: turns, answers, judgments, pairs, asked, calls, files, phases
 *   /bench/KEY   of each set of questions: questions, files
 *
 * data/CAMPAIGN.md is made of these tables' words. A run's rows lie in its own group, so that a run is added, replaced and compared
 * without touching another one. */
#ifndef MTB_CAMPAIGN_ROWS_H
#define MTB_CAMPAIGN_ROWS_H

#include "h5_table.h"

enum { CAMPAIGN_VERSION = 1, GROUP_KEY = 16 };   /* a group's name is so many digits of the key */
#define CAMPAIGN_SCHEMA "mtbench campaign"

/* Numbers that nobody measured: NaN in reals, NOT_KNOWN in whole ones. */
enum { NOT_KNOWN = -1 };

struct run_row {
    char key[65], content[65], sources[65];      /* what it is, what it holds, and what else its rows came from */
    char *bench, *model;
    int64_t seed;
    char *bench_key;                     /* of /bench; "" without questions */
    int32_t turns, failed_turns, cut_turns, judgments, failed_judgments, pairs;
    int64_t new_tokens, judge_tokens, bytes;
    double seconds, energy_j, cost, first_tstamp, last_tstamp;
    char *program, *numerics, *weights, *folder, *job;
    uint8_t foreign;                     /* no journal of ours: nobody knows how the answers were made */
};

enum { TURN_FINISH_NONE, TURN_FINISH_STOP, TURN_FINISH_LENGTH, TURN_FINISH_CONTEXT };

struct turn_row {
    int64_t question_id;
    int32_t choice, turn, top_k, n_prompt, n_new, n_reused, rank;
    uint8_t status, finish, counts;
    double temperature, top_p, min_p, repetition_penalty, seconds, tstamp, energy_j;
    char question_sha256[65], prompt_sha256[65];
    char *text, *reason;
};

/* A line of a file: which (of the run's files), in which place, and its bytes where our writer would not make them of the other fields. */
struct line_place {
    int32_t file, line;
    char *raw;
};

struct answer_row {
    int64_t question_id;
    char *answer_id, *model_id;
    int32_t choices;
    double tstamp;
    struct line_place at;
};

struct judged_row {
    int64_t question_id;
    int32_t turn, repeat, asked, call;
    uint8_t status, score_is_int, empty;
    double score, tstamp;
    char *judgment;
    struct line_place at;
};

struct pair_row {
    int64_t question_id;
    char *model_1, *model_2;
    int32_t turn, repeat, asked_1, asked_2, call_1, call_2;
    uint8_t g1_winner, g2_winner, status, empty;
    double tstamp;
    char *g1_judgment, *g2_judgment;
    struct line_place at;
};

struct asked_row {
    char *judge, *prompt;                /* names */
    char *user_prompt;                   /* with 'holes' {{question_1}}, {{answer_1}} ... stand for what the run has there */
    uint8_t holes;
};

struct call_row {
    char *key, *model, *judge, *reason, *text;
    int64_t question_id, tokens_in, tokens_out;
    int32_t turn, game, repeat, tries, file;
    uint8_t status, counts, tokens_estimated;
    double cost, seconds, tstamp, expected_score;
};

struct file_row {
    char *path;                          /* in the data folder */
    uint8_t kind;
    int64_t bytes;
    int32_t lines;
    char sha256[65];
    char *text;                          /* a manifest; of other files the bytes behind the last line */
};
enum { FILE_ANSWERS, FILE_JUDGMENTS, FILE_PAIRS, FILE_TURNS, FILE_CALLS, FILE_MANIFEST, FILE_QUESTIONS, FILE_REFERENCE, FILE_PROMPTS,
       FILE_PHASES };

struct phase_row {
    char *name;
    double started, seconds, energy_j;
    int64_t tokens;
    int32_t nodes, file;
    char *source, *reason;               /* of the energy */
};

struct question_row {
    int64_t question_id;
    int32_t turn;
    char *category, *text, *reference;
};

extern const struct h5_table runs_table, turns_table, answers_table, judgments_table, pairs_table, asked_table, calls_table, files_table,
    phases_table, questions_table;

#endif
