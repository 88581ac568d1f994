#include "common/stack/stack.h"

#include <stdio.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/check.h"
#include "common/base/str.h"

static const char *const kind_texts[STACK_KIND_COUNT] = {
#define X(name, text) [STACK_##name] = text,
        STACK_KIND_LIST(X)
#undef X
};

const char *stack_kind_text(enum stack_kind kind)
{
        CHECK(kind < STACK_KIND_COUNT);
        return kind_texts[kind];
}

int stack_service_find(const struct stack_spec *spec, const char *name)
{
        for (size_t i = 0; i < spec->services_count; i++)
                if (str_eq(spec->services[i].name, name)) return (int)i;
        return -1;
}

const char *stack_service_suggest(const struct stack_spec *spec, const char *name)
{
        const char *names[STACK_SERVICES_MAX];

        for (size_t i = 0; i < spec->services_count; i++) names[i] = spec->services[i].name;
        return str_suggest(name, names, spec->services_count);
}

void stack_edge_name(const struct stack_spec *spec, size_t edge, char *dst, size_t dst_bytes)
{
        CHECK(edge < spec->edges_count);
        (void)snprintf(dst, dst_bytes, "%s->%s", spec->services[spec->edges[edge].from].name, spec->edges[edge].name);
}

/* The edge of service `from` that leads to `to`. */
static enum err edge_from(const struct stack_spec *spec, size_t from, const char *to, size_t *ret,
                          struct err_note *reterr)
{
        AUTO_BUF known;

        buf_init(&known, 256);
        for (size_t i = 0; i < spec->edges_count; i++) {
                const struct stack_edge *edge = &spec->edges[i];

                if (edge->from != from) continue;
                if (str_eq(edge->name, to) || str_eq(spec->services[edge->to].name, to)) {
                        *ret = i;
                        return ERR_OK;
                }
                buf_printf(&known, "%s%s", known.size_bytes ? ", " : "", edge->name);
        }
        return err_note(reterr, ERR_NOT_FOUND, "%s has no edge to '%.60s'; it has: %s", spec->services[from].name, to,
                        known.size_bytes ? known.data : "none");
}

enum err stack_edge_find(const struct stack_spec *spec, const char *name, size_t *ret, struct err_note *reterr)
{
        const char *arrow = strstr(name, "->"), *near;
        char from[STACK_NAME_BYTES + 1];
        int at;

        if (!arrow || (size_t)(arrow - name) >= sizeof(from))
                return err_note(reterr, ERR_NOT_FOUND, "'%.60s' is not an edge; write FROM->TO, for example api->db",
                                name);
        memcpy(from, name, (size_t)(arrow - name));
        from[arrow - name] = '\0';
        at = stack_service_find(spec, from);
        if (at >= 0) return edge_from(spec, (size_t)at, arrow + 2, ret, reterr);
        near = stack_service_suggest(spec, from);
        return err_note(reterr, ERR_NOT_FOUND, "no service '%s'%s%s%s", from, near ? "; did you mean '" : "",
                        near ? near : "", near ? "'?" : "");
}
