#include "common/text/diag.h"

#include <stdarg.h>

#include "common/base/mem.h"

enum { DIAG_MESSAGE_BYTES_MAX = 2048 };

void diag_list_init(struct diag_list *list, const char *file)
{
        *list = (struct diag_list){ .file = file };
}

void diag_list_done(struct diag_list *list)
{
        for (size_t i = 0; i < list->count; i++) mem_free(list->items[i].message);
        mem_free(list->items);
        diag_list_init(list, list->file);
}

static void add(struct diag_list *list, struct diag d, const char *format, va_list args)
{
        AUTO_BUF text;
        void *items = list->items;

        if (d.severity == DIAG_ERROR) list->error_count++;
        buf_init(&text, DIAG_MESSAGE_BYTES_MAX);
        buf_vprintf(&text, format, args);
        if (text.status || mem_grow(&items, &list->capacity, list->count + 1, sizeof d, DIAG_COUNT_MAX)) {
                list->dropped++;
                return;
        }
        list->items = items;
        d.message = buf_take(&text, NULL);
        if (!d.message) {
                list->dropped++;
                return;
        }
        list->items[list->count++] = d;
}

void diag_error(struct diag_list *list, size_t line, size_t column, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        add(list, (struct diag){ .severity = DIAG_ERROR, .line = line, .column = column }, format, args);
        va_end(args);
}

void diag_warning(struct diag_list *list, size_t line, size_t column, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        add(list, (struct diag){ .severity = DIAG_WARNING, .line = line, .column = column }, format, args);
        va_end(args);
}

void diag_list_sort(struct diag_list *list)
{
        for (size_t i = 1; i < list->count; i++) {
                struct diag d = list->items[i];
                size_t j = i;

                for (; j > 0; j--) {
                        const struct diag *before = &list->items[j - 1];

                        if (before->line < d.line || (before->line == d.line && before->column <= d.column)) break;
                        list->items[j] = *before;
                }
                list->items[j] = d;
        }
}

static const char *severity_name(const struct diag *d)
{
        return d->severity == DIAG_ERROR ? "error" : "warning";
}

void diag_list_print(const struct diag_list *list, struct buf *b)
{
        for (size_t i = 0; i < list->count; i++) {
                const struct diag *d = &list->items[i];

                if (list->file) buf_printf(b, "%s:", list->file);
                if (d->line) buf_printf(b, "%zu:%zu:", d->line, d->column);
                buf_printf(b, " %s: %s\n", severity_name(d), d->message);
        }
        if (list->dropped) buf_printf(b, "%s: %zu more findings are not shown\n", list->file ? list->file : "", list->dropped);
}

struct json *diag_list_json(const struct diag_list *list)
{
        struct json *array = json_array();

        for (size_t i = 0; i < list->count; i++) {
                const struct diag *d = &list->items[i];
                struct json *o = json_object();

                json_set_num(o, "line", (double)d->line);
                json_set_num(o, "column", (double)d->column);
                json_set_str(o, "severity", severity_name(d));
                json_set_str(o, "message", d->message);
                json_push(array, o);
        }
        return array;
}
