/* library: every scenario in the packs, loaded; a file is read again when it changed. A bad file is listed with its
 * findings. Owner:  the loop thread. Memory: entries are valid until the next library_refresh.     Units: none. Limits:
 * LIBRARY_MAX scenarios, SCENARIO_FILE_BYTES_MAX a file.                          Fails: as said at each function. */
#ifndef SERVER_API_LIBRARY_H
#define SERVER_API_LIBRARY_H

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/text/json.h"
#include "server/api/api.h"
#include "server/engine/scenario.h"

enum { LIBRARY_MAX = 256 };

struct library;

struct library_entry {
        char id[SCENARIO_ID_BYTES_MAX + 1]; /* the file's name */
        const char *pack;                   /* NULL: comes with the product */
        bool writable;
        char *path;
        int64_t changed_ns, size_bytes; /* of the file, as read */
        struct buf source;
        struct scenario *scenario; /* NULL: it does not load */
        struct json *problems;     /* findings */
        bool seen;
};

MUST_USE enum err library_new(const struct api_pack *packs, size_t pack_count, const struct scenario_world *world,
                              struct library **ret);
void library_free(struct library *l);
AUTO_DEFINE(struct library, library_free)
void library_refresh(struct library *l);
size_t library_count(const struct library *l);
const struct library_entry *library_at(const struct library *l,
                                       size_t index); /* in the suggested order, then by level and id */
const struct library_entry *library_find(const struct library *l, const char *id); /* NULL if unknown */
const char *library_suggest(const struct library *l, const char *id);
/* Findings of a text that is not saved; `name` may be NULL. *ret_ok: no errors. NULL: out of memory. */
struct json *library_lint(const struct library *l, const char *text, size_t size_bytes, const char *name, bool *ret_ok);
/* Writes into the writable pack. ERR_EXISTS: the id belongs to another pack; ERR_STATE: no pack is writable. */
MUST_USE enum err library_save(struct library *l, const char *id, const char *text, size_t size_bytes,
                               struct err_note *reterr);

#endif
