#include "sut/logproc/tree.h"

#include <stdlib.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"

/* Spans by index; the tree is built from parent indices, so that a loop of parents cannot make a loop of trees. */
struct node {
        const struct json *span;
        double start_us, end_us;
        int parent; /* -1: root */
        int depth;
        bool is_critical;
};

static int node_find(const struct node *nodes, int count, const char *span_id)
{
        for (int i = 0; i < count; i++)
                if (str_eq(json_get_str(nodes[i].span, "span_id", ""), span_id)) return i;
        return -1;
}

/* The number of ancestors; -1 if they go round in a circle or too deep. */
static int node_depth(const struct node *nodes, int index)
{
        int depth = 0;

        for (int at = nodes[index].parent; at >= 0; at = nodes[at].parent)
                if (++depth >= TREE_DEPTH_MAX) return -1;
        return depth;
}

static int nodes_make(const struct json *spans, struct node *nodes)
{
        int count = 0;

        JSON_EACH(span, spans) {
                double start_us = json_get_num(span, "start_us", 0);

                nodes[count++] = (struct node){.span = span, .start_us = start_us, .end_us = start_us + json_get_num(span, "duration_ms", 0) * 1000,
                                               .parent = -1};
        }
        for (int i = 0; i < count; i++) {
                const char *parent_id = json_get_str(nodes[i].span, "parent_id", "");

                nodes[i].parent = parent_id[0] ? node_find(nodes, count, parent_id) : -1;
        }
        for (int i = 0; i < count; i++) {
                nodes[i].depth = node_depth(nodes, i);
                if (nodes[i].depth >= 0) continue;
                nodes[i].parent = -1;
                nodes[i].depth = 0;
        }
        return count;
}

/* Clocks of two processes, and a span that is ended just after its answer was sent, may be this far apart. */
#define TREE_SLACK_US 1000.0

/* Backwards in time: the child that ends last before `until_us` is what the parent waited for. */
static void critical_mark(struct node *nodes, int count, int index)
{
        double until_us = nodes[index].end_us;

        nodes[index].is_critical = true;
        for (;;) {
                int last = -1;

                for (int i = 0; i < count; i++)
                        if (nodes[i].parent == index && !nodes[i].is_critical && nodes[i].end_us <= until_us + TREE_SLACK_US &&
                            (last < 0 || nodes[i].end_us > nodes[last].end_us))
                                last = i;
                if (last < 0) return;
                critical_mark(nodes, count, last);
                until_us = nodes[last].start_us;
        }
}

static struct json *node_json(const struct node *nodes, int count, int index, double first_us)
{
        struct json *j = json_clone(nodes[index].span), *children = json_array();

        json_set_num(j, "at_ms", (nodes[index].start_us - first_us) / 1000);
        json_set_bool(j, "critical", nodes[index].is_critical);
        for (int i = 0; i < count; i++)
                if (nodes[i].parent == index) json_push(children, node_json(nodes, count, i, first_us));
        json_set(j, "children", children);
        return j;
}

static struct json *services_json(const struct node *nodes, int count)
{
        struct json *services = json_array();

        for (int i = 0; i < count; i++) {
                const char *service = json_get_str(nodes[i].span, "service", "");
                bool is_known = false;

                JSON_EACH(known, services) is_known = is_known || str_eq(json_text(known), service);
                if (!is_known) json_push(services, json_string(service));
        }
        return services;
}

struct json *tree_make(const char *trace_id, const struct json *spans)
{
        struct node *nodes = mem_zalloc(json_count(spans) + 1, sizeof *nodes);
        double first_us = 0, last_us = 0;
        bool is_failed = false;
        struct json *tree, *roots;
        int count;

        if (!nodes) return NULL;
        count = nodes_make(spans, nodes);
        for (int i = 0; i < count; i++) {
                if (i == 0 || nodes[i].start_us < first_us) first_us = nodes[i].start_us;
                if (i == 0 || nodes[i].end_us > last_us) last_us = nodes[i].end_us;
                is_failed = is_failed || json_get_bool(nodes[i].span, "failed", false);
        }
        roots = json_array();
        for (int i = 0; i < count; i++) {
                if (nodes[i].parent >= 0) continue;
                critical_mark(nodes, count, i);
                json_push(roots, node_json(nodes, count, i, first_us));
        }
        tree = json_object();
        json_set_str(tree, "trace_id", trace_id);
        json_set_num(tree, "start_ms", (double)(int64_t)(first_us / 1000));
        json_set_num(tree, "duration_ms", (last_us - first_us) / 1000);
        json_set_num(tree, "spans", count);
        json_set_bool(tree, "failed", is_failed);
        json_set(tree, "services", services_json(nodes, count));
        json_set(tree, "roots", roots);
        mem_free(nodes);
        return tree;
}
