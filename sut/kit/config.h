/* kit_config: the configuration that a service owns: values, revision, history, and the file they live in.
 * Request threads read numbers and choices without a lock; changes are made one at a time, all or nothing.
 *   patch -> checked against the schema -> hook apply() may refuse -> file written -> values visible -> hook changed()
 * Owner:  shared; thread-safe.               Memory: trees given back belong to the caller.
 * Units:  wall-clock ms in the history.      Limits: CONFIG_HISTORY_MAX entries, CONFIG_FILE_BYTES_MAX on disk.
 * Fails:  nothing changes; findings say what was wrong with which key. */
#ifndef SUT_KIT_CONFIG_H
#define SUT_KIT_CONFIG_H

#include <stdint.h>

#include "common/text/json.h"
#include "sut/kit/knob.h"

enum { CONFIG_HISTORY_MAX = 200, CONFIG_FILE_BYTES_MAX = 1 << 20, CONFIG_REASON_BYTES = 500, CONFIG_AUTHOR_BYTES = 64 };

struct kit_config;

struct kit_config_hooks {
        void *ctx;
        /* May be NULL. `changed` is {key: new value} of what differs. Called before anything is stored, one call at a time;
         * an error refuses the change. Adapters make the real server follow here. */
        enum err (*apply)(void *ctx, const struct json *changed, struct err_note *reterr);
        /* May be NULL. The values are visible now: resize pools, set log levels. Called one at a time. */
        void (*changed)(void *ctx);
};

/* path NULL: nothing is stored (tests). */
MUST_USE enum err kit_config_new(const char *title, const struct knob *knobs, size_t count, const char *path,
                                 const struct kit_config_hooks *hooks, struct kit_config **ret);
void kit_config_free(struct kit_config *c);
AUTO_DEFINE(struct kit_config, kit_config_free)

/* Reads the file again (a missing one means defaults) and calls the hooks if values differ. A damaged file or a value out
 * of range is an error that names file and key; the values stay as they were. */
MUST_USE enum err kit_config_load(struct kit_config *c, struct err_note *reterr);

/* Changes by a JSON merge patch (null: back to the default). On ERR_INVAL *ret_findings is [{"pointer","detail"}]; on
 * success *ret_changed is {key:{"from","to"}} (empty: nothing differed, no new revision). Both may be NULL. */
MUST_USE enum err kit_config_patch(struct kit_config *c, const struct json *patch, const char *author, const char *reason,
                                   int64_t at_ms, struct json **ret_changed, struct json **ret_findings,
                                   struct err_note *reterr);
/* The real server behind an adapter was found with these values: they become the configuration without apply(), and a
 * difference is an entry of the history by `author`. */
MUST_USE enum err kit_config_observe(struct kit_config *c, const struct json *values, const char *author,
                                     const char *reason, int64_t at_ms);

/* knob is the index in the table; the type must be right. */
int64_t kit_config_int(const struct kit_config *c, size_t knob);
double kit_config_num(const struct kit_config *c, size_t knob);
bool kit_config_on(const struct kit_config *c, size_t knob);
int kit_config_choice(const struct kit_config *c, size_t knob); /* index in choices */
void kit_config_text(struct kit_config *c, size_t knob, char *dst, size_t dst_bytes);
bool kit_config_list_has(struct kit_config *c, size_t knob, const char *word);

int64_t kit_config_revision(const struct kit_config *c);
/* "v3": moved by each change of a knob marked deploy. */
void kit_config_version(const struct kit_config *c, char *dst, size_t dst_bytes);

/* The bodies of GET /config (without "service") and GET /config/history. NULL when out of memory. */
struct json *kit_config_json(struct kit_config *c);
struct json *kit_config_values(struct kit_config *c);
struct json *kit_config_history(struct kit_config *c);

#endif
