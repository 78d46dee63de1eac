/* question.c - the questions of a bench, from JSON lines that people edit by hand. */
#include "mtbench/question.h"

#include "mtbench/hash.h"
#include "mtbench/json.h"
#include "mtbench/lines.h"
#include "mtbench/map.h"
#include "mtbench/mem.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    double temperature;          /* fastchat.llm_judge.common.temperature_config */
    double length;               /* tokens per turn, rounded means of published answers */
} categories[] = {
    { "writing", 0.7, 400 }, { "roleplay", 0.7, 350 }, { "extraction", 0.0, 150 }, { "math", 0.0, 220 }, { "coding", 0.0, 420 },
    { "reasoning", 0.0, 200 }, { "stem", 0.1, 400 }, { "humanities", 0.1, 450 }, { "arena-hard-200", 0.0, 500 },
};

double category_temperature(const char *category)
{
    for (size_t i = 0; i < sizeof categories / sizeof *categories; i++)
        if (!strcmp(category, categories[i].name))
            return categories[i].temperature;
    return 0.7;                          /* FastChat's for categories that it does not know */
}

double category_length(const char *category)
{
    for (size_t i = 0; i < sizeof categories / sizeof *categories; i++)
        if (!strcmp(category, categories[i].name))
            return categories[i].length;
    return 300;                          /* a middling answer; only who is dealt first depends on it */
}

static void question_free(struct question *q)
{
    for (int i = 0; i < q->n_turns; i++)
        free(q->turn[i]);
    for (int i = 0; i < q->n_reference; i++)
        free(q->reference[i]);
    free(q->turn);
    free(q->reference);
    free(q->category);
}

/* A list of strings into *out; 0 or -1. */
static int strings(const cJSON *list, char ***out, int *n)
{
    const cJSON *j;
    if (!cJSON_IsArray(list))
        return -1;
    /* *n counts what was copied, so that question_free() takes half a list. */
    *out = xcalloc((size_t)cJSON_GetArraySize(list), sizeof **out);
    cJSON_ArrayForEach(j, list)
    {
        if (!cJSON_IsString(j))
            return -1;
        (*out)[(*n)++] = xstrdup(j->valuestring);
    }
    return 0;
}

static int parse_fields(const cJSON *j, struct question *q, struct err *err)
{
    const cJSON *id = json_get(j, "question_id"), *category = json_get(j, "category"), *turns = json_get(j, "turns");
    const cJSON *reference = json_get(j, "reference"), *temperature = json_get(j, "required_temperature");
    if (!cJSON_IsObject(j))
        return err_set(err, ERR_FORMAT, "no JSON object; is this a question file?");
    if (!json_whole(id, &q->id))
        return err_set(err, ERR_FORMAT, "no whole number \"question_id\"; give each question one");
    if (!cJSON_IsString(category))
        return err_set(err, ERR_FORMAT, "no \"category\"; name one, it decides the temperature");
    q->category = xstrdup(category->valuestring);
    /* Said apart: an answer file has question_id too, and is the file that is given here by mistake. */
    if (!turns)
        /* Answer files have their turns one level down, in choices. */
        return err_set(err, ERR_FORMAT, "no \"turns\" array; is this an answer file?");
    if (strings(turns, &q->turn, &q->n_turns) < 0)
        return err_set(err, ERR_FORMAT, "\"turns\" is no list of strings; write each turn as one string");
    if (q->n_turns == 0)
        return err_set(err, ERR_FORMAT, "\"turns\" is empty; a question needs at least one turn");
    /* A reference that is no list is none: nothing but the browser's page shows it. */
    if (cJSON_IsArray(reference) && strings(reference, &q->reference, &q->n_reference) < 0)
        return err_set(err, ERR_FORMAT, "\"reference\" is no list of strings; write one string per turn");
    /* FastChat's order: the category decides, unless the question says otherwise */
    q->temperature = category_temperature(q->category);
    if (temperature && !cJSON_IsNull(temperature)) {
        /* 1e999 reads as infinite, and samplers take a float. */
        if (!cJSON_IsNumber(temperature) || !(temperature->valuedouble >= 0 && temperature->valuedouble <= (double)FLT_MAX))
            return err_set(err, ERR_FORMAT, "\"required_temperature\" is no finite number of at least 0; 0 is greedy");
        q->temperature = temperature->valuedouble;
        q->required_temperature = true;
    }
    return 0;
}

static int parse_line(struct slice line, struct questions *qs, struct err *err)
{
    cJSON *j = json_parse(line.ptr, line.len, err);
    if (!j)
        return -1;
    if ((qs->n & (qs->n - 1)) == 0)      /* doubles at powers of two */
        qs->q = xrealloc(qs->q, qs->n ? 2 * (size_t)qs->n : 1, sizeof *qs->q);
    struct question *q = &qs->q[qs->n];
    *q = (struct question){0};
    /* Of the line without mark and line end: a file that went through another editor does not make its answers stale. */
    sha256_hex(line.ptr, line.len, q->sha256);
    int rc = parse_fields(j, q, err);
    cJSON_Delete(j);
    /* By the map, since people join files of 50,000 questions; the loop would look at every pair. */
    if (rc == 0 && map_add_int(&qs->by_id, q->id, (size_t)qs->n) != (size_t)qs->n)
        rc = err_set(err, ERR_FORMAT, "question_id %lld was used before; ids must differ", (long long)q->id);
    qs->n++;                             /* also when it failed: questions_free() has its parts to release */
    return rc;
}

int questions_parse(const char *name, const char *data, size_t n, struct questions *out, struct err *err)
{
    *out = (struct questions){0};
    sha256_hex(data, n, out->sha256);    /* of the file's bytes, as `sha256sum` prints it */
    struct lines lines;
    struct slice line;
    int rc = 0;
    lines_begin(&lines, data, n);
    while (rc == 0 && lines_next(&lines, &line))
        rc = parse_line(line, out, err);
    if (rc < 0) {
        questions_free(out);
        return err_wrap(err, "%s:%ld", name, lines.number);
    }
    if (out->n == 0)
        return err_set(err, ERR_FORMAT, "%s: no questions in it; check the path", name);
    return 0;
}

void questions_free(struct questions *qs)
{
    for (int i = 0; i < qs->n; i++)
        question_free(&qs->q[i]);
    free(qs->q);
    map_free(&qs->by_id);
    qs->q = NULL;
    qs->n = 0;
}

int questions_find(const struct questions *qs, int64_t id)
{
    size_t i = map_find_int(&qs->by_id, id);
    return i == MAP_NONE ? -1 : (int)i;
}

static long clamp_index(long i, long n)
{
    /* As Python: -3 is the third from the end, and what is out of range is the nearest end. */
    i = i < 0 ? i + n : i;
    return i < 0 ? 0 : i > n ? n : i;
}

/* Mark what one --category or --question-ids word means, among the questions [begin, end). Returns how many it means. */
static int mark_category(const struct questions *qs, long begin, long end, const char *word, bool *on)
{
    int n = 0;
    for (long i = begin; i < end; i++)
        if (!strcmp(qs->q[i].category, word))
            on[i] = true, n++;
    return n;
}

static int mark_ids(const struct questions *qs, long begin, long end, const char *word, bool *on)
{
    char *rest;
    long long first = strtoll(word, &rest, 10), last = first;
    int n = 0;
    /* A sign belongs to its number, so the '-' behind the first one is that of the range: "-5--3" works. */
    if (rest != word && *rest == '-')
        last = strtoll(word = rest + 1, &rest, 10);
    if (rest == word || *rest)           /* "81-", "a", "": nobody's question, and the caller says so */
        return 0;
    for (long i = begin; i < end; i++)
        if (qs->q[i].id >= first && qs->q[i].id <= last)
            on[i] = true, n++;
    return n;
}

typedef int mark_f(const struct questions *qs, long begin, long end, const char *word, bool *on);

/* Switch off in 'keep' what the words do not mean. */
static int narrow(const struct questions *qs, long begin, long end, const char *flag, const struct opt_list *words, mark_f *mark,
                  bool *keep, struct err *err)
{
    bool *on = xcalloc((size_t)qs->n + 1, sizeof *on);
    int rc = 0;
    /* Each word must mean something: a mistyped id would make a smaller benchmark in silence. */
    for (int i = 0; i < words->n && rc == 0; i++)
        if (mark(qs, begin, end, words->word[i], on) == 0)
            rc = err_set(err, ERR_USAGE, "--%s %s: no such question; the file has %d, from %lld (%s) to %lld (%s)", flag, words->word[i],
                         qs->n, (long long)qs->q[0].id, qs->q[0].category, (long long)qs->q[qs->n - 1].id, qs->q[qs->n - 1].category);
    for (long i = begin; i < end && words->n; i++) /* no words: nothing is switched off */
        keep[i] = keep[i] && on[i];
    free(on);
    return rc;
}

static long limit(bool *keep, long begin, long end, long first_n)
{
    long n = 0, most, seen = 0;
    for (long i = begin; i < end; i++)
        n += keep[i];
    /* 0 is no limit, as in FastChat; a negative number drops from the end. */
    most = first_n ? clamp_index(first_n, n) : n;
    for (long i = begin; i < end; i++)
        if (keep[i] && ++seen > most)
            keep[i] = false;
    return most;
}

/* The flags that were given, for messages. */
static const char *flags_given(const struct slicing *s)
{
    const bool slice = s->has_begin || s->has_end, words = s->category.n || s->ids.n;
    return s->first_n && !slice && !words   ? "--first-n"
           : s->has_begin && !s->has_end && !s->first_n && !words ? "--question-begin"
           : s->has_end && !s->has_begin && !s->first_n && !words ? "--question-end"
           : words && !slice ? "--category and --question-ids"
                             : "the choice of questions";
}

int questions_slice(struct questions *qs, const struct slicing *s, struct err *err)
{
    long begin = s->has_begin ? clamp_index(s->begin, qs->n) : 0, end = s->has_end ? clamp_index(s->end, qs->n) : qs->n;
    bool *keep = xcalloc((size_t)qs->n + 1, sizeof *keep);
    int kept = 0, rc;
    for (long i = begin; i < end; i++)
        keep[i] = true;
    rc = narrow(qs, begin, end, "category", &s->category, mark_category, keep, err);
    if (rc == 0)
        rc = narrow(qs, begin, end, "question-ids", &s->ids, mark_ids, keep, err);
    if (rc == 0 && limit(keep, begin, end, s->first_n) == 0)
        rc = err_set(err, ERR_USAGE, "%s: leaves none of the %d questions; choose more", flags_given(s), qs->n);
    if (rc == 0)                         /* it knows the old places */
        map_free(&qs->by_id);
    for (int i = 0; i < qs->n && rc == 0; i++) {
        if (keep[i]) {
            /* Moved down in place: kept <= i, and what was dropped is freed before anything is written over it. */
            map_add_int(&qs->by_id, qs->q[i].id, (size_t)kept);
            qs->q[kept++] = qs->q[i];
        } else
            question_free(&qs->q[i]);
    }
    if (rc == 0)
        qs->n = kept;
    free(keep);
    return rc;
}
