/* opts.h - the command line of a verb, as a table (room: base).
 * --flag value and --flag=value; a repeated flag keeps the last value; a list takes all words up to the next flag; any unambiguous
 * beginning of a flag's name will do (as argparse, which FastChat's users know); an unknown flag names the nearest known one. */
#ifndef MTB_OPTS_H
#define MTB_OPTS_H

#include "mtbench/buf.h"
#include "mtbench/err.h"

#include <stdbool.h>

enum opt_kind { OPT_FLAG, OPT_STRING, OPT_MAYBE, OPT_INT, OPT_FLOAT, OPT_DOUBLE, OPT_SIZE, OPT_CHOICE, OPT_LIST };

struct opt_list {
    char **word;                 /* into argv */
    int n;
};

struct opt {
    const char *name;            /* without the dashes; "": an OPT_LIST of the words that stand alone, before or behind flags */
    enum opt_kind kind;
    void *to;                    /* bool *, const char **, long *, float *, double *, double * of bytes, enum *, struct opt_list * */
                                 /* of OPT_MAYBE a const char *: "" where no value follows */
    bool *given;                 /* set when the flag was there; NULL: nobody asks */
    const char *arg;             /* "FILE", for the help; of a choice its words in the order of the enum, "auto|plain|none", where an
                                  * empty first one stands for the flag's absence */
    const char *help;            /* one line, with the default */
};

/* What a verb reads from the environment, beside its flags. */
struct opt_env {
    const char *name, *help;     /* one name, or several that mean the same, "A B"; one line */
};

/* Is --help or -h among these words? It wins over whatever else is wrong with them. */
bool opts_want_help(int argc, char *const *argv);
/* Read argv[0 .. argc) into the table's targets; strings and lists point into argv. 0; 1 when opts_want_help(); -1 (err: usage). */
int opts_parse(const struct opt *table, int n, int argc, char **argv, struct err *err);
/* --NAME must be 0 or more, if it was given. -1: err (usage). */
int opts_not_negative(const char *name, double value, bool given, struct err *err);
/* The help text of the table: a line per flag. */
void opts_help(const struct opt *table, int n, struct buf *out);
/* The same of variables. */
void opts_help_env(const struct opt_env *env, int n, struct buf *out);
/* The name most like 'word' (edit distance), or NULL if none is near. */
const char *opts_nearest(const char *word, const char *const *name, int n);

#endif
