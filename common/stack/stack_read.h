/* stack_read: the reader's half of common/stack: YAML nodes to values, one finding per fault. Private to the room.
 * Owner: the parser. Memory: texts lend from the YAML tree. Units: as stack.h. Limits: as stack.h.
 * Fails: findings go to the diag list; values keep their defaults. */
#ifndef COMMON_STACK_STACK_READ_H
#define COMMON_STACK_STACK_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/text/diag.h"
#include "common/text/yaml.h"

struct stack_pair;

/* The text of a scalar, or NULL with a finding. */
const char *stack_read_text(struct diag_list *diags, const struct yaml *node);
int64_t stack_read_number(struct diag_list *diags, const struct yaml *node, int64_t min, int64_t max,
                          int64_t otherwise);
bool stack_read_bool(struct diag_list *diags, const struct yaml *node, bool otherwise);
/* Index of the text in words, or 0 with a finding. */
size_t stack_read_word(struct diag_list *diags, const struct yaml *node, const char *const *words, size_t count);
/* A list of texts. */
void stack_read_list(struct diag_list *diags, const struct yaml *node, const char **items, size_t max,
                     size_t *ret_count);
/* A map of texts. */
void stack_read_pairs(struct diag_list *diags, const struct yaml *node, struct stack_pair *items, size_t max,
                      size_t *ret_count);
/* One finding for each key of the map that is not in words. */
void stack_read_keys(struct diag_list *diags, const struct yaml *map, const char *const *words, size_t count);

#endif
