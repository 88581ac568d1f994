/* The version of a service's configuration that the config service holds: {"version":n,"config":{...}}. It is read at start and at
 * SIGHUP and wins over local changes of the same keys, so a repair that should last is published, not only patched. */
#include <stdio.h>

#include "common/base/str.h"
#include "common/http/client.h"
#include "common/sys/clock.h"
#include "common/sys/log.h"
#include "sut/kit/inside.h"

enum { PUBLISHED_TIMEOUT_MS = 1000 };

static void state_set(struct kit *k, bool ok, const char *text)
{
        pthread_mutex_lock(&k->lock);
        k->published_ok = ok;
        str_cut(k->published_state, sizeof k->published_state, text);
        pthread_mutex_unlock(&k->lock);
        if (!ok) log_text(LOG_WARN, "config.published_unusable", "%s", text);
}

static void body_apply(struct kit *k, const struct http_response *response)
{
        AUTO(json_free) struct json *body = NULL;
        struct err_note note = { 0 };
        char text[384], reason[64];
        int64_t version;

        if (json_parse(response->body.data, response->body.size_bytes, &body, &note)) {
                snprintf(text, sizeof text, "the config service's answer is not JSON: %.180s", note.text);
                state_set(k, false, text);
                return;
        }
        version = json_get_int(body, "version", 0);
        snprintf(reason, sizeof reason, "published version %lld", (long long)version);
        if (kit_config_patch(k->config, json_get(body, "config"), "config", reason, clock_wall_ms(), NULL, NULL, &note)) {
                snprintf(text, sizeof text, "%s cannot be used: %.180s", reason, note.text);
                state_set(k, false, text);
                return;
        }
        state_set(k, true, reason);
}

void kit_published_apply(struct kit *k)
{
        const char *address = kit_args_upstream(&k->args, "config");
        AUTO(http_client_free) struct http_client *client = NULL;
        struct http_request request = { .connect_timeout_ms = PUBLISHED_TIMEOUT_MS, .timeout_ms = PUBLISHED_TIMEOUT_MS,
                                        .body_bytes_max = CONFIG_FILE_BYTES_MAX };
        struct http_response response;
        struct err_note note = { 0 };
        char url[160], text[384];
        enum err e;

        if (!address) return;
        snprintf(url, sizeof url, "http://%s/published/%s", address, k->args.name);
        request.url = url;
        http_response_init(&response);
        e = http_client_new(&client);
        if (!e) e = http_do(client, &request, &response, &note);
        if (e) {
                snprintf(text, sizeof text, "the config service does not answer: %.200s", note.text);
                state_set(k, false, text);
        } else if (response.status == 404) {
                state_set(k, true, "nothing is published");
        } else if (response.status != 200) {
                snprintf(text, sizeof text, "the config service answered %d", response.status);
                state_set(k, false, text);
        } else {
                body_apply(k, &response);
        }
        http_response_done(&response);
}
