/* answer_place.c - whose answers lie at a place, and how they make room. */
#include "mtbench/answer_place.h"

#include "ledger.h"

#include "mtbench/journal.h"
#include "mtbench/json.h"
#include "mtbench/mem.h"
#include "mtbench/paths.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum kind { KIND_NONE, KIND_TURNS, KIND_CALLS, KIND_UNKNOWN };

/* Only the first two lines are looked at: the manifest, and a record. */
struct sight { enum kind kind; };

/* A journal that does not state its kind is told by what only one of the makers records: weights have hashes, servers a URL. */
static enum kind kind_of_manifest(const cJSON *j)
{
    const cJSON *identity = json_get(j, "identity"), *info = json_get(j, "info"), *journal = json_get(j, "journal");
    if (cJSON_IsString(journal))
        return !strcmp(journal->valuestring, "turns") ? KIND_TURNS : !strcmp(journal->valuestring, "calls") ? KIND_CALLS : KIND_UNKNOWN;
    /* Manifests without a kind: each kind of run recorded something that the other has not. */
    if (json_get(identity, "model_header_sha256") || json_get(identity, "model_sha256"))
        return KIND_TURNS;
    return json_get(info, "url") || json_get(identity, "url") ? KIND_CALLS : KIND_UNKNOWN;
}

static int look(void *ctx, int number, size_t at, struct slice line, struct err *err)
{
    struct sight *s = ctx;
    /* A line that cannot be read is no reason to refuse here: whoever opens the journal says better what is wrong with it. */
    cJSON *j = number <= 2 ? json_parse(line.ptr, line.len, NULL) : NULL;
    (void)at, (void)err;
    if (number == 1)
        s->kind = kind_of_manifest(j);
    /* A record settles what the manifest leaves open: calls have keys, turns have ids. */
    else if (number == 2 && json_get(j, "key"))
        s->kind = KIND_CALLS;
    else if (number == 2 && json_get(j, "question_id"))
        s->kind = KIND_TURNS;
    cJSON_Delete(j);
    return number < 2 ? 0 : 1;           /* enough */
}

static bool has_bytes(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0; /* of a link: its target */
}

static int check_owner(const char *answer_file, const char *journal, enum answer_maker maker, struct err *err)
{
    static const char *const word[] = { "`mtbench answer`, from local weights", "`mtbench api-answer`, from a server" };
    static const char advice[] = "use another --model-id, or --fresh, which keeps the old files under a number";
    struct sight s = { KIND_NONE };
    /* This closes a descriptor of the journal, which drops every lock that this process has on it: a claim comes before opening. */
    struct ledger *l = ledger_peek(&(struct ledger_opts){ .path = journal, .replay = look, .ctx = &s }, err);
    if (!l)
        return -1;
    ledger_close(l);
    /* Merging into them would mix two makers in one file, and none of those answers could be checked or resumed. */
    if (s.kind == KIND_NONE && has_bytes(answer_file))
        return err_set(err, ERR_USAGE, "%s: another program made these answers, no %s is beside them; %s", answer_file,
                       strrchr(journal, '.'), advice);
    enum kind mine = maker == MADE_BY_ENGINE ? KIND_TURNS : KIND_CALLS;
    if ((s.kind == KIND_TURNS || s.kind == KIND_CALLS) && s.kind != mine)
        return err_set(err, ERR_USAGE, "%s: these answers are of %s; %s", journal, word[s.kind == KIND_CALLS], advice);
    return 0;
}

int answer_place_claim(const char *answer_file, enum answer_maker maker, bool fresh, struct err *err)
{
    char *journal = journal_path(answer_file), *manifest = bench_beside(answer_file, ".manifest"),
         *phases = bench_beside(answer_file, ".phases");
    /* The answer file makes room with its journal: left there, its lines would be merged with those of the coming run. */
    const char *const beside[] = { answer_file, manifest, phases, NULL };
    /* Fresh: what is there is kept under a number, whoever made it; else it must be of our kind. */
    int rc = fresh
                 ? ledger_put_aside(journal, beside, "writing these answers; wait for it, or use another --model-id or --answer-file", err)
                 : check_owner(answer_file, journal, maker, err);
    free(journal);
    free(manifest);
    free(phases);
    return rc;
}
