#include "common/text/yaml.h"

#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"

struct reader {
        yaml_parser_t parser;
        struct diag_list *diags;
        size_t node_count;
};

static size_t mark_line(yaml_mark_t m)
{
        return m.line + 1;
}

static size_t mark_column(yaml_mark_t m)
{
        return m.column + 1;
}

static enum err next_event(struct reader *r, yaml_event_t *event)
{
        const yaml_parser_t *p = &r->parser;

        if (fault_point()) return ERR_NOMEM;
        if (yaml_parser_parse(&r->parser, event)) return ERR_OK;
        if (p->error == YAML_MEMORY_ERROR) return ERR_NOMEM;
        diag_error(r->diags, mark_line(p->problem_mark), mark_column(p->problem_mark), "not valid YAML: %s%s%s",
                   p->problem ? p->problem : "unreadable", p->context ? ", " : "", p->context ? p->context : "");
        return ERR_PARSE;
}

static enum err node_new(struct reader *r, const yaml_event_t *event, struct yaml **ret)
{
        struct yaml *y;

        if (++r->node_count > YAML_NODES_MAX) {
                diag_error(r->diags, mark_line(event->start_mark), mark_column(event->start_mark),
                           "more than %d values in one file", YAML_NODES_MAX);
                return ERR_LIMIT;
        }
        y = mem_zalloc(1, sizeof *y);
        if (!y) return ERR_NOMEM;
        y->line = mark_line(event->start_mark);
        y->column = mark_column(event->start_mark);
        *ret = y;
        return ERR_OK;
}

static enum err read_node(struct reader *r, yaml_event_t *event, size_t depth, struct yaml **ret);

static void append(struct yaml *parent, struct yaml *child, struct yaml ***tail)
{
        **tail = child;
        *tail = &child->next;
        parent->count++;
}

static enum err read_list(struct reader *r, struct yaml *list, size_t depth)
{
        struct yaml **tail = &list->first;

        for (;;) {
                yaml_event_t event;
                struct yaml *child = NULL;
                enum err e = next_event(r, &event);

                if (e) return e;
                if (event.type == YAML_SEQUENCE_END_EVENT) {
                        yaml_event_delete(&event);
                        return ERR_OK;
                }
                e = read_node(r, &event, depth, &child);
                yaml_event_delete(&event);
                if (e) return e;
                append(list, child, &tail);
        }
}

static enum err read_pair(struct reader *r, struct yaml *map, const yaml_event_t *key, size_t depth, struct yaml ***tail)
{
        AUTO(yaml_free) struct yaml *child = NULL;
        const char *name = (const char *)key->data.scalar.value;
        yaml_event_t event;
        enum err e;

        if (strlen(name) != key->data.scalar.length) {
                diag_error(r->diags, mark_line(key->start_mark), mark_column(key->start_mark), "a key holds a NUL byte");
                return ERR_PARSE;
        }
        if (yaml_get(map, name)) {
                diag_error(r->diags, mark_line(key->start_mark), mark_column(key->start_mark), "key '%s' appears twice", name);
                return ERR_PARSE;
        }
        e = next_event(r, &event);
        if (e) return e;
        e = read_node(r, &event, depth, &child);
        yaml_event_delete(&event);
        if (e) return e;
        child->key = mem_strdup(name);
        if (!child->key) return ERR_NOMEM;
        child->key_line = mark_line(key->start_mark);
        child->key_column = mark_column(key->start_mark);
        append(map, take(&child), tail);
        return ERR_OK;
}

static enum err read_map(struct reader *r, struct yaml *map, size_t depth)
{
        struct yaml **tail = &map->first;

        for (;;) {
                yaml_event_t key;
                enum err e = next_event(r, &key);

                if (e) return e;
                if (key.type == YAML_MAPPING_END_EVENT) {
                        yaml_event_delete(&key);
                        return ERR_OK;
                }
                if (key.type != YAML_SCALAR_EVENT) {
                        diag_error(r->diags, mark_line(key.start_mark), mark_column(key.start_mark),
                                   "a key must be plain text");
                        yaml_event_delete(&key);
                        return ERR_PARSE;
                }
                e = read_pair(r, map, &key, depth, &tail);
                yaml_event_delete(&key);
                if (e) return e;
        }
}

static enum err read_scalar(struct reader *r, const yaml_event_t *event, struct yaml *y)
{
        const char *text = (const char *)event->data.scalar.value;

        if (strlen(text) != event->data.scalar.length) {
                diag_error(r->diags, y->line, y->column, "the text holds a NUL byte");
                return ERR_PARSE;
        }
        y->kind = YAML_SCALAR;
        y->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
        y->text = mem_strdup(text);
        return y->text ? ERR_OK : ERR_NOMEM;
}

static enum err read_node(struct reader *r, yaml_event_t *event, size_t depth, struct yaml **ret)
{
        AUTO(yaml_free) struct yaml *y = NULL;
        enum err e;

        if (depth > YAML_DEPTH_MAX) {
                diag_error(r->diags, mark_line(event->start_mark), mark_column(event->start_mark),
                           "nested deeper than %d levels", YAML_DEPTH_MAX);
                return ERR_LIMIT;
        }
        if (event->type == YAML_ALIAS_EVENT) {
                diag_error(r->diags, mark_line(event->start_mark), mark_column(event->start_mark),
                           "aliases (*name) are not supported: write the value out");
                return ERR_PARSE;
        }
        e = node_new(r, event, &y);
        if (e) return e;
        switch (event->type) {
        case YAML_SCALAR_EVENT: e = read_scalar(r, event, y); break;
        case YAML_SEQUENCE_START_EVENT:
                y->kind = YAML_LIST;
                e = read_list(r, y, depth + 1);
                break;
        case YAML_MAPPING_START_EVENT:
                y->kind = YAML_MAP;
                e = read_map(r, y, depth + 1);
                break;
        default:
                diag_error(r->diags, y->line, y->column, "the file is empty: expected a map of keys and values");
                e = ERR_PARSE;
        }
        if (e) return e;
        *ret = take(&y);
        return ERR_OK;
}

static enum err read_document(struct reader *r, struct yaml **ret)
{
        AUTO(yaml_free) struct yaml *root = NULL;
        yaml_event_type_t expected[] = { YAML_STREAM_START_EVENT, YAML_DOCUMENT_START_EVENT };
        yaml_event_t event;
        enum err e;

        for (size_t i = 0; i < ARRAY_COUNT(expected); i++) {
                e = next_event(r, &event);
                if (e) return e;
                if (event.type == YAML_STREAM_END_EVENT) diag_error(r->diags, 1, 1, "the file is empty");
                e = event.type == expected[i] ? ERR_OK : ERR_PARSE;
                yaml_event_delete(&event);
                if (e) return e;
        }
        e = next_event(r, &event);
        if (e) return e;
        e = read_node(r, &event, 0, &root);
        yaml_event_delete(&event);
        if (e) return e;
        for (;;) {
                yaml_event_type_t type;

                e = next_event(r, &event);
                if (e) return e;
                type = event.type;
                if (type == YAML_DOCUMENT_START_EVENT)
                        diag_error(r->diags, mark_line(event.start_mark), mark_column(event.start_mark),
                                   "a second document begins here: one file holds one document");
                yaml_event_delete(&event);
                if (type == YAML_DOCUMENT_START_EVENT) return ERR_PARSE;
                if (type == YAML_STREAM_END_EVENT) break;
        }
        *ret = take(&root);
        return ERR_OK;
}

enum err yaml_parse(const char *bytes, size_t size_bytes, struct diag_list *diags, struct yaml **ret)
{
        struct reader r = { .diags = diags };
        enum err e;

        if (size_bytes > YAML_BYTES_MAX) {
                diag_error(diags, 0, 0, "larger than %d bytes", YAML_BYTES_MAX);
                return ERR_LIMIT;
        }
        if (!yaml_parser_initialize(&r.parser)) return ERR_NOMEM;
        yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&r.parser, (const unsigned char *)bytes, size_bytes);
        e = read_document(&r, ret);
        yaml_parser_delete(&r.parser);
        return e;
}

void yaml_free(struct yaml *root)
{
        if (!root) return;
        for (struct yaml *child = root->first; child;) {
                struct yaml *next = child->next;

                yaml_free(child);
                child = next;
        }
        mem_free((void *)(uintptr_t)root->key);
        mem_free((void *)(uintptr_t)root->text);
        mem_free(root);
}

const struct yaml *yaml_get(const struct yaml *map, const char *key)
{
        if (!map || map->kind != YAML_MAP) return NULL;
        YAML_EACH(child, map)
                if (str_eq(child->key, key)) return child;
        return NULL;
}

static const struct yaml *child_by_token(const struct yaml *y, const char *token, size_t size)
{
        size_t index = 0, wanted = 0;

        for (size_t i = 0; i < size; i++) wanted = wanted * 10 + (size_t)(token[i] - '0');
        YAML_EACH(child, y) {
                if (y->kind == YAML_MAP && strlen(child->key) == size && memcmp(child->key, token, size) == 0) return child;
                if (y->kind == YAML_LIST && index++ == wanted) return child;
        }
        return NULL;
}

const struct yaml *yaml_at(const struct yaml *root, const char *pointer)
{
        while (*pointer == '/') {
                const char *token = pointer + 1;
                size_t size = strcspn(token, "/");
                const struct yaml *child = child_by_token(root, token, size);

                if (!child) break;
                root = child;
                pointer = token + size;
        }
        return root;
}

static bool is_null(const char *text)
{
        return !*text || str_eq(text, "~") || str_eq(text, "null");
}

/* JSON's number grammar plus a leading '+' is not accepted, so "1.", ".5", "0x1" and "1_000" stay text. */
static bool number(const char *text, double *ret)
{
        const char *p = text + (*text == '-');

        if (*p < '0' || *p > '9') return false;
        for (; *p; p++)
                if (!strchr("0123456789.eE+-", *p)) return false;
        if (p[-1] == '.') return false;
        return str_parse_double(text, ret) == ERR_OK;
}

static struct json *scalar_to_json(const struct yaml *y)
{
        double value;

        if (y->quoted) return json_string(y->text);
        if (is_null(y->text)) return json_null();
        if (str_eq(y->text, "true") || str_eq(y->text, "false")) return json_bool(y->text[0] == 't');
        if (number(y->text, &value)) return json_number(value);
        return json_string(y->text);
}

const char *yaml_kind_name(const struct yaml *y)
{
        double value;

        if (y->kind == YAML_LIST) return "a list";
        if (y->kind == YAML_MAP) return "a map";
        if (y->quoted) return "text";
        if (is_null(y->text)) return "nothing";
        if (str_eq(y->text, "true") || str_eq(y->text, "false")) return "true or false";
        return number(y->text, &value) ? "a number" : "text";
}

struct json *yaml_to_json(const struct yaml *y)
{
        struct json *j;

        if (y->kind == YAML_SCALAR) return scalar_to_json(y);
        j = y->kind == YAML_LIST ? json_array() : json_object();
        YAML_EACH(child, y) {
                if (y->kind == YAML_LIST)
                        json_push(j, yaml_to_json(child));
                else
                        json_set(j, child->key, yaml_to_json(child));
        }
        return j;
}
