/* verify_opts.c - the flags of `mtbench verify`: those of `answer`, so that its command line will do, and which turns to look at. */
#include "verify_opts.h"

#include "answer_opts.h"
#include "cmd.h"

#include <limits.h>
#include <string.h>

/* Flags of making answers that say nothing here: none is made. */
static const char *const not_ours[] = { "fresh", "num-choices", "max-error-rate" };

static bool is_ours(const char *name)
{
    for (size_t i = 0; i < sizeof not_ours / sizeof *not_ours; i++)
        if (!strcmp(name, not_ours[i]))
            return false;
    return true;
}

/* The rows of `answer` that name a run, a layout, or what a run was made with; the last are only compared with it. */
static int rows(struct verify_opts *o, struct opt *table)
{
    struct opt all[ANSWER_OPTS_MAX];
    int n_all = answer_opts_rows(&o->answer, all), n = 0;
    for (int i = 0; i < n_all; i++) {
        if (!is_ours(all[i].name))
            continue;
        table[n] = all[i];
        if (!strcmp(all[i].name, "bench-name"))
            table[n].given = &o->given.bench_name;
        if (!strcmp(all[i].name, "seed"))
            table[n].given = &o->given.seed;
        if (!strcmp(all[i].name, "max-new-token"))
            table[n].given = &o->given.max_new_token;
        n++;
    }
    const struct opt more[] = {
        { "sample", OPT_INT, &o->sample, NULL, "N", "turns to compute, in equal shares of the categories (16)" },
        { "sample-seed", OPT_INT, &o->sample_seed, NULL, "N", "another sample (0)" },
        { "all", OPT_FLAG, &o->all, NULL, NULL, "compute every finished turn" },
    };
    memcpy(table + n, more, sizeof more);
    return n + (int)(sizeof more / sizeof *more);
}

int verify_opts_parse(struct verify_opts *o, int argc, char **argv, struct err *err)
{
    struct opt table[ANSWER_OPTS_MAX + 3];
    *o = (struct verify_opts){ .sample = 16 };
    answer_opts_default(&o->answer);
    int n = rows(o, table), rc = opts_parse(table, n, argc, argv, err);
    if (rc == 1)
        verb_help("verify",
                  "Compute turns of a run of `answer` anew in this layout and compare them byte for byte. The run is named by\n"
                  "--model-id or --answer-file; model, template, sampler, seed and limits are its own: flags that contradict them\n"
                  "are refused.",
                  table, n);
    if (rc)
        return rc;
    if (o->sample < 1 || o->sample > INT_MAX)
        return err_set(err, ERR_USAGE, "--sample %ld: is out of range; give 1 or more, or --all", o->sample);
    if (!o->answer.model_id && !o->answer.answer_file)
        return err_set(err, ERR_USAGE, "--model-id: missing; name the run that is to be verified, or its --answer-file");
    return o->answer.model_id ? answer_opts_name(&o->answer, err) : 0;
}

int verify_opts_check(struct verify_opts *o, struct err *err)
{
    return answer_opts_check(&o->answer, err);
}
