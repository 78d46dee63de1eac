/* finish.h - why a reply ended, in the servers' words (room: bench). Pure. */
#ifndef MTB_FINISH_H
#define MTB_FINISH_H

enum reply_end {
    END_STOP,                            /* the model was at its end */
    END_LENGTH,                          /* the token limit */
    END_CONTEXT,                         /* the end of the model's context */
    END_FILTER,                          /* a content filter */
    END_REFUSAL,                         /* the model said that it will not */
    END_TOOL,                            /* it wants a tool called, and would go on then */
    END_BROKEN,                          /* the server broke it off */
    END_UNKNOWN                          /* a word that is not in the table, or none */
};

/* NULL is unknown. */
enum reply_end finish_means(const char *word);

#endif
