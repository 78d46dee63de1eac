/* game_key.c - the name of a judge's game. */
#include "mtbench/game_key.h"

#include "mtbench/hash.h"

#include <stdio.h>
#include <string.h>

/* The same name on every machine and in every start: the journal, batch files and takeovers find a call by it.
 * Numbers in clear for people, names as a hash, since keys are short and names may be long. */
void game_key(const struct game_name *n, char key[CALL_KEY_MAX + 1])
{
    char names[GAME_NAMES];
    game_names(n, names);
    game_key_of(n, names, key);
}

void game_names(const struct game_name *n, char hex[GAME_NAMES])
{
    const char *part[] = { n->judge, n->prompt, n->model_1, n->model_2 ? n->model_2 : "" };
    uint8_t digest[32];
    struct sha256 *h = sha256_begin();
    for (int i = 0; i < 4; i++)
        sha256_add(h, part[i], strlen(part[i]) + 1); /* with its NUL: "a" "bc" is not "ab" "c" */
    sha256_end(h, digest);
    hex_of(digest, 8, hex);
}

void game_key_of(const struct game_name *n, const char names[GAME_NAMES], char key[CALL_KEY_MAX + 1])
{
    snprintf(key, CALL_KEY_MAX + 1, "q%lld-t%d-g%d-r%d-%s", (long long)n->question_id, n->turn, n->game, n->repeat, names);
}
