/* yaml: YAML 1.1 text (libyaml) as a tree of nodes that know their line and column; no other room opens libyaml.
 * One document, no aliases or anchors (they are an error), no duplicate keys. Plain scalars follow the JSON-like core
 * schema: null ~ true false integers decimals; everything else, and everything quoted, is a string.
 * Owner:  caller, read-only once parsed. Memory: yaml_free frees the tree; everything else lends.
 * Limits: YAML_BYTES_MAX, YAML_NODES_MAX, YAML_DEPTH_MAX.
 * Fails:  findings go to the diag list with their place; ERR_PARSE, ERR_LIMIT or ERR_NOMEM. */
#ifndef COMMON_TEXT_YAML_H
#define COMMON_TEXT_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/err.h"
#include "common/text/diag.h"
#include "common/text/json.h"

enum { YAML_BYTES_MAX = 1 << 20, YAML_NODES_MAX = 50000, YAML_DEPTH_MAX = 32 };

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml {
        enum yaml_kind kind;
        size_t line, column;          /* from 1 */
        const char *key;              /* in a map: the key; else NULL */
        size_t key_line, key_column;
        const char *text;             /* scalar: its content; else NULL */
        bool quoted;                  /* scalar: quoted or block style, so always a string */
        size_t count;                 /* children */
        struct yaml *first, *next;    /* children in order, siblings */
};

MUST_USE enum err yaml_parse(const char *bytes, size_t size_bytes, struct diag_list *diags, struct yaml **ret);
/* Hidden: libyaml exports a yaml_free of its own and must go on calling that one. */
__attribute__((visibility("hidden"))) void yaml_free(struct yaml *root);
AUTO_DEFINE(struct yaml, yaml_free)

const struct yaml *yaml_get(const struct yaml *map, const char *key); /* NULL if absent or not a map */
const struct yaml *yaml_at(const struct yaml *root, const char *pointer); /* RFC 6901; nearest existing ancestor */
const char *yaml_kind_name(const struct yaml *y); /* "text", "integer", "list", ... for messages */
#define YAML_EACH(item, container)                                                                                     \
        for (const struct yaml *item = (container) ? (container)->first : NULL; item; item = item->next)

/* The same tree as JSON values; NULL when out of memory. */
struct json *yaml_to_json(const struct yaml *y);

#endif
