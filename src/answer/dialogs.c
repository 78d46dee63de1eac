/* dialogs.c - the conversations of a bench with a model somewhere else. */
#include "mtbench/dialogs.h"

#include "mtbench/hash.h"
#include "mtbench/map.h"
#include "mtbench/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct dialog {
    const struct question *q;            /* the bench's */
    int choice, n_done;                  /* answers in turn[] */
    const struct call_record **turn;     /* (n_done) in the journal */
    char key[CALL_KEY_MAX + 1];          /* of the call that is under way */
    bool flies;                          /* between dialogs_next() and its reply */
};

struct dialogs {
    struct dialogs_opts o;               /* questions and journal outlive us */
    struct dialog *dialog;               /* (n) question by question */
    int n;                               /* conversations: questions times choices */
    int *ready, n_ready;                 /* a stack: the top is asked next */
    char model[13];                      /* hash of the model's name, for keys */
    struct call_message *message;        /* scratch of build_call() */
    struct call call;                    /* what dialogs_next() lends */
    struct map keys;                     /* of every turn: its dialog */
    struct dialogs_now now;              /* what people are told */
};

/* ---- calls ---- */

static void put_key(const struct dialogs *d, const struct dialog *g, int turn, char key[CALL_KEY_MAX + 1])
{
    /* The model's hash is in it: one journal may be shared by names that a server calls differently. */
    snprintf(key, CALL_KEY_MAX + 1, "q%" PRId64 "-c%d-t%d-%s", g->q->id, g->choice, turn, d->model);
}

/* Put the call of the next turn into d->call, its key into the dialog. */
static void build_call(struct dialogs *d, struct dialog *g)
{
    int n = 0;
    if (*d->o.system)                    /* "" is FastChat's sign for none */
        d->message[n++] = (struct call_message){ "system", d->o.system };
    for (int t = 0; t <= g->n_done; t++) {
        d->message[n++] = (struct call_message){ "user", g->q->turn[t] };
        if (t < g->n_done)
            d->message[n++] = (struct call_message){ "assistant", g->turn[t]->text };
    }
    put_key(d, g, g->n_done + 1, g->key);
    d->call = (struct call){
        .key = g->key, .message = d->message, .n_messages = n, .temperature = d->o.temperature < 0 ? g->q->temperature : d->o.temperature,
        .max_tokens = d->o.max_tokens, .verdict = -1, .cut_is_fine = true, /* an answer that ran into the limit is one */
    };
    d->call.content = call_content(&d->call);
}

/* The turn that build_call() was about has ended. Returns whether the conversation can go on. */
static bool settle(struct dialogs *d, struct dialog *g, const struct call_record *r)
{
    d->now.by_status[r->status]++;
    if (r->status != CALL_OK) {
        d->now.failed++;
        d->now.open--;
        return false;
    }
    g->turn[g->n_done++] = r;            /* lives in the journal as long as we do */
    d->now.done++;
    d->now.thoughtful += r->raw != NULL;
    if (g->n_done < g->q->n_turns)
        return true;
    d->now.open--;
    return false;
}

/* Take over from the journal what it has of the turns to come; what is then to be asked is ready. */
static void advance(struct dialogs *d, int i)
{
    struct dialog *g = &d->dialog[i];
    const struct call_record *r;
    for (;;) {
        build_call(d, g);
        /* By key and content: the text of an earlier turn is part of the content, so an answer that changed asks what
         * follows it anew. */
        r = call_journal_find(d->o.journal, g->key, d->call.content);
        if (!r)
            break;
        d->now.resumed += r->status == CALL_OK;
        if (!settle(d, g, r))
            return;
    }
    d->ready[d->n_ready++] = i;          /* never more than d->n: a dialog is ready at most once */
}

/* A call that is ready although its turn was answered has another content: the settings are the same, so the question was changed. */
static int check_questions(struct dialogs *d, struct err *err)
{
    for (int i = 0; i < d->n_ready; i++) {
        struct dialog *g = &d->dialog[d->ready[i]];
        build_call(d, g);
        if (call_journal_last(d->o.journal, g->key)) /* finished with another content; failed tries do not count */
            return err_set(err, ERR_USAGE,
                           "question %" PRId64
                           ", turn %d: was answered when it read otherwise; use another --model-id, or --fresh to answer again",
                           g->q->id, g->n_done + 1);
    }
    return 0;
}

void dialogs_destroy(struct dialogs *d)
{
    if (!d)
        return;
    for (int i = 0; i < d->n; i++)
        free(d->dialog[i].turn);
    free(d->dialog);
    free(d->ready);
    map_free(&d->keys);
    free(d->message);
    free(d);
}

static bool is_mine(const void *ctx, const char *key)
{
    const struct dialogs *d = ctx;
    return map_find_text(&d->keys, key) != MAP_NONE;
}

static void name_turns(struct dialogs *d)
{
    char key[CALL_KEY_MAX + 1];
    for (int i = 0; i < d->n; i++)
        for (int t = 1; t <= d->dialog[i].q->n_turns; t++) {
            put_key(d, &d->dialog[i], t, key);
            map_add_text(&d->keys, key, (size_t)i);
        }
}

struct dialogs *dialogs_create(const struct dialogs_opts *o, struct err *err)
{
    struct dialogs *d = xcalloc(1, sizeof *d);
    char hex[65];
    int most = 0;
    sha256_hex(o->model, strlen(o->model), hex);
    d->o = *o;
    d->n = o->questions->n * o->n_choices;
    d->dialog = xcalloc((size_t)d->n, sizeof *d->dialog);
    d->ready = xcalloc((size_t)d->n, sizeof *d->ready);
    snprintf(d->model, sizeof d->model, "%.12s", hex);
    for (int i = 0; i < d->n; i++) {
        const struct question *q = &o->questions->q[i / o->n_choices];
        d->dialog[i] = (struct dialog){ .q = q, .choice = i % o->n_choices, .turn = xcalloc((size_t)q->n_turns, sizeof *d->dialog->turn) };
        d->now.total += q->n_turns;
        most = q->n_turns > most ? q->n_turns : most;
    }
    name_turns(d);
    d->now.paid = call_journal_share(o->journal, is_mine, d);
    d->message = xcalloc(2 * (size_t)most + 1, sizeof *d->message); /* question and answer per turn, and the system text */
    d->now.open = d->n;
    for (int i = d->n - 1; i >= 0; i--)  /* the first on top */
        advance(d, i);
    if (check_questions(d, err) == 0)
        return d;
    dialogs_destroy(d);
    return NULL;
}

const struct call *dialogs_next(struct dialogs *d)
{
    if (d->n_ready == 0)
        return NULL;
    /* A stack: the next turn of a conversation that came back goes before conversations that were never begun, so that
     * few are open when a run is stopped. */
    int i = d->ready[--d->n_ready];
    d->dialog[i].flies = true;
    build_call(d, &d->dialog[i]);
    return &d->call;
}

/* ---- replies ---- */

/* Which conversation asked this; it flies no more. -1: none. */
static int land(struct dialogs *d, const char *key)
{
    size_t i = map_find_text(&d->keys, key);
    /* The map knows all turns; only the one that is under way may come. */
    if (i == MAP_NONE || !d->dialog[i].flies || strcmp(d->dialog[i].key, key))
        return -1;
    d->dialog[i].flies = false;
    return (int)i;
}

int dialogs_take(struct dialogs *d, const struct call_record *r, struct dialogs_turn *turn, struct err *err)
{
    int i = land(d, r->key);
    if (i < 0)
        return err_set(err, ERR_FORMAT, "call %s: a reply that nobody asked for", r->key);
    struct dialog *g = &d->dialog[i];
    if (turn)
        *turn = (struct dialogs_turn){ g->q->id, g->choice, g->n_done + 1 };
    if (call_journal_append(d->o.journal, r, err) < 0) /* paid for: on disk before anything else */
        return -1;
    d->now.tokens += r->tokens_out;
    call_totals_add(&d->now.paid, r);    /* failed tries may have cost too */
    /* The transport's record is gone with its next collect; what settle() keeps must be the journal's. A failed one is
     * not kept. */
    const struct call_record *kept = r->status == CALL_FAILED ? r : call_journal_find(d->o.journal, r->key, r->content);
    if (settle(d, g, kept))
        advance(d, i);
    return 0;
}

struct dialogs_now dialogs_now(const struct dialogs *d)
{
    return d->now;
}

const char *dialogs_text(const struct dialogs *d, const struct question *q, int choice, int turn, double *tstamp)
{
    const struct dialog *g = &d->dialog[(q - d->o.questions->q) * d->o.n_choices + choice]; /* 'q' is one of ours */
    if (turn > g->n_done)
        return NULL;
    *tstamp = g->turn[turn - 1]->tstamp;
    return g->turn[turn - 1]->text;
}
