/* canary.c - stored judgments asked for once more. */
#include "mtbench/canary.h"

#include "mtbench/hash.h"
#include "mtbench/json.h"
#include "mtbench/lines.h"
#include "mtbench/map.h"
#include "mtbench/mem.h"
#include "mtbench/verdict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A line of the file that counts. */
struct stored {
    char hash[17];                       /* of what it judges, in hex */
    const struct judgment_row *row;      /* in the table, gone after canary_create() */
    const struct judge_prompt *prompt;   /* the judge file's */
    const char *line;                    /* in the file's bytes, which outlive canary_create() */
    size_t n;                            /* bytes of the line */
};

struct question_asked {
    char key[CALL_KEY_MAX + 1];          /* of the call, with the run in it */
    char hash[17];                       /* of the judgment */
    const struct judge_prompt *prompt;   /* the judge file's */
    char *user;                          /* the stored prompt; owned */
    int game;                            /* 0: single */
    uint64_t content;                    /* hash of the call, as journals have it */
    bool done;                           /* answered, now or by an interrupted run */
    struct canary_verdict verdict;       /* what was, and what is */
};

struct canary {
    struct canary_opts o;                /* the caller's strings outlive us */
    struct question_asked *ask;          /* (n) */
    int n, judgments, cursor, done, failed; /* calls; judgments they are of; next to ask; answered; without a verdict */
    struct call_message message[2];      /* scratch of call_of() */
    struct call call;                    /* what canary_next() lends */
};

enum { MAX_RUN = 17 };

/* ---- choosing ---- */

/* What a judgment is about, without its verdict: the same judgments are chosen on every machine and in every
 * month, whatever the order of the file, so that canaries can be compared with each other. */
static void hash_row(const struct judgment_table *t, const struct judgment_row *r, char hex[17])
{
    const char *part[] = { t->name[r->judge], t->name[r->prompt], t->name[r->model_1], r->model_2 < 0 ? "" : t->name[r->model_2] };
    uint8_t digest[32];
    char number[64];
    struct sha256 *h = sha256_begin();
    for (int i = 0; i < 4; i++)
        sha256_add(h, part[i], strlen(part[i]) + 1); /* with its NUL: "a" "bc" is not "ab" "c" */
    int n = snprintf(number, sizeof number, "%lld %d", (long long)r->question_id, r->turn);
    sha256_add(h, number, (size_t)n);
    sha256_end(h, digest);
    hex_of(digest, 8, hex);              /* 64 bits: enough to choose by and to name calls */
}

/* All lines that could be asked for again, in file order. Caller frees. */
static struct stored *list_stored(const struct canary_opts *o, const struct judgment_table *t, const char *data, size_t n, int *count)
{
    struct stored *s = xcalloc(t->n + 1, sizeof *s);
    struct lines lines;
    struct slice line;
    *count = 0;
    lines_begin(&lines, data, n);
    /* The table has one row for each line that is not blank, in their order: both walk in step. */
    for (size_t row = 0; row < t->n && lines_next(&lines, &line); row++) {
        const struct judgment_row *r = &t->row[row];
        const struct judge_prompt *p = r->prompt < 0 ? NULL : judge_prompts_find(o->prompts, t->name[r->prompt]);
        /* Only verdicts that count, of this judge, by a prompt that the judge file still has: anything else cannot be
         * compared. */
        if (r->status != JUDGMENT_OK || r->judge < 0 || strcmp(t->name[r->judge], o->judge) || !p || p->pairwise != t->pairs)
            continue;
        s[*count] = (struct stored){ .row = r, .prompt = p, .line = line.ptr, .n = line.len };
        hash_row(t, r, s[(*count)++].hash);
    }
    return s;
}

/* Of the same the later line first. */
static int by_hash(const void *pa, const void *pb)
{
    const struct stored *a = pa, *b = pb;
    int c = strcmp(a->hash, b->hash);
    return c ? c : a->line > b->line ? -1 : 1;
}

static int by_question(const void *pa, const void *pb)
{
    const struct question_asked *a = pa, *b = pb;
    if (a->verdict.question_id != b->verdict.question_id)
        return a->verdict.question_id < b->verdict.question_id ? -1 : 1;
    int c = strcmp(a->hash, b->hash);
    return c ? c : a->game - b->game;
}

static void add(struct canary *c, const struct stored *s, int game, const char *user)
{
    struct question_asked *q = &c->ask[c->n++];
    const struct judgment_row *r = s->row;
    /* A pair is two questions; of the second game the stored winner is the second one's. */
    *q = (struct question_asked){ .prompt = s->prompt, .user = xstrdup(user), .game = game,
        .verdict = { .question_id = r->question_id, .score_was = r->score, .winner_was = game == 2 ? r->g2 : r->g1 } };
    memcpy(q->hash, s->hash, sizeof q->hash);
}

/* Its calls, if the line holds what was asked. */
static bool take_stored(struct canary *c, const struct stored *s)
{
    cJSON *j = json_parse(s->line, s->n, NULL); /* the chosen few are parsed whole, the rest of the file never */
    const bool pair = s->row->model_2 >= 0;
    const cJSON *one = json_get(j, pair ? "g1_user_prompt" : "user_prompt"), *two = json_get(j, "g2_user_prompt");
    bool fine = cJSON_IsString(one) && (!pair || cJSON_IsString(two));
    if (fine)
        add(c, s, pair ? 1 : 0, one->valuestring);
    if (fine && pair)
        add(c, s, 2, two->valuestring);
    cJSON_Delete(j);
    return fine;
}

/* ---- a run that was cut short ---- */

static const struct call *call_of(struct canary *c, struct question_asked *q)
{
    int n = 0;
    if (*q->prompt->system_prompt)
        c->message[n++] = (struct call_message){ "system", q->prompt->system_prompt };
    c->message[n++] = (struct call_message){ "user", q->user };
    c->call = (struct call){
        .key = q->key, .message = c->message, .n_messages = n, .temperature = 0, .max_tokens = c->o.max_tokens, .verdict = -1};
    c->call.content = q->content = call_content(&c->call);
    return &c->call;
}

static void name_calls(struct canary *c, const char *run)
{
    for (int i = 0; i < c->n; i++) {
        /* The run is in the key: the same judgment is asked anew by every canary, unlike a call of the judging itself. */
        snprintf(c->ask[i].key, sizeof c->ask[i].key, "canary-%s-g%d-%s", run, c->ask[i].game, c->ask[i].hash);
        call_of(c, &c->ask[i]);
    }
}

struct seen {
    struct map key;                      /* of all records, failed ones too */
    char run[MAX_RUN];                   /* of the last one; "": it is none of a canary */
    double tstamp;                       /* of the last record */
};

static int see(void *ctx, const struct call_record *r, bool counts)
{
    struct seen *s = ctx;
    bool ours = !strncmp(r->key, "canary-", 7);
    size_t n = ours ? strcspn(r->key + 7, "-") : 0;
    (void)counts;
    map_set(&s->key, r->key, strlen(r->key), 1);
    /* Overwritten by each: the last stays. */
    snprintf(s->run, sizeof s->run, "%.*s", n < sizeof s->run ? (int)n : 0, ours ? r->key + 7 : "");
    s->tstamp = r->tstamp;
    return 0;
}

/* May the last run go on: as many judgments, not too long ago, and calls without a record? Those that failed were asked. */
static bool is_open(struct canary *c, const struct seen *s)
{
    char as_many[16];
    size_t n = strlen(s->run), k = (size_t)snprintf(as_many, sizeof as_many, "n%d", c->o.n);
    int missing = 0;
    /* The number of judgments is the end of a run's name: with another --canary N other calls would be asked. */
    if (n <= k || strcmp(s->run + n - k, as_many) || s->tstamp < c->o.since)
        return false;
    name_calls(c, s->run);
    for (int i = 0; i < c->n; i++)
        missing += map_find_text(&s->key, c->ask[i].key) == MAP_NONE;
    return missing > 0;
}

static void take(struct canary *c, struct question_asked *q, const struct call_record *r);

static void go_on(struct canary *c)
{
    struct seen s = {0};
    char fresh[MAX_RUN];
    snprintf(fresh, sizeof fresh, "%.10sn%d", c->o.run, c->o.n);
    call_journal_each(c->o.journal, see, &s);
    bool open = is_open(c, &s);
    if (!open)
        name_calls(c, fresh);
    for (int i = 0; open && i < c->n; i++) {
        const struct call_record *r = call_journal_find(c->o.journal, c->ask[i].key, c->ask[i].content);
        if (r)
            take(c, &c->ask[i], r);
    }
    map_free(&s.key);
}

struct canary *canary_create(const struct canary_opts *o, const char *name, const char *data, size_t n, struct err *err)
{
    struct judgment_table t = {0};
    int count;
    if (judgment_table_parse(&t, name, data, n, err) < 0) {
        judgment_table_free(&t);
        return NULL;
    }
    struct canary *c = xcalloc(1, sizeof *c);
    struct stored *s = list_stored(o, &t, data, n, &count);
    c->o = *o;
    c->ask = xcalloc(2 * (size_t)count + 1, sizeof *c->ask); /* a pair is two calls */
    qsort(s, (size_t)count, sizeof *s, by_hash); /* the sample: the n least hashes */
    for (int i = 0; i < count && c->judgments < o->n; i++)
        if (i == 0 || strcmp(s[i].hash, s[i - 1].hash))
            c->judgments += take_stored(c, &s[i]); /* a line without prompts gives none, and the next one is taken */
    qsort(c->ask, (size_t)c->n, sizeof *c->ask, by_question); /* the estimates want questions together */
    free(s);
    judgment_table_free(&t);
    if (c->n) {
        go_on(c);
        return c;
    }
    canary_destroy(c);
    err_set(err, ERR_USAGE, "%s: no judgment by %s with a verdict and a prompt of the judge file; judge first", name, o->judge);
    return NULL;
}

void canary_destroy(struct canary *c)
{
    if (!c)
        return;
    for (int i = 0; i < c->n; i++)
        free(c->ask[i].user);
    free(c->ask);
    free(c);
}

/* ---- asking ---- */

const struct call *canary_next(struct canary *c)
{
    while (c->cursor < c->n && c->ask[c->cursor].done) /* answered by an interrupted run */
        c->cursor++;
    return c->cursor == c->n ? NULL : call_of(c, &c->ask[c->cursor++]);
}

static void read_verdict(struct question_asked *q, const struct call_record *r)
{
    if (r->status != CALL_OK && r->status != CALL_TRUNCATED)
        return;
    struct verdict v = verdict_read(q->prompt->format, r->text, strlen(r->text), r->status == CALL_TRUNCATED);
    q->verdict.read = v.status == JUDGMENT_OK;
    q->verdict.score_is = v.score;
    /* In game 2 A is model_2; meaningless where 'read' is false. */
    q->verdict.winner_is = v.letter == 'C' ? WINNER_TIE : (v.letter == 'A') == (q->game == 1) ? WINNER_MODEL_1 : WINNER_MODEL_2;
}

static void take(struct canary *c, struct question_asked *q, const struct call_record *r)
{
    read_verdict(q, r);
    q->done = true;
    c->done++;
    c->failed += !q->verdict.read;
}

int canary_take(struct canary *c, const struct call_record *r, struct err *err)
{
    int i = 0;
    while (i < c->n && (strcmp(c->ask[i].key, r->key) || c->ask[i].content != r->content))
        i++;
    if (i == c->n || c->ask[i].done)
        return err_set(err, ERR_FORMAT, "%s: a reply to a call that the canary did not make; this is a bug", r->key);
    if (call_journal_append(c->o.journal, r, err) < 0) /* on disk before it counts */
        return -1;
    take(c, &c->ask[i], r);
    return 0;
}

struct canary_now canary_now(const struct canary *c)
{
    return (struct canary_now){ c->judgments, c->n, c->done, c->failed };
}

struct canary_verdict canary_verdict(const struct canary *c, int i)
{
    return c->ask[i].verdict;
}
