/* exit_code.h - what the end of a run means to the shell (room: base). */
#ifndef MTB_EXIT_CODE_H
#define MTB_EXIT_CODE_H

enum exit_code { EXIT_COMPLETE = 0, EXIT_INPUT = 1, EXIT_FAILURES = 2, EXIT_RESUME = 75, EXIT_PREFLIGHT = 77 };

#endif
