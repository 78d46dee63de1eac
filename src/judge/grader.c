/* grader.c - from matches to judgments: which calls are still to be made, and what their replies mean. */
#include "grader_priv.h"

#include "mtbench/batch.h"
#include "mtbench/clock.h"
#include "mtbench/hash.h"
#include "mtbench/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Open addressing, at most half full: it always ends at a free slot. */
static int *find_slot(const struct grader *g, const char *key)
{
    uint64_t h = fnv1a(FNV_START, key, strlen(key));
    for (size_t i = h ^ h >> 32;; i++) {
        int *s = &g->slot[i & (g->n_slots - 1)]; /* a power of two */
        if (!*s || !strcmp(g->game[*s - 1].key, key))
            return s;
    }
}

int grader_find(const struct grader *g, const char *key)
{
    return *find_slot(g, key) - 1;
}

static void name_games(struct grader *g)
{
    for (int i = 0; i < g->n_units * g->n_games; i++) {
        const struct match *m = grader_match(g, i / g->n_games);
        struct game_name n = { g->o.judge, m->prompt->name, m->model_1, m->model_2, m->question->id, m->turn, i % g->n_games + 1,
                               i / g->n_games / g->o.matches->n + 1 };
        game_key(&n, g->game[i].key);
        int *slot = find_slot(g, g->game[i].key);
        if (*slot)
            g->twin[i / g->n_games] = true; /* a model listed twice: one call, one line */
        else
            *slot = i + 1;
    }
}

/* ---- judgments ---- */

const struct match *grader_match(const struct grader *g, int unit)
{
    return &g->o.matches->match[unit % g->o.matches->n];
}

bool grader_is_done(const struct grader *g, int unit)
{
    for (int k = 0; k < g->n_games; k++)
        if (g->game[unit * g->n_games + k].state != GAME_DONE)
            return false;
    return true;
}

enum judgment_status grader_status(const struct grader *g, int unit)
{
    enum judgment_status s = JUDGMENT_OK;
    for (int k = 0; k < g->n_games; k++)
        s = judgment_worse(s, g->game[unit * g->n_games + k].status);
    return s;
}

/* Count a finished judgment, or take it back (-1). */
static void count(struct grader *g, int unit, int sign)
{
    enum judgment_status s = grader_status(g, unit);
    g->now.done += sign;
    g->now.failed += s == JUDGMENT_OK ? 0 : sign;
    g->now.by_status[s] += sign;
}

static void finish(struct grader *g, int i, bool is_new)
{
    int unit = i / g->n_games;
    g->game[i].state = GAME_DONE;
    if (!grader_is_done(g, unit))        /* the other game of the pair is still to come */
        return;
    count(g, unit, 1);
    if (!is_new)                         /* found in the journal: its line was printed by the start that made it */
        return;
    if ((g->n_finished & (g->n_finished - 1)) == 0)
        g->finished = xrealloc(g->finished, g->n_finished ? 2 * (size_t)g->n_finished : 1, sizeof *g->finished);
    g->finished[g->n_finished++] = unit;
}

/* What a reply means. 'r' lies in the journal, or it failed. */
static void judge(const struct grader *g, struct game *game, const struct match *m, const struct call_record *r)
{
    static const enum judgment_status by_call[] = {
        [CALL_OK] = JUDGMENT_OK, [CALL_TRUNCATED] = JUDGMENT_TRUNCATED, [CALL_FILTERED] = JUDGMENT_FILTERED,
        [CALL_REFUSED] = JUDGMENT_REFUSED, [CALL_TOO_LONG] = JUDGMENT_TOO_LONG, [CALL_FAILED] = JUDGMENT_FAILED,
    };
    game->tstamp = r->tstamp;
    game->status = by_call[r->status];
    game->text = game->judge = NULL;
    if (r->status == CALL_FAILED)
        return;
    /* 'r' may be gone with the next collect; the journal's copy lives as long as the grader. */
    const struct call_record *kept = call_journal_find(g->o.journal, game->key, game->content);
    game->text = kept ? kept->text : NULL;
    game->judge = kept ? kept->judge : NULL;
    if (r->status != CALL_OK && r->status != CALL_TRUNCATED)
        return;
    struct verdict v = verdict_read(m->prompt->format, r->text, strlen(r->text), r->status == CALL_TRUNCATED);
    /* Law 2: a state, and no guess at the verdict that was to come. */
    if (r->status == CALL_TRUNCATED && v.status != JUDGMENT_OK)
        return;                          /* cut before its verdict */
    game->verdict = v;
    game->status = v.status;
}

/* ---- calls ---- */

/* Put the call of a game into g->call. 0, or -1 when a text is missing. */
static int build_call(struct grader *g, int i)
{
    const struct match *m = grader_match(g, i / g->n_games);
    int n = 0;
    buf_clear(&g->user);
    if (match_render(m, i % g->n_games + 1, g->o.answers, g->o.reference, &g->user, NULL) < 0)
        return -1;
    if (*m->prompt->system_prompt)
        g->message[n++] = (struct call_message){ "system", m->prompt->system_prompt };
    g->message[n++] = (struct call_message){ "user", g->user.data ? g->user.data : "" };
    g->call = (struct call){ .key = g->game[i].key, .message = g->message, .n_messages = n, .temperature = 0, .max_tokens = g->o.max_tokens,
                             .verdict = g->o.constrained ? (int)m->prompt->format : -1 };
    g->call.content = call_content(&g->call);
    return 0;
}

/* The games in the order of asking: repeat after repeat, matches as they are or shuffled, game 1 before game 2. */
static int game_at(const struct grader *g, int place)
{
    int unit = place / g->n_games, n = g->o.matches->n;
    return (unit / n * n + g->order[unit % n]) * g->n_games + place % g->n_games;
}

static int place_of(const struct grader *g, int i) /* the inverse of game_at() */
{
    int unit = i / g->n_games, n = g->o.matches->n;
    return (unit / n * n + g->place[unit % n]) * g->n_games + i % g->n_games;
}

/* A heap, because answers arrive in any order and calls are still to be asked in FastChat's: equal journals from
 * equal runs. */
static void push_ready(struct grader *g, int place)
{
    int at = g->n_ready++;
    for (; at > 0 && g->ready[(at - 1) / 2] > place; at = (at - 1) / 2)
        g->ready[at] = g->ready[(at - 1) / 2];
    g->ready[at] = place;
}

static int pop_ready(struct grader *g)
{
    int top = g->ready[0], last = g->ready[--g->n_ready], at = 0;
    for (int child; (child = 2 * at + 1) < g->n_ready; at = child) {
        if (child + 1 < g->n_ready && g->ready[child + 1] < g->ready[child])
            child++;
        if (last <= g->ready[child])
            break;
        g->ready[at] = g->ready[child];
    }
    g->ready[at] = last;
    return top;
}

/* Law 2: nothing that is no answer is ever sent to a judge, and it is counted as such. */
static void end_unanswered(struct grader *g, int i, bool is_new)
{
    g->game[i].status = JUDGMENT_NO_ANSWER;
    g->game[i].tstamp = clock_unix();
    g->now.calls_left--;
    finish(g, i, is_new);
}

void grader_adopt(struct grader *g, int i, const struct call_record *r)
{
    call_journal_add(g->o.journal, r);
    judge(g, &g->game[i], grader_match(g, i / g->n_games), r);
    g->now.calls_left--;
    finish(g, i, false);
}

/* The same prompt with the same answers in the same places may have been a call of the pair named the other way round: of
 * pairwise-baseline, say, where pairwise-all asks now. */
static bool adopt_exchanged(struct grader *g, int i)
{
    const struct match *m = grader_match(g, i / g->n_games);
    char key[CALL_KEY_MAX + 1];
    if (!m->model_2)
        return false;
    game_key(&(struct game_name){ g->o.judge, m->prompt->name, m->model_2, m->model_1, m->question->id, m->turn, 2 - i % g->n_games,
                                  i / g->n_games / g->o.matches->n + 1 }, key);
    const struct call_record *r = call_journal_find(g->o.journal, key, g->game[i].content);
    if (!r || r->judge)                  /* a fallback's reply was to another judge's name: not ours to take */
        return false;
    struct call_record copy = *r;
    copy.key = g->game[i].key;
    /* It was paid for once, under the other key: this record must add nothing to any sum. */
    copy.sent = "{\"taken_over\": \"the pair named the other way round\"}";
    copy.tokens_in = copy.tokens_out = 0;
    copy.tokens_estimated = false;
    copy.cost = copy.seconds = 0;
    copy.tries = 0;
    grader_adopt(g, i, &copy);
    return true;
}

/* Look whether a waiting game has its answers now, and whether the journal has its reply. */
static void settle(struct grader *g, int i, bool is_new)
{
    struct game *game = &g->game[i];
    const struct match *m = grader_match(g, i / g->n_games);
    int ready = match_ready(m, g->o.answers, g->o.reference);
    if (ready == JUDGMENT_NO_ANSWER) {
        g->now.no_reference += i % g->n_games == 0 && match_reference_failed(m, g->o.reference);
        end_unanswered(g, i, is_new);
    } else if (ready == JUDGMENT_OK && build_call(g, i) == 0) {
        game->content = g->call.content;
        game->state = GAME_READY;
        g->now.empty += i % g->n_games == 0 && match_judges_empty(m, g->o.answers);
        const struct call_record *r = call_journal_find(g->o.journal, game->key, game->content);
        if (!r && adopt_exchanged(g, i))
            return;
        /* What the first judge filtered before there was a fallback is asked again; what the fallback itself filtered is
         * not. */
        if (!r || (g->o.ask_filtered && r->status == CALL_FILTERED && !r->judge)) {
            push_ready(g, place_of(g, i));
            return;
        }
        judge(g, game, m, r);
        g->now.calls_left--;
        finish(g, i, false);
    }
}

/* All that waits of a match, in every repeat. */
static void settle_match(struct grader *g, int match, bool is_new)
{
    for (int unit = match; unit < g->n_units; unit += g->o.matches->n) /* this match in every repeat */
        for (int i = unit * g->n_games; i < (unit + 1) * g->n_games && !g->twin[unit]; i++)
            if (g->game[i].state == GAME_WAITING)
                settle(g, i, is_new);
}

/* Only the matches of this question: a look at all of them per answer would be quadratic in a long run. */
void grader_wake(struct grader *g, int64_t question_id)
{
    size_t first = map_find_int(&g->first_of, question_id);
    for (int m = first == MAP_NONE ? -1 : (int)first; m >= 0; m = g->next_of[m])
        settle_match(g, m, true);
}

void grader_close(struct grader *g)
{
    for (int i = 0; i < g->n_units * g->n_games; i++)
        if (g->game[i].state == GAME_WAITING && !g->twin[i / g->n_games])
            end_unanswered(g, i, true);
}

const struct call *grader_next(struct grader *g)
{
    while (g->n_ready) {
        int i = game_at(g, pop_ready(g));
        if (g->game[i].state != GAME_READY)
            continue;
        if (build_call(g, i) < 0) {      /* its answers were replaced by fewer turns: nobody may wait for it */
            end_unanswered(g, i, true);
            continue;
        }
        g->game[i].content = g->call.content;            /* an answer may have been replaced since */
        g->game[i].state = GAME_ASKED;
        g->now.calls_left--;
        return &g->call;
    }
    return NULL;
}

int grader_take(struct grader *g, const struct call_record *r, struct err *err)
{
    int i = grader_find(g, r->key);
    struct game *game = i < 0 ? NULL : &g->game[i];
    /* A batch's result of an older prompt comes here too: taking it would be a verdict on an answer that is not there
     * any more. */
    if (!game || game->state == GAME_WAITING || (game->content != r->content && game->status != JUDGMENT_NO_ANSWER))
        return err_set(err, ERR_FORMAT, "%s: a reply to a call that is not asked here; were questions, answers or prompts changed since?",
                       r->key);
    bool again = game->state == GAME_DONE;
    /* A verdict stands; a failure gives way to a success only. */
    if (again && (game->status != JUDGMENT_FAILED || r->status == CALL_FAILED))
        return 0;
    call_journal_add(g->o.journal, r);
    call_totals_add(&g->now.paid, r);    /* whatever its status: failed tries may cost too */
    g->now.calls_left -= game->state == GAME_READY; /* an import answers calls that were never handed out */
    if (again && grader_is_done(g, i / g->n_games))
        count(g, i / g->n_games, -1);    /* finish() counts it again, by its better status */
    judge(g, game, grader_match(g, i / g->n_games), r);
    finish(g, i, true);
    return 0;
}

enum batch_reply grader_batch_reply(const struct grader *g, const char *id)
{
    size_t n;
    uint32_t content;
    char key[CALL_KEY_MAX + 1] = "";
    if (!batch_id_split(id, &n, &content))
        return BATCH_STRANGE;
    memcpy(key, id, n);
    int i = grader_find(g, key);
    if (i < 0)
        return BATCH_STRANGE;
    const struct game *game = &g->game[i];
    if ((uint32_t)game->content != content) /* ids hold the low half */
        return BATCH_OLD_PROMPT;
    return game->state == GAME_DONE && game->status != JUDGMENT_FAILED ? BATCH_MERGED : BATCH_WANTED;
}

int grader_flush(struct grader *g, struct err *err)
{
    return call_journal_sync(g->o.journal, err);
}

/* ---- life ---- */

/* The order of asking, and the matches of each question. */
static void index_matches(struct grader *g)
{
    int n = g->o.matches->n;
    /* FastChat shuffles for --parallel above 1 with a fixed seed; the same calls in the same order cost the same in a
     * budget that ends early. */
    if (g->o.shuffle)
        shuffle_seed_0(n, g->order);
    for (int i = 0; !g->o.shuffle && i < n; i++)
        g->order[i] = i;
    for (int i = 0; i < n; i++)
        g->place[g->order[i]] = i;
    for (int m = n - 1; m >= 0; m--) {   /* backwards, so that each list runs forwards */
        int64_t id = g->o.matches->match[m].question->id;
        size_t first = map_find_int(&g->first_of, id);
        g->next_of[m] = first == MAP_NONE ? -1 : (int)first;
        map_set(&g->first_of, &id, sizeof id, (size_t)m);
    }
}

static int check_references(const struct grader_opts *o, struct err *err)
{
    for (int i = 0; i < o->matches->n; i++)
        if (match_check_reference(&o->matches->match[i], o->reference, err) < 0)
            return -1;
    return 0;
}

static bool is_mine(const void *ctx, const char *key)
{
    return grader_find(ctx, key) >= 0;
}

struct grader *grader_create(const struct grader_opts *o, struct err *err)
{
    if (check_references(o, err) < 0)
        return NULL;
    struct grader *g = xcalloc(1, sizeof *g);
    g->o = *o;
    g->n_games = o->matches->n && o->matches->match[0].model_2 ? 2 : 1; /* all matches are of one mode */
    g->n_units = o->matches->n * o->repeat;
    g->game = xcalloc((size_t)g->n_units * (size_t)g->n_games, sizeof *g->game);
    g->twin = xcalloc((size_t)g->n_units, sizeof *g->twin);
    g->order = xcalloc((size_t)o->matches->n, sizeof *g->order);
    g->place = xcalloc((size_t)o->matches->n, sizeof *g->place);
    g->next_of = xcalloc((size_t)o->matches->n, sizeof *g->next_of);
    g->ready = xcalloc((size_t)g->n_units * (size_t)g->n_games, sizeof *g->ready);
    for (g->n_slots = 16; g->n_slots < 2 * (size_t)g->n_units * (size_t)g->n_games;)
        g->n_slots *= 2;
    g->slot = xcalloc(g->n_slots, sizeof *g->slot);
    index_matches(g);
    name_games(g);                       /* before settle_match(), which looks for twins */
    for (int u = 0; u < g->n_units; u++)
        g->now.total += !g->twin[u];
    g->now.calls_left = g->now.total * g->n_games;
    for (int m = 0; m < o->matches->n; m++)
        settle_match(g, m, false);
    /* A judge's journal is shared by all models: the bill and --max-cost are about the calls of this command. */
    g->now.paid = call_journal_share(o->journal, is_mine, g);
    return g;
}

void grader_destroy(struct grader *g)
{
    if (!g)
        return;
    buf_free(&g->user);
    buf_free(&g->line);
    free(g->game);
    free(g->twin);
    free(g->slot);
    free(g->order);
    free(g->place);
    free(g->next_of);
    free(g->ready);
    map_free(&g->first_of);
    free(g->finished);
    free(g);
}

struct grader_now grader_now(const struct grader *g)
{
    return g->now;
}

const char *grader_line(struct grader *g)
{
    if (g->said == g->n_finished)
        return NULL;
    buf_clear(&g->line);
    record_line(g, g->finished[g->said++], &g->line);
    return g->line.data;
}
