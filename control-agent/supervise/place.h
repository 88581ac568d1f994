/* place: where one stack lives (paths, address), which file is a service's program, and what ${...} in sut/stack.yaml
 * means there.
 * Owner:  caller, read-only once made. Memory: fixed arrays. Units: bytes.
 * Limits: FILE_PATH_BYTES a path, PLACE_TEXT_BYTES_MAX an expanded text. Fails: with a note that names the text. */
#ifndef CONTROL_AGENT_SUPERVISE_PLACE_H
#define CONTROL_AGENT_SUPERVISE_PLACE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/buf.h"
#include "common/stack/stack.h"
#include "common/sys/file.h"

enum { PLACE_ADDRESS_BYTES = 32, PLACE_TEXT_BYTES_MAX = 262144, PLACE_SOCKETS_BYTES_MAX = 80 };

struct place {
        const struct stack_spec *spec;
        unsigned number;
        char address[PLACE_ADDRESS_BYTES];
        char home[FILE_PATH_BYTES], dir[FILE_PATH_BYTES], share[FILE_PATH_BYTES], bin[FILE_PATH_BYTES];
        bool built[STACK_SERVICES_MAX];
        /* "host:port" that the owner of an edge must dial; NULL: the service itself. */
        void (*edge_address)(void *ctx, unsigned number, size_t edge, char *dst, size_t dst_bytes);
        void *edge_ctx;
};

MUST_USE enum err place_init(struct place *p, const struct stack_spec *spec, unsigned number, const char *home,
                             const char *share, const char *bin, struct err_note *reterr);
/* DIR/sub/NAME or, with name NULL, DIR/sub. */
MUST_USE enum err place_path(const struct place *p, const char *sub, const char *name,
                             char dst[static FILE_PATH_BYTES]);
/* The program's file, beside the agent, in the search list or in PATH; false: not built. */
bool place_program(const struct place *p, size_t service, const char *program, char dst[static FILE_PATH_BYTES]);
/* Where `service` dials its upstream number `upstream`. */
void place_upstream(const struct place *p, size_t service, size_t upstream, char *dst, size_t dst_bytes);
/* Replaces each ${NAME} of text; an unknown name is ERR_NOT_FOUND. */
MUST_USE enum err place_expand(const struct place *p, size_t service, const char *text, struct buf *b,
                               struct err_note *reterr);

#endif
