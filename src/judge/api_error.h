/* api_error.h - what an error reply says, whatever its shape. Pure. */
#ifndef MTB_API_ERROR_H
#define MTB_API_ERROR_H

#include "mtbench/json.h"

struct api_error {
    const char *type, *code, *param, *inner;     /* strings of the body; "" where it does not say */
    char message[1000];                  /* all its words on one line, UTF-8: of strings, lists and objects, however nested; "" without */
    long number;                         /* a numeric code: some gateways put the status there; 0: none */
};

/* Does the body carry an error? Fills 'e' in any case. The error may be an object, a string, the body itself, or one in a list. */
bool api_error_read(const cJSON *body, struct api_error *e);
/* Only the member "error" of this object: one that stands beside an answer, or part of one. */
bool api_error_beside(const cJSON *object, struct api_error *e);
/* The words of a body that is no JSON: plain text, or a page of HTML. */
void api_error_plain(const char *text, size_t n, struct api_error *e);

/* Does any of the patterns (NULL-ended, letters of either case) stand in the error's words? */
bool api_error_says(const struct api_error *e, const char *const *pattern);
bool api_error_too_long(const struct api_error *e);
bool api_error_filtered(const struct api_error *e);
bool api_error_flagged(const struct api_error *e);
bool api_error_no_quota(const struct api_error *e);
/* Does it name this parameter, as the culprit or as a word of its own? */
bool api_error_names(const struct api_error *e, const char *param);

#endif
