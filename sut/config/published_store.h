/* published_store: the published versions of every service's configuration, and the file they live in.
 * A version is never changed; a rollback publishes an old version's values as a new one. A service whose newest entry has no
 * values has been withdrawn: nothing is published for it.
 * Owner:  shared; thread-safe.               Memory: trees given back belong to the caller.
 * Units:  wall-clock ms.                     Limits: PUBLISHED_SERVICES_MAX services, versions_max each (the oldest go).
 * Fails:  nothing changes; the file has the old or the new state. */
#ifndef SUT_CONFIG_PUBLISHED_STORE_H
#define SUT_CONFIG_PUBLISHED_STORE_H

#include <stdint.h>

#include "common/text/json.h"

enum { PUBLISHED_SERVICES_MAX = 64, PUBLISHED_FILE_BYTES_MAX = 8 << 20 };

struct published_store;

struct published_by {
        const char *author, *reason;
        int64_t at_ms;
};

/* path NULL: not stored. */
MUST_USE enum err published_store_new(const char *path, struct published_store **ret, struct err_note *reterr);
void published_store_free(struct published_store *s);
AUTO_DEFINE(struct published_store, published_store_free)

/* config: an object, or NULL to withdraw. Returns the new version. */
MUST_USE enum err published_store_put(struct published_store *s, const char *service, const struct json *config, const struct published_by *by,
                                      size_t versions_max, int64_t *ret_version, struct err_note *reterr);
MUST_USE enum err published_store_rollback(struct published_store *s, const char *service, int64_t version, const struct published_by *by,
                                           size_t versions_max, int64_t *ret_version, struct err_note *reterr);
/* {"version","config","at_ms","author","reason"}; ERR_NOT_FOUND if nothing is published. */
MUST_USE enum err published_store_get(struct published_store *s, const char *service, struct json **ret);
/* {"versions":[...]}, newest last; {"services":{NAME:version}}. NULL when out of memory. */
struct json *published_store_history(struct published_store *s, const char *service);
struct json *published_store_list(struct published_store *s);

#endif
