/* keys.h - the keys of a model's files, as data: which are obeyed, which change nothing here, and which must say "off" (room: base).
 * A key that changes what is computed and is passed over makes every answer another model's. So each file that is read has a table, a key
 * of the table that is not supported is refused by name, and one that no table knows is noticed. */
#ifndef MTB_KEYS_H
#define MTB_KEYS_H

#include "mtbench/json.h"

#include <stddef.h>

enum key_use {
    KEY_READ,                             /* obeyed */
    KEY_IDLE,                             /* changes nothing that this program computes */
    KEY_OFF                               /* not supported: must say that it is off */
};

struct key {
    const char *name;
    enum key_use use;
    char type;                            /* i whole number, f number, b truth, s text, o object, a list, * (or 0) whatever it is; a
                                           * capital: must be there; OFF: r has names of rotary positions as "off" too */
    double off, also;                     /* OFF: the numbers that mean "off"; false, null, "", [] and {} do as well */
};

struct keys {
    const struct key *key;                /* (n) */
    size_t n;
    const struct keys *beside;            /* of another file, whose names are no news in this one either; NULL: none */
};

#define READ_KEY(name, type) { name, KEY_READ, type, 0, 0 }
#define IDLE_KEY(name) { name, KEY_IDLE, 0, 0, 0 }
#define OFF_KEY(name, off, also) { name, KEY_OFF, 0, off, also }
#define KEYS(table) ((struct keys){ table, sizeof(table) / sizeof *(table), NULL })

/* The row of a name; NULL: no such. */
const struct key *keys_find(struct keys t, const char *name);
/* Every member of 'object' against the table: one that is read has its type (null does, too, unless it must be there), one that must be off
 * is. -1: err (format, model) names the first that is not; 'what' it is not supported for goes into the text. Names that are not in the
 * table are appended to 'unknown', each once, with commas, up to some 200 bytes; NULL: they are of no interest. */
int keys_check(struct keys t, const cJSON *object, const char *what, struct buf *unknown, struct err *err);
/* The note about them, where there are any: FILE has keys that this program does not know ... */
void keys_note(const char *file, const struct buf *unknown);

#endif
