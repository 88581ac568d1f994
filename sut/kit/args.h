/* kit_args: the command line of a service, as docs/contracts.md gives it. Pure.
 * Owner: caller. Memory: everything lent from argv. Units: none. Limits: KIT_UPSTREAMS_MAX, KIT_OPTIONS_MAX.
 * Fails: ERR_INVAL with a sentence that names the argument. */
#ifndef SUT_KIT_ARGS_H
#define SUT_KIT_ARGS_H

#include <stdbool.h>

#include "common/base/err.h"
#include "sut/kit/service.h"

struct kit_args {
        const char *name, *instance, *listen, *dir;
        bool help, describe;
        int upstream_count;
        struct {
                char name[32];
                const char *address;
        } upstreams[KIT_UPSTREAMS_MAX];
        const char *options[KIT_OPTIONS_MAX]; /* by index in spec->options */
        bool flags[KIT_OPTIONS_MAX];
};

MUST_USE enum err kit_args_parse(const struct kit_spec *spec, int argc, char **argv, struct kit_args *ret,
                                 struct err_note *reterr);
/* A required upstream that is not there is ERR_INVAL; not asked of commands. */
MUST_USE enum err kit_args_complete(const struct kit_spec *spec, const struct kit_args *args, struct err_note *reterr);
void kit_args_help(const struct kit_spec *spec);
const char *kit_args_upstream(const struct kit_args *args, const char *name); /* NULL if absent */

#endif
