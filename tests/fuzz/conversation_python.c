/* conversation_python.c - fuzz target: a conversation.py; a template with a text of any kind is looked for in it. */
#include "src/text/conversation_python.h"
#include "src/text/python_literal.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* The hashes are those of "x", so that a text can be taken. */
    static const char x[] = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
    static const struct conversation rows[] = {
        { .name = "one", .style = STYLE_ADD_COLON_SINGLE, .role = { "USER", "ASSISTANT" }, .sep = "\n", .system_sha256 = x },
        { .name = "two", .style = STYLE_ADD_COLON_TWO, .system = "s", .role = { "a", "b" }, .sep = " ", .sep2 = "|", .stop = { "#" },
          .n_stop = 1, .stop_id = { 2 }, .n_stop_ids = 1, .example = { { "a" }, { "b" } }, .n_examples = 2, .example_sha256 = { x, x } },
    };
    struct err err;
    for (int i = 0; i < 2; i++) {
        struct conversation_filled f;
        if (conversation_fill(&rows[i], "f", (const char *)data, size, &f, &err) == 0)
            conversation_filled_free(&f);
    }
    struct python_reader r;
    struct python_value v;
    python_begin(&r, (const char *)data, size);
    if (python_next(&r, &err) == 0) {
        python_value_read(&r, &v, &err);
        python_value_free(&v);
    }
    return 0;
}
