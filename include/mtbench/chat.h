/* chat.h - messages to a prompt: which template a model gets, and where its answers stop (room: text).
 * The model's own template comes first; FastChat's named ones serve models without, by FastChat's rules from model id and path. Where
 * neither is known the choice is an error that lists what there is: a wrong template silently lowers scores. */
#ifndef MTB_CHAT_H
#define MTB_CHAT_H

#include "mtbench/buf.h"
#include "mtbench/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chat;

struct chat_message {
    const char *role;                    /* "system", "user", "assistant" */
    const char *content;
    size_t n_content;
};

struct chat_opts {
    const char *choice;                  /* "auto" (or NULL), the name of a FastChat template, or "file" for the text below */
    const char *file;                    /* text of a template file that the user gave, with choice "file" */
    size_t n_file;
    const char *fastchat;                /* FastChat's conversation.py, for texts that are not part of this program; NULL: not at hand */
    size_t n_fastchat;
    const char *fastchat_place;          /* what it is called in messages */
    const char *own;                     /* the model's own template, or NULL */
    size_t n_own;
    const char *model_id, *model_path;   /* for FastChat's rules */
    const char *base_name;               /* of an adapter, likewise: what it calls its base; NULL: none */
    const char *bos, *eos, *unk, *pad, *sep, *cls, *mask;       /* texts of special tokens, for the template; "" or NULL: none */
    const char *const *additional;       /* (n_additional) additional_special_tokens of the tokenizer; read during the call only */
    int n_additional;
    const char *const *special;          /* (n_special) texts to delete from answers; kept by the caller */
    int n_special;
    double now;                          /* what strftime_now prints: chat_wall_clock() of the run's one instant */
};

/* Do these options come to one of FastChat's templates whose text is not part of this program? Then chat_create() wants 'fastchat'. */
bool chat_needs_fastchat(const struct chat_opts *o);
/* NULL: err (usage for an unknown name, no match or a text that is not at hand, format for a conversation.py of other texts, model for a
 * template that does not parse). */
struct chat *chat_create(const struct chat_opts *o, struct err *err);
void chat_destroy(struct chat *c);

/* The date and time that a clock on the wall shows at 'unix_time' where this process runs, as the seconds since 1970 that would show the
 * same in UTC. One process of a run asks, all use its answer. */
double chat_wall_clock(double unix_time);
/* Another instant than chat_opts.now, before anything is rendered. */
void chat_set_now(struct chat *c, double wall_clock);
/* Does the template mention the time? Then its prompts hold only with the instant they were rendered for. */
bool chat_uses_time(const struct chat *c);

/* Append the prompt. -1: err (model): the template refused these messages. */
int chat_render(const struct chat *c, const struct chat_message *m, int n, bool add_generation_prompt, struct buf *out, struct err *err);

/* Does the template pass over the text of the system message m[0] in silence? (One that refuses it fails in chat_render().) */
bool chat_drops_system(const struct chat *c, const struct chat_message *m, int n);
/* Append what the template opens an answer with: the end that add_generation_prompt adds to a user's message
 * ("<|im_start|>assistant\n<think>\n"). Nothing where the two prompts do not begin alike. -1: err (model). */
int chat_opening(const struct chat *c, struct buf *out, struct err *err);

/* "own", "file", or the FastChat template's name. */
const char *chat_name(const struct chat *c);
/* SHA-256 (hex) of what defines the prompts. */
const char *chat_sha256(const struct chat *c);
/* Is it a Jinja template (the model's or a file)? Then it writes BOS itself. */
bool chat_is_own_template(const struct chat *c);
/* Token ids that end an answer, beside the model's own; returns how many. */
int chat_stop_ids(const struct chat *c, const int32_t **id);
bool chat_has_stop_strings(const struct chat *c);
/* Is the end of the answer certain in this text so far? */
bool chat_stopped(const struct chat *c, const char *text, size_t n);
/* From decoded text to the stored answer (stop.h). */
void chat_clean(const struct chat *c, const char *text, size_t n, struct buf *out);

/* The system message that FastChat sends to a hosted model of this name: of the template that its rules choose, one_shot's for a name that
 * they do not know; "" where it sends none. NULL: a long text of the vendor's that is not part of this program. 'template' gets the
 * template's name. Without a chat. */
const char *chat_hosted_system(const char *model, char template[64]);

#endif
