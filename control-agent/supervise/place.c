#include "control-agent/supervise/place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/str.h"

enum { NAME_BYTES = 64 };

enum err place_init(struct place *p, const struct stack_spec *spec, unsigned number, const char *home,
                    const char *share, const char *bin, struct err_note *reterr)
{
        char program[FILE_PATH_BYTES];

        memset(p, 0, sizeof(*p));
        p->spec = spec;
        p->number = number;
        (void)snprintf(p->address, sizeof(p->address), "127.77.%u.1", number);
        if (str_copy(p->home, sizeof(p->home), home) || str_copy(p->share, sizeof(p->share), share) ||
            str_copy(p->bin, sizeof(p->bin), bin) || path_format(p->dir, "%s/stacks/%u", home, number))
                return err_note(reterr, ERR_LIMIT, "the path '%s' is too long", home);
        for (size_t i = 0; i < spec->services_count; i++)
                p->built[i] = place_program(p, i, spec->services[i].program, program);
        return ERR_OK;
}

enum err place_path(const struct place *p, const char *sub, const char *name, char dst[static FILE_PATH_BYTES])
{
        return name ? path_format(dst, "%s/%s/%s", p->dir, sub, name) : path_format(dst, "%s/%s", p->dir, sub);
}

static bool runs(const char *directory, size_t directory_bytes, const char *program, char dst[static FILE_PATH_BYTES])
{
        return directory_bytes && !path_format(dst, "%.*s/%s", (int)directory_bytes, directory, program) &&
               !file_is_dir(dst) && access(dst, X_OK) == 0;
}

bool place_program(const struct place *p, size_t service, const char *program, char dst[static FILE_PATH_BYTES])
{
        const struct stack_service *s = &p->spec->services[service];
        const char *path = getenv("PATH"), *colon;

        if (strchr(program, '/')) return !str_copy(dst, FILE_PATH_BYTES, program) && access(dst, X_OK) == 0;
        if (runs(p->bin, strlen(p->bin), program, dst)) return true;
        for (size_t i = 0; i < s->search_count; i++)
                if (runs(s->search[i], strlen(s->search[i]), program, dst)) return true;
        for (; path && *path; path = *colon ? colon + 1 : NULL) {
                colon = strchrnul(path, ':');
                if (runs(path, (size_t)(colon - path), program, dst)) return true;
        }
        return false;
}

void place_upstream(const struct place *p, size_t service, size_t upstream, char *dst, size_t dst_bytes)
{
        const struct stack_upstream *u = &p->spec->services[service].upstreams[upstream];

        for (size_t i = 0; i < p->spec->edges_count && p->edge_address; i++) {
                const struct stack_edge *edge = &p->spec->edges[i];

                if (edge->from != service || !str_eq(edge->name, u->name)) continue;
                p->edge_address(p->edge_ctx, p->number, i, dst, dst_bytes);
                return;
        }
        (void)snprintf(dst, dst_bytes, "%s:%u", p->address, p->spec->services[u->to].port);
}

/* One target for each service that has /metrics of its own: all but the components, whose adapters speak for them. */
static void expand_targets(const struct place *p, struct buf *b)
{
        buf_str(b, "scrape_configs:\n  - job_name: stack\n    static_configs:\n");
        for (size_t i = 0; i < p->spec->services_count; i++) {
                const struct stack_service *s = &p->spec->services[i];

                if (!p->built[i] || (s->kind == STACK_COMPONENT && !str_eq(s->name, "prometheus"))) continue;
                buf_printf(b, "      - {targets: ['%s:%u'], labels: {service: %s, instance: %s-1}}\n", p->address,
                           s->port, s->name, s->name);
        }
}

static bool expand_upstream(const struct place *p, size_t service, const char *name, struct buf *b)
{
        const struct stack_service *s = &p->spec->services[service];
        char address[NAME_BYTES];

        for (size_t i = 0; i < s->upstreams_count; i++) {
                if (!str_eq(s->upstreams[i].name, name)) continue;
                place_upstream(p, service, i, address, sizeof(address));
                buf_str(b, address);
                return true;
        }
        return false;
}

static bool expand_name(const struct place *p, size_t service, const char *name, struct buf *b)
{
        const struct stack_service *s = &p->spec->services[service];
        char path[FILE_PATH_BYTES];

        if (str_starts(name, "upstream:")) return expand_upstream(p, service, name + strlen("upstream:"), b);
        if (str_eq(name, "address"))
                buf_str(b, p->address);
        else if (str_eq(name, "stack"))
                buf_printf(b, "%u", p->number);
        else if (str_eq(name, "port"))
                buf_printf(b, "%u", s->port);
        else if (str_eq(name, "name"))
                buf_str(b, s->name);
        else if (str_eq(name, "home"))
                buf_str(b, p->home);
        else if (str_eq(name, "share"))
                buf_str(b, p->share);
        else if (str_eq(name, "bin"))
                buf_str(b, p->bin);
        else if (str_eq(name, "dir"))
                buf_str(b, p->dir);
        else if (str_eq(name, "data"))
                buf_printf(b, "%s/data/%s", p->dir, s->name);
        else if (str_eq(name, "config"))
                buf_printf(b, "%s/config", p->dir);
        else if (str_eq(name, "scrape_configs"))
                expand_targets(p, b);
        else if (str_eq(name, "program")) {
                if (place_program(p, service, s->program, path)) buf_str(b, path);
        } else if (str_eq(name, "sockets")) {
                /* A Unix socket's path has at most 107 bytes; PostgreSQL adds its own name. Too long: no socket. */
                if (strlen(p->dir) < PLACE_SOCKETS_BYTES_MAX) buf_printf(b, "%s/s", p->dir);
        } else
                return false;
        return true;
}

enum err place_expand(const struct place *p, size_t service, const char *text, struct buf *b, struct err_note *reterr)
{
        while (*text) {
                const char *start = strstr(text, "${"), *end = start ? strchr(start, '}') : NULL;
                char name[NAME_BYTES];

                if (!end) {
                        buf_str(b, text);
                        break;
                }
                buf_append(b, text, (size_t)(start - text));
                (void)snprintf(name, sizeof(name), "%.*s", (int)(end - start - 2), start + 2);
                if (!expand_name(p, service, name, b))
                        return err_note(reterr, ERR_NOT_FOUND, "'${%s}' means nothing for %s", name,
                                        p->spec->services[service].name);
                text = end + 1;
        }
        return buf_status(b)
                       ? err_note(reterr, buf_status(b), "a text of %s grew too long", p->spec->services[service].name)
                       : ERR_OK;
}
