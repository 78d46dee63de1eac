/* header.h - what reply headers say: ids, and how long to wait. Pure. */
#ifndef MTB_HEADER_H
#define MTB_HEADER_H

#include <stdbool.h>
#include <stddef.h>

/* The value of header 'name' (any case) in raw header lines, blanks around it cut; the last one if there are several. false: none, or
 * longer than 'size' - 1. */
bool header_find(const char *lines, const char *name, char *value, size_t size);
/* The server's id of the request; false: none. */
bool header_request_id(const char *lines, char *value, size_t size);
/* Seconds that the server asks to wait: Retry-After (seconds or an HTTP date), else the larger x-ratelimit-reset-*. -1: it does not say. */
double header_wait(const char *lines, double now);
/* The server's own clock, which measures its dates, where it tells that; else 'now'. */
double header_clock(const char *lines, double now);
/* Seconds until a date (HTTP's forms, RFC 3339), 0 for one that is past; -1: no date. */
double date_wait(const char *s, double now);
/* "12ms", "1s", "6m0s", "1h2m3.5s", "0.5": seconds; -1 for anything else. */
double duration_parse(const char *s);

#endif
