/* answer.h - answer files as FastChat reads and writes them (room: bench). */
#ifndef MTB_ANSWER_H
#define MTB_ANSWER_H

#include "mtbench/buf.h"
#include "mtbench/err.h"
#include "mtbench/slice.h"

#include <stdint.h>

/* 128 bits as a short UUID: base 57, most significant digit first, 22 characters and a NUL (shortuuid 1.0). */
void short_uuid(const uint8_t bits[16], char id[23]);
/* Derived from model, question and seed, so that files are reproducible; the bits of a version-4 UUID are set. */
void answer_id(const char *model_id, int64_t question_id, uint64_t seed, char id[23]);

/* Can answers be merged into what is there? Ask before the work. -1: err (io: not a file, not readable; format with its line). */
int answers_check(const char *path, struct err *err);
struct answer_line {
    int64_t question_id;
    struct slice line;                   /* the record, without a newline */
};
/* Merge n lines into the answer file: of the old lines and these the last per question_id is kept, sorted by id, bytes unchanged; written
 * beside and renamed. A missing file is empty. -1: err as of answers_check(), and io. */
int answers_merge(const char *path, const struct answer_line *line, size_t n, struct err *err);

/* The digest of a run. Feed the finished turns in question order; each is "ID\0CHOICE\0TURN\0LENGTH\0TEXT" with decimal numbers. TEXT is
 * LENGTH bytes of UTF-8, a U+0000 in it one byte 0. */
struct digest;
struct digest *digest_begin(void);
void digest_turn(struct digest *d, int64_t question_id, int choice, int turn, const char *text, size_t n);
void digest_end(struct digest *d, char hex[65]);

#endif
