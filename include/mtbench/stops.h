/* stops.h - the tokens that end an answer (room: rig). */
#ifndef MTB_STOPS_H
#define MTB_STOPS_H

#include "mtbench/chat.h"
#include "mtbench/model.h"
#include "mtbench/tokenizer.h"

/* Append, each once and in this order: the ends of text of the configuration, of generation_config.json or of GGUF keys; the tokenizer's;
 * those of a FastChat template; and the control token that the template puts behind an answer. Ids that the model cannot say are left out.
 */
void stops_find(const struct model_config *c, const struct tokenizer *t, const struct chat *chat, struct ids *out);

#endif
