/* curl_setup.h - what all transfers have in common, whatever they carry (private to judge). 'void *' is libcurl's CURL *: only http.c and
 * download.c know its headers. */
#ifndef MTB_CURL_SETUP_H
#define MTB_CURL_SETUP_H

#include "mtbench/err.h"

/* Start libcurl once. -1: err (device). */
int curl_setup(struct err *err);
/* Our name, no signals, http and https only, whose certificates are trusted. */
void curl_setup_easy(void *easy);

#endif
