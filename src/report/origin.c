/* origin.c - where answers and judgments come from, as journals and manifests tell it. */
#include "origin.h"

#include "mtbench/finish.h"
#include "mtbench/io.h"
#include "mtbench/journal.h"
#include "mtbench/json.h"
#include "mtbench/json_scan.h"
#include "mtbench/mem.h"
#include "mtbench/paths.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *copy_of(const char *s)
{
    return s ? xstrdup(s) : NULL;
}

/* ---- manifests ---- */

static void add_facts(struct origin_facts *f, const cJSON *object, bool identity)
{
    const cJSON *m;
    cJSON_ArrayForEach(m, object)
        if (cJSON_IsString(m) && m->string) {
            f->fact = xrealloc(f->fact, (size_t)f->n + 1, sizeof *f->fact);
            f->fact[f->n++] = (struct origin_fact){ xstrdup(m->string), xstrdup(m->valuestring), identity };
        }
}

/* The first line of a journal, or of a manifest. One that says nothing adds nothing. */
static void read_facts(struct origin_facts *f, const char *line, size_t n)
{
    cJSON *root = json_parse(line, n, NULL);
    add_facts(f, json_get(root, "identity"), true);
    add_facts(f, json_get(root, "info"), false);
    cJSON_Delete(root);
}

static void facts_free(struct origin_facts *f)
{
    for (int i = 0; i < f->n; i++) {
        free(f->fact[i].name);
        free(f->fact[i].value);
    }
    free(f->fact);
}

const char *origin_fact(const struct origin_facts *f, const char *name)
{
    for (int i = 0; i < f->n; i++)
        if (!strcmp(f->fact[i].name, name))
            return f->fact[i].value;
    return NULL;
}

/* The first line of a file without its newline, into 'out': a journal of many megabytes is not read for its head. -1: err (io). */
static int read_head(const char *path, struct buf *out, struct err *err)
{
    char *line = NULL;
    size_t cap = 0;
    FILE *f = fopen(path, "re");
    if (!f)
        return err_errno(err, "%s: cannot read", path);
    const ssize_t n = getline(&line, &cap, f);
    if (n > 0)
        buf_add(out, line, (size_t)n - (line[n - 1] == '\n'));
    const bool bad = ferror(f) != 0;
    free(line);
    fclose(f);
    return bad ? err_set(err, ERR_IO, "%s: cannot read", path) : 0;
}

static bool is_of_calls(const struct buf *head)
{
    static const char begin[] = MANIFEST_HEAD "\"calls\"";
    return head->len >= sizeof begin - 1 && !memcmp(head->data, begin, sizeof begin - 1);
}

/* ---- turns ---- */

static void turn_free(struct origin_turn *t)
{
    free(t->reason);
    free(t->finish);
    free(t->sent);
    free(t->server_model);
}

static int compare_turn(const struct origin_turn *x, int64_t question_id, int choice, int turn)
{
    if (x->question_id != question_id)
        return x->question_id < question_id ? -1 : 1;
    return x->choice != choice ? (x->choice < choice ? -1 : 1) : (x->turn > turn) - (x->turn < turn);
}

/* Takes it. */
static void add_turn(struct origin *o, struct origin_turn t)
{
    if ((o->n & (o->n - 1)) == 0)
        o->turn = xrealloc(o->turn, o->n ? 2 * (size_t)o->n : 1, sizeof *o->turn);
    o->turn[o->n++] = t;
}

/* Records of one turn behind one another in the order of the file, which 'records' counts until sort_turns() is done. */
static int by_turn(const void *a, const void *b)
{
    const struct origin_turn *x = a, *y = b;
    const int c = compare_turn(x, y->question_id, y->choice, y->turn);
    return c ? c : (x->records > y->records) - (x->records < y->records);
}

/* One for each turn: the last that is ok, else the last. */
static void sort_turns(struct origin *o)
{
    int n = 0;
    for (int i = 0; i < o->n; i++)
        o->turn[i].records = i;
    if (o->n)
        qsort(o->turn, (size_t)o->n, sizeof *o->turn, by_turn);
    for (int i = 0, end; i < o->n; i = end) {
        int best = i;
        for (end = i + 1; end < o->n && compare_turn(&o->turn[end], o->turn[i].question_id, o->turn[i].choice, o->turn[i].turn) == 0; end++)
            if (o->turn[end].ok || !o->turn[best].ok)
                best = end;
        for (int k = i; k < end; k++)
            if (k != best)
                turn_free(&o->turn[k]);
        o->turn[n] = o->turn[best];
        o->turn[n++].records = end - i;
    }
    o->n = n;
}

static int see_turn(void *ctx, const struct turn_record *r, bool counts)
{
    static const char *const status[] = { "ok", "failed", "too_long" };
    const bool ended = r->finish && (!strcmp(r->finish, "length") || !strcmp(r->finish, "context"));
    struct origin_turn t = {
        .question_id = r->question_id, .choice = r->choice, .turn = r->turn, .ok = r->status == TURN_OK, .status = status[r->status],
        .reason = copy_of(r->reason), .finish = copy_of(r->finish), .cut = ended, .n_prompt = r->n_prompt, .n_new = r->n_new,
        .n_reused = r->n_reused, .temperature = r->temperature, .top_p = r->top_p, .min_p = r->min_p,
        .repetition_penalty = r->repetition_penalty, .top_k = r->top_k, .cost = NAN, .seconds = r->seconds, .tstamp = r->tstamp,
        .energy_j = r->energy_j > 0 ? r->energy_j : NAN, .rank = r->rank,
    };
    (void)counts;                        /* sort_turns() knows what of all counts, failures too */
    memcpy(t.prompt_sha256, r->prompt_sha256, sizeof t.prompt_sha256);
    memcpy(t.question_sha256, r->question_sha256, sizeof t.question_sha256);
    add_turn(ctx, t);
    return 0;
}

static bool is_cut(const char *finish)
{
    const enum reply_end end = finish_means(finish);
    return end == END_LENGTH || end == END_CONTEXT;
}

/* What a server was sent as its temperature; NAN: nothing was. */
static double sent_temperature(const char *sent)
{
    struct json_member m = { "temperature", {0} };
    double v;
    bool is_int;
    if (!sent || json_scan_members(sent, strlen(sent), &m, 1, NULL) < 0 || !json_member_number(m.value, &v, &is_int))
        return NAN;
    return v;
}

static int see_answer_call(void *ctx, const struct call_record *r, bool counts)
{
    long long question;
    int choice, turn;
    (void)counts;
    if (sscanf(r->key, "q%lld-c%d-t%d-", &question, &choice, &turn) != 3)        /* a key of another version's */
        return 0;
    add_turn(ctx, (struct origin_turn){
        .question_id = question, .choice = choice, .turn = turn, .ok = r->status == CALL_OK, .status = call_status_name(r->status),
        .reason = copy_of(r->reason), .finish = copy_of(r->finish), .cut = is_cut(r->finish), .n_prompt = r->tokens_in,
        .n_new = r->tokens_out, .n_reused = -1, .temperature = sent_temperature(r->sent), .top_p = NAN, .min_p = NAN,
        .repetition_penalty = NAN, .top_k = -1, .sent = copy_of(r->sent), .server_model = copy_of(r->model),
        .cost = r->cost < 0 ? NAN : r->cost, .seconds = r->seconds, .tstamp = r->tstamp, .energy_j = NAN, .rank = -1,
    });
    return 0;
}

static void read_turns(struct origin *o, struct err *err)
{
    struct journal *j = journal_peek(o->journal, NULL, err);
    if (j) {
        o->kind = ORIGIN_TURNS;
        journal_each(j, see_turn, o);
    }
    journal_close(j);
}

static void read_answer_calls(struct origin *o, struct err *err)
{
    struct call_journal *j = call_journal_peek(o->journal, err);
    if (j) {
        o->kind = ORIGIN_CALLS;
        call_journal_each(j, see_answer_call, o);
    }
    call_journal_close(j);
}

/* FastChat's folders have none; a copy of a run may lack its journal and have this. */
static int read_manifest(struct origin *o, const char *answer_file, struct err *err)
{
    char *path = bench_beside(answer_file, ".manifest");
    struct buf head = {0};
    int rc = io_exists(path, err);
    if (rc > 0 && (rc = read_head(path, &head, err)) == 0)
        read_facts(&o->facts, head.data ? head.data : "", head.len);
    buf_free(&head);
    free(path);
    return rc;
}

static int read_journal(struct origin *o, struct err *err)
{
    struct buf head = {0};
    if (read_head(o->journal, &head, err) < 0)
        return -1;
    read_facts(&o->facts, head.data ? head.data : "", head.len);
    (is_of_calls(&head) ? read_answer_calls : read_turns)(o, err);
    buf_free(&head);
    return o->kind == ORIGIN_NONE ? -1 : 0;
}

void origin_read(struct origin *o, const char *answer_file)
{
    struct err err = {0};
    *o = (struct origin){ .journal = journal_path(answer_file) };
    const int there = io_exists(o->journal, &err);
    int rc = there > 0 ? read_journal(o, &err) : there;
    if (rc == 0 && !o->facts.n)
        rc = read_manifest(o, answer_file, &err);
    if (rc < 0)
        o->trouble = xstrdup(err.text);
    sort_turns(o);
}

void origin_free(struct origin *o)
{
    for (int i = 0; i < o->n; i++)
        turn_free(&o->turn[i]);
    free(o->turn);
    free(o->journal);
    free(o->trouble);
    facts_free(&o->facts);
    *o = (struct origin){0};
}

const struct origin_turn *origin_find(const struct origin *o, int64_t question_id, int choice, int turn)
{
    int low = 0, high = o->n;
    while (low < high) {
        const int mid = low + (high - low) / 2, c = compare_turn(&o->turn[mid], question_id, choice, turn);
        if (c == 0)
            return &o->turn[mid];
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

/* ---- calls of judges ---- */

static void call_free(struct origin_call *c)
{
    free(c->reason);
    free(c->finish);
    free(c->server_model);
    free(c->stand_in);
    free(c->sent);
}

static int see_call(void *ctx, const struct call_record *r, bool counts)
{
    struct origin_calls *c = ctx;
    const size_t at = map_add_text(&c->by_key, r->key, c->n);
    (void)counts;
    call_totals_add(&c->journal[c->n_journals].totals, r);
    if (at == c->n) {
        if ((c->n & (c->n - 1)) == 0)
            c->call = xrealloc(c->call, c->n ? 2 * c->n : 1, sizeof *c->call);
        c->call[c->n++] = (struct origin_call){0};
    }
    struct origin_call *was = &c->call[at];
    was->records++;
    /* One that replied stays the last word until another one replies. */
    if (was->ok && r->status != CALL_OK)
        return 0;
    call_free(was);
    *was = (struct origin_call){
        .ok = r->status == CALL_OK, .status = call_status_name(r->status), .reason = copy_of(r->reason), .finish = copy_of(r->finish),
        .server_model = copy_of(r->model), .stand_in = copy_of(r->judge), .sent = copy_of(r->sent), .tokens_in = r->tokens_in,
        .tokens_out = r->tokens_out, .tokens_estimated = r->tokens_estimated, .cost = r->cost < 0 ? NAN : r->cost, .seconds = r->seconds,
        .tstamp = r->tstamp, .expected_score = r->expected_score, .tries = r->tries, .records = was->records, .journal = c->n_journals,
    };
    return 0;
}

static void read_judge_journal(struct origin_calls *c, const char *folder, char *name)
{
    char *path = xasprintf("%s/%s", folder, name);
    struct buf head = {0};
    struct err err = {0};
    c->journal = xrealloc(c->journal, (size_t)c->n_journals + 1, sizeof *c->journal);
    struct origin_journal *own = &c->journal[c->n_journals];
    *own = (struct origin_journal){ .name = name };
    int rc = read_head(path, &head, &err);
    struct call_journal *j = rc == 0 ? call_journal_peek(path, &err) : NULL;
    if (rc == 0)
        read_facts(&own->facts, head.data ? head.data : "", head.len);
    if (j)
        call_journal_each(j, see_call, c);
    else
        own->trouble = xstrdup(err.text);
    c->n_journals++;
    call_journal_close(j);
    buf_free(&head);
    free(path);
}

static bool ends_with(const char *s, const char *end)
{
    const size_t n = strlen(s), k = strlen(end);
    return n > k && !strcmp(s + n - k, end);
}

/* A canary asks for what was judged once more: its calls are no judgments. */
static int is_journal(const struct dirent *e)
{
    return e->d_name[0] != '.' && ends_with(e->d_name, ".journal") && !ends_with(e->d_name, ".canary.journal");
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);   /* whatever the locale */
}

void origin_calls_read(struct origin_calls *c, const char *data_dir, const char *bench)
{
    char *folder = xasprintf("%s/%s/model_judgment", data_dir, bench);
    struct dirent **entry = NULL;
    *c = (struct origin_calls){0};
    const int n = scandir(folder, &entry, is_journal, by_name);
    for (int i = 0; i < n; i++) {
        read_judge_journal(c, folder, xstrdup(entry[i]->d_name));
        free(entry[i]);
    }
    free(entry);
    free(folder);
}

void origin_calls_free(struct origin_calls *c)
{
    for (size_t i = 0; i < c->n; i++)
        call_free(&c->call[i]);
    for (int i = 0; i < c->n_journals; i++) {
        free(c->journal[i].name);
        free(c->journal[i].trouble);
        facts_free(&c->journal[i].facts);
    }
    free(c->call);
    free(c->journal);
    map_free(&c->by_key);
    *c = (struct origin_calls){0};
}

const struct origin_call *origin_calls_find(const struct origin_calls *c, const struct game_name *game, const char *asked)
{
    struct game_name by = *game;
    char key[CALL_KEY_MAX + 1];
    for (int i = 0; i < 2; i++) {
        game_key(&by, key);
        const size_t at = map_find_text(&c->by_key, key);
        if (at != MAP_NONE)
            return &c->call[at];
        if (!asked || !strcmp(asked, game->judge))
            break;
        by.judge = asked;
    }
    return NULL;
}

const struct origin_call *origin_calls_single(const struct origin_calls *c, const struct game_name *game, const char *asked)
{
    static const char *const base[] = { "single-v1", "single-math-v1" };
    const struct origin_call *found = NULL;
    struct game_name n = *game;
    char prompt[64];
    for (size_t i = 0; i < 2 && (!found || found->ok); i++) {
        snprintf(prompt, sizeof prompt, n.turn == 1 ? "%s" : n.turn == 2 ? "%s-multi-turn" : "%s-multi-turn-%d", base[i], n.turn);
        n.prompt = prompt;
        const struct origin_call *call = origin_calls_find(c, &n, asked);
        found = call ? call : found;
    }
    return found;
}
