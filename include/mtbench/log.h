/* log.h - lines for people on stderr (room: base). One rank speaks for the job: set by main.c. */
#ifndef MTB_LOG_H
#define MTB_LOG_H

enum log_level { LOG_QUIET = 0, LOG_NORMAL = 1, LOG_VERBOSE = 2 };

/* 'level': what is printed; 'speaker': whether this process prints notes at all (errors always print); 'file' (may be NULL): every
 * line, verbose ones too, is also appended to this file with a time stamp; the caller keeps the string alive. Returns 0, or -1 if the file
 * cannot be opened. */
int log_init(enum log_level level, int speaker, const char *file);
/* "mtbench: TEXT" unless quiet. */
void log_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* As log_note, only with --verbose. */
void log_verbose(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Into the file alone, if there is one. */
void log_file(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* "mtbench: TEXT", always, from any rank. */
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
