/* The format of a scenario, key by key. docs/scenarios.md explains it; scenarios/schema.json and the reference in the
 * docs are made from here. */
#include "server/engine/shape.h"

#include "common/base/attr.h"
#include "common/base/check.h"
#include "server/engine/scenario.h"

#define MS_PER_S 1000.0
#define MS_PER_M 60000.0
#define TEXT(k, is_required, max_bytes, text)                                                                          \
        { .key = k, .type = SHAPE_TEXT, .required = is_required, .min = is_required, .max = max_bytes, .doc = text }
#define IDENT(k, is_required, text) { .key = k, .type = SHAPE_ID, .required = is_required, .max = SCENARIO_ID_BYTES_MAX, .doc = text }
#define KIND(k, text) { .key = k, .type = SHAPE_KIND, .doc = text }
#define INTEGER(k, is_required, low, high, text)                                                                       \
        { .key = k, .type = SHAPE_INTEGER, .required = is_required, .min = low, .max = high, .doc = text }
#define NUMBER(k, is_required, low, high, text)                                                                        \
        { .key = k, .type = SHAPE_NUMBER, .required = is_required, .min = low, .max = high, .doc = text }
#define TIME(k, is_required, low_ms, high_ms, text)                                                                    \
        { .key = k, .type = SHAPE_DURATION, .required = is_required, .min = low_ms, .max = high_ms, .doc = text }
#define FLAG(k, text) { .key = k, .type = SHAPE_BOOL, .doc = text }
#define WORDS(k, is_required, text)                                                                                    \
        { .key = k, .type = SHAPE_WORDS, .required = is_required, .max = SCENARIO_WORDS_MAX, .doc = text }
#define CHOICE(k, is_required, list, text)                                                                             \
        { .key = k, .type = SHAPE_CHOICE, .required = is_required, .choices = list, .doc = text }
#define MAP(k, is_required, shape, text) { .key = k, .type = SHAPE_MAP, .required = is_required, .sub = shape, .doc = text }
#define LIST(k, is_required, shape, low, high, text)                                                                   \
        { .key = k, .type = SHAPE_LIST, .required = is_required, .sub = shape, .min = low, .max = high, .doc = text }
#define OTHER(k, is_required, kind, text) { .key = k, .type = kind, .required = is_required, .doc = text }
#define END { .key = NULL }

static const struct shape_field load_fields[] = {
        CHOICE("profile", true, "steady|ramp|wave|burst|replay", "how the rate of new user journeys moves; open loop: it does not slow down when the shop does"),
        NUMBER("rps", true, 0.1, 1000, "the (base) rate in requests per second"),
        NUMBER("to_rps", false, 0.1, 10000, "ramp: the rate at its end; burst: the rate while it lasts"),
        TIME("over", false, MS_PER_S, 240 * MS_PER_M, "ramp: how long it takes"),
        NUMBER("amplitude", false, 0, 10000, "wave: how far the rate swings around rps"),
        TIME("period", false, 2 * MS_PER_S, 60 * MS_PER_M, "wave, burst: the time from one swing or burst to the next"),
        TIME("for", false, MS_PER_S, 60 * MS_PER_M, "burst: how long one lasts"),
        TEXT("trace", false, 255, "replay: rates one after the other, such as '20,40,60,40'"),
        TIME("step", false, MS_PER_S, 60 * MS_PER_M, "replay: how long each rate lasts"),
        FLAG("sign_in", "users sign in before they ask for a price"),
        END,
};
static const struct shape shape_load = { "load", load_fields, "The users of the shop during the run." };

static const struct shape_field baseline_fields[] = {
        TIME("settle", false, MS_PER_S, 10 * MS_PER_M, "how long all criteria must hold on the healthy system (10s)"),
        TIME("within", false, 5 * MS_PER_S, 15 * MS_PER_M, "how long to wait for that before the run is called off (90s)"),
        END,
};
static const struct shape shape_baseline = { "baseline", baseline_fields, "Proof that the system is healthy before anything breaks." };

static const struct shape_field say_fields[] = {
        TEXT("from", true, 64, "who says it: manager, support, a customer"),
        TEXT("text", true, 1000, "what"),
        END,
};
static const struct shape shape_say = { "say", say_fields, "A message in the incident feed." };

static const struct shape_field event_fields[] = {
        TIME("at", true, 0, 240 * MS_PER_M, "from the moment the baseline holds"),
        TIME("jitter", false, 0, 30 * MS_PER_M, "up to this much later, drawn from the seed"),
        KIND("fault", "what breaks: a kind of the fault library"),
        KIND("herring", "a harmless change that looks guilty: a kind of the fault library"),
        MAP("say", false, &shape_say, "a message instead of a fault"),
        TEXT("on", false, 80, "where: a service, or an edge such as api->db"),
        OTHER("args", false, SHAPE_ARGS, "arguments of the fault"),
        TIME("for", false, 100, 240 * MS_PER_M, "undone after this long; without it, at the end of the run"),
        CHOICE("as", false, "deploy", "the learner sees it in the feed as a deploy"),
        TEXT("note", false, 200, "what the deploy says (herrings are always shown)"),
        END,
};
static const struct shape shape_event = { "an event of the timeline", event_fields, "Exactly one of fault, herring and say." };

static const struct shape_field confirm_fields[] = {
        TIME("after", false, 0, 15 * MS_PER_M, "not before this long after the first fault, for triggers that come later (0s)"),
        TIME("within", false, 5 * MS_PER_S, 15 * MS_PER_M, "how long the symptom may take to show, from the first fault (60s)"),
        WORDS("symptom", false, "all must be true at once: 'not ID' of a criterion, or a comparison such as 'fd:service_queue:depth > 10'; by default any criterion fails"),
        END,
};
static const struct shape shape_confirm = { "confirm", confirm_fields, "Proof that the fault bites, before the learner's clock starts." };

static const struct shape_field probe_http_fields[] = {
        TEXT("on", true, SCENARIO_ID_BYTES_MAX, "the service that is asked, by name; a POST goes to the gateway only"),
        TEXT("path", true, SCENARIO_PROBE_PATH_BYTES_MAX, "path and query, such as /products?page=1"),
        CHOICE("method", false, "GET|POST", "GET unless said otherwise"),
        OTHER("body", false, SHAPE_ARGS, "POST: sent as JSON"),
        CHOICE("read", false, "ok|status|seconds|json", "what the value is: ok (1 when the status is the expected one, else 0, also without an answer), the status, the seconds it took, or a number in the JSON answer"),
        INTEGER("status", false, 100, 599, "ok: the expected status (200)"),
        TEXT("pointer", false, 200, "json: where the number is, such as /total_cents"),
        END,
};
static const struct shape shape_probe_http = { "an HTTP probe", probe_http_fields, "A request to a service, as a user would make it." };

static const struct shape_field probe_config_fields[] = {
        TEXT("on", true, SCENARIO_ID_BYTES_MAX, "the service whose configuration is read"),
        TEXT("key", true, SCENARIO_ID_BYTES_MAX, "the key"),
        TEXT("is", false, 200, "the value is 1 when the effective setting is this, else 0; without it, the number itself"),
        END,
};
static const struct shape shape_probe_config = { "a configuration probe", probe_config_fields, "What a service really runs with." };

static const struct shape_field probe_database_fields[] = {
        CHOICE("check", true, SCENARIO_DB_CHECKS, "what is counted: orders accepted more than a minute ago and neither settled nor given up; orders of the run that were given up or declined; orders of the run that were not settled exactly once; payments without an order; products, customers and past orders of the seed that are gone"),
        END,
};
static const struct shape shape_probe_database = { "a database probe", probe_database_fields, "A count over the shop's tables; 0 is as it should be." };

static const struct shape_field probe_fields[] = {
        MAP("http", false, &shape_probe_http, "a request to a service"),
        MAP("config", false, &shape_probe_config, "a setting of a service"),
        MAP("database", false, &shape_probe_database, "a count over the shop's tables"),
        TIME("every", false, MS_PER_S, 60 * MS_PER_S, "how often (2s)"),
        TIME("timeout", false, 100, 5 * MS_PER_S, "how long an answer may take (1s)"),
        INTEGER("retries", false, 0, 3, "asked again at once so often before a missing or bad answer counts (0)"),
        END,
};
static const struct shape shape_probe = { "a probe", probe_fields, "Exactly one of http, config and database: a question to the running shop, asked by the server, to services of the stack only." };

static const struct shape_field criterion_fields[] = {
        IDENT("id", true, "unique among criteria and guards"),
        TEXT("title", false, 120, "what the learner reads; required for PromQL criteria"),
        OTHER("promql", false, SHAPE_PROMQL, "expression with one value"),
        MAP("probe", false, &shape_probe, "instead of promql: a question to the running shop"),
        OTHER("target", false, SHAPE_TARGET, "what the value must satisfy; a factor of what the healthy system showed is written '< 1.5 x baseline' or '>= 90 % of baseline' (probes: '== 1' for ok and is, '== 0' for database)"),
        CHOICE("mode", false, "continuous|before|during|after|edge", "when it is judged: before and during the incident (continuous, the default), only before, only during, once the other criteria are held (after), or before and after (edge)"),
        TEXT("unit", false, 24, "unit of the value: s, ratio, requests/s, ..."),
        TIME("hold", false, 0, 60 * MS_PER_M, "how long without a break (30s; modes after and edge: 0s)"),
        TIME("grace", false, 0, 60 * MS_PER_S, "a dip shorter than this does not break a hold (0s)"),
        NUMBER("weight", false, 0.1, 100, "share of the outcome's points (1)"),
        TEXT("reason", false, 300, "said while the criterion is not met, in addition to value and target"),
        WORDS("after", false, "replay: ids of the criteria that must be held first"),
        KIND("replay", "a fault that is done once more after the repair; arguments default to those of the timeline"),
        TEXT("on", false, 80, "replay: where, if not as in the timeline"),
        OTHER("args", false, SHAPE_ARGS, "replay: arguments, if not as in the timeline"),
        TIME("for", false, 100, 10 * MS_PER_M, "replay: how long, if not as in the timeline"),
        TIME("recover_within", false, MS_PER_S, 30 * MS_PER_M, "replay: all criteria of `after` must be met again this soon after it is over (60s)"),
        END,
};
static const struct shape shape_criterion = { "a criterion", criterion_fields,
        "Level-triggered: a met criterion can be lost again. Either promql and target, or a probe, or replay and after." };

static const struct shape_field guard_fields[] = {
        IDENT("id", true, "unique among criteria and guards"),
        OTHER("promql", true, SHAPE_PROMQL, "comparison that is true when the rule is broken, such as 'fd:offered_rps < 36'"),
        TEXT("reason", true, 300, "what was done wrong"),
        TIME("for", false, 0, 30 * MS_PER_M, "how long it must be true (5s)"),
        FLAG("final", "the run ends as failed at once; otherwise it cannot be resolved while the rule is broken"),
        END,
};
static const struct shape shape_guard = { "a guard", guard_fields, "A repair that cheats ends in a named violation." };

#define CAUSE_FIELDS                                                                                                   \
        IDENT("component", true, "the service that is to blame"), IDENT("mechanism", true, "one of the fixed list"),     \
        OTHER("object", false, SHAPE_ARGS, "what exactly, as one pair such as {key: rpc_retries} or {index: orders_index}")

static const struct shape_field cause_fields[] = { CAUSE_FIELDS, END };
static const struct shape shape_cause = { "a further cause", cause_fields, "A second fault at the same time." };

static const struct shape_field truth_fields[] = {
        CAUSE_FIELDS,
        WORDS("path", false, "how it spreads, from the cause to the users"),
        WORDS("victims", false, "services that suffer and are not to blame"),
        LIST("also", false, &shape_cause, 1, SCENARIO_CAUSES_MAX - 1, "further causes"),
        END,
};
static const struct shape shape_truth = { "truth", truth_fields, "The answer. Never sent to the learner before the debrief." };

static const struct shape_field evidence_fields[] = {
        WORDS("symptom", false, "where the symptom is seen (3/10 of the trail)"),
        WORDS("path", false, "where its way through the system is seen (4/10)"),
        WORDS("cause", false, "where the cause is seen (3/10)"),
        END,
};
static const struct shape shape_evidence = { "evidence", evidence_fields,
        "What a good investigation touches: panel:SERVICE.CHART, metric:NAME, config:SERVICE.KEY, history:SERVICE, logs:SERVICE, "
        "trace:SERVICE, process:SERVICE, event:deploy, user:JOURNEY." };

static const struct shape_field hint_fields[] = {
        IDENT("id", false, "h1, h2, ... by default"),
        TEXT("text", false, 600, "where to look, never the command; not for agent hints"),
        TIME("after", false, 0, 240 * MS_PER_M, "from the page"),
        CHOICE("unless_seen", false, "symptom|path|cause", "only while nothing of this part of the evidence was seen"),
        CHOICE("seen", false, "symptom|path|cause", "only once something of this part of the evidence was seen"),
        TEXT("when", false, 200, "only when true: ID.unmet_for > 6m, ID.held_for > 10s, or a PromQL comparison"),
        FLAG("agent", "the text is the agent's advice at that moment"),
        INTEGER("cost", false, 0, 50, "points; a free hint is shown at once, others are offered"),
        END,
};
static const struct shape shape_hint = { "a hint", hint_fields, "Offered when every condition it names is true." };

static const struct shape_field wrong_fix_fields[] = {
        OTHER("do", true, SHAPE_RECIPE, "steps that look right"),
        TEXT("explain", true, 1000, "why they do not help"),
        END,
};
static const struct shape shape_wrong_fix = { "a wrong fix", wrong_fix_fields, "Recognised when made, and explained in the debrief." };

static const struct shape_field step_fields[] = {
        TEXT("on", false, 80, "a service, or an edge such as api->db"),
        OTHER("args", false, SHAPE_ARGS, "arguments"),
        TIME("for", false, 100, 240 * MS_PER_M, "how long"),
        END,
};
const struct shape shape_step = { "a step", step_fields, "One thing done to the system; its key is the kind." };

static const struct shape_field scenario_fields[] = {
        INTEGER("schema", true, 1, 1, "version of this format"),
        IDENT("id", true, "unique, equals the file's name"),
        TEXT("title", true, 100, "one line that does not give the cause away"),
        INTEGER("level", true, 1, 5, "1 easy .. 5 hard"),
        INTEGER("order", false, 1, 999, "place in the suggested path"),
        TIME("time_limit", true, MS_PER_M, SCENARIO_TIME_LIMIT_MS_MAX, "counts from the page"),
        INTEGER("seed", false, 1, 4294967295.0, "everything random in the run derives from it (1)"),
        WORDS("tags", false, "for search"),
        WORDS("objectives", true, "what one can do after it"),
        TEXT("brief", true, 4000, "Markdown: the page that woke you"),
        MAP("load", true, &shape_load, "the users"),
        MAP("baseline", false, &shape_baseline, "the healthy system"),
        LIST("timeline", true, &shape_event, 1, SCENARIO_TIMELINE_MAX, "what happens"),
        MAP("confirm", false, &shape_confirm, "proof that it bites"),
        FLAG("false_alarm", "nothing breaks; the right answer is to look, and to do no harm"),
        FLAG("needs_diagnosis", "resolved only once the learner has also said what it was"),
        FLAG("restart_ok", "restarting everything is a fair repair"),
        LIST("criteria", true, &shape_criterion, 1, SCENARIO_CRITERIA_MAX, "how success is judged"),
        LIST("must_not", false, &shape_guard, 0, SCENARIO_GUARDS_MAX, "guard rails, besides those of every scenario"),
        WORDS("allow", false, "rules of every scenario that do not hold here: users, data, alerts, features"),
        MAP("truth", true, &shape_truth, "the answer"),
        MAP("evidence", false, &shape_evidence, "the trail to it"),
        LIST("hints", false, &shape_hint, 0, SCENARIO_HINTS_MAX, "help"),
        OTHER("solutions", false, SHAPE_RECIPES, "every one of them must pass"),
        LIST("wrong_fixes", false, &shape_wrong_fix, 0, SCENARIO_SOLUTIONS_MAX, "every one of them must fail"),
        OTHER("score", false, SHAPE_SCORE, "points (outcome 50, harm 20, diagnosis 20, hints 10)"),
        TEXT("debrief", true, 8000, "Markdown: what to take home"),
        TEXT("instructor", false, 8000, "Markdown: learning aim, expected path, questions to ask"),
        END,
};
const struct shape shape_scenario = { "a scenario", scenario_fields, "One incident: what breaks, what is told, how it is judged, what is true." };

static const struct shape_field pack_fields[] = {
        INTEGER("schema", true, 1, 1, "version of this format"),
        IDENT("name", true, "prefix of its scenarios: NAME/ID"),
        TEXT("title", true, 100, "for people"),
        TEXT("version", false, 32, "of the pack"),
        TEXT("author", false, 100, "who made it"),
        TEXT("license", false, 64, "under which it may be used"),
        TEXT("description", false, 2000, "Markdown"),
        { .key = "scenarios", .type = SHAPE_WORDS, .min = 1, .max = 200, .doc = "file names in the pack's folder; without it, every .yaml file in it" },
        END,
};
const struct shape shape_pack = { "a pack", pack_fields, "pack.yaml: a folder of scenarios that somebody else made." };

static const struct shape *const shapes[] = {
        &shape_scenario, &shape_load, &shape_baseline, &shape_event, &shape_say, &shape_confirm, &shape_criterion, &shape_probe,
        &shape_probe_http, &shape_probe_config, &shape_probe_database, &shape_guard,
        &shape_truth, &shape_cause, &shape_evidence, &shape_hint, &shape_step, &shape_wrong_fix, &shape_pack,
};

size_t shape_count(void)
{
        return ARRAY_COUNT(shapes);
}

const struct shape *shape_at(size_t index)
{
        CHECK(index < ARRAY_COUNT(shapes));
        return shapes[index];
}
