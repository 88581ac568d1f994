/* tree: the spans of one trace as a tree, with what a waterfall needs: offsets, depth, and the critical path. Pure.
 * A span whose parent is not there (lost, or of a caller that traces elsewhere) is a root. Of the children of a span, the critical path
 * follows the one that ends last, and from its start the one that ended last before it, and so on.
 * Owner:  caller.                            Memory: the tree is the caller's; spans are copied.
 * Units:  ms from the beginning of the trace. Limits: TREE_DEPTH_MAX levels, deeper spans become roots.
 * Fails:  NULL when out of memory (sticky, see common/text/json.h). */
#ifndef SUT_LOGPROC_TREE_H
#define SUT_LOGPROC_TREE_H

#include "common/text/json.h"

enum { TREE_DEPTH_MAX = 50 };

/* spans: as archive_trace_spans gives them. {"trace_id","start_ms","duration_ms","spans","failed","services":[..],"roots":[{span members,
 * "at_ms","critical":bool,"children":[...]}]} */
struct json *tree_make(const char *trace_id, const struct json *spans);

#endif
