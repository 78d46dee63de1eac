/* config_keys.h - what this program thinks of each key of a configuration (room: model, private). */
#ifndef MTB_CONFIG_KEYS_H
#define MTB_CONFIG_KEYS_H

#include "model_priv.h"

#include "mtbench/keys.h"

/* Every key of config.json is one that is obeyed and has the type that it must have, or one that changes nothing, or one that says "off";
 * -1: err (model, format) names the first that is not. Keys that no table knows are named once in a note. */
int hf_keys_check(const cJSON *root, const struct arch *arch, struct err *err);
/* Of the block "rope_scaling" or "rope_parameters". A key that is not known there is refused: none of them is idle. */
int rope_keys_check(const cJSON *block, const char *name, struct err *err);
/* Every key "ARCH.*" of a GGUF file, likewise; one that is not known is refused, as all of them describe the computation. */
int gguf_keys_check(const struct gguf *g, const struct arch *arch, struct err *err);

/* generation.c: what generation_config.json may say, and, in older models, config.json. */
extern const struct keys generation_keys;

/* config_hf.c: a member of the name, the last of several; NULL if it is missing or null. */
const cJSON *config_field(const cJSON *o, const char *name);
/* The ends of text that "eos_token_id" names, one or a list. */
void config_read_eos(const cJSON *o, struct model_config *c);

#endif
