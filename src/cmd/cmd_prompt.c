#include "cmd.h"
int cmd_prompt(struct job *job, int argc, char **argv){(void)job;(void)argc;(void)argv;return 1;}
