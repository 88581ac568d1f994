/* docs/scenario-reference.md: every key, every fault, every mechanism, from the tables. */
#include <stdio.h>
#include <string.h>

#include "common/base/str.h"
#include "server/engine/fault.h"
#include "server/engine/scenario.h"
#include "server/engine/scenario_load.h"
#include "server/engine/shape.h"

static void range_write(const struct shape_field *f, struct buf *out)
{
        char low[32], high[32];

        switch (f->type) {
        case SHAPE_TEXT: buf_printf(out, ", at most %g bytes", f->max); break;
        case SHAPE_INTEGER:
        case SHAPE_NUMBER: buf_printf(out, ", %g to %.10g", f->min, f->max); break;
        case SHAPE_DURATION:
                str_duration((int64_t)f->min, low, sizeof low);
                str_duration((int64_t)f->max, high, sizeof high);
                buf_printf(out, ", %s to %s", low, high);
                break;
        case SHAPE_WORDS:
        case SHAPE_LIST: buf_printf(out, ", %g to %g items", f->min, f->max); break;
        case SHAPE_CHOICE:
                buf_str(out, ": ");
                for (const char *at = f->choices; *at; at++) {
                        if (*at == '|') buf_str(out, ", ");
                        else buf_char(out, *at);
                }
                break;
        default: break;
        }
}

/* "|" would end a cell. */
static void cell_write(const char *text, struct buf *out)
{
        for (; *text; text++) {
                if (*text == '|') buf_char(out, '\\');
                buf_char(out, *text);
        }
}

static void shape_write(const struct shape *shape, struct buf *out)
{
        buf_printf(out, "\n### %c%s\n\n%s\n\n| key | | value | meaning |\n| --- | --- | --- | --- |\n", shape->name[0] - 'a' + 'A', shape->name + 1, shape->doc);
        for (const struct shape_field *f = shape->fields; f->key; f++) {
                buf_printf(out, "| `%s` | %s | ", f->key, f->required ? "required" : "");
                cell_write(f->type == SHAPE_CHOICE ? "one of" : shape_type_text(f->type), out);
                range_write(f, out);
                buf_str(out, " | ");
                cell_write(f->doc, out);
                buf_str(out, " |\n");
        }
}

static void fault_write(const struct fault_kind *kind, struct buf *out)
{
        size_t count = fault_arg_count(kind);

        buf_printf(out, "| `%s` | %s | ", kind->name, kind->target == FAULT_TARGET_NONE ? "" : fault_target_text(kind->target));
        if (kind->any_args) buf_str(out, "configuration keys");
        for (size_t i = 0; i < count; i++) {
                const struct fault_arg *arg = &kind->args[i];

                buf_printf(out, "%s`%s`%s: %s", i ? "; " : "", arg->name, arg->required ? "" : " (optional)", arg->doc);
                if (arg->type == FAULT_ARG_INTEGER || arg->type == FAULT_ARG_NUMBER) buf_printf(out, ", %.10g to %.10g", arg->min, arg->max);
                if (arg->choices) buf_str(out, ", "), cell_write(arg->choices, out);
        }
        buf_printf(out, " | %s%s%s | ", kind->fault ? "fault" : "", kind->fault && kind->repair ? ", " : "", kind->repair ? "repair" : "");
        cell_write(kind->doc, out);
        buf_char(out, ' ');
        cell_write(kind->expects, out);
        buf_printf(out, " | %s |\n", kind->undo == FAULT_UNDO_INVERSE ? kind->undo_kind : fault_undo_text(kind->undo));
}

void scenario_reference_write(struct buf *out)
{
        buf_str(out, "# Reference of the scenario format\n\nMade from the tables the loader checks with (`server/engine/shape_tables.c`, `fault.c`, `scenario.h`); "
                     "how to write a scenario is in [scenarios.md](scenarios.md). Durations are written `250ms`, `45s`, `20m` or `1h`.\n\n## Keys\n");
        for (size_t i = 0; i < shape_count(); i++)
                shape_write(shape_at(i), out);
        buf_str(out, "\n## Fault library\n\nWhat a timeline may do (fault), and what learners, agents and solutions may do (repair). The undo is formed and written down before "
                     "anything is changed.\n\n| kind | on | arguments | use | what it does, and what to expect | undo |\n| --- | --- | --- | --- | --- | --- |\n");
        for (size_t i = 0; i < fault_count(); i++)
                fault_write(fault_at(i), out);
        buf_str(out, "\n## Mechanisms\n\nThe fixed list that a truth and a diagnosis choose from.\n\n| mechanism | meaning |\n| --- | --- |\n");
        for (size_t i = 0; i < scenario_mechanism_count(); i++)
                buf_printf(out, "| `%s` | %s |\n", scenario_mechanism_name(i), scenario_mechanism_text(i));
}
