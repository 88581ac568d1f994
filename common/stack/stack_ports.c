/* stack_ports: docs/ports.md from the list, so that it cannot say anything else. */
#include "common/base/str.h"
#include "common/stack/stack.h"

static void write_services(const struct stack_spec *spec, struct buf *b)
{
        buf_str(b, "| No. | process | title | kind | address in stack N | program | starts after |\n"
                   "| --- | --- | --- | --- | --- | --- | --- |\n");
        for (size_t i = 0; i < spec->services_count; i++) {
                const struct stack_service *s = &spec->services[i];

                if (s->number)
                        buf_printf(b, "| %d ", s->number);
                else
                        buf_str(b, "| ");
                buf_printf(b, "| `%s` | %s | %s%s%s%s | 127.77.N.1:%u", s->name, s->title, stack_kind_text(s->kind),
                           s->adapter_of >= 0 ? " of `" : "",
                           s->adapter_of >= 0 ? spec->services[s->adapter_of].name : "", s->adapter_of >= 0 ? "`" : "",
                           s->port);
                if (s->ready_port) buf_printf(b, ", monitoring %u", s->ready_port);
                buf_printf(b, " | `%s` | ", s->program);
                for (size_t k = 0; k < s->needs_count; k++)
                        buf_printf(b, "%s`%s`", k ? ", " : "", spec->services[s->needs[k]].name);
                buf_str(b, " |\n");
        }
        for (size_t i = 0; i < spec->outside_count; i++)
                buf_printf(b, "| %d | `%s` | %s | outside the stack | %s | | |\n", spec->outside[i].number,
                           spec->outside[i].name, spec->outside[i].title, spec->outside[i].where);
}

static void write_edges(const struct stack_spec *spec, struct buf *b)
{
        buf_str(b, "| edge | leads to | proxy in stack N |\n| --- | --- | --- |\n");
        for (size_t i = 0; i < spec->edges_count; i++) {
                const struct stack_service *to = &spec->services[spec->edges[i].to];
                char name[2 * STACK_NAME_BYTES + 8];

                stack_edge_name(spec, i, name, sizeof(name));
                buf_printf(b, "| `%s` | `%s` | 127.77.N.%zu:%u |\n", name, to->name, i + 2, to->port);
        }
}

void stack_ports_write(const struct stack_spec *spec, struct buf *b)
{
        buf_str(b, "# Ports\n\n"
                   "Written from `sut/stack.yaml`; a test keeps both equal (`FD_UPDATE=1 "
                   "build/dev/tests/unit.common_stack.test_ports` "
                   "writes it anew).\n\n"
                   "The control panel and its API listen on 127.0.0.1:8080 (`--port`). Everything else lives on "
                   "loopback addresses of its "
                   "stack: stack N on\n127.77.N.1, so stacks run side by side with the same ports. The control agent "
                   "listens on no port, but "
                   "on the Unix socket\n`control.sock` in its home.\n\n");
        write_services(spec, b);
        buf_str(b, "\n## Edges\n\n"
                   "A service dials another through a proxy of the control agent, which is where network faults are. "
                   "An address is the number "
                   "of the edge in\nthis list plus one; the port is that of the service behind it.\n\n");
        write_edges(spec, b);
}
