/* Reading single values and checking names. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/str.h"
#include "server/engine/load_internal.h"
#include "server/engine/promql.h"
#include "server/engine/target.h"

enum { LOAD_NAMES_MAX = 256, LOAD_MESSAGE_BYTES = 512 };

const char *load_copy(struct load *l, const char *text)
{
        const char *copy = arena_strdup(&l->s->arena, text);

        if (copy) return copy;
        l->nomem = true;
        return "";
}

void *load_array(struct load *l, size_t count, size_t item_bytes)
{
        void *items;

        if (!count) return NULL;
        items = arena_array(&l->s->arena, count, item_bytes);
        if (!items) l->nomem = true;
        return items;
}

struct json *load_json(struct load *l, const char *text)
{
        struct json *j = NULL;

        if (json_parse(text, strlen(text), &j, NULL) == ERR_NOMEM) l->nomem = true;
        return j;
}

const char *load_text(struct load *l, const struct yaml *map, const char *key, const char *otherwise)
{
        const struct yaml *node = yaml_get(map, key);

        return node && node->kind == YAML_SCALAR ? load_copy(l, node->text) : otherwise;
}

int64_t load_ms(const struct yaml *map, const char *key, int64_t otherwise)
{
        const struct yaml *node = yaml_get(map, key);
        int64_t ms;

        return node && node->kind == YAML_SCALAR && str_parse_duration_ms(node->text, &ms) == ERR_OK ? ms : otherwise;
}

double load_number(const struct yaml *map, const char *key, double otherwise)
{
        const struct yaml *node = yaml_get(map, key);
        double value;

        return node && node->kind == YAML_SCALAR && str_parse_double(node->text, &value) == ERR_OK ? value : otherwise;
}

bool load_flag(const struct yaml *map, const char *key)
{
        const struct yaml *node = yaml_get(map, key);

        return node && node->kind == YAML_SCALAR && str_eq(node->text, "true");
}

struct scenario_words load_words(struct load *l, const struct yaml *map, const char *key)
{
        const struct yaml *list = yaml_get(map, key);
        struct scenario_words words = { 0 };
        const char **items;

        if (!list || list->kind != YAML_LIST) return words;
        items = load_array(l, MIN(list->count, (size_t)SCENARIO_WORDS_MAX), sizeof *items);
        if (!items) return words;
        YAML_EACH(item, list)
                if (item->kind == YAML_SCALAR && words.count < SCENARIO_WORDS_MAX) items[words.count++] = load_copy(l, item->text);
        words.item = items;
        return words;
}

void load_error(struct load *l, const struct yaml *at, const char *format, ...)
{
        char text[LOAD_MESSAGE_BYTES];
        va_list args;

        va_start(args, format);
        vsnprintf(text, sizeof text, format, args);
        va_end(args);
        diag_error(l->diags, at ? at->line : 0, at ? at->column : 0, "%s", text);
}

void load_warning(struct load *l, const struct yaml *at, const char *format, ...)
{
        char text[LOAD_MESSAGE_BYTES];
        va_list args;

        va_start(args, format);
        vsnprintf(text, sizeof text, format, args);
        va_end(args);
        diag_warning(l->diags, at ? at->line : 0, at ? at->column : 0, "%s", text);
}

void load_suggest(char *dst, size_t dst_bytes, const char *word, const char *const *words, size_t count)
{
        const char *near = str_suggest(word, words, count);

        dst[0] = '\0';
        if (near) snprintf(dst, dst_bytes, "; did you mean '%s'?", near);
}

bool load_known_service(struct load *l, const struct yaml *at, const char *name)
{
        const char *names[LOAD_NAMES_MAX];
        char hint[160];
        size_t count = 0;

        if (!l->world || !l->world->service_count || world_service_find(l->world, name)) return true;
        while (count < l->world->service_count && count < LOAD_NAMES_MAX) {
                names[count] = l->world->services[count].name;
                count++;
        }
        load_suggest(hint, sizeof hint, name, names, count);
        load_error(l, at, "unknown service '%s'%s", name, hint);
        return false;
}

bool load_known_key(struct load *l, const struct yaml *at, const char *service, const char *key)
{
        const struct world_service *s = l->world ? world_service_find(l->world, service) : NULL;
        AUTO(json_free) struct json *schema = NULL;
        const char *names[LOAD_NAMES_MAX];
        const struct json *properties;
        char hint[160];
        size_t count = 0;

        if (!s || !s->config_schema) return true;
        schema = load_json(l, s->config_schema);
        properties = json_get(schema, "properties");
        if (!properties || json_get(properties, key)) return true;
        JSON_EACH(member, properties)
                if (count < LOAD_NAMES_MAX) names[count++] = json_key(member);
        load_suggest(hint, sizeof hint, key, names, count);
        load_error(l, at, "service '%s' has no configuration key '%s'%s", service, key, hint);
        return false;
}

static bool metric_known(const struct load *l, const char *name, const char **names, size_t *ret_count)
{
        size_t own_count, count = 0, size = promql_base_size(name);
        const char *const *own = world_metric_names(&own_count);
        bool known = false;

        for (size_t i = 0; i < own_count && count < LOAD_NAMES_MAX; i++)
                names[count++] = own[i];
        for (size_t i = 0; l->world && i < l->world->metric_count && count < LOAD_NAMES_MAX; i++)
                names[count++] = l->world->metrics[i];
        for (size_t i = 0; i < count; i++)
                if (str_eq(names[i], name) || (strlen(names[i]) == size && strncmp(names[i], name, size) == 0)) known = true;
        *ret_count = count;
        return known;
}

struct metric_check {
        struct load *l;
        const struct yaml *at;
};

static void metric_check(void *ctx, const char *name)
{
        const struct metric_check *m = ctx;
        const char *names[LOAD_NAMES_MAX];
        char hint[160];
        size_t count;

        if (metric_known(m->l, name, names, &count)) return;
        load_suggest(hint, sizeof hint, name, names, count);
        load_error(m->l, m->at, "unknown metric '%s'%s", name, hint);
}

void load_known_metrics(struct load *l, const struct yaml *at, const char *promql)
{
        promql_metrics(promql, metric_check, &(struct metric_check){ l, at });
}

bool load_known_mechanism(struct load *l, const struct yaml *at, const char *name)
{
        const char *names[LOAD_NAMES_MAX];
        char hint[160];
        size_t count = scenario_mechanism_count();

        if (scenario_mechanism_known(name)) return true;
        for (size_t i = 0; i < count; i++)
                names[i] = scenario_mechanism_name(i);
        load_suggest(hint, sizeof hint, name, names, count);
        load_error(l, at, "unknown mechanism '%s'%s%s", name, hint, hint[0] ? "" : "; the list is in docs/scenarios.md");
        return false;
}

/* KIND:REST. What REST must be depends on the kind. */
bool load_known_evidence(struct load *l, const struct yaml *at, const char *item)
{
        static const char *const kinds[] = { "panel", "metric", "config", "history", "logs", "trace", "process", "event", "user" };
        const char *colon = strchr(item, ':'), *rest = colon ? colon + 1 : "", *dot = strchr(rest, '.');
        char kind[32], place[SCENARIO_ID_BYTES_MAX], hint[160];

        if (!colon || !rest[0] || (size_t)(colon - item) >= sizeof kind) {
                load_error(l, at, "evidence '%s' is not of the form KIND:NAME, such as panel:gateway.latency or config:api.worker_threads", item);
                return false;
        }
        str_cut(kind, MIN(sizeof kind, (size_t)(colon - item) + 1), item);
        for (size_t i = 0;; i++) {
                if (i == ARRAY_COUNT(kinds)) {
                        load_suggest(hint, sizeof hint, kind, kinds, ARRAY_COUNT(kinds));
                        load_error(l, at, "unknown kind of evidence '%s'%s", kind, hint);
                        return false;
                }
                if (str_eq(kinds[i], kind)) break;
        }
        if (str_eq(kind, "metric")) {
                load_known_metrics(l, at, rest);
                return true;
        }
        if (str_eq(kind, "event") || str_eq(kind, "user")) return true;
        str_cut(place, dot ? MIN(sizeof place, (size_t)(dot - rest) + 1) : sizeof place, rest);
        if (str_eq(kind, "panel") && str_eq(place, "user")) return true;
        if (!load_known_service(l, at, place)) return false;
        return !(str_eq(kind, "config") && dot) || load_known_key(l, at, place, dot + 1);
}

bool load_condition(struct load *l, const struct yaml *at, const char *text, struct scenario_condition *ret)
{
        struct err_note note;
        struct target target;
        size_t size;
        char *promql;

        if (target_split(text, &size, &target) != ERR_OK) {
                load_error(l, at, "'%.80s' is not a comparison with a number, such as 'fd:offered_rps < 36'", text);
                return false;
        }
        promql = arena_strndup(&l->s->arena, text, size);
        if (!promql) {
                l->nomem = true;
                return false;
        }
        if (promql_check(promql, &note) != ERR_OK) {
                load_error(l, at, "%s", note.text);
                return false;
        }
        load_known_metrics(l, at, promql);
        *ret = (struct scenario_condition){ .promql = promql, .text = load_copy(l, text), .op = target.op, .threshold = target.threshold,
                                            .of_baseline = target.of_baseline };
        return true;
}

int load_criterion_find(const struct scenario *s, const char *id, size_t id_bytes)
{
        for (size_t i = 0; i < s->criteria_count; i++)
                if (strlen(s->criteria[i].id) == id_bytes && strncmp(s->criteria[i].id, id, id_bytes) == 0) return (int)i;
        return -1;
}

size_t load_maps_in(const struct yaml *list, size_t max)
{
        size_t count = 0;

        if (!list || list->kind != YAML_LIST) return 0;
        YAML_EACH(item, list)
                if (item->kind == YAML_MAP && count < max) count++;
        return count;
}
