/* log: structured JSON log lines to stderr, one write(2) a line. For programs' loops and for services; libraries do not log.
 * Owner:  process-wide, thread-safe after log_init. Memory: none kept. Limits: LOG_LINE_BYTES_MAX a line, longer values
 *         are cut. Fails: never; a line that cannot be written is counted (log_lost_count). */
#ifndef COMMON_SYS_LOG_H
#define COMMON_SYS_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"

enum { LOG_LINE_BYTES_MAX = 8192 };
enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_LEVEL_COUNT };

/* One field of a line; numbers are written as numbers. Build with LOG_S / LOG_N. */
struct log_field {
        const char *key, *text; /* text NULL: use number */
        double number;
};
static inline __attribute__((unused)) const char *log_or_empty(const char *text) /* so that LOG_S takes arrays too */
{
        return text ? text : "";
}
#define LOG_S(k, v) ((struct log_field){ .key = (k), .text = log_or_empty(v) })
#define LOG_N(k, v) ((struct log_field){ .key = (k), .number = (double)(v) })

void log_init(const char *service, const char *instance); /* texts must live on */
void log_version(const char *version);                    /* copied, at most 31 bytes */
void log_level_set(enum log_level least);
enum log_level log_level_get(void);
const char *log_level_name(enum log_level level);          /* "debug" ... */
enum log_level log_level_parse(const char *name);          /* LOG_LEVEL_COUNT if unknown */
/* event: dotted lower-case name ("order.accepted"); message: a sentence. A human-readable form is written instead
 * when stderr is a terminal. */
void log_line(enum log_level level, const char *event, const struct log_field *fields, size_t count, const char *format, ...)
        FMT_PRINTF(5, 6);
#define log_event(level, event, message, ...)                                                                          \
        log_line(level, event, (struct log_field[]){ __VA_ARGS__ },                                                    \
                 sizeof((struct log_field[]){ __VA_ARGS__ }) / sizeof(struct log_field), "%s", message)
#define log_text(level, event, ...) log_line(level, event, NULL, 0, __VA_ARGS__)
uint64_t log_lost_count(void);

#endif
