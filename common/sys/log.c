#include "common/sys/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/str.h"
#include "common/sys/clock.h"

enum { VALUE_BYTES_MAX = 2048 };

static const char *service_name = "", *instance_name = "";
static char version_text[32];
static _Atomic int least_level = LOG_INFO;
static atomic_uint_fast64_t lost;
static bool to_terminal;
static const char *const level_names[LOG_LEVEL_COUNT] = { "debug", "info", "warn", "error" };

struct writer {
        char bytes[LOG_LINE_BYTES_MAX];
        size_t used;
};

void log_init(const char *service, const char *instance)
{
        service_name = service;
        instance_name = instance;
        to_terminal = isatty(STDERR_FILENO) == 1;
}

void log_version(const char *version)
{
        str_cut(version_text, sizeof version_text, version);
}

void log_level_set(enum log_level least)
{
        least_level = (int)least;
}

enum log_level log_level_get(void)
{
        return (enum log_level)least_level;
}

const char *log_level_name(enum log_level level)
{
        return level_names[level];
}

enum log_level log_level_parse(const char *name)
{
        for (int i = 0; i < LOG_LEVEL_COUNT; i++)
                if (str_eq(name, level_names[i])) return (enum log_level)i;
        return LOG_LEVEL_COUNT;
}

uint64_t log_lost_count(void)
{
        return lost;
}

/* Keeps room for the closing brace and newline. */
static void put(struct writer *w, const char *bytes, size_t size)
{
        if (w->used + size + 3 > sizeof w->bytes) return;
        memcpy(w->bytes + w->used, bytes, size);
        w->used += size;
}

static void put_str(struct writer *w, const char *text)
{
        put(w, text, strlen(text));
}

static void put_quoted(struct writer *w, const char *text)
{
        char escaped[8];
        size_t room = w->used < sizeof w->bytes ? sizeof w->bytes - w->used : 0;

        if (room < 16) return;
        put_str(w, "\"");
        for (size_t i = 0; text[i] && i < VALUE_BYTES_MAX && w->used + 16 < sizeof w->bytes; i++) {
                unsigned char c = (unsigned char)text[i];

                if (c == '"' || c == '\\') {
                        put(w, (char[]){ '\\', (char)c }, 2);
                } else if (c == '\n') {
                        put_str(w, "\\n");
                } else if (c < 0x20 || c == 0x7f) {
                        snprintf(escaped, sizeof escaped, "\\u%04x", c);
                        put_str(w, escaped);
                } else {
                        put(w, (const char *)&c, 1);
                }
        }
        put_str(w, "\"");
}

static void put_member(struct writer *w, const char *key, const char *text)
{
        put_str(w, w->used > 1 ? ",\"" : "\"");
        put_str(w, key);
        put_str(w, "\":");
        put_quoted(w, text);
}

static void put_number(struct writer *w, const char *key, double number)
{
        char digits[40];

        put_str(w, ",\"");
        put_str(w, key);
        snprintf(digits, sizeof digits, "\":%.15g", number);
        put_str(w, number == number && number - number == 0 ? digits : "\":null");
}

static void line_json(struct writer *w, enum log_level level, const char *event, const struct log_field *fields,
                      size_t count, const char *message)
{
        char time[CLOCK_TEXT_BYTES];

        clock_text(clock_wall_ms(), time);
        put_str(w, "{");
        put_member(w, "time", time);
        put_member(w, "level", level_names[level]);
        put_member(w, "service", service_name);
        put_member(w, "instance", instance_name);
        if (version_text[0]) put_member(w, "version", version_text);
        put_member(w, "event", event);
        put_member(w, "message", message);
        for (size_t i = 0; i < count; i++) {
                if (fields[i].text)
                        put_member(w, fields[i].key, fields[i].text);
                else
                        put_number(w, fields[i].key, fields[i].number);
        }
        put_str(w, "}");
}

static void line_human(struct writer *w, enum log_level level, const char *event, const struct log_field *fields,
                       size_t count, const char *message)
{
        char time[CLOCK_TEXT_BYTES], digits[40];

        clock_text(clock_wall_ms(), time);
        put(w, time + 11, 8);
        put_str(w, " ");
        put_str(w, level_names[level]);
        put_str(w, " ");
        put_str(w, event);
        put_str(w, ": ");
        put_str(w, message);
        for (size_t i = 0; i < count; i++) {
                put_str(w, " ");
                put_str(w, fields[i].key);
                snprintf(digits, sizeof digits, "=%.15g", fields[i].number);
                put_str(w, fields[i].text ? "=" : digits);
                if (fields[i].text) put_str(w, fields[i].text);
        }
}

void log_line(enum log_level level, const char *event, const struct log_field *fields, size_t count, const char *format, ...)
{
        struct writer w = { .used = 0 };
        char message[1024];
        va_list args;

        if ((int)level < least_level) return;
        va_start(args, format);
        vsnprintf(message, sizeof message, format, args);
        va_end(args);
        if (to_terminal)
                line_human(&w, level, event, fields, count, message);
        else
                line_json(&w, level, event, fields, count, message);
        w.bytes[w.used++] = '\n';
        if (write(STDERR_FILENO, w.bytes, w.used) != (ssize_t)w.used) atomic_fetch_add(&lost, 1);
}
