/* thinking.h - the thoughts of reasoning models, told from their answer. Pure. */
#ifndef MTB_THINKING_H
#define MTB_THINKING_H

#include <stdbool.h>

/* 'text': content without a leading <think> ... </think> (or what stands before a </think> that nothing opened: some templates open it in
 * the prompt) and the blanks after it; without thoughts, content as it is. 'raw': NULL if that is all, else the whole, with 'reasoning'
 * (may be NULL) in such a block of its own. Caller frees both. Returns whether there were thoughts. */
bool thinking_split(const char *content, const char *reasoning, char **text, char **raw);

#endif
