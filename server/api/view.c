#include "server/api/view.h"

#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"

enum { VIEW_STATUS_MS = 10000 };

struct view {
        struct control *control;
        const struct stack_spec *spec;
        int stack;
        char state[16];
        struct json *services[STACK_SERVICES_MAX]; /* by index in the list; NULL: not told yet */
};

enum err view_new(struct control *control, const struct stack_spec *spec, int stack, struct view **ret)
{
        struct view *v = mem_zalloc(1, sizeof(*v));

        if (!v) return ERR_NOMEM;
        v->control = control;
        v->spec = spec;
        v->stack = stack;
        str_cut(v->state, sizeof(v->state), "down");
        view_control_seen(v, control_up(control));
        *ret = v;
        return ERR_OK;
}

void view_free(struct view *v)
{
        if (!v) return;
        for (size_t i = 0; i < STACK_SERVICES_MAX; i++) json_free(v->services[i]);
        mem_free(v);
}

void view_process_seen(struct view *v, const struct json *service)
{
        int at = stack_service_find(v->spec, json_get_str(service, "name", ""));
        struct json *copy;

        if (at < 0) return;
        copy = json_clone(service);
        if (!copy) return;
        json_free(v->services[at]);
        v->services[at] = copy;
}

static void view_status(void *ctx, enum err e, const struct json *result, const struct err_note *note)
{
        struct view *v = ctx;

        (void)note;
        if (e) return; /* the agent went away again; it is asked when it is back */
        str_cut(v->state, sizeof(v->state), json_get_str(result, "state", "down"));
        JSON_EACH(service, json_get(result, "services")) view_process_seen(v, service);
}

void view_control_seen(struct view *v, bool up)
{
        struct control_request r = {
                .verb = "stack.status", .stack = v->stack, .timeout_ms = VIEW_STATUS_MS, .fn = view_status, .ctx = v};

        if (up && !control_call(v->control, &r, NULL)) return;
        str_cut(v->state, sizeof(v->state), "down");
        for (size_t i = 0; i < STACK_SERVICES_MAX; i++) json_free(take(&v->services[i]));
}

const char *view_state(const struct view *v)
{
        return v->state;
}

/* What is known before the agent has said anything: the list itself. */
static struct json *view_service(const struct view *v, size_t at)
{
        const struct stack_service *s = &v->spec->services[at];
        struct json *j;
        char address[64];

        if (v->services[at]) return json_clone(v->services[at]);
        j = json_object();
        (void)snprintf(address, sizeof(address), "127.77.%d.1:%u", v->stack, s->port);
        json_set_str(j, "name", s->name);
        json_set_str(j, "title", s->title);
        json_set_str(j, "kind", stack_kind_text(s->kind));
        json_set_str(j, "state", "down");
        json_set_null(j, "pid");
        json_set_num(j, "since_ms", 0);
        json_set_num(j, "restarts", 0);
        json_set_num(j, "deaths", 0);
        json_set_null(j, "last_exit");
        json_set_str(j, "address", address);
        return j;
}

void view_services_write(const struct view *v, struct buf *out)
{
        AUTO(json_free) struct json *list = json_array();

        for (size_t i = 0; i < v->spec->services_count; i++) json_push(list, view_service(v, i));
        if (json_print(list, out)) buf_str(out, "[]");
}

struct json *view_stack(const struct view *v)
{
        struct json *j = json_object(), *services = json_array(), *edges = json_array();
        char address[32];

        (void)snprintf(address, sizeof(address), "127.77.%d.1", v->stack);
        json_set_num(j, "stack", v->stack);
        json_set_str(j, "state", v->state);
        json_set_str(j, "address", address);
        for (size_t i = 0; i < v->spec->services_count; i++) {
                const struct stack_service *s = &v->spec->services[i];
                struct json *service = view_service(v, i), *needs = json_array();

                for (size_t n = 0; n < s->needs_count; n++)
                        json_push(needs, json_string(v->spec->services[s->needs[n]].name));
                json_set_bool(service, "config_url", s->kind != STACK_COMPONENT);
                json_set(service, "needs", needs);
                json_set(service, "adapter_of",
                         json_string(s->adapter_of < 0 ? NULL : v->spec->services[s->adapter_of].name));
                json_push(services, service);
        }
        for (size_t i = 0; i < v->spec->edges_count; i++) {
                struct json *edge = json_object();

                json_set_str(edge, "from", v->spec->services[v->spec->edges[i].from].name);
                json_set_str(edge, "to", v->spec->services[v->spec->edges[i].to].name);
                json_push(edges, edge);
        }
        json_set(j, "services", services);
        json_set(j, "edges", edges);
        return j;
}
