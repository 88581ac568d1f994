/* Probes: a question to the running shop. Whatever a scenario says, it reaches only services of the stack, by name. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "common/base/str.h"
#include "server/engine/load_internal.h"

enum { LOAD_PROBE_EVERY_MS = 2000, LOAD_PROBE_TIMEOUT_MS = 1000 };

static int choice_of(const char *text, const char *(*name)(int), int count)
{
        for (int i = 0; i < count; i++)
                if (str_eq(text, name(i))) return i;
        return 0; /* reported by the shape */
}

static const char *read_name(int i)
{
        return scenario_read_text((enum scenario_read)i);
}

/* A service that speaks HTTP: a component such as postgres does not. */
static void check_service(struct load *l, const struct yaml *at, const char *name)
{
        const struct world_service *service;

        if (!at || at->kind != YAML_SCALAR || !load_known_service(l, at, name) || !l->world) return;
        service = world_service_find(l->world, name);
        if (service && !service->configurable) load_error(l, at, "'%s' cannot be asked by HTTP; expected is a service or an adapter", name);
}

/* Printable, from the root, and nothing that leads elsewhere. */
static void check_path(struct load *l, const struct yaml *at, const char *path)
{
        if (!at || at->kind != YAML_SCALAR) return;
        for (const char *c = path; *c; c++)
                if (!isgraph((unsigned char)*c) || (unsigned char)*c > 126 || strchr("\\#@", *c)) {
                        load_error(l, at, "'path' holds a character that does not belong into a path; write it as %%XX");
                        return;
                }
        if (path[0] != '/' || path[1] == '/') load_error(l, at, "'path' is '%.60s'; expected is a path such as /products?page=1", path);
        else if (strstr(path, "/..")) load_error(l, at, "'path' leads upwards; expected is a path from the root of the service");
}

static void load_http(struct load *l, const struct yaml *map, struct scenario_probe *p)
{
        const struct yaml *body = yaml_get(map, "body"), *method = yaml_get(map, "method");
        AUTO(json_free) struct json *value = NULL;
        AUTO_BUF text;
        bool post;

        p->kind = SCENARIO_PROBE_HTTP;
        p->on = load_text(l, map, "on", "");
        p->path = load_text(l, map, "path", "");
        p->method = load_text(l, map, "method", "GET");
        p->pointer = load_text(l, map, "pointer", "");
        p->status = (int)load_number(map, "status", 200);
        p->read = (enum scenario_read)choice_of(load_text(l, map, "read", "ok"), read_name, SCENARIO_READ_COUNT);
        check_service(l, yaml_get(map, "on"), p->on);
        check_path(l, yaml_get(map, "path"), p->path);
        post = str_eq(p->method, "POST");
        if (post && !str_eq(p->on, "gateway")) load_error(l, method, "a probe may POST to the gateway only, as users do");
        if (!post && body) load_error(l, body, "'body' belongs to a POST");
        if (p->read == SCENARIO_READ_JSON && p->pointer[0] != '/')
                load_error(l, map, "the probe reads JSON and has no 'pointer'; expected is one such as /total_cents");
        buf_init(&text, SCENARIO_PROBE_BODY_BYTES_MAX);
        if (!body || body->kind != YAML_MAP) return;
        value = yaml_to_json(body);
        switch (json_print(value, &text)) {
        case ERR_OK: p->body = load_copy(l, text.data); break;
        case ERR_LIMIT: load_error(l, body, "'body' is larger than %d bytes", SCENARIO_PROBE_BODY_BYTES_MAX); break;
        default: l->nomem = true;
        }
}

static void load_setting(struct load *l, const struct yaml *map, struct scenario_probe *p)
{
        const struct yaml *key = yaml_get(map, "key");

        p->kind = SCENARIO_PROBE_CONFIG;
        p->on = load_text(l, map, "on", "");
        p->key = load_text(l, map, "key", "");
        p->is = load_text(l, map, "is", "");
        check_service(l, yaml_get(map, "on"), p->on);
        if (key && key->kind == YAML_SCALAR) load_known_key(l, key, p->on, p->key);
}

static void load_count(struct load *l, const struct yaml *at, const struct yaml *map, struct scenario_probe *p)
{
        p->kind = SCENARIO_PROBE_DATABASE;
        p->on = "db";
        p->check = load_text(l, map, "check", "");
        if (l->world && l->world->service_count && !world_service_find(l->world, "db"))
                load_error(l, at, "a database probe needs the service 'db', which this stack does not have");
}

/* What makes two probes the same question, and what people read. */
static void name_probe(struct load *l, struct scenario_probe *p)
{
        AUTO_BUF text;

        buf_init(&text, 2 * SCENARIO_PROBE_BODY_BYTES_MAX);
        buf_printf(&text, "probe %s %s", scenario_probe_text(p->kind), p->on);
        if (p->kind == SCENARIO_PROBE_HTTP) {
                buf_printf(&text, " %s %s%s%s -> %s", p->method, p->path, p->body[0] ? " " : "", p->body, scenario_read_text(p->read));
                if (p->read == SCENARIO_READ_OK) buf_printf(&text, " %d", p->status);
                if (p->read == SCENARIO_READ_JSON) buf_printf(&text, " %s", p->pointer);
        } else if (p->kind == SCENARIO_PROBE_CONFIG) {
                buf_printf(&text, " %s%s%s", p->key, p->is[0] ? " is " : "", p->is);
        } else {
                buf_printf(&text, " %s", p->check);
        }
        if (buf_status(&text)) l->nomem = true;
        else p->text = load_copy(l, text.data);
}

/* The value that is expected of a probe when its author names none; NULL: must be said. */
static const char *usual_target(const struct scenario_probe *p)
{
        if (p->kind == SCENARIO_PROBE_DATABASE) return "== 0";
        if (p->kind == SCENARIO_PROBE_CONFIG) return p->is[0] ? "== 1" : NULL;
        return p->read == SCENARIO_READ_OK ? "== 1" : NULL;
}

const char *load_probe(struct load *l, const struct yaml *map, struct scenario_probe *ret)
{
        const struct yaml *http = yaml_get(map, "http"), *config = yaml_get(map, "config"), *database = yaml_get(map, "database");

        *ret = (struct scenario_probe){ .text = "", .on = "", .method = "", .path = "", .body = "", .pointer = "", .key = "", .is = "", .check = "",
                                        .every_ms = load_ms(map, "every", LOAD_PROBE_EVERY_MS), .timeout_ms = load_ms(map, "timeout", LOAD_PROBE_TIMEOUT_MS),
                                        .retries = (int)load_number(map, "retries", 0) };
        if (!!http + !!config + !!database != 1) {
                load_error(l, map, "a probe has %s; expected is exactly one of 'http', 'config' and 'database'",
                           http || config || database ? "more than one of them" : "none of them");
                return "== 1";
        }
        if (http) load_http(l, http, ret);
        if (config) load_setting(l, config, ret);
        if (database) load_count(l, map, database, ret);
        name_probe(l, ret);
        return usual_target(ret);
}
