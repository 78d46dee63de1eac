/* batch.h - calls by files: batch requests written for another machine to send, and its result files read back (room: judge). Two
 * transports. The custom_id of a line is the call's key, '-', and eight digits of its content, so results in any order, and of an older
 * prompt, are told apart. */
#ifndef MTB_BATCH_H
#define MTB_BATCH_H

#include "mtbench/provider.h"
#include "mtbench/transport.h"

/* OpenAI's and Azure's form is the file to upload. Anthropic's API wants the lines as the list "requests" of one object. */
struct batch_export_opts {
    const struct endpoint *endpoint;     /* outlives the transport */
    const char *path;                    /* what does not fit one batch goes to PATH with -2, -3 ... before its ending */
};
/* A transport that writes each call and answers none. NULL: err (io). */
struct transport *batch_export_create(const struct batch_export_opts *o, struct err *err);
/* Put the files into place: until then they are named PATH.tmp. -1: err (io). */
int batch_export_finish(struct transport *t, struct err *err);
int64_t batch_export_count(const struct transport *t);
/* How many files. */
int batch_export_files(const struct transport *t);
/* A file that is named as the next part would be, and is none: an earlier, larger export left it, and whoever sends all of PATH* would pay
 * for its calls again. NULL: none. Caller frees. */
char *batch_export_leftover(const struct transport *t);

struct batch_import_opts {
    const struct endpoint *endpoint;     /* outlives the transport */
    const char *const *path;             /* (n) result and error files, in any order */
    int n;
    double price_in, price_out;          /* dollars per million tokens, as the batch is billed; negative: unknown */
    int64_t (*count_tokens)(void *ctx, const char *text);   /* as of caller.h */
    void *count_ctx;
};
/* A transport that answers each call with its line of the files: of several the best, ok before all else. A call without a line fails, and
 * so does one whose prompt has changed. NULL: err (io; format, with the place). */
struct transport *batch_import_create(const struct batch_import_opts *o, struct err *err);
/* The id of result i of the files, each once; NULL past the last. */
const char *batch_import_id(const struct transport *t, int64_t i);
/* How long the key is in an id, and the last eight digits of its call's content. False: it is none of ours. */
bool batch_id_split(const char *id, size_t *n_key, uint32_t *content);

#endif
