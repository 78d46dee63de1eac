/* err.h - how a failure travels (room: base).
 * A function that can fail for an expected reason returns 0/-1 (or pointer/NULL) and fills a struct err that its caller
 * owns. The text says where in the user's input, what, and what to do next: "WHERE: WHAT; WHAT TO DO". */
#ifndef MTB_ERR_H
#define MTB_ERR_H

enum err_kind {
    ERR_NONE = 0,
    ERR_USAGE,        /* the command line asks for something that cannot be */
    ERR_IO,           /* the operating system refused */
    ERR_FORMAT,       /* input bytes are not what they claim to be */
    ERR_MODEL,        /* a model, tokenizer or template that this program cannot run */
    ERR_MEMORY,       /* weights, KV cache or windows do not fit */
    ERR_DEVICE,       /* accelerator or communicator */
    ERR_BUSY,         /* somebody else holds the resource */
    ERR_CANCELLED     /* a signal asked for the end */
};

struct err {
    enum err_kind kind;
    char text[480];
};

/* Fill 'e' (may be NULL). Always returns -1, so that failing is one line. */
int err_set(struct err *e, enum err_kind kind, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* As err_set with ERR_IO; appends ": " and the text of errno. */
int err_errno(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Put "fmt: " before the text that is there; the kind stays. Always returns -1. */
int err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Append "; fmt" where the text does not say yet what to do next. Always returns -1. */
int err_advise(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
