/* api_call: one request on its way through a handler; the reply is collected here and sent by the worker. Private to
 * server/api. Owner:  the worker; a loop handler has it while the worker waits. Memory: the call frees what it was
 * given. Units:  none. Limits: API_SEGMENTS_MAX captures of a pattern.        Fails: a call without a reply is a 500.
 */
#ifndef SERVER_API_API_CALL_H
#define SERVER_API_API_CALL_H

#include "common/text/json.h"
#include "server/api/api.h"
#include "server/api/library.h"
#include "server/api/view.h"

enum { API_SEGMENTS_MAX = 2, API_SEGMENT_BYTES = 128, API_TEXT_BYTES_MAX = 2 << 20 };

struct api_call {
        struct api *api;
        struct http_exchange *x;
        char segment[API_SEGMENTS_MAX][API_SEGMENT_BYTES];
        struct json *body; /* parsed, when the route asks for JSON */
        int status;        /* 0: no reply yet */
        struct json *json;
        struct buf text; /* instead of json */
        const char *content_type;
        const char *code;     /* problem */
        struct err_note note; /* problem: detail; with code NULL the error code decides */
        struct json *members; /* problem: more members */
};

struct api {
        struct api_options o;
        struct library *library;
        struct view *view;
        struct buf openapi; /* as JSON */
};

typedef void api_fn(struct api_call *call);

void call_json(struct api_call *call, int status, struct json *json); /* takes json */
void call_text(struct api_call *call, int status, const char *content_type, const char *text, size_t size_bytes);
void call_problem(struct api_call *call, int status, const char *code, const char *format, ...) FMT_PRINTF(4, 5);
void call_error(struct api_call *call, enum err e, const struct err_note *note);
/* "r12" of the path is 12; false: a 404 was given. */
bool call_run_number(struct api_call *call, int64_t *ret);
/* The run of the path is the one being played; false: a problem was given. */
bool call_run_is_playing(struct api_call *call);
void call_run(struct api_call *call, int status); /* RUN of the present run */
/* Takes list: {NAME: list}, or, when gathering it failed, the error. */
void call_list(struct api_call *call, const char *name, struct json *list, enum err e, const struct err_note *note);
/* Gives the event to the run and answers with RUN. */
void call_event(struct api_call *call, const struct run_event *event);
/* The comparison of the present run, or null. */
void api_comparison_write(struct api *api, struct buf *out);
/* The query parameter, or NULL; readable from any handler. */
const char *call_param(struct api_call *call, const char *name);
/* A whole number from the query, `otherwise` when absent; false: a 422 was given. */
bool call_param_int(struct api_call *call, const char *name, int64_t min, int64_t max, int64_t otherwise, int64_t *ret);

/* "127.77.N.1:port" of a service of the list. */
void proxy_address(const struct api_call *call, int service, char *dst, size_t dst_bytes);
/* Index of the service in the list; -1: a 404 was given. */
int proxy_service(struct api_call *call, const char *name);

/* Loop handlers. */
api_fn handle_health, handle_version, handle_scenarios, handle_scenario, handle_source, handle_source_put, handle_lint,
        handle_packs, handle_pack_new;
api_fn handle_rehearse, handle_authoring, handle_verify, handle_verify_start, handle_verify_stop, handle_learn_models,
        handle_learn_report;
api_fn handle_runs, handle_run_new, handle_run, handle_run_end, handle_run_events, handle_run_debrief,
        handle_run_actions;
api_fn handle_run_hint, handle_run_diagnosis, handle_run_evidence, handle_run_note, handle_stack;
api_fn handle_run_advice, handle_run_autopilot, handle_run_comparison, handle_agent_room, handle_agent_recordings;
api_fn handle_episodes, handle_episode;
/* Worker handlers. */
api_fn handle_openapi, handle_action, handle_config, handle_history, handle_metrics, handle_shop;
api_fn handle_logs, handle_logs_tail, handle_logs_counts, handle_traces, handle_trace;

#endif
