/* tree_copy: copies a directory of plain files and directories. Blocks; for helper processes.
 * Owner: none. Memory: none kept. Units: none. Limits: TREE_COPY_NAMES_MAX names a directory.
 * Fails: with a note that names the path; what was copied so far stays. The last thing copied is PG_VERSION of the top,
 * so that half a copy of a database is never taken for a whole one. */
#ifndef CONTROL_AGENT_APP_TREE_COPY_H
#define CONTROL_AGENT_APP_TREE_COPY_H

#include "common/base/err.h"

enum { TREE_COPY_NAMES_MAX = 20000 };

MUST_USE enum err tree_copy(const char *from, const char *to, struct err_note *reterr);

#endif
