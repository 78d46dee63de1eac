/* template.c - fuzz target: a chat template, rendered over three messages. */
#include "mtbench/template.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct template_message m[] = {
        {{"system", 6}, {"Be brief.", 9}}, {{"user", 4}, {" Hi <b> ", 8}}, {{"assistant", 9}, {"\xc3\xa4", 2}}};
    static const struct template_token tokens[] = { { "bos_token", "<s>" }, { "eos_token", "</s>" } };
    const struct template_vars v = { .message = m, .n_messages = 3, .add_generation_prompt = true, .token = tokens, .n_tokens = 2 };
    struct err err;
    struct buf out = { 0 };
    struct template *t = template_parse((const char *)data, size, &err);
    if (t)
        template_render(t, &v, &out, &err);
    buf_free(&out);
    template_destroy(t);
    return 0;
}
