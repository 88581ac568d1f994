/* The list of services, and the arguments of a fault, as anybody may write them: findings or values, never a crash. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/base/check.h"
#include "common/stack/stack.h"
#include "control-agent/inject/order.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void one_list(const char *bytes, size_t size)
{
        struct stack_spec *spec = NULL;
        struct diag_list diags;
        size_t edge;
        AUTO_BUF ports;

        diag_list_init(&diags, "list");
        buf_init(&ports, 1 << 18);
        if (stack_spec_parse(bytes, size, &diags, &spec) == ERR_OK) {
                CHECK(spec->services_count > 0 && diags.error_count == 0);
                stack_ports_write(spec, &ports);
                for (size_t i = 0; i < spec->edges_count; i++) {
                        char name[2 * STACK_NAME_BYTES + 8];

                        stack_edge_name(spec, i, name, sizeof(name));
                        (void)!stack_edge_find(spec, name, &edge, NULL);
                }
        } else {
                CHECK(!spec && (diags.error_count || diags.dropped));
        }
        stack_spec_free(spec);
        diag_list_done(&diags);
}

/* The first byte says which kind of fault; the rest is its arguments. */
static void one_order(const char *bytes, size_t size)
{
        AUTO(json_free) struct json *args = NULL;
        struct order order;
        struct err_note note = {0};

        if (size == 0 || json_parse(bytes + 1, size - 1, &args, NULL)) return;
        if (order_parse(order_kind_text((unsigned char)bytes[0] % ORDER_KIND_COUNT), args, &order, &note))
                CHECK(*note.text);
        else if (order_is_net(&order))
                CHECK(order.net.probability > 0 && order.net.probability <= 1 && order.net.ms >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        one_list((const char *)bytes, size);
        one_order((const char *)bytes, size);
        return 0;
}
