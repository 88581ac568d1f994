#include "common/stack/stack_read.h"

#include <inttypes.h>

#include "common/base/buf.h"
#include "common/base/str.h"
#include "common/stack/stack.h"

const char *stack_read_text(struct diag_list *diags, const struct yaml *node)
{
        if (node->kind == YAML_SCALAR && node->text) return node->text;
        diag_error(diags, node->line, node->column, "'%s' must be text, not a %s", node->key ? node->key : "item",
                   yaml_kind_name(node));
        return NULL;
}

int64_t stack_read_number(struct diag_list *diags, const struct yaml *node, int64_t min, int64_t max, int64_t otherwise)
{
        int64_t value;

        if (node->kind == YAML_SCALAR && node->text && !str_parse_i64(node->text, min, max, &value)) return value;
        diag_error(diags, node->line, node->column, "'%s' must be a whole number from %" PRId64 " to %" PRId64,
                   node->key, min, max);
        return otherwise;
}

bool stack_read_bool(struct diag_list *diags, const struct yaml *node, bool otherwise)
{
        if (node->kind == YAML_SCALAR && str_eq(node->text, "true")) return true;
        if (node->kind == YAML_SCALAR && str_eq(node->text, "false")) return false;
        diag_error(diags, node->line, node->column, "'%s' must be true or false", node->key);
        return otherwise;
}

size_t stack_read_word(struct diag_list *diags, const struct yaml *node, const char *const *words, size_t count)
{
        const char *text = stack_read_text(diags, node);
        AUTO_BUF known;

        buf_init(&known, 256);
        if (!text) return 0;
        for (size_t i = 0; i < count; i++)
                if (str_eq(words[i], text)) return i;
        for (size_t i = 0; i < count; i++) buf_printf(&known, "%s%s", i ? ", " : "", words[i]);
        diag_error(diags, node->line, node->column, "'%s' is '%s', but must be one of: %s", node->key, text,
                   known.data);
        return 0;
}

/* True if the node is such a container with at most max entries; else one finding. */
static bool is_container(struct diag_list *diags, const struct yaml *node, enum yaml_kind kind, size_t max)
{
        if (node->kind != kind)
                diag_error(diags, node->line, node->column, "'%s' must be a %s", node->key,
                           kind == YAML_LIST ? "list" : "map");
        else if (node->count > max)
                diag_error(diags, node->line, node->column, "'%s' has %zu entries, at most %zu are possible", node->key,
                           node->count, max);
        else
                return true;
        return false;
}

void stack_read_list(struct diag_list *diags, const struct yaml *node, const char **items, size_t max,
                     size_t *ret_count)
{
        *ret_count = 0;
        if (!is_container(diags, node, YAML_LIST, max)) return;
        YAML_EACH(item, node)
        {
                const char *text = stack_read_text(diags, item);

                if (text) items[(*ret_count)++] = text;
        }
}

void stack_read_pairs(struct diag_list *diags, const struct yaml *node, struct stack_pair *items, size_t max,
                      size_t *ret_count)
{
        *ret_count = 0;
        if (!is_container(diags, node, YAML_MAP, max)) return;
        YAML_EACH(item, node)
        {
                const char *text = stack_read_text(diags, item);

                if (text) items[(*ret_count)++] = (struct stack_pair){item->key, text};
        }
}

void stack_read_keys(struct diag_list *diags, const struct yaml *map, const char *const *words, size_t count)
{
        YAML_EACH(item, map)
        {
                const char *near;
                bool known = false;

                for (size_t i = 0; i < count && !known; i++) known = str_eq(words[i], item->key);
                if (known || !item->key) continue;
                near = str_suggest(item->key, words, count);
                diag_error(diags, item->key_line, item->key_column, "unknown key '%s'%s%s%s", item->key,
                           near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
        }
}
