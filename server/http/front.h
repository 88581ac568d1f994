/* front: the HTTP side behind the door: who may ask, the security fields of every answer, the control panel's files, and the
 * API's handler for everything below /api/.
 * Owner:  worker threads inside; front_new and front_free on the program's thread.
 * Memory: what the options name outlives the front.      Units: bytes, ms.
 * Limits: threads and queue of the options; body 256 KiB, head 16 KiB (common/http).
 * Fails:  at birth with a note; a refused request is a problem: 401 (token), 403 (Host, Origin, not through the door). */
#ifndef SERVER_HTTP_FRONT_H
#define SERVER_HTTP_FRONT_H

#include <stddef.h>
#include <stdint.h>

#include "common/http/server.h"
#include "server/guard/guard.h"
#include "server/http/ui.h"

enum { FRONT_ORIGIN_BYTES = 300 };
enum { FRONT_THREADS_DEFAULT = 24, FRONT_QUEUE_DEFAULT = 64, FRONT_REQUEST_MS = 15000 };

struct front;

struct front_opts {
        const struct guard *guard;
        const char *door_key;         /* what the door sends as GUARD_DOOR_FIELD; NULL: anybody on this machine may ask */
        const struct ui_files *ui;    /* &ui_embedded */
        const char *frame_origin;     /* "http://localhost:3000": what the panel may show in a frame; NULL: nothing */
        http_handler *api;            /* "/api/..." after all checks, on a worker thread; must reply */
        void *ctx;
        size_t threads, queue;        /* 0: defaults */
};

/* "http://host:3000/path" -> "http://host:3000", FRONT_ORIGIN_BYTES; ERR_INVAL for what is no such address, or could end a header's field. */
MUST_USE enum err front_origin(const char *url, char *dst, struct err_note *reterr);

MUST_USE enum err front_new(const struct front_opts *opts, struct front **ret, struct err_note *reterr);
uint16_t front_port(const struct front *front);       /* on 127.0.0.1, for door_opts.backend_port */
size_t front_capacity(const struct front *front);     /* requests that can be under way: for door_opts.relays_max */
void front_free(struct front *front);                 /* waits for the requests under way */
AUTO_DEFINE(struct front, front_free)

#endif
