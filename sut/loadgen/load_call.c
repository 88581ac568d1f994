#include "sut/loadgen/load_call.h"

#include <stdio.h>
#include <string.h>

#include "common/base/attr.h"
#include "common/base/check.h"
#include "common/base/str.h"
#include "common/text/json.h"

static const char *const categories[] = {"home",  "kitchen", "garden", "office", "clothing",
                                         "toys",  "books",   "sports", "music",  "travel"};

static void call_body(struct load_call *call, const struct crowd_user *user)
{
        snprintf(call->body, sizeof call->body, "{\"email\":\"customer.%d@example.com\",\"product_id\":%d,\"quantity\":%d}",
                 user->customer, user->product, user->quantity);
}

static void call_step(struct load_call *call, const char *base, const struct crowd_user *user)
{
        call->request.method = "POST";
        switch (crowd_user_step(user)) {
        case CROWD_BROWSE:
                call->request.method = "GET";
                snprintf(call->url, sizeof call->url, "%s/products?category=%s", base,
                         categories[user->product % (int)ARRAY_COUNT(categories)]);
                break;
        case CROWD_PRODUCT:
                call->request.method = "GET";
                snprintf(call->url, sizeof call->url, "%s/products/%d", base, user->product);
                break;
        case CROWD_LOGIN:
                snprintf(call->url, sizeof call->url, "%s/login", base);
                snprintf(call->body, sizeof call->body, "{\"email\":\"customer.%d@example.com\",\"password\":\"customer-%d\"}",
                         user->customer, user->customer);
                break;
        case CROWD_QUOTE:
                snprintf(call->url, sizeof call->url, "%s/quote", base);
                call_body(call, user);
                break;
        case CROWD_ORDER:
                snprintf(call->url, sizeof call->url, "%s/orders", base);
                call_body(call, user);
                break;
        case CROWD_STEP_COUNT: CHECK(false);
        }
}

void load_call_build(struct load_call *call, const char *base, const struct crowd_user *user, const struct trace *trace,
                     uint64_t run_id, int64_t timeout_ms)
{
        char parent[TRACE_HEADER_BYTES];
        size_t count = 0;

        *call = (struct load_call){.request = {.timeout_ms = timeout_ms, .connect_timeout_ms = timeout_ms,
                                               .body_bytes_max = 256 * 1024}};
        call_step(call, base, user);
        call->request.url = call->url;
        trace_header(trace, parent);
        snprintf(call->trace_header, sizeof call->trace_header, "traceparent: %s", parent);
        call->request.headers[count++] = call->trace_header;
        if (call->body[0]) {
                call->request.body = call->body;
                call->request.body_bytes = strlen(call->body);
                call->request.headers[count++] = "Content-Type: application/json";
        }
        if (crowd_user_step(user) == CROWD_ORDER) {
                snprintf(call->key_header, sizeof call->key_header, "Idempotency-Key: user-%016llx-%llu",
                         (unsigned long long)run_id, (unsigned long long)user->journey_number);
                call->request.headers[count++] = call->key_header;
        }
        if (user->token[0]) {
                snprintf(call->token_header, sizeof call->token_header, "Authorization: Bearer %s", user->token);
                call->request.headers[count++] = call->token_header;
        }
}

void load_call_learn(struct crowd_user *user, const struct buf *body)
{
        enum crowd_step step = crowd_user_step(user);
        AUTO(json_free) struct json *answer = NULL;
        int64_t cents;

        if (step == CROWD_BROWSE) return;
        if (json_parse(body->data, body->size_bytes, &answer, NULL)) return;
        switch (step) {
        case CROWD_PRODUCT:
                cents = json_get_int(answer, "price_cents", 0);
                if (cents > 0) user->value_cents = cents * user->quantity;
                break;
        case CROWD_LOGIN:
                /* A token too long to keep is as good as none: the next step is refused, and that is seen. */
                if (str_copy(user->token, sizeof user->token, json_get_str(answer, "access_token", ""))) user->token[0] = '\0';
                break;
        case CROWD_QUOTE:
        case CROWD_ORDER:
                cents = json_get_int(answer, "total_cents", 0);
                if (cents > 0) user->value_cents = cents;
                break;
        case CROWD_BROWSE:
        case CROWD_STEP_COUNT: break;
        }
}
