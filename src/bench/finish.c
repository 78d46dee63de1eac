/* finish.c - the words that servers end replies with, by what they mean. A word that is not here is no success: it may be a new failure. */
#include "mtbench/finish.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

/* Of OpenAI, Anthropic, Gemini, Mistral, DeepSeek, vLLM, TGI, llama-server, Bedrock and gateways before them. */
static const struct { const char *word; enum reply_end end; } known[] = {
    { "stop", END_STOP }, { "end_turn", END_STOP }, { "stop_sequence", END_STOP }, { "eos", END_STOP }, { "eos_token", END_STOP },
    { "complete", END_STOP }, { "completed", END_STOP }, { "normal", END_STOP }, { "end", END_STOP }, { "finish", END_STOP },
    { "finished", END_STOP }, { "end_of_turn", END_STOP },
    { "length", END_LENGTH }, { "max_tokens", END_LENGTH }, { "max_new_tokens", END_LENGTH }, { "max_completion_tokens", END_LENGTH },
    { "max_output_tokens", END_LENGTH }, { "token_limit", END_LENGTH }, { "model_length", END_LENGTH }, { "length_limit", END_LENGTH },
    { "model_context_window_exceeded", END_CONTEXT }, { "context_length_exceeded", END_CONTEXT }, { "error_limit", END_CONTEXT },
    { "context", END_CONTEXT },
    { "content_filter", END_FILTER }, { "content_filtered", END_FILTER }, { "guardrail_intervened", END_FILTER },
    { "safety", END_FILTER }, { "recitation", END_FILTER }, { "sensitive", END_FILTER }, { "error_toxic", END_FILTER },
    { "blocklist", END_FILTER }, { "prohibited_content", END_FILTER }, { "spii", END_FILTER }, { "image_safety", END_FILTER },
    { "language", END_FILTER },
    { "refusal", END_REFUSAL },
    { "tool_calls", END_TOOL }, { "tool_call", END_TOOL }, { "tool_use", END_TOOL }, { "function_call", END_TOOL },
    { "abort", END_BROKEN }, { "aborted", END_BROKEN }, { "cancelled", END_BROKEN }, { "canceled", END_BROKEN },
    { "error", END_BROKEN }, { "insufficient_system_resource", END_BROKEN }, { "network_error", END_BROKEN }, { "timeout", END_BROKEN },
    { "time_limit", END_BROKEN }, { "not_finished", END_BROKEN }, { "pause_turn", END_BROKEN }, { "load", END_BROKEN },
    { "unload", END_BROKEN }, { "malformed_model_output", END_BROKEN }, { "malformed_function_call", END_BROKEN },
    { "other", END_BROKEN },
};

/* Some say more behind a colon ("content_filter: RECITATION"). */
enum reply_end finish_means(const char *word)
{
    size_t n = word ? strcspn(word, ": ") : 0;
    for (size_t i = 0; n && i < sizeof known / sizeof *known; i++)
        if (strlen(known[i].word) == n && !strncasecmp(known[i].word, word, n))
            return known[i].end;
    return END_UNKNOWN;                  /* asked again, and failed in the end: never taken as a whole answer */
}
