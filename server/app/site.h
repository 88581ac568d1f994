/* site: what is known before anything runs: the list of the stack, and the names scenarios may use.
 * Owner:  main; read-only once made, any thread.  Memory: site_free. Units: none. Limits: those of common/stack.
 * Fails:  with a sentence that names the file. */
#ifndef SERVER_APP_SITE_H
#define SERVER_APP_SITE_H

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/stack/stack.h"
#include "server/engine/scenario.h"
#include "server/engine/world.h"
#include "common/text/diag.h"

enum { SITE_EXIT_OK = 0, SITE_EXIT_NEGATIVE = 1, SITE_EXIT_USE = 2, SITE_EXIT_ENVIRONMENT = 3 };

struct site;

MUST_USE enum err site_new(struct site **ret, struct err_note *reterr);
void site_free(struct site *site);
AUTO_DEFINE(struct site, site_free)
const struct stack_spec *site_spec(const struct site *site);
const struct scenario_world *site_world(const struct site *site);

/* Reads and loads one scenario file. ERR_PARSE: the findings are in diags (initialised by the caller, warnings also on
 * success). */
MUST_USE enum err site_scenario_load(const struct site *site, const char *path, struct buf *source,
                                     struct diag_list *diags, struct scenario **ret, struct err_note *reterr);

#endif
