/* environment.h - the environment of a table's row, for code that is handed a getenv: point 'environment' at its strings, "NAME=VALUE" up
 * to NULL. */
#ifndef MTB_TEST_ENVIRONMENT_H
#define MTB_TEST_ENVIRONMENT_H

#include <string.h>

static const char *const *environment;

static const char *environment_get(const char *name)
{
    size_t n = strlen(name);
    for (const char *const *e = environment; *e; e++)
        if (!strncmp(*e, name, n) && (*e)[n] == '=')
            return *e + n + 1;
    return NULL;
}

#endif
