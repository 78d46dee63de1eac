/* conversation_python.h - the long texts of a template out of FastChat's own conversation.py (private to text).
 * The file registers a template as register_conv_template(Conversation(name="...", ...)). What it says there must be what the row of our
 * table says, keyword by keyword, and its texts must have the row's hashes: another release's template would be another prompt. */
#ifndef MTB_CONVERSATION_PYTHON_H
#define MTB_CONVERSATION_PYTHON_H

#include "conversation.h"

struct conversation_filled {
    struct conversation c;               /* the row with all of its texts */
    char *text[5];                       /* those that came from the file; owned */
    int n_texts;
};

/* 'place' is the file's name, for messages. The row's own strings are not copied. -1: err (format); nothing is to be released then. */
int conversation_fill(const struct conversation *row, const char *place, const char *source, size_t n, struct conversation_filled *out,
                      struct err *err);
void conversation_filled_free(struct conversation_filled *f);

#endif
