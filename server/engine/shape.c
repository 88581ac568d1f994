#include "server/engine/shape.h"

#include <math.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/str.h"
#include "server/engine/fault.h"
#include "server/engine/promql.h"
#include "server/engine/scenario.h"
#include "server/engine/target.h"

enum { SHAPE_KEYS_MAX = 40, SHAPE_TEXT_SHOWN_BYTES = 40 };

static const char *const type_texts[] = {
#define X(name, text) text,
        SHAPE_TYPE_LIST(X)
#undef X
};

const char *shape_type_text(enum shape_type type)
{
        CHECK((unsigned)type < ARRAY_COUNT(type_texts));
        return type_texts[type];
}

/* A scalar that YAML reads as text; numbers are accepted where text is wanted (title: 42). */
static bool node_is_text(const struct yaml *node)
{
        return node->kind == YAML_SCALAR && (node->quoted || !(str_eq(node->text, "") || str_eq(node->text, "null") ||
                                                               str_eq(node->text, "~")));
}

static bool node_number(const struct yaml *node, double *ret)
{
        return node->kind == YAML_SCALAR && !node->quoted && str_parse_double(node->text, ret) == ERR_OK;
}

static bool choice_has(const char *choices, const char *word)
{
        size_t size = strlen(word);

        for (const char *at = choices;;) {
                size_t part = strcspn(at, "|");

                if (part == size && strncmp(at, word, size) == 0) return true;
                if (!at[part]) return false;
                at += part + 1;
        }
}

static void report(struct diag_list *diags, const struct shape_field *f, const struct yaml *node)
{
        if (node->kind == YAML_SCALAR && node->text[0])
                diag_error(diags, node->line, node->column, "'%s' is '%.*s%s'; expected is %s", f->key,
                           SHAPE_TEXT_SHOWN_BYTES, node->text, strlen(node->text) > SHAPE_TEXT_SHOWN_BYTES ? "..." : "",
                           shape_type_text(f->type));
        else
                diag_error(diags, node->line, node->column, "'%s' is %s; expected is %s", f->key,
                           node->kind == YAML_SCALAR ? "empty" : yaml_kind_name(node), shape_type_text(f->type));
}

static bool check_number(const struct shape_field *f, const struct yaml *node, struct diag_list *diags)
{
        double value;

        if (!node_number(node, &value) || (f->type == SHAPE_INTEGER && value != floor(value))) {
                if (diags) report(diags, f, node);
                return false;
        }
        if (value >= f->min && value <= f->max) return true;
        if (diags)
                diag_error(diags, node->line, node->column, "'%s' is %s; expected is %g to %g", f->key, node->text, f->min,
                           f->max);
        return false;
}

static bool check_duration(const struct shape_field *f, const struct yaml *node, struct diag_list *diags)
{
        char low[32], high[32];
        int64_t ms;

        if (node->kind != YAML_SCALAR || str_parse_duration_ms(node->text, &ms) != ERR_OK) {
                if (diags) report(diags, f, node);
                return false;
        }
        if ((double)ms >= f->min && (double)ms <= f->max) return true;
        str_duration((int64_t)f->min, low, sizeof low);
        str_duration((int64_t)f->max, high, sizeof high);
        if (diags)
                diag_error(diags, node->line, node->column, "'%s' is %s; expected is %s to %s", f->key, node->text, low, high);
        return false;
}

static bool check_text(const struct shape_field *f, const struct yaml *node, struct diag_list *diags)
{
        if (!node_is_text(node) || (f->required && node->text[strspn(node->text, " \t\n")] == '\0')) {
                if (diags) report(diags, f, node);
                return false;
        }
        if (strlen(node->text) <= (size_t)f->max) return true;
        if (diags)
                diag_error(diags, node->line, node->column, "'%s' has %zu bytes; at most %g are allowed", f->key,
                           strlen(node->text), f->max);
        return false;
}

static bool check_choice(const struct shape_field *f, const struct yaml *node, struct diag_list *diags)
{
        if (node->kind == YAML_SCALAR && node->text[0] && choice_has(f->choices, node->text)) return true;
        if (diags)
                diag_error(diags, node->line, node->column, "'%s' is %s%s%s; expected is one of %s", f->key,
                           node->kind == YAML_SCALAR ? "'" : "", node->kind == YAML_SCALAR ? node->text : yaml_kind_name(node),
                           node->kind == YAML_SCALAR ? "'" : "", f->choices);
        return false;
}

static bool check_kind(const struct shape_field *f, const struct yaml *node, struct diag_list *diags)
{
        const char *near;

        if (!node_is_text(node)) {
                if (diags) report(diags, f, node);
                return false;
        }
        if (fault_find(node->text)) return true;
        near = fault_suggest(node->text);
        if (diags)
                diag_error(diags, node->line, node->column, "unknown %s '%s'%s%s%s", f->key, node->text,
                           near ? "; did you mean '" : "; expected is a kind of the fault library such as config.set",
                           near ? near : "", near ? "'?" : "");
        return false;
}

static bool check_words(const struct shape_field *f, const struct yaml *node, struct diag_list *diags)
{
        bool good = node->kind == YAML_LIST;

        if (!good) {
                if (diags) report(diags, f, node);
                return false;
        }
        if ((double)node->count > f->max || (double)node->count < f->min) {
                if (diags)
                        diag_error(diags, node->line, node->column, "'%s' has %zu items; expected are %g to %g", f->key,
                                   node->count, f->min, f->max);
                good = false;
        }
        YAML_EACH(item, node) {
                if (node_is_text(item) && item->text[0]) continue;
                if (diags)
                        diag_error(diags, item->line, item->column, "an item of '%s' is %s; expected is text", f->key,
                                   yaml_kind_name(item));
                good = false;
        }
        return good;
}

static bool check_list(const struct shape_field *f, const struct yaml *node, struct diag_list *diags)
{
        if (node->kind != YAML_LIST) {
                if (diags) report(diags, f, node);
                return false;
        }
        if ((double)node->count > f->max || (double)node->count < f->min) {
                if (diags)
                        diag_error(diags, node->line, node->column, "'%s' has %zu items; expected are %g to %g", f->key,
                                   node->count, f->min, f->max);
                return false;
        }
        return true;
}

static bool check_target(const struct shape_field *f, const struct yaml *node, struct diag_list *diags)
{
        struct target target;

        if (node->kind == YAML_SCALAR && target_parse(node->text, &target) == ERR_OK) return true;
        if (diags) report(diags, f, node);
        return false;
}

static bool check_promql(const struct shape_field *f, const struct yaml *node, struct diag_list *diags)
{
        struct err_note note;

        if (!node_is_text(node)) {
                if (diags) report(diags, f, node);
                return false;
        }
        if (promql_check(node->text, &note) == ERR_OK) return true;
        if (diags) diag_error(diags, node->line, node->column, "'%s': %s", f->key, note.text);
        return false;
}

static bool check_field(const struct shape_field *f, const struct yaml *node, struct diag_list *diags)
{
        switch (f->type) {
        case SHAPE_TEXT: return check_text(f, node, diags);
        case SHAPE_ID:
                if (node->kind == YAML_SCALAR && str_is_id(node->text, (size_t)f->max)) return true;
                break;
        case SHAPE_INTEGER:
        case SHAPE_NUMBER: return check_number(f, node, diags);
        case SHAPE_BOOL:
                if (node->kind == YAML_SCALAR && !node->quoted && (str_eq(node->text, "true") || str_eq(node->text, "false")))
                        return true;
                break;
        case SHAPE_KIND: return check_kind(f, node, diags);
        case SHAPE_DURATION: return check_duration(f, node, diags);
        case SHAPE_WORDS: return check_words(f, node, diags);
        case SHAPE_CHOICE: return check_choice(f, node, diags);
        case SHAPE_TARGET: return check_target(f, node, diags);
        case SHAPE_PROMQL: return check_promql(f, node, diags);
        case SHAPE_MAP:
        case SHAPE_ARGS:
                if (node->kind == YAML_MAP) return true;
                break;
        case SHAPE_LIST: return check_list(f, node, diags);
        case SHAPE_RECIPE:
        case SHAPE_RECIPES:
                if (node->kind == YAML_LIST) return true;
                break;
        case SHAPE_SCORE:
                if (node->kind == YAML_MAP || (node->kind == YAML_SCALAR && str_eq(node->text, "off"))) return true;
                break;
        case SHAPE_TYPE_COUNT: break;
        }
        if (diags) report(diags, f, node);
        return false;
}

bool shape_fits(const struct shape_field *field, const struct yaml *node)
{
        return check_field(field, node, NULL);
}

static const struct shape_field *field_find(const struct shape *shape, const char *key)
{
        for (const struct shape_field *f = shape->fields; f->key; f++)
                if (str_eq(f->key, key)) return f;
        return NULL;
}

static void report_unknown(const struct shape *shape, const struct yaml *node, struct diag_list *diags)
{
        const char *keys[SHAPE_KEYS_MAX], *near;
        size_t count = 0;

        for (const struct shape_field *f = shape->fields; f->key && count < SHAPE_KEYS_MAX; f++)
                keys[count++] = f->key;
        near = str_suggest(node->key, keys, count);
        if (near)
                diag_error(diags, node->key_line, node->key_column, "unknown key '%s' in %s; did you mean '%s'?", node->key,
                           shape->name, near);
        else
                diag_error(diags, node->key_line, node->key_column, "unknown key '%s' in %s", node->key, shape->name);
}

void shape_check(const struct shape *shape, const struct yaml *node, struct diag_list *diags)
{
        if (node->kind != YAML_MAP) {
                diag_error(diags, node->line, node->column, "%s is %s; expected is a mapping", shape->name,
                           node->kind == YAML_SCALAR && !node->text[0] ? "empty" : yaml_kind_name(node));
                return;
        }
        YAML_EACH(child, node) {
                const struct shape_field *f = field_find(shape, child->key);

                if (!f) {
                        report_unknown(shape, child, diags);
                } else if (check_field(f, child, diags)) {
                        if (f->type == SHAPE_MAP) shape_check(f->sub, child, diags);
                        if (f->type == SHAPE_LIST)
                                YAML_EACH(item, child)
                                        shape_check(f->sub, item, diags);
                }
        }
        for (const struct shape_field *f = shape->fields; f->key; f++)
                if (f->required && !yaml_get(node, f->key))
                        diag_error(diags, node->line, node->column, "%s has no '%s'; expected is %s: %s", shape->name, f->key,
                                   shape_type_text(f->type), f->doc);
}
