/* buf.h - the one growing byte string (room: base). Zeroed is empty; data is NUL-terminated whenever it is not NULL. */
#ifndef MTB_BUF_H
#define MTB_BUF_H

#include <stddef.h>

struct buf {
    char *data;       /* NULL while empty; owned by the buf */
    size_t len, cap;  /* bytes, without the terminating NUL */
};

void buf_add(struct buf *b, const void *data, size_t n);
void buf_str(struct buf *b, const char *s);
void buf_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Room for 'n' more bytes; returns where they start. */
char *buf_reserve(struct buf *b, size_t n);
/* Keep the memory, forget the content. */
void buf_clear(struct buf *b);
void buf_free(struct buf *b);
/* The content as a C string that the caller must free(); the buf is empty afterwards. Never NULL. */
char *buf_steal(struct buf *b);

#endif
