/* diag: a bounded list of findings about a text file, each with its place: "file:line:column: severity: message".
 * Owner: caller, not thread-safe. Memory: diag_list_done frees. Units: lines and columns count from 1, 0 = whole file.
 * Limits: DIAG_COUNT_MAX findings, more are counted in `dropped`. Fails: silently counts (a finding lost for want of
 * memory is in `dropped`), because reporting must not stop the check. */
#ifndef COMMON_TEXT_DIAG_H
#define COMMON_TEXT_DIAG_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/buf.h"
#include "common/text/json.h"

enum { DIAG_COUNT_MAX = 200 };

enum diag_severity { DIAG_ERROR, DIAG_WARNING };

struct diag {
        enum diag_severity severity;
        size_t line, column;
        char *message;
};

struct diag_list {
        const char *file; /* not owned; may be NULL */
        struct diag *items;
        size_t count, capacity, error_count, dropped;
};

void diag_list_init(struct diag_list *list, const char *file);
void diag_list_done(struct diag_list *list);
void diag_error(struct diag_list *list, size_t line, size_t column, const char *format, ...) FMT_PRINTF(4, 5);
void diag_warning(struct diag_list *list, size_t line, size_t column, const char *format, ...) FMT_PRINTF(4, 5);
/* Orders by line, then column; stable. */
void diag_list_sort(struct diag_list *list);
/* One line a finding. */
void diag_list_print(const struct diag_list *list, struct buf *b);
/* [{"line","column","severity","message"}] ; NULL when out of memory. */
struct json *diag_list_json(const struct diag_list *list);

#endif
