/* task_list.h - the list file of a campaign: one task a line, in words as a shell would split them (room: bench). Pure. */
#ifndef MTB_TASK_LIST_H
#define MTB_TASK_LIST_H

#include "mtbench/err.h"

#include <stddef.h>

struct task_line {
    long number;                         /* of the line in the file, from 1 */
    char **word;                         /* (n), then NULL; owned */
    int n;
};

struct task_list {
    struct task_line *line;
    int n;
};

/* Words are parted by blanks and tabs; '...' holds what is between as it is, "..." too but for \" and \\, and elsewhere a \ takes the
 * letter behind it as it is. Blank lines pass, and so does what follows a # that begins a word. Nothing is expanded: a $, a * or a `
 * outside quotes would mean something to a shell that reads the same line, and is refused, as are the shell's other signs. 'name' stands
 * in messages. -1: err (format, with "NAME:LINE" of each of the first bad lines); nothing is to be released then. */
int task_list_parse(const char *name, const char *text, size_t n, struct task_list *out, struct err *err);
void task_list_free(struct task_list *l);

#endif
