/* thinking.h - the thoughts of reasoning models, told from their answer. Pure. */
#ifndef MTB_THINKING_H
#define MTB_THINKING_H

#include <stdbool.h>

/* 'text': content without the thoughts in front of it (thoughts_split()), "" if they never end; without thoughts, content as it is. 'raw':
 * NULL if that is all, else the whole, with 'reasoning' (may be NULL) as a block of its own. Caller frees both. Returns whether there were
 * thoughts. */
bool thinking_split(const char *content, const char *reasoning, char **text, char **raw);

#endif
