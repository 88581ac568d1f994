#include <stdio.h>
#include <string.h>

#include "common/base/str.h"
#include "common/sys/clock.h"
#include "common/sys/log.h"
#include "sut/api/api.h"
#include "sut/api/pricing.h"
#include "sut/kit/span.h"

enum { EMAIL_BYTES = 128, KEY_BYTES = 96 };

struct wish {
        char email[EMAIL_BYTES], key[KEY_BYTES]; /* key "": none */
        int64_t product_id, quantity;
};

struct priced {
        struct api_product product;
        struct pricing_result result;
};

/* What a customer asked for; false: answered with 422. */
static bool wish_read(struct kit_request *r, struct wish *w)
{
        AUTO(json_free) struct json *body = NULL;
        struct json *findings = json_array();
        const char *key = kit_request_header(r, "Idempotency-Key");
        struct {
                const char *pointer, *detail;
                bool ok;
        } checks[4];

        if (!kit_request_json(r, &body)) {
                json_free(findings);
                return false;
        }
        w->product_id = json_get_int(body, "product_id", 0);
        w->quantity = json_get_int(body, "quantity", 1);
        checks[0].ok = str_copy(w->email, sizeof w->email, json_get_str(body, "email", "")) == ERR_OK && strchr(w->email, '@');
        checks[0].pointer = "/email", checks[0].detail = "must be an e-mail address of at most 127 bytes";
        checks[1].ok = w->product_id >= 1 && w->product_id <= INT32_MAX;
        checks[1].pointer = "/product_id", checks[1].detail = "must be the id of a product";
        checks[2].ok = w->quantity >= 1 && w->quantity <= 1000;
        checks[2].pointer = "/quantity", checks[2].detail = "must be from 1 to 1000";
        checks[3].ok = str_copy(w->key, sizeof w->key, key ? key : "") == ERR_OK;
        checks[3].pointer = "", checks[3].detail = "the header Idempotency-Key must have at most 95 bytes";
        for (size_t i = 0; i < ARRAY_COUNT(checks); i++) {
                struct json *finding;

                if (checks[i].ok) continue;
                finding = json_object();
                json_set_str(finding, "pointer", checks[i].pointer);
                json_set_str(finding, "detail", checks[i].detail);
                json_push(findings, finding);
        }
        if (json_count(findings) == 0) {
                json_free(findings);
                return true;
        }
        kit_reply_findings(r, 422, "INVAL", "the request cannot be served as it stands", findings);
        return false;
}

static enum err price_timed(struct api *a, const struct trace *trace, const struct pricing_basket *basket, struct pricing_result *ret)
{
        enum pricing_algorithm algorithm = (enum pricing_algorithm)kit_config_choice(a->config, API_ALGORITHM);
        const char *name = api_knobs[API_ALGORITHM].choices[algorithm];
        int64_t start_us = clock_mono_us();
        struct kit_span span;
        enum err e;

        kit_span_begin(&span, trace, SPAN_INTERNAL, "process_business_data");
        kit_span_attr(&span, "algorithm", name);
        e = process_business_data(basket, algorithm, ret);
        metrics_observe_trace(metrics_at(a->business_seconds, name), (double)(clock_mono_us() - start_us) / 1e6, trace->trace_id);
        kit_span_end(&span, e != ERR_OK);
        return e;
}

/* Product, the customer's history, live stock, and the price; on one database session. */
static enum err price(struct api *a, struct kit_request *r, struct pg_lease *lease, const struct wish *w, struct priced *ret, struct err_note *reterr)
{
        AUTO(pg_rows_free) struct pg_rows *rows = NULL;
        const char *params[] = { w->email };
        struct pricing_basket basket = { .quantity = w->quantity, .offer_count = (int)kit_config_int(a->config, API_PRICE_OFFERS) };
        enum err e = api_product_known(a, kit_request_trace(r), lease, w->product_id, &ret->product, reterr);

        if (e) return e;
        e = pg_lease_query(lease, "customer_history",
                           "SELECT count(*), coalesce(sum(total_cents), 0)::bigint FROM orders WHERE shop_email_key(email) = shop_email_key($1)", params,
                           1, &rows, reterr);
        if (e) return e;
        api_warehouse_wait(a, kit_request_trace(r));
        basket.product_id = ret->product.id;
        basket.price_cents = ret->product.price_cents;
        basket.past_orders = pg_rows_i64(rows, 0, 0);
        e = price_timed(a, kit_request_trace(r), &basket, &ret->result);
        return e ? err_note(reterr, e, "out of memory") : ERR_OK;
}

static void reply_priced(struct kit_request *r, int status, const struct priced *p, int64_t order_id, const char *order_status)
{
        struct json *body = json_object();

        if (order_id) {
                json_set_num(body, "order_id", (double)order_id);
                json_set_str(body, "status", order_status);
        }
        json_set_num(body, "product_id", (double)p->product.id);
        json_set_num(body, "total_cents", (double)p->result.total_cents);
        json_set_num(body, "discount_percent", p->result.discount_percent);
        json_set_num(body, "combinations", (double)p->result.combinations);
        kit_reply_json(r, status, body);
}

void api_post_quote(struct kit_request *r, void *ctx)
{
        struct api *a = ctx;
        struct err_note note = { 0 };
        struct pg_lease lease;
        struct priced priced;
        struct wish wish;
        enum err e;

        if (!wish_read(r, &wish)) return;
        e = pg_lease_take(a->db, kit_request_trace(r), kit_request_left_ms(r, INT64_MAX), &lease, &note);
        if (!e) {
                e = price(a, r, &lease, &wish, &priced, &note);
                pg_lease_give(&lease);
        }
        if (e)
                kit_reply_err(r, e, &note);
        else
                reply_priced(r, 200, &priced, 0, NULL);
}

/* The order with this idempotency key, placed by an earlier try of the same request. */
static enum err order_by_key(struct pg_lease *lease, const char *key, int64_t *ret_id, struct err_note *reterr)
{
        AUTO(pg_rows_free) struct pg_rows *rows = NULL;
        const char *params[] = { key };
        enum err e = pg_lease_query(lease, "order_by_key", "SELECT id FROM orders WHERE request_key = $1", params, 1, &rows, reterr);

        if (e) return e;
        if (pg_rows_count(rows) == 0) return err_note(reterr, ERR_STATE, "the order with this Idempotency-Key is gone");
        *ret_id = pg_rows_i64(rows, 0, 0);
        return ERR_OK;
}

static enum err order_insert(struct pg_lease *lease, const struct wish *w, const struct priced *p, int64_t *ret_id, bool *ret_fresh, struct err_note *reterr)
{
        AUTO(pg_rows_free) struct pg_rows *rows = NULL;
        char product[24], quantity[24], total[24];
        const char *params[] = { w->email, product, quantity, total, w->key[0] ? w->key : NULL };
        enum err e;

        snprintf(product, sizeof product, "%lld", (long long)w->product_id);
        snprintf(quantity, sizeof quantity, "%lld", (long long)w->quantity);
        snprintf(total, sizeof total, "%lld", (long long)p->result.total_cents);
        e = pg_lease_query(lease, "order_insert",
                           "INSERT INTO orders (email, product_id, quantity, total_cents, status, request_key) VALUES ($1, $2, $3, $4, 'accepted', $5) "
                           "ON CONFLICT (request_key) WHERE request_key IS NOT NULL DO NOTHING RETURNING id",
                           params, 5, &rows, reterr);
        if (e) return e;
        *ret_fresh = pg_rows_count(rows) == 1;
        if (!*ret_fresh) return order_by_key(lease, w->key, ret_id, reterr);
        *ret_id = pg_rows_i64(rows, 0, 0);
        return ERR_OK;
}

void api_post_order(struct kit_request *r, void *ctx)
{
        struct api *a = ctx;
        struct err_note note = { 0 };
        struct pg_lease lease;
        struct priced priced;
        struct wish wish;
        int64_t id = 0;
        bool fresh = false;
        enum err e;

        if (!wish_read(r, &wish)) return;
        e = pg_lease_take(a->db, kit_request_trace(r), kit_request_left_ms(r, INT64_MAX), &lease, &note);
        if (!e) {
                e = price(a, r, &lease, &wish, &priced, &note);
                if (!e) e = order_insert(&lease, &wish, &priced, &id, &fresh, &note);
                pg_lease_give(&lease);
        }
        if (e) {
                metrics_add(metrics_at(a->orders, "failed"), 1);
                kit_reply_err(r, e, &note);
                return;
        }
        api_queue_order(a, kit_request_trace(r), id, priced.result.total_cents);
        metrics_add(metrics_at(a->orders, fresh ? "accepted" : "repeated"), 1);
        log_event(LOG_INFO, "order.accepted", fresh ? "an order was accepted" : "an order was asked for again", KIT_TRACE_FIELDS(kit_request_trace(r)),
                  LOG_N("order_id", id), LOG_N("total_cents", priced.result.total_cents));
        reply_priced(r, fresh ? 201 : 200, &priced, id, "accepted");
}

static enum err order_read(struct api *a, struct kit_request *r, int64_t id, struct json **ret, struct err_note *reterr)
{
        AUTO(pg_rows_free) struct pg_rows *rows = NULL;
        struct pg_lease lease;
        char text[24];
        const char *params[] = { text };
        enum err e = pg_lease_take(a->db, kit_request_trace(r), kit_request_left_ms(r, INT64_MAX), &lease, reterr);

        if (e) return e;
        snprintf(text, sizeof text, "%lld", (long long)id);
        e = pg_lease_query(&lease, "order_get", "SELECT id, product_id, quantity, total_cents, status FROM orders WHERE id = $1", params, 1, &rows, reterr);
        pg_lease_give(&lease);
        if (e) return e;
        if (pg_rows_count(rows) == 0) return err_note(reterr, ERR_NOT_FOUND, "there is no order %lld", (long long)id);
        *ret = json_object();
        json_set_num(*ret, "order_id", (double)pg_rows_i64(rows, 0, 0));
        json_set_num(*ret, "product_id", (double)pg_rows_i64(rows, 0, 1));
        json_set_num(*ret, "quantity", (double)pg_rows_i64(rows, 0, 2));
        json_set_num(*ret, "total_cents", (double)pg_rows_i64(rows, 0, 3));
        json_set_str(*ret, "status", pg_rows_text(rows, 0, 4));
        return ERR_OK;
}

void api_get_order(struct kit_request *r, void *ctx)
{
        struct json *order = NULL;
        struct err_note note = { 0 };
        int64_t id;
        enum err e;

        if (!kit_request_param_int(r, 1, INT64_MAX, &id)) return;
        e = order_read(ctx, r, id, &order, &note);
        if (e)
                kit_reply_err(r, e, &note);
        else
                kit_reply_json(r, 200, order);
}
