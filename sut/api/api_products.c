#include <stdio.h>

#include "common/base/str.h"
#include "common/sys/clock.h"
#include "sut/api/api.h"
#include "sut/kit/span.h"

enum { API_PAGE_BYTES_MAX = 64 * 1024 };

void api_warehouse_wait(struct api *a, const struct trace *trace)
{
        int64_t start_us = clock_mono_us(), wait_us = kit_config_int(a->config, API_WAREHOUSE_MS) * 1000;
        struct kit_span span;

        if (!kit_config_on(a->config, API_WAREHOUSE_ENABLED) || wait_us == 0) return;
        kit_span_begin(&span, trace, SPAN_CLIENT, "warehouse stock");
        wait_us = (int64_t)((double)wait_us * (0.85 + 0.3 * kit_random_unit()));
        clock_sleep_until_ns((start_us + wait_us) * 1000);
        metrics_observe(a->warehouse_seconds, (double)(clock_mono_us() - start_us) / 1e6);
        kit_span_end(&span, false);
}

static enum err product_read(struct pg_lease *lease, int64_t id, struct api_product *ret, struct err_note *reterr)
{
        AUTO(pg_rows_free) struct pg_rows *rows = NULL;
        char text[24];
        const char *params[] = { text };
        enum err e;

        snprintf(text, sizeof text, "%lld", (long long)id);
        e = pg_lease_query(lease, "product_get", "SELECT id, sku, name, category, price_cents FROM products WHERE id = $1", params, 1, &rows, reterr);
        if (e) return e;
        if (pg_rows_count(rows) == 0) return err_note(reterr, ERR_NOT_FOUND, "there is no product %lld", (long long)id);
        ret->id = pg_rows_i64(rows, 0, 0);
        str_cut(ret->sku, sizeof ret->sku, pg_rows_text(rows, 0, 1));
        str_cut(ret->name, sizeof ret->name, pg_rows_text(rows, 0, 2));
        str_cut(ret->category, sizeof ret->category, pg_rows_text(rows, 0, 3));
        ret->price_cents = pg_rows_i64(rows, 0, 4);
        return ERR_OK;
}

static struct json *product_list(const struct pg_rows *rows)
{
        struct json *body = json_object(), *products = json_array();

        for (int i = 0; i < pg_rows_count(rows); i++) {
                struct json *product = json_object();

                json_set_num(product, "id", (double)pg_rows_i64(rows, i, 0));
                json_set_str(product, "sku", pg_rows_text(rows, i, 1));
                json_set_str(product, "name", pg_rows_text(rows, i, 2));
                json_set_num(product, "price_cents", (double)pg_rows_i64(rows, i, 3));
                json_push(products, product);
        }
        json_set(body, "products", products);
        return body;
}

static enum err list_load(struct api *a, struct kit_request *r, const char *category, const char *key, struct buf *out, struct err_note *reterr)
{
        const char *params[] = { category };
        AUTO(pg_rows_free) struct pg_rows *rows = NULL;
        AUTO(json_free) struct json *list = NULL;
        struct pg_lease lease;
        enum err e = pg_lease_take(a->db, kit_request_trace(r), kit_request_left_ms(r, INT64_MAX), &lease, reterr);

        if (e) return e;
        e = pg_lease_query(&lease, "product_list",
                           "SELECT id, sku, name, price_cents FROM products WHERE category = $1 ORDER BY popularity DESC, id LIMIT 20", params, 1,
                           &rows, reterr);
        if (!e) api_warehouse_wait(a, kit_request_trace(r));
        pg_lease_give(&lease);
        if (e) return e;
        list = product_list(rows);
        e = json_print(list, out);
        if (e) return err_note(reterr, e, "the list is too long, or there is no memory");
        api_cache_put(a, kit_request_trace(r), key, out->data, out->size_bytes);
        return ERR_OK;
}

void api_get_products(struct kit_request *r, void *ctx)
{
        struct api *a = ctx;
        const char *category = kit_request_query(r, "category");
        struct err_note note = { 0 };
        enum err e = ERR_OK;
        bool hit, mine;
        char key[64];
        AUTO_BUF page;

        buf_init(&page, API_PAGE_BYTES_MAX);
        if (!category) category = "home";
        if (snprintf(key, sizeof key, "list:%s", category) >= (int)sizeof key) {
                kit_reply_problem(r, 404, "NOT_FOUND", "there is no such category");
                return;
        }
        hit = api_cache_get(a, kit_request_trace(r), key, &page);
        if (hit) {
                api_warehouse_wait(a, kit_request_trace(r));
        } else {
                mine = api_cache_load(a, key);
                hit = !mine && api_cache_get(a, kit_request_trace(r), key, &page);
                if (!hit) e = list_load(a, r, category, key, &page, &note);
                if (mine) api_cache_loaded(a, key);
        }
        kit_reply_header(r, "X-Cache", hit ? "hit" : "miss");
        if (e)
                kit_reply_err(r, e, &note);
        else
                kit_reply_bytes(r, 200, "application/json", page.data, page.size_bytes);
}

enum err api_product_known(struct api *a, const struct trace *trace, struct pg_lease *lease, int64_t id, struct api_product *ret, struct err_note *reterr)
{
        AUTO(json_free) struct json *j = NULL;
        char key[48];
        AUTO_BUF text;
        enum err e;

        buf_init(&text, API_PAGE_BYTES_MAX);
        snprintf(key, sizeof key, "product:%lld", (long long)id);
        if (api_cache_get(a, trace, key, &text) && !json_parse(text.data, text.size_bytes, &j, NULL)) {
                ret->id = id;
                ret->price_cents = json_get_int(j, "price_cents", 0);
                str_cut(ret->sku, sizeof ret->sku, json_get_str(j, "sku", ""));
                str_cut(ret->name, sizeof ret->name, json_get_str(j, "name", ""));
                str_cut(ret->category, sizeof ret->category, json_get_str(j, "category", ""));
                if (ret->price_cents > 0) return ERR_OK;
        }
        e = product_read(lease, id, ret, reterr);
        if (e) return e;
        json_free(j);
        j = json_object();
        json_set_str(j, "sku", ret->sku);
        json_set_str(j, "name", ret->name);
        json_set_str(j, "category", ret->category);
        json_set_num(j, "price_cents", (double)ret->price_cents);
        buf_clear(&text);
        if (!json_print(j, &text)) api_cache_put(a, trace, key, text.data, text.size_bytes);
        return ERR_OK;
}

static enum err product_page(struct api *a, struct kit_request *r, int64_t id, struct json **ret, struct err_note *reterr)
{
        AUTO(pg_rows_free) struct pg_rows *rows = NULL;
        struct api_product product;
        struct pg_lease lease;
        char text[24];
        const char *params[] = { text };
        enum err e = pg_lease_take(a->db, kit_request_trace(r), kit_request_left_ms(r, INT64_MAX), &lease, reterr);

        if (e) return e;
        snprintf(text, sizeof text, "%lld", (long long)id);
        e = api_product_known(a, kit_request_trace(r), &lease, id, &product, reterr);
        if (!e) e = pg_lease_query(&lease, "product_sold", "SELECT count(*) FROM orders WHERE product_id = $1", params, 1, &rows, reterr);
        if (!e) api_warehouse_wait(a, kit_request_trace(r));
        pg_lease_give(&lease);
        if (e) return e;
        *ret = json_object();
        json_set_num(*ret, "id", (double)product.id);
        json_set_str(*ret, "sku", product.sku);
        json_set_str(*ret, "name", product.name);
        json_set_str(*ret, "category", product.category);
        json_set_num(*ret, "price_cents", (double)product.price_cents);
        json_set_num(*ret, "sold", (double)pg_rows_i64(rows, 0, 0));
        if (kit_config_on(a->config, API_WAREHOUSE_ENABLED)) json_set_num(*ret, "in_stock", (double)(product.id * 7919 % 400));
        return ERR_OK;
}

void api_get_product(struct kit_request *r, void *ctx)
{
        struct json *page = NULL;
        struct err_note note = { 0 };
        int64_t id;
        enum err e;

        if (!kit_request_param_int(r, 1, INT32_MAX, &id)) return;
        e = product_page(ctx, r, id, &page, &note);
        if (e)
                kit_reply_err(r, e, &note);
        else
                kit_reply_json(r, 200, page);
}
