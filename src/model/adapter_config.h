/* adapter_config.h - what adapter_config.json says: which modules get how large a change (private to model).
 * A module is called as peft sees it in the base: "model.layers.0.self_attn.q_proj", "lm_head". */
#ifndef MTB_ADAPTER_CONFIG_H
#define MTB_ADAPTER_CONFIG_H

#include "mtbench/err.h"

#include <stdbool.h>
#include <stddef.h>

struct adapter_config;

/* NULL: err (format, model): no JSON, a key of a wrong type, or one that changes numbers in a way that this program does not compute. Keys
 * that it does not know are noted. */
struct adapter_config *adapter_config_parse(const char *json, size_t n, struct err *err);
void adapter_config_free(struct adapter_config *c);

/* "base_model_name_or_path"; "" where it says none. */
const char *adapter_config_base(const struct adapter_config *c);
/* r and lora_alpha of modules that no pattern names. */
int adapter_config_rank(const struct adapter_config *c);
double adapter_config_alpha(const struct adapter_config *c);

/* Is it one that gets a change of low rank (target_modules, exclude_modules, layers_to_transform)? 'linear': it is a projection of a layer,
 * as "all-linear" means them. 1 or 0; -1: err (model), a pattern that takes too long to match. */
int adapter_config_targets(const struct adapter_config *c, const char *module, bool linear, struct err *err);
/* Its rank, and the factor of its change: alpha / r, or alpha / sqrt(r). -1: err (model). */
int adapter_config_scale(const struct adapter_config *c, const char *module, int *r, float *scale, struct err *err);
/* Is it one that is saved whole (modules_to_save)? Such a module is a copy of its own, also of one that was tied to another. */
bool adapter_config_saves(const struct adapter_config *c, const char *module);

#endif
