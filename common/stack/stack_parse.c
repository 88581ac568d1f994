/* stack_parse: YAML to struct stack_spec. First pass: the fields of each service; second: the names that point at
 * others; last: what must hold between services (names, ports, no circle of needs). */
#include <signal.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/stack/stack.h"
#include "common/stack/stack_read.h"
#include "common/text/yaml.h"

enum { READY_TIMEOUT_MS = 15000, STOP_GRACE_MS = 6000, TIME_MS_MAX = 600000, NUMBER_MAX = 12 };

#define SERVICE_KEY_LIST(X)                                                                                            \
        X(name)                                                                                                        \
        X(title)                                                                                                       \
        X(number)                                                                                                      \
        X(kind) X(program) X(search) X(port) X(adapter_of) X(needs) X(upstreams) X(ready) X(ready_port) X(ready_path)  \
                X(ready_timeout_ms) X(restart) X(stop_signal) X(stop_grace_ms) X(unprivileged) X(args) X(prepare)      \
                        X(keep) X(forget) X(files) X(env)

static const char *const service_keys[] = {
#define X(name) #name,
        SERVICE_KEY_LIST(X)
#undef X
};
static const char *const top_keys[] = {"schema", "services", "outside"};
static const char *const outside_keys[] = {"name", "title", "number", "where"};
static const char *const ready_texts[STACK_READY_COUNT] = {
#define X(name, text) [STACK_READY_##name] = text,
        STACK_READY_LIST(X)
#undef X
};
static const char *const signal_texts[] = {"TERM", "INT", "QUIT"};
static const int signal_numbers[] = {SIGTERM, SIGINT, SIGQUIT};

struct reader {
        struct diag_list *diags;
        struct stack_spec *spec;
        const struct yaml *nodes[STACK_SERVICES_MAX]; /* one for each service: the place of later findings */
};

static const struct yaml *need_key(struct reader *r, const struct yaml *map, const char *key)
{
        const struct yaml *node = yaml_get(map, key);

        if (!node) diag_error(r->diags, map->line, map->column, "the key '%s' is missing", key);
        return node;
}

static const char *need_text(struct reader *r, const struct yaml *map, const char *key)
{
        const struct yaml *node = need_key(r, map, key);
        const char *text = node ? stack_read_text(r->diags, node) : NULL;

        return text ? text : "";
}

static enum stack_kind read_kind(struct reader *r, const struct yaml *map)
{
        const struct yaml *node = need_key(r, map, "kind");
        const char *words[STACK_KIND_COUNT];

        for (size_t i = 0; i < STACK_KIND_COUNT; i++) words[i] = stack_kind_text((enum stack_kind)i);
        return node ? (enum stack_kind)stack_read_word(r->diags, node, words, STACK_KIND_COUNT) : STACK_SERVICE;
}

static void read_ready(struct reader *r, const struct yaml *map, struct stack_service *s)
{
        const struct yaml *node;

        s->ready_path = "/";
        s->ready_timeout_ms = READY_TIMEOUT_MS;
        if ((node = yaml_get(map, "ready")))
                s->ready = (enum stack_ready)stack_read_word(r->diags, node, ready_texts, STACK_READY_COUNT);
        if ((node = yaml_get(map, "ready_port")))
                s->ready_port = (uint16_t)stack_read_number(r->diags, node, 1, 65535, 0);
        if ((node = yaml_get(map, "ready_path"))) s->ready_path = stack_read_text(r->diags, node);
        if ((node = yaml_get(map, "ready_timeout_ms")))
                s->ready_timeout_ms = stack_read_number(r->diags, node, 10, TIME_MS_MAX, READY_TIMEOUT_MS);
}

static void read_supervision(struct reader *r, const struct yaml *map, struct stack_service *s)
{
        const struct yaml *node;

        s->stop_grace_ms = STOP_GRACE_MS;
        s->stop_signal = SIGTERM;
        s->restart = true;
        if ((node = yaml_get(map, "stop_grace_ms")))
                s->stop_grace_ms = stack_read_number(r->diags, node, 10, TIME_MS_MAX, STOP_GRACE_MS);
        if ((node = yaml_get(map, "stop_signal")))
                s->stop_signal =
                        signal_numbers[stack_read_word(r->diags, node, signal_texts, ARRAY_COUNT(signal_texts))];
        if ((node = yaml_get(map, "restart"))) s->restart = stack_read_bool(r->diags, node, true);
        if ((node = yaml_get(map, "unprivileged"))) s->unprivileged = stack_read_bool(r->diags, node, false);
        if ((node = yaml_get(map, "search")))
                stack_read_list(r->diags, node, s->search, STACK_PAIRS_MAX, &s->search_count);
        if ((node = yaml_get(map, "args"))) stack_read_list(r->diags, node, s->args, STACK_ARGS_MAX, &s->args_count);
        if ((node = yaml_get(map, "prepare")))
                stack_read_list(r->diags, node, s->prepare, STACK_ARGS_MAX, &s->prepare_count);
        if ((node = yaml_get(map, "keep"))) s->keep = stack_read_bool(r->diags, node, false);
        if ((node = yaml_get(map, "forget")))
                stack_read_list(r->diags, node, s->forget, STACK_ARGS_MAX, &s->forget_count);
        if ((node = yaml_get(map, "files")))
                stack_read_pairs(r->diags, node, s->files, STACK_PAIRS_MAX, &s->files_count);
        if ((node = yaml_get(map, "env"))) stack_read_pairs(r->diags, node, s->env, STACK_PAIRS_MAX, &s->env_count);
}

static void read_service(struct reader *r, const struct yaml *map, struct stack_service *s)
{
        const struct yaml *node;

        stack_read_keys(r->diags, map, service_keys, ARRAY_COUNT(service_keys));
        s->name = need_text(r, map, "name");
        if (*s->name && !str_is_id(s->name, STACK_NAME_BYTES))
                diag_error(r->diags, map->line, map->column,
                           "'%s' is not a name: lower case letters, digits, - and _, at most %d", s->name,
                           STACK_NAME_BYTES);
        s->title = need_text(r, map, "title");
        s->program = need_text(r, map, "program");
        s->kind = read_kind(r, map);
        if ((node = need_key(r, map, "port"))) s->port = (uint16_t)stack_read_number(r->diags, node, 1, 65535, 0);
        if ((node = yaml_get(map, "number"))) s->number = (int)stack_read_number(r->diags, node, 1, NUMBER_MAX, 0);
        read_ready(r, map, s);
        read_supervision(r, map, s);
}

/* The service that a node's text names, or -1 with a finding. */
static int read_reference(struct reader *r, const struct yaml *node)
{
        const char *name = stack_read_text(r->diags, node), *near;
        int at = name ? stack_service_find(r->spec, name) : -1;

        if (at >= 0 || !name) return at;
        near = stack_service_suggest(r->spec, name);
        diag_error(r->diags, node->line, node->column, "no service '%s'%s%s%s", name, near ? "; did you mean '" : "",
                   near ? near : "", near ? "'?" : "");
        return -1;
}

static void read_needs(struct reader *r, const struct yaml *node, struct stack_service *s)
{
        if (node->kind != YAML_LIST || node->count > STACK_NEEDS_MAX) {
                diag_error(r->diags, node->line, node->column, "'needs' must be a list of at most %d services",
                           STACK_NEEDS_MAX);
                return;
        }
        YAML_EACH(item, node)
        {
                int to = read_reference(r, item);

                if (to >= 0) s->needs[s->needs_count++] = (size_t)to;
        }
}

static void read_upstreams(struct reader *r, const struct yaml *node, size_t at)
{
        struct stack_spec *spec = r->spec;
        struct stack_service *s = &spec->services[at];

        if (node->kind != YAML_MAP || node->count > STACK_PAIRS_MAX ||
            spec->edges_count + node->count > STACK_EDGES_MAX) {
                diag_error(r->diags, node->line, node->column,
                           "'upstreams' must be a map NAME: SERVICE of at most %d entries", STACK_PAIRS_MAX);
                return;
        }
        YAML_EACH(item, node)
        {
                int to = read_reference(r, item);

                if (to < 0) continue;
                s->upstreams[s->upstreams_count++] = (struct stack_upstream){item->key, (size_t)to};
                spec->edges[spec->edges_count++] = (struct stack_edge){at, (size_t)to, item->key};
        }
}

static void read_references(struct reader *r, size_t at)
{
        struct stack_service *s = &r->spec->services[at];
        const struct yaml *map = r->nodes[at], *node;

        s->adapter_of = -1;
        if ((node = yaml_get(map, "adapter_of"))) s->adapter_of = read_reference(r, node);
        if (!node && s->kind == STACK_ADAPTER)
                diag_error(r->diags, map->line, map->column, "adapter '%s' must say 'adapter_of'", s->name);
        if ((node = yaml_get(map, "needs"))) read_needs(r, node, s);
        if ((node = yaml_get(map, "upstreams"))) read_upstreams(r, node, at);
}

/* Depth-first: true if service `at` needs itself by some way. mark: 0 new, 1 on the way, 2 done. */
static bool in_circle(const struct stack_spec *spec, size_t at, unsigned char *mark)
{
        const struct stack_service *s = &spec->services[at];

        if (mark[at]) return mark[at] == 1;
        mark[at] = 1;
        for (size_t i = 0; i < s->needs_count; i++)
                if (in_circle(spec, s->needs[i], mark)) return true;
        mark[at] = 2;
        return false;
}

static void check_pair(struct reader *r, size_t at, size_t before)
{
        const struct stack_service *s = &r->spec->services[at], *b = &r->spec->services[before];
        const struct yaml *map = r->nodes[at];

        if (str_eq(s->name, b->name))
                diag_error(r->diags, map->line, map->column, "the name '%s' is taken already", s->name);
        else if (s->port == b->port)
                diag_error(r->diags, map->line, map->column, "port %u of '%s' is taken already by '%s'", s->port,
                           s->name, b->name);
}

static void check_whole(struct reader *r)
{
        unsigned char mark[STACK_SERVICES_MAX] = {0};

        for (size_t i = 0; i < r->spec->services_count; i++)
                for (size_t k = 0; k < i; k++) check_pair(r, i, k);
        for (size_t i = 0; i < r->spec->services_count; i++) {
                if (!in_circle(r->spec, i, mark)) continue;
                diag_error(r->diags, r->nodes[i]->line, r->nodes[i]->column,
                           "'%s' needs itself, in a circle of 'needs'", r->spec->services[i].name);
                return;
        }
}

static void read_outside(struct reader *r, const struct yaml *list)
{
        struct stack_spec *spec = r->spec;

        if (list->kind != YAML_LIST || list->count > STACK_OUTSIDE_MAX) {
                diag_error(r->diags, list->line, list->column, "'outside' must be a list of at most %d entries",
                           STACK_OUTSIDE_MAX);
                return;
        }
        YAML_EACH(map, list)
        {
                struct stack_outside *o = &spec->outside[spec->outside_count++];
                const struct yaml *number;

                stack_read_keys(r->diags, map, outside_keys, ARRAY_COUNT(outside_keys));
                o->name = need_text(r, map, "name");
                o->title = need_text(r, map, "title");
                o->where = need_text(r, map, "where");
                number = need_key(r, map, "number");
                if (number) o->number = (int)stack_read_number(r->diags, number, 1, NUMBER_MAX, 0);
        }
}

static void read_all(struct reader *r, const struct yaml *root)
{
        struct stack_spec *spec = r->spec;
        const struct yaml *list, *node;

        stack_read_keys(r->diags, root, top_keys, ARRAY_COUNT(top_keys));
        node = need_key(r, root, "schema");
        if (node && !str_eq(node->text, "1"))
                diag_error(r->diags, node->line, node->column, "this program reads schema 1");
        list = need_key(r, root, "services");
        if (!list) return;
        if (list->kind != YAML_LIST || list->count == 0 || list->count > STACK_SERVICES_MAX) {
                diag_error(r->diags, list->line, list->column, "'services' must be a list of 1 to %d services",
                           STACK_SERVICES_MAX);
                return;
        }
        YAML_EACH(map, list)
        {
                r->nodes[spec->services_count] = map;
                read_service(r, map, &spec->services[spec->services_count++]);
        }
        for (size_t i = 0; i < spec->services_count; i++) read_references(r, i);
        check_whole(r);
        if ((node = yaml_get(root, "outside"))) read_outside(r, node);
}

enum err stack_spec_parse(const char *bytes, size_t size_bytes, struct diag_list *diags, struct stack_spec **ret)
{
        AUTO(stack_spec_free) struct stack_spec *spec = mem_zalloc(1, sizeof(*spec));
        struct reader r = {.diags = diags, .spec = spec};
        enum err e;

        if (!spec) return ERR_NOMEM;
        e = yaml_parse(bytes, size_bytes, diags, &spec->text);
        if (e) return e;
        read_all(&r, spec->text);
        if (diags->dropped) return ERR_NOMEM;
        if (diags->error_count) return ERR_PARSE;
        *ret = take(&spec);
        return ERR_OK;
}

void stack_spec_free(struct stack_spec *spec)
{
        if (!spec) return;
        yaml_free(spec->text);
        mem_free(spec);
}
