#include "server/telemetry/logs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"

static const char *const level_names[] = {"debug", "info", "warn", "error"};

/* One kept line. The heap-ordered window of the newest `limit` lines is a sorted array: limits are small. */
struct logs_line {
        int64_t time_ms;
        size_t order; /* place in its file: lines of one millisecond keep their order */
        struct json *json;
};

struct logs_window {
        struct logs_line *line;
        size_t count, capacity;
};

static void logs_window_free(struct logs_window *w)
{
        for (size_t i = 0; i < w->count; i++) json_free(w->line[i].json);
        mem_free(w->line);
}

int64_t logs_time_ms(const char *text)
{
        struct tm tm = {0};
        int ms = 0, used = 0;

        if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
                   &tm.tm_min, &tm.tm_sec, &ms, &used) != 7 ||
            used != 24 || text[24])
                return -1;
        tm.tm_year -= 1900;
        tm.tm_mon -= 1;
        return (int64_t)timegm(&tm) * 1000 + ms;
}

static int logs_level(const char *name)
{
        for (size_t i = 0; i < ARRAY_COUNT(level_names); i++)
                if (str_eq(name, level_names[i])) return (int)i;
        return -1;
}

/* Whole lines of the last LOGS_TAIL_BYTES. */
static enum err logs_tail(const char *path, char **ret, size_t *ret_bytes)
{
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        char *bytes = mem_alloc(LOGS_TAIL_BYTES + 1);
        off_t size, from;
        size_t got = 0;
        ssize_t n = 1;

        if (!bytes || fd < 0) {
                enum err e = !bytes ? ERR_NOMEM : errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;

                if (fd >= 0) (void)close(fd);
                mem_free(bytes);
                return e;
        }
        size = lseek(fd, 0, SEEK_END);
        from = size > LOGS_TAIL_BYTES ? size - LOGS_TAIL_BYTES : 0;
        (void)lseek(fd, from, SEEK_SET);
        while (got < LOGS_TAIL_BYTES && (n = read(fd, bytes + got, LOGS_TAIL_BYTES - got)) > 0) got += (size_t)n;
        (void)close(fd);
        bytes[got] = '\0';
        if (from > 0) {
                char *first = memchr(bytes, '\n', got);
                size_t cut = first ? (size_t)(first - bytes) + 1 : got;

                memmove(bytes, bytes + cut, got - cut + 1);
                got -= cut;
        }
        *ret = bytes;
        *ret_bytes = got;
        return ERR_OK;
}

static bool logs_field_fits(const struct json *line, const char *key, const char *value)
{
        const struct json *member = json_get(line, key);
        char number[32];

        if (json_text(member)) return str_eq(json_text(member), value);
        if (!json_is(member, JSON_NUMBER)) return false;
        (void)snprintf(number, sizeof(number), "%.15g", json_value(member));
        return str_eq(number, value);
}

/* What a filter asks for by name. */
static bool logs_members_fit(const struct json *line, const struct logs_filter *f)
{
        for (size_t i = 0; f->not && i < f->not->count; i++)
                if (logs_field_fits(line, f->not->item[i].key, f->not->item[i].value)) return false;
        return (!f->event || str_eq(json_get_str(line, "event", ""), f->event)) &&
               (!f->trace_id || str_eq(json_get_str(line, "trace_id", ""), f->trace_id)) &&
               (!f->field_key || logs_field_fits(line, f->field_key, f->field_value));
}

/* NULL if the line does not pass; the caller owns the value. */
static struct json *logs_line_read(const char *service, const char *text, size_t size_bytes,
                                   const struct logs_filter *f, int64_t *time_ms)
{
        AUTO(json_free) struct json *j = NULL;
        int level;

        if (json_parse(text, size_bytes, &j, NULL) || !json_is(j, JSON_OBJECT)) {
                json_free(j);
                j = json_object();
                json_set_str(j, "level", "info");
                json_set_str(j, "service", service);
                json_set_str(j, "message", text);
        }
        if (json_get_str(j, "time", NULL) && logs_time_ms(json_get_str(j, "time", "")) >= 0)
                *time_ms = logs_time_ms(json_get_str(j, "time", ""));
        if (!json_get_str(j, "service", NULL)) json_set_str(j, "service", service);
        level = logs_level(json_get_str(j, "level", "info"));
        if (f->level && level < logs_level(f->level)) return NULL;
        if (!logs_members_fit(j, f)) return NULL;
        if ((f->from_ms && *time_ms < f->from_ms) || (f->to_ms && *time_ms > f->to_ms)) return NULL;
        return take(&j);
}

static int logs_line_compare(const struct logs_line *a, const struct logs_line *b)
{
        if (a->time_ms != b->time_ms) return a->time_ms < b->time_ms ? -1 : 1;
        return a->order < b->order ? -1 : a->order > b->order;
}

static enum err logs_keep(struct logs_window *w, struct logs_line line, size_t limit)
{
        size_t at = w->count;
        enum err e = mem_grow((void **)&w->line, &w->capacity, w->count + 1, sizeof(*w->line), LOGS_LINES_MAX + 1);

        if (e) {
                json_free(line.json);
                return e;
        }
        while (at > 0 && logs_line_compare(&w->line[at - 1], &line) > 0) at--;
        memmove(&w->line[at + 1], &w->line[at], (w->count - at) * sizeof(*w->line));
        w->line[at] = line;
        w->count++;
        if (w->count <= limit) return ERR_OK;
        json_free(w->line[0].json);
        memmove(w->line, w->line + 1, --w->count * sizeof(*w->line));
        return ERR_OK;
}

/* A line without a time of its own has the time of the one before it, at first that of the file's last change. */
static enum err logs_file(const char *path, const char *service, const struct logs_filter *f, struct logs_window *w)
{
        char *bytes = NULL;
        size_t size_bytes = 0, order = 0;
        struct stat st;
        int64_t time_ms = stat(path, &st) == 0 ? (int64_t)st.st_mtim.tv_sec * 1000 : 0;
        enum err e = logs_tail(path, &bytes, &size_bytes);

        if (e) return e == ERR_NOT_FOUND ? ERR_OK : e;
        for (char *line = bytes, *end; !e && line < bytes + size_bytes; line = end + 1) {
                struct json *j;

                end = memchr(line, '\n', (size_t)(bytes + size_bytes - line));
                if (!end) break; /* a line still being written */
                *end = '\0';
                order++;
                if (end == line || end - line > LOGS_LINE_BYTES_MAX) continue;
                if (f->text && !strcasestr(line, f->text)) continue;
                j = logs_line_read(service, line, (size_t)(end - line), f, &time_ms);
                if (j) e = logs_keep(w, (struct logs_line){time_ms, order, j}, f->limit);
        }
        mem_free(bytes);
        return e;
}

static enum err logs_service(const char *dir, const char *service, const struct logs_filter *f, struct logs_window *w)
{
        char path[512];
        enum err e;

        (void)snprintf(path, sizeof(path), "%s/%s.log.1", dir, service);
        e = logs_file(path, service, f, w);
        (void)snprintf(path, sizeof(path), "%s/%s.log", dir, service);
        return e ? e : logs_file(path, service, f, w);
}

static enum err logs_all(const char *dir, const struct logs_filter *f, struct logs_window *w)
{
        DIR *d = opendir(dir);
        struct dirent *entry;
        enum err e = ERR_OK;
        size_t files = 0;

        if (!d) return errno == ENOENT ? ERR_OK : ERR_IO;
        while (!e && files < LOGS_FILES_MAX && (entry = readdir(d))) {
                char name[64];

                if (!str_ends(entry->d_name, ".log") || str_copy(name, sizeof(name), entry->d_name)) continue;
                name[strlen(name) - strlen(".log")] = '\0';
                e = logs_service(dir, name, f, w);
                files++;
        }
        (void)closedir(d);
        return e;
}

enum err logs_search(const char *dir, const struct logs_filter *filter, struct json **ret, struct err_note *reterr)
{
        struct logs_window w = {0};
        AUTO(json_free) struct json *answer = NULL;
        struct json *lines;
        enum err e;

        CHECK(filter->limit >= 1 && filter->limit <= LOGS_LINES_MAX);
        if (filter->level && logs_level(filter->level) < 0)
                return err_note(reterr, ERR_INVAL, "level is '%s', expected debug, info, warn or error", filter->level);
        if (filter->service && !str_is_id(filter->service, 40))
                return err_note(reterr, ERR_NOT_FOUND, "no service of that name has logs");
        e = filter->service ? logs_service(dir, filter->service, filter, &w) : logs_all(dir, filter, &w);
        answer = json_object();
        lines = json_array();
        for (size_t i = 0; i < w.count && !e; i++) json_push(lines, take(&w.line[i].json));
        json_set(answer, "lines", lines);
        logs_window_free(&w);
        if (e) return err_note(reterr, e, "the log files in '%s' cannot be read", dir);
        *ret = take(&answer);
        return ERR_OK;
}
