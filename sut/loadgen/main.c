/* sut-loadgen: the shop's users. See README.md. */
#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "sut/kit/request.h"
#include "sut/kit/service.h"
#include "sut/loadgen/load_book.h"
#include "sut/loadgen/load_knobs.h"
#include "sut/loadgen/load_run.h"

struct loadgen {
        struct load_book *book;
        struct load_run *run;
};

static void loadgen_stop(void *ctx)
{
        struct loadgen *g = ctx;

        if (!g) return;
        load_run_free(g->run);
        load_book_free(g->book);
        mem_free(g);
}

/* GET /sample?after=N: live requests for the control panel. */
static void loadgen_sample(struct kit_request *r, void *ctx)
{
        struct loadgen *g = ctx;
        const char *text = kit_request_query(r, "after");
        uint64_t after = 0;

        if (text && str_parse_u64(text, UINT64_C(1) << 53, &after)) {
                kit_reply_problem(r, 400, "PARSE", "after=%s: expected the number 'last' of an earlier answer", text);
                return;
        }
        kit_reply_json(r, 200, load_book_sample(g->book, after));
}

static enum err loadgen_start(struct kit *k, void **ret_ctx, struct err_note *reterr)
{
        struct loadgen *g = mem_zalloc(1, sizeof *g);
        enum err e;

        if (!g) return err_note(reterr, ERR_NOMEM, "no memory for the users");
        e = load_book_new(kit_metrics(k), &g->book);
        if (e) err_note(reterr, e, "no memory for the accounts");
        else e = load_run_new(kit_upstream_address(k, "gateway"), kit_config(k), g->book, &g->run, reterr);
        if (e) {
                loadgen_stop(g);
                return e;
        }
        kit_route(k, KIT_DIRECT, "GET", "/sample", loadgen_sample);
        *ret_ctx = g;
        return ERR_OK;
}

/* What the schema cannot say: a list of rates. */
static enum err loadgen_apply(void *ctx, const struct json *changed, struct err_note *reterr)
{
        const char *replay = json_get_str(changed, load_knobs[LOAD_KNOB_REPLAY_RPS].key, NULL);
        struct load_profile scratch;

        (void)ctx;
        return replay ? load_replay_parse(replay, &scratch, reterr) : ERR_OK;
}

static void loadgen_changed(void *ctx)
{
        struct loadgen *g = ctx;

        load_run_change(g->run);
}

static const char *const upstreams[] = {"gateway", NULL};

static const struct kit_spec spec = {
        .name = "loadgen", .title = "Users", .knobs = load_knobs, .knob_count = LOAD_KNOB_COUNT, .http_threads = 4,
        .upstreams = upstreams, .start = loadgen_start, .apply = loadgen_apply, .changed = loadgen_changed,
        .stop = loadgen_stop,
};

int main(int argc, char **argv)
{
        return kit_main(&spec, argc, argv);
}
