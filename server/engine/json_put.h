/* json_put: members of hand-written JSON, commas included. For the writers of this room.
 * Owner: caller's buffer. Memory: none. Units: none. Limits: those of the buffer. Fails: through buf_status(out). */
#ifndef SERVER_ENGINE_JSON_PUT_H
#define SERVER_ENGINE_JSON_PUT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buf.h"

void put_key(struct buf *out, const char *key);                  /* "key": with a comma before it if needed */
void put_item(struct buf *out);                                  /* the comma before an item of an array, if needed */
void put_str(struct buf *out, const char *key, const char *text); /* NULL gives null */
void put_int(struct buf *out, const char *key, int64_t value);
void put_num(struct buf *out, const char *key, double value);    /* not finite gives null */
void put_bool(struct buf *out, const char *key, bool value);
void put_null(struct buf *out, const char *key);
void put_raw(struct buf *out, const char *key, const char *json); /* "" gives null */
void put_words(struct buf *out, const char *key, const char *const *words, size_t count);
void put_number(struct buf *out, double value);                  /* the shortest text that reads back as the same double */

#endif
