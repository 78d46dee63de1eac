/* vote.c - votes of people and judges, from arrays or lines. */
#include "mtbench/vote.h"

#include "mtbench/io.h"
#include "mtbench/json.h"
#include "mtbench/lines.h"
#include "mtbench/mem.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NAMES = 10000 };              /* names are few: models and judges; more means that this is no vote file */

int32_t votes_name(const struct votes *votes, const char *name)
{
    size_t at = map_find_text(&votes->names, name);
    return at == MAP_NONE ? -1 : (int32_t)at;
}

static int intern(struct votes *votes, const char *name, int32_t *out, struct err *err)
{
    *out = votes_name(votes, name);
    if (*out >= 0)
        return 0;
    if (votes->n_names == MAX_NAMES)     /* before numbers run out of what a hostile file may fill */
        return err_set(err, ERR_FORMAT, "more than %d names of models and judges; are these votes?", MAX_NAMES);
    votes->name = xrealloc(votes->name, (size_t)votes->n_names + 1, sizeof *votes->name);
    votes->name[votes->n_names] = xstrdup(name);
    map_add_text(&votes->names, name, (size_t)votes->n_names);
    *out = votes->n_names++;
    return 0;
}

/* ---- one vote ---- */

static char *class_of_list(const cJSON *list)
{
    const cJSON *judge = cJSON_GetArrayItem(list, 0), *prompt = cJSON_GetArrayItem(list, 1);
    if (!cJSON_IsString(judge) || !cJSON_IsString(prompt))
        return NULL;
    /* FastChat's names of classes: with these its published agreement tables are found again. */
    if (!strcmp(judge->valuestring, "gpt-4") && !strncmp(prompt->valuestring, "pair", 4))
        return xstrdup("gpt4-pair");
    return xasprintf("%s-%.*s", judge->valuestring, (int)strcspn(prompt->valuestring, "-"), prompt->valuestring);
}

static char *class_of(const cJSON *judge)
{
    if (cJSON_IsArray(judge))
        return class_of_list(judge);
    if (!cJSON_IsString(judge))
        return NULL;
    /* Humans are "expert_12", "author_3": the class is who they are, not which one. */
    if (!strncmp(judge->valuestring, "expert", 6))
        return xstrdup("human");
    if (!strncmp(judge->valuestring, "author", 6))
        return xstrdup("author");
    char *name = xstrdup(judge->valuestring);
    for (char *c = name; *c; c++)
        if (*c == '_')
            *c = '-';
    return name;
}

static int winner_of(const cJSON *j, const char *key, const char *a, const char *b, enum vote_winner *out, struct err *err)
{
    const cJSON *w = json_get(j, key);
    if (cJSON_IsString(w) && (!strcmp(w->valuestring, a) || !strcmp(w->valuestring, b))) {
        *out = strcmp(w->valuestring, a) ? VOTE_B : VOTE_A;
        return 0;
    }
    if (cJSON_IsString(w) && strstr(w->valuestring, "tie")) { /* "tie", "tie (inconsistent)", "tie (bothbad)" */
        *out = VOTE_TIE;
        return 0;
    }
    return err_set(err, ERR_FORMAT, "\"%s\" is none of %s, %s, tie", key, a, b);
}

/* 1: a vote; 0: a game failed, so there is none. */
static int pair_winner(const cJSON *j, enum vote_winner *out, struct err *err)
{
    enum vote_winner game[2];
    for (int i = 0; i < 2; i++) {
        /* One game without a verdict is no vote, whatever the other says. */
        const char *key = i ? "g2_winner" : "g1_winner";
        const cJSON *w = json_get(j, key);
        if (cJSON_IsString(w) && !strcmp(w->valuestring, "error"))
            return 0;
        if (winner_of(j, key, "model_1", "model_2", &game[i], err) < 0)
            return -1;
    }
    /* FastChat calls two games that differ a tie. */
    *out = game[0] == game[1] ? game[0] : VOTE_TIE;
    return 1;
}

static int whole(const cJSON *j, const char *key, double low, double high, double *out, struct err *err)
{
    const cJSON *v = json_get(j, key);
    /* The range first: the cast of a double outside of int64_t is undefined. */
    if (!cJSON_IsNumber(v) || !(v->valuedouble >= low && v->valuedouble <= high) || v->valuedouble != (double)(int64_t)v->valuedouble)
        return err_set(err, ERR_FORMAT, "\"%s\" is no whole number of %.0f .. %.0f", key, low, high);
    *out = v->valuedouble;
    return 0;
}

static int read_names(struct votes *votes, const cJSON *j, bool pair, struct vote *v, struct err *err)
{
    const cJSON *a = json_get(j, pair ? "model_1" : "model_a"), *b = json_get(j, pair ? "model_2" : "model_b");
    if (!cJSON_IsString(a) || !cJSON_IsString(b))
        return err_set(err, ERR_FORMAT, "no model_a and model_b; is this a vote file?");
    char *judge = class_of(json_get(j, "judge"));
    if (!judge)
        return err_set(err, ERR_FORMAT, "\"judge\" is neither a name nor a list of judge and prompt");
    /* One order for each pair of models, so that votes on (a, b) and on (b, a) meet; bytes of UTF-8 sort as code points. */
    bool swap = strcmp(a->valuestring, b->valuestring) > 0;
    int rc = intern(votes, judge, &v->judge, err);
    if (rc == 0)
        rc = intern(votes, swap ? b->valuestring : a->valuestring, &v->model_a, err);
    if (rc == 0)
        rc = intern(votes, swap ? a->valuestring : b->valuestring, &v->model_b, err);
    if (rc == 0 && swap && v->winner != VOTE_TIE) /* whoever was A is B */
        v->winner = v->winner == VOTE_A ? VOTE_B : VOTE_A;
    free(judge);
    return rc;
}

static int add_vote(struct votes *votes, const cJSON *j, struct err *err)
{
    struct vote v = {0};
    enum vote_winner winner = VOTE_TIE;
    double id, turn;
    if (!cJSON_IsObject(j))
        return err_set(err, ERR_FORMAT, "no JSON object; is this a vote file?");
    /* Only pair judgments have model_1; votes name model_a. */
    bool pair = json_get(j, "model_1") != NULL;
    int some = pair ? pair_winner(j, &winner, err) : winner_of(j, "winner", "model_a", "model_b", &winner, err) < 0 ? -1 : 1;
    if (some < 0 || whole(j, "question_id", -9007199254740991.0, 9007199254740991.0, &id, err) < 0 ||
        whole(j, "turn", 1, 255, &turn, err) < 0)
        return -1;
    if (some == 0) {                     /* counted, so that the report can say how many are missing */
        votes->failed++;
        return 0;
    }
    v.question_id = (int64_t)id;
    v.turn = (uint8_t)turn;
    v.winner = (uint8_t)winner;
    if (read_names(votes, j, pair, &v, err) < 0)
        return -1;
    if (votes->n == votes->cap)
        votes->v = xrealloc(votes->v, votes->cap = votes->cap ? votes->cap * 2 : 256, sizeof *votes->v);
    votes->v[votes->n++] = v;
    return 0;
}

/* ---- files ---- */

/* FastChat's own files are one JSON array over many lines. NULL: this is none. */
static const char *start_of_array(const char *data, size_t n)
{
    struct lines lines;
    struct slice line;
    lines_begin(&lines, data, n);
    if (!lines_next(&lines, &line))
        return NULL;
    while (*line.ptr == ' ' || *line.ptr == '\t')   /* the line is not blank */
        line.ptr++;
    return *line.ptr == '[' ? line.ptr : NULL;
}

static int parse_array(struct votes *votes, const char *name, const char *data, size_t n, struct err *err)
{
    cJSON *list = json_parse(data, n, err), *j;
    long number = 0;                     /* elements, since an array has no lines worth naming */
    int rc = list ? 0 : err_wrap(err, "%s", name);
    /* The list is walked to its end whatever happens: it is parsed already, and the first fault is the one that is told. */
    cJSON_ArrayForEach(j, list)
    {
        number++;
        if (rc == 0 && add_vote(votes, j, err) < 0) /* the macro cannot be left early without losing the count of the error */
            rc = err_wrap(err, "%s: vote %ld", name, number);
    }
    cJSON_Delete(list);
    return rc;
}

int votes_parse(struct votes *votes, const char *name, const char *data, size_t n, struct err *err)
{
    const char *array = start_of_array(data, n);
    if (array)
        return parse_array(votes, name, array, (size_t)(data + n - array), err);
    struct lines lines;
    struct slice line;
    int rc = 0;
    lines_begin(&lines, data, n);
    while (rc == 0 && lines_next(&lines, &line)) {
        cJSON *j = json_parse(line.ptr, line.len, err);
        rc = !j || add_vote(votes, j, err) < 0 ? err_wrap(err, "%s:%ld", name, lines.number) : 0;
        cJSON_Delete(j);
    }
    return rc;
}

int votes_read(struct votes *votes, const char *path, struct err *err)
{
    struct buf b = {0};
    int rc = io_read(path, &b, err);
    size_t before = votes->n;
    if (rc == 0)
        rc = votes_parse(votes, path, b.data, b.len, err);
    /* A file of failed games alone is a file of votes; one without any is a mistake. */
    if (rc == 0 && votes->n == before && votes->failed == 0)
        rc = err_set(err, ERR_FORMAT, "%s: no votes in it", path);
    buf_free(&b);
    return rc;
}

void votes_free(struct votes *votes)
{
    for (int i = 0; i < votes->n_names; i++)
        free(votes->name[i]);
    free(votes->name);
    map_free(&votes->names);
    free(votes->v);
    *votes = (struct votes){0};
}
