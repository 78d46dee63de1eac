/* game_key.h - the name of a judge's game, for ever: in journals and batch files (room: bench). */
#ifndef MTB_GAME_KEY_H
#define MTB_GAME_KEY_H

#include "mtbench/call.h"

/* model_2: NULL where an answer is judged alone. */
struct game_name { const char *judge, *prompt, *model_1, *model_2; int64_t question_id; int turn, game, repeat; };
/* "q81-t1-g1-r1-HASH", where the hash is of the names. */
void game_key(const struct game_name *n, char key[CALL_KEY_MAX + 1]);
/* The hash of the names alone, and the key with it: who has thousands of games with the same names hashes them once. */
enum { GAME_NAMES = 17 };
void game_names(const struct game_name *n, char hex[GAME_NAMES]);
void game_key_of(const struct game_name *n, const char names[GAME_NAMES], char key[CALL_KEY_MAX + 1]);

#endif
