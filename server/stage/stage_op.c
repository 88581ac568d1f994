#include "server/stage/stage_op.h"

#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/str.h"
#include "server/engine/fault.h"

/* The service, checked: it exists, and has /config if that is what is needed. */
static enum err stage_op_on(const struct stack_spec *spec, const char *on, bool configurable, struct stage_op *op,
                            struct err_note *reterr)
{
        int at = stack_service_find(spec, on);
        const char *near = at < 0 ? stack_service_suggest(spec, on) : NULL;

        if (at < 0)
                return err_note(reterr, ERR_NOT_FOUND, "there is no service '%.40s'%s%s%s", on,
                                near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
        if (configurable && spec->services[at].kind == STACK_COMPONENT) {
                for (size_t i = 0; i < spec->services_count; i++)
                        if (spec->services[i].adapter_of == at)
                                return err_note(reterr, ERR_INVAL,
                                                "'%s' has no configuration of its own; it is configured through '%s'",
                                                on, spec->services[i].name);
                return err_note(reterr, ERR_INVAL, "'%s' has no configuration", on);
        }
        return str_copy(op->on, sizeof(op->on), on);
}

/* Arguments by the table: checked, and turned into what carries them out. */
static enum err stage_op_args(const struct fault_kind *kind, const struct json *args, struct stage_op *op,
                              struct err_note *reterr)
{
        size_t count = fault_arg_count(kind);

        for (size_t i = 0; !kind->any_args && i < count; i++)
                if (kind->args[i].required && !json_get(args, kind->args[i].name))
                        return err_note(reterr, ERR_INVAL, "%s needs the argument '%s': %s", kind->name,
                                        kind->args[i].name, kind->args[i].doc);
        JSON_EACH(arg, kind->any_args ? NULL : args)
        {
                bool known = false;
                int64_t ms;

                for (size_t i = 0; i < count && !known; i++) {
                        known = str_eq(kind->args[i].name, json_key(arg));
                        if (known && kind->args[i].type == FAULT_ARG_DURATION &&
                            (!json_text(arg) || str_parse_duration_ms(json_text(arg), &ms)))
                                return err_note(reterr, ERR_INVAL, "%s: '%s' is a duration such as 500ms or 2m",
                                                kind->name, json_key(arg));
                }
                if (!known) return err_note(reterr, ERR_INVAL, "%s has no argument '%.40s'", kind->name, json_key(arg));
        }
        op->body = fault_body(kind, args);
        return op->body ? ERR_OK : ERR_NOMEM;
}

static enum err stage_op_edge(const struct stack_spec *spec, const char *on, struct stage_op *op,
                              struct err_note *reterr)
{
        size_t edge = 0;
        enum err e = stack_edge_find(spec, on, &edge, reterr);

        if (e) return e;
        stack_edge_name(spec, edge, op->on, sizeof(op->on));
        return ERR_OK;
}

static enum err stage_op_of_kind(const struct stack_spec *spec, const struct fault_kind *kind, const char *on,
                                 const struct json *args, struct stage_op *op, struct err_note *reterr)
{
        enum err e;

        switch (kind->by) {
        case FAULT_BY_CONFIG:
                op->kind = STAGE_OP_PATCH;
                break;
        case FAULT_BY_PUBLISH:
                op->kind = STAGE_OP_PUBLISH;
                break;
        case FAULT_BY_LOAD:
        case FAULT_BY_ADAPTER:
                op->kind = STAGE_OP_PATCH;
                on = kind->via;
                break;
        case FAULT_BY_CONTROL:
                op->kind = STAGE_OP_CONTROL;
                (void)snprintf(op->verb, sizeof(op->verb), "service.%s", strchr(kind->name, '.') + 1);
                return stage_op_on(spec, on, false, op, reterr);
        case FAULT_BY_INJECT:
                op->kind = STAGE_OP_INJECT;
                str_cut(op->verb, sizeof(op->verb), kind->name);
                e = kind->target == FAULT_TARGET_EDGE ? stage_op_edge(spec, on, op, reterr)
                                                      : stage_op_on(spec, on, false, op, reterr);
                return e ? e : stage_op_args(kind, args, op, reterr);
        default:
                CHECK(!"every way of the table is handled");
        }
        e = stage_op_on(spec, on, true, op, reterr);
        return e ? e : stage_op_args(kind, args, op, reterr);
}

/* config.patch: what a learner sends and what an undo is. */
static enum err stage_op_patch(const struct stack_spec *spec, const char *on, const struct json *args,
                               struct stage_op *op, struct err_note *reterr)
{
        const struct json *patch = json_get(args, "patch");
        enum err e = stage_op_on(spec, on, true, op, reterr);

        if (e) return e;
        if (!json_is(patch, JSON_OBJECT) || json_count(patch) == 0)
                return err_note(reterr, ERR_INVAL,
                                "config.patch needs args {\"patch\":{\"key\":value}} with at least one key");
        op->kind = STAGE_OP_PATCH;
        op->body = json_clone(patch);
        return ERR_OK;
}

static enum err stage_op_withdraw(const struct stack_spec *spec, const char *on, const struct json *args,
                                  struct stage_op *op, struct err_note *reterr)
{
        enum err e = stage_op_on(spec, on, true, op, reterr);

        if (e) return e;
        if (!json_is(json_get(args, "patch"), JSON_OBJECT))
                return err_note(reterr, ERR_INVAL, "config.withdraw needs args {\"version\":n,\"patch\":{}}");
        op->kind = STAGE_OP_WITHDRAW;
        op->version = json_get_int(args, "version", 0);
        op->body = json_clone(json_get(args, "patch"));
        return ERR_OK;
}

static enum err stage_op_heal(const char *on, const struct json *args, struct stage_op *op, struct err_note *reterr)
{
        const char *fault = json_get_str(args, "fault", NULL);

        if (!fault) return err_note(reterr, ERR_INVAL, "fault.undo needs args {\"fault\":\"net.latency\"}");
        op->kind = STAGE_OP_HEAL;
        str_cut(op->verb, sizeof(op->verb), fault);
        return str_copy(op->on, sizeof(op->on), on);
}

enum err stage_op_read(const struct stack_spec *spec, const char *kind, const char *on, const char *args,
                       struct stage_op *ret, struct err_note *reterr)
{
        AUTO(json_free) struct json *j = NULL;
        const struct fault_kind *row = fault_find(kind);
        struct stage_op op = {.kind = STAGE_OP_PATCH};
        enum err e;

        if (!on) on = "";
        if (args && *args && json_parse(args, strlen(args), &j, NULL))
                return err_note(reterr, ERR_INVAL, "the arguments of %s are not JSON", kind);
        if (j && !json_is(j, JSON_OBJECT))
                return err_note(reterr, ERR_INVAL, "the arguments of %s are not an object", kind);
        if (str_eq(kind, "config.patch")) {
                e = stage_op_patch(spec, on, j, &op, reterr);
        } else if (str_eq(kind, "fault.undo")) {
                e = stage_op_heal(on, j, &op, reterr);
        } else if (str_eq(kind, "config.withdraw")) {
                e = stage_op_withdraw(spec, on, j, &op, reterr);
        } else if (!row) {
                const char *near = fault_suggest(kind);

                return err_note(reterr, ERR_INVAL, "there is no kind '%.40s'%s%s%s", kind,
                                near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
        } else {
                e = stage_op_of_kind(spec, row, on, j, &op, reterr);
        }
        if (e) {
                stage_op_done(&op);
                return e;
        }
        *ret = op;
        return ERR_OK;
}

void stage_op_done(struct stage_op *op)
{
        json_free(take(&op->body));
}

enum err stage_op_write(const char *kind, const char *on, struct json *args, struct buf *out)
{
        AUTO(json_free) struct json *j = json_object();

        json_set_str(j, "kind", kind);
        json_set_str(j, "on", on);
        json_set(j, "args", args);
        return json_print(j, out);
}
