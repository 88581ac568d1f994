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
        char id[SCENARIO_NAME_BYTES_MAX + 1]; /* the file's name; of a pack: PACK/ID */
        char pack[80];                        /* "": comes with the product */
        bool writable;
        char *path;
        int64_t changed_ns, size_bytes; /* of the file, as read */
        struct buf source;
        struct scenario *scenario; /* NULL: it does not load */
        struct json *problems;     /* findings */
        bool seen;
};

/* Only the packs and say of the options are looked at. */
MUST_USE enum err library_new(const struct api_options *options, struct library **ret);
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
/* Writes into the pack of the id (PACK/ID), or into the user's own. ERR_EXISTS: the id belongs to the product; ERR_STATE: the pack cannot
 * be written to, or its manifest does not name the file; ERR_NOT_FOUND: no such pack. */
MUST_USE enum err library_save(struct library *l, const char *id, const char *text, size_t size_bytes,
                               struct err_note *reterr);

struct json *library_packs(const struct library *l);
MUST_USE enum err library_pack_make(struct library *l, const char *name, const char *title, struct err_note *reterr);

#endif
