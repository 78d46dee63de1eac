/* conversation.h - FastChat's named templates: data, rendering, and the rules from a model's name to one (private to text). */
#ifndef MTB_CONVERSATION_H
#define MTB_CONVERSATION_H

#include "mtbench/buf.h"
#include "mtbench/chat.h"

#include <stdbool.h>
#include <stdint.h>

enum conversation_style {
    STYLE_ADD_COLON_SINGLE, STYLE_ADD_COLON_TWO, STYLE_ADD_COLON_SPACE_SINGLE, STYLE_ADD_NEW_LINE_SINGLE,
    STYLE_NO_COLON_SINGLE, STYLE_NO_COLON_TWO, STYLE_RWKV, STYLE_LLAMA2, STYLE_LLAMA3, STYLE_CHATGLM, STYLE_CHATML,
    STYLE_CHATGLM3, STYLE_CHATINTERN, STYLE_DOLLY, STYLE_PHOENIX, STYLE_ROBIN, STYLE_FALCON_CHAT, STYLE_METAMATH,
    STYLE_DEEPSEEK_CHAT, STYLE_GEMMA, STYLE_DEFAULT, STYLE_CLLM, STYLE_YUAN2
};

struct conversation {
    const char *name;
    enum conversation_style style;
    const char *system_template;         /* with {system_message}; NULL: just that */
    const char *system;
    const char *role[2];
    const char *sep, *sep2;              /* sep2 NULL: none */
    const char *stop[8];
    int n_stop;
    int32_t stop_id[16];
    int n_stop_ids;
    const char *example[4][2];           /* role, text: an exchange in front of every conversation */
    int n_examples;
    /* A long text of others is not carried: where system or an example's text is NULL, this is its SHA-256 (of the UTF-8 bytes), and
     * conversation_python.h finds it in FastChat's own file. */
    const char *system_sha256, *example_sha256[4];
    bool unreleased;                     /* FastChat has it in its repository only: it came after 0.2.36, the last release */
};

extern const struct conversation conversation_table[];
extern const int conversation_count;

const struct conversation *conversation_find(const char *name);
/* Is all of its text here? Only then it can be rendered. */
bool conversation_complete(const struct conversation *c);
/* The template's name by FastChat's rules (model_adapter.py, conversation.py), or NULL where FastChat falls back to one_shot. 'name' gets
 * it. 'base': of an adapter what its configuration calls its base, whose rule the names of some adapters ask for; NULL: no adapter. */
const char *conversation_rule(const char *model, const char *base, char name[64]);
/* The conversation as FastChat's get_prompt() has it; a system message in front is what set_system_message() was given. Some styles have
 * no place for one, and write none. */
void conversation_render(const struct conversation *c, const struct chat_message *m, int n, bool add_generation_prompt, struct buf *out);

#endif
