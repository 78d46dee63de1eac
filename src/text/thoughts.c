/* thoughts.c - a model's thoughts, told from what it says. */
#include "mtbench/thoughts.h"

#include <string.h>
#include <strings.h>

enum {
    PROSE = 1,                           /* ordinary words: left alone unless both marks are there, or the prompt ends so */
    SQUEEZED = 2,                        /* what dropping special tokens leaves of a mark: only in front, and a capital follows */
};

static const struct thought_mark {
    const char *open, *close[2];         /* two spellings of the end; NULL: there is one */
    int kind;
} marks[] = {
    /* Longer spellings come before those that they begin with; the first row that fits is taken. */
    { "<think>", { "</think>" }, 0 },    /* DeepSeek-R1, Qwen3, QwQ, GLM, Phi-4-reasoning, Hunyuan, ... */
    { "<thinking>", { "</thinking>" }, 0 },
    { "<thought>", { "</thought>" }, 0 },        /* EXAONE Deep, Marco-o1 */
    { "<thoughts>", { "</thoughts>" }, 0 },
    { "<reason>", { "</reason>" }, 0 },
    { "<reasoning>", { "</reasoning>" }, 0 },
    { "<reflection>", { "</reflection>" }, 0 },
    { "<scratchpad>", { "</scratchpad>" }, 0 },
    { "<seed:think>", { "</seed:think>" }, 0 },  /* Seed-OSS */
    { "<mm:think>", { "</mm:think>" }, 0 },      /* MiniMax-M3 */
    { "<longcat_think>", { "</longcat_think>" }, 0 },
    { "[THINK]", { "[/THINK]" }, 0 },    /* Magistral */
    { "\u25c1think\u25b7", { "\u25c1/think\u25b7" }, 0 },     /* Kimi */
    { "<|START_THINKING|>", { "<|END_THINKING|>" }, 0 },      /* Command-R7B, Command A */
    { "<|inner_prefix|>", { "<|inner_suffix|>" }, 0 },        /* Apertus */
    { "<|begin_of_thought|>", { "<|end_of_thought|>" }, 0 },  /* OpenThinker, Sky-T1 */
    { "<|channel>thought", { "<channel|>" }, 0 },             /* Gemma 4 */
    { "<unused94>thought", { "<unused95>" }, 0 },             /* MedGemma */
    { "[unused16]", { "[unused17]" }, 0 },                    /* Pangu */
    { "<|channel|>analysis<|message|>", { "<|channel|>final<|message|>" }, 0 },       /* gpt-oss */
    { "<|channel|>analysis", { "<|channel|>final<|message|>" }, 0 },
    { "<|channel|>commentary", { "<|channel|>final<|message|>" }, 0 },
    { "analysis", { "assistantfinal" }, SQUEEZED },
    { "Here is my thought process:", { "Here is my response:", "Here's my response:" }, PROSE },      /* Granite 3.2 */
    { "Here's my thought process:", { "Here is my response:", "Here's my response:" }, PROSE },
    { "Here are my reasoning steps:", { "[BEGIN FINAL RESPONSE]" }, PROSE },  /* Apriel */
};
enum { N_MARKS = sizeof marks / sizeof *marks };

struct text {
    const char *ptr;
    size_t n;
};

/* May a mark begin here? Most bytes of a long reply are told off at once; words of ordinary text count as they are written above. */
static bool worth_a_look(const struct text *t, size_t at)
{
    /* A mark that is added to the table with another first letter has to be let through here. */
    char c = t->ptr[at], next = at + 1 < t->n ? t->ptr[at + 1] : '\0';
    return c == '<' || c == '[' || c == '\xe2' || (c == 'H' && next == 'e') || (c == 'a' && (next == 'n' || next == 's'));
}

static bool stands_at(const struct text *t, size_t at, const char *mark)
{
    size_t k = strlen(mark);
    return t->n - at >= k && !strncasecmp(t->ptr + at, mark, k); /* texts have a length, no NUL */
}

static size_t past_blanks(const struct text *t, size_t at)
{
    while (at < t->n && memchr(" \t\r\n", t->ptr[at], 4))
        at++;
    return at;
}

/* First place of either end from 'at' on, and what lies past it. False: the thoughts do not end. */
static bool find_close(const struct text *t, const struct thought_mark *m, size_t at, size_t *past)
{
    /* The first end of any spelling, wherever it stands: within thoughts nothing is quoted. */
    for (; at < t->n; at++)
        for (int k = 0; k < 2 && m->close[k] && worth_a_look(t, at); k++)
            if (stands_at(t, at, m->close[k])) {
                *past = at + strlen(m->close[k]);
                return true;
            }
    return false;
}

static const struct thought_mark *open_at(const struct text *t, size_t at)
{
    for (const struct thought_mark *m = marks; m < marks + N_MARKS && at < t->n && worth_a_look(t, at); m++)
        if (stands_at(t, at, m->open))
            return m;
    return NULL;
}

/* Length of the end mark that stands here and means something alone. */
static size_t close_at(const struct text *t, size_t at)
{
    for (const struct thought_mark *m = marks; m < marks + N_MARKS && worth_a_look(t, at); m++)
        /* Ordinary words end thoughts only where the words that open them were there. */
        if (!(m->kind & PROSE) && stands_at(t, at, m->close[0]))
            return strlen(m->close[0]);
    return 0;
}

const struct thought_mark *thoughts_opened(const char *prompt, size_t n)
{
    /* Templates end in the mark and a line feed, or two. */
    while (n && memchr(" \t\r\n", prompt[n - 1], 4))
        n--;
    for (const struct thought_mark *m = marks; m < marks + N_MARKS; m++) {
        size_t k = strlen(m->open);
        /* A prompt keeps its special tokens, so nothing in it is squeezed; a question that ends in "analysis" opens nothing. */
        if (!(m->kind & SQUEEZED) && n >= k && !strncasecmp(prompt + n - k, m->open, k))
            return m;
    }
    return NULL;
}

/* ---- in front ---- */

/* The mark with which a reply begins, and what lies past it. */
static const struct thought_mark *begins(const struct text *t, size_t at, size_t *past)
{
    static const char turn[] = "<|start|>assistant";     /* of gpt-oss, where the template left it to the model */
    at = past_blanks(t, at);
    if (stands_at(t, at, turn))
        at += strlen(turn);
    const struct thought_mark *m = open_at(t, at);
    size_t unused, next = m ? at + strlen(m->open) : at;
    /* "analysisWe need to": dropped tokens leave no blank, where a sentence would have one. */
    bool joined = m && (m->kind & SQUEEZED) && next < t->n && t->ptr[next] >= 'A' && t->ptr[next] <= 'Z';
    if (m && m->kind && !joined && !find_close(t, m, next, &unused))
        return NULL;                     /* an answer that begins with the word */
    *past = next;
    return m;
}

/* Past the first end mark that nothing before it opened, 0: there is none. */
static size_t lone_close(const struct text *t)
{
    for (size_t at = 0; at < t->n; at++) {
        size_t k = close_at(t, at);
        if (k)
            return at + k;
        /* Something opens before any end: that pair stands within an answer. */
        if (open_at(t, at) && !(open_at(t, at)->kind & (PROSE | SQUEEZED)))
            return 0;
    }
    return 0;
}

enum thoughts thoughts_split(const struct thought_mark *opened, const char *text, size_t n, size_t *answer)
{
    struct text t = { text, n };
    size_t at = 0;
    enum thoughts state = THOUGHTS_NONE;
    *answer = 0;
    /* Some models think twice in a row: each block in front is passed over. */
    while (opened || (opened = begins(&t, *answer, &at))) {
        state = THOUGHTS_OPEN;
        /* Nothing was said: the caller must not take thoughts for an answer. */
        if (!find_close(&t, opened, at, answer)) {
            *answer = n;
            return state;
        }
        state = THOUGHTS_ENDED;
        opened = NULL;
    }
    /* Last, as an opened block has an end of its own. */
    if (state == THOUGHTS_NONE && (*answer = lone_close(&t)))
        state = THOUGHTS_ENDED;
    if (state == THOUGHTS_ENDED)
        *answer = past_blanks(&t, *answer);
    return state;
}

bool thoughts_announced(const char *text, size_t n)
{
    struct text t = { text, n };
    size_t at = past_blanks(&t, 0), past;
    const struct thought_mark *m = open_at(&t, at);
    return m && (m->kind & PROSE) && !find_close(&t, m, at + strlen(m->open), &past);
}

/* ---- anywhere ---- */

static bool at_line_start(const struct text *t, size_t at)
{
    while (at && (t->ptr[at - 1] == ' ' || t->ptr[at - 1] == '\t'))
        at--;
    return !at || t->ptr[at - 1] == '\n';
}

enum thoughts thoughts_strike(const struct thought_mark *opened, const char *text, size_t n, struct buf *out, size_t *behind)
{
    struct text t = { text, n };
    bool endless[N_MARKS] = {0};         /* no end of this mark lies ahead: looked for once, or a text of open marks costs its square */
    size_t at = 0, past = 0, from = out->len;
    enum thoughts state = thoughts_split(opened, text, n, &past);
    for (at = past; at < n && state != THOUGHTS_OPEN;) {
        const struct thought_mark *m = open_at(&t, at);
        size_t k = m ? 0 : close_at(&t, at), next;
        bool ends = m && !(m->kind & SQUEEZED) && !endless[m - marks] && find_close(&t, m, at + strlen(m->open), &next);
        if (m)
            endless[m - marks] = !ends;
        if (k || ends) {                 /* all before a lone end mark was thought; a block with both goes alone */
            /* Only what this call has appended; the buffer keeps its NUL. */
            if (k && out->len > from)
                out->data[out->len = from] = '\0';
            at = past = k ? at + k : next;
            state = THOUGHTS_ENDED;
        /* Cut off within thoughts. In the middle of a line the answer may be speaking of the tag. */
        } else if (m && !m->kind && at_line_start(&t, at)) {
            state = THOUGHTS_OPEN;
        } else {
            buf_char(out, text[at++]);
        }
    }
    if (behind)
        *behind = state == THOUGHTS_OPEN ? n : past;
    return state;
}
