/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* providers.NAME: the keys of each type, what is missing, what belongs to another type; the
 * templated http provider. */
#include "../lib/th_config.h"
#include "../lib/th_unit.h"

#define BASE "base_url: 'http://127.0.0.1:1'"

static const struct {
    enum provider_type type;
    const char *name;
    const char *needed; /* words: keys that it cannot do without, base_url aside */
    const char *own;    /* words: all keys that are not common to all types */
} types[] = {
    {PROVIDER_TAQNYAT, "taqnyat", "sender token", "sender token"},
    {PROVIDER_UNIFONIC, "unifonic", "sender app_sid", "sender app_sid"},
    {PROVIDER_MSEGAT, "msegat", "sender user api_key", "sender user api_key"},
    {PROVIDER_TWILIO, "twilio", "account_sid auth_token from", "account_sid auth_token from"},
    {PROVIDER_HTTP, "http", "path",
     "sender method path headers body content_type success id_path error_path"},
    {PROVIDER_MOYASAR, "moyasar", "secret_key webhook_secret", "secret_key webhook_secret"},
};
_Static_assert(ARRAY_LEN(types) == PROVIDER_TYPE_COUNT, "each type of providers.def has its row");
static const char *const common[] = {"connect_timeout: 1s", "timeout: 1s", "max_concurrent: 1",
                                     "breaker: {failures: 1, open_for: 1s}"};

static bool has_word(const char *words, struct str word)
{
    for (struct str rest = str_of(words); rest.n;)
        if (str_eq(str_cut(&rest, ' '), word))
            return true;
    return false;
}

/* "p: {type: T, base_url: ..., each needed key but one}" */
static void provider_text(char *out, size_t size, size_t t, struct str left_out, const char *more)
{
    size_t n = (size_t)snprintf(out, size, "providers: {p: {type: %s, " BASE, types[t].name);
    for (struct str rest = str_of(types[t].needed); rest.n;) {
        struct str key = str_cut(&rest, ' ');
        if (!str_eq(key, left_out))
            n += (size_t)snprintf(out + n, size - n, ", %.*s: %s", STR_ARG(key),
                                  str_eq(key, STR("path")) ? "'/s?to={to}&text={text}'" : "x");
    }
    snprintf(out + n, size - n, "%s}}", more);
}

START_TEST(each_type_with_just_what_it_needs)
{
    char text[512];
    for (size_t t = 0; t < ARRAY_LEN(types); t++) {
        provider_text(text, sizeof text, t, STR(""), "");
        struct config *c = th_good(text);
        const struct provider_config *p = &c->providers[0];
        ck_assert_uint_eq(c->providers_n, 1);
        ck_assert_str_eq(p->name, "p");
        ck_assert_int_eq((int)p->type, (int)types[t].type);
        ck_assert_str_eq(provider_type_names[p->type], types[t].name);
        ck_assert_str_eq(p->base_url, "http://127.0.0.1:1");
        ck_assert_int_eq(p->connect_timeout_ms, 2000);
        ck_assert_int_eq(p->timeout_ms, provider_types[p->type].timeout_ms);
        ck_assert_int_eq(p->max_concurrent, 24);
        ck_assert_int_eq(p->breaker_failures, 5);
        ck_assert_int_eq(p->breaker_open_for_ms, 15000);
        config_free(c);
    }
}
END_TEST

START_TEST(each_needed_key_is_missed)
{
    char text[512], want[128];
    for (size_t t = 0; t < ARRAY_LEN(types); t++)
        for (struct str rest = str_of(types[t].needed); rest.n;) {
            struct str key = str_cut(&rest, ' ');
            provider_text(text, sizeof text, t, key, "");
            snprintf(want, sizeof want, "1:13: providers.p.%.*s: is missing\n", STR_ARG(key));
            th_bad(text, want);
        }
    th_bad("providers: {p: {type: moyasar, secret_key: a, webhook_secret: b}}",
           "1:13: providers.p.base_url: is missing\n");
    th_bad("providers: {p: {" BASE "}}", "1:13: providers.p.type: is missing\n");
    th_bad("providers: {p: }", "1:13: providers.p.type: is missing\n");
    th_bad("providers: {p: x}", "1:16: providers.p: must be a mapping\n");
    th_bad("providers: [x]", "1:12: providers: must be a mapping of names to providers\n");
}
END_TEST

START_TEST(each_foreign_key_is_unknown)
{
    char text[512], more[64], report[TH_REPORT_MAX], want[64];
    for (size_t t = 0; t < ARRAY_LEN(types); t++)
        for (size_t other = 0; other < ARRAY_LEN(types); other++)
            for (struct str rest = str_of(types[other].own); rest.n;) {
                struct str key = str_cut(&rest, ' ');
                if (has_word(types[t].own, key))
                    continue;
                snprintf(more, sizeof more, ", %.*s: x", STR_ARG(key));
                provider_text(text, sizeof text, t, STR(""), more);
                ck_assert_msg(th_load(str_of(text), report) == NULL, "%s", text);
                snprintf(want, sizeof want, ": providers.p.%.*s: unknown key", STR_ARG(key));
                ck_assert_msg(strstr(report, want) != NULL, "%s\n%s", text, report);
            }
    provider_text(text, sizeof text, 0, STR(""), ", breaker: {failure: 1}");
    ck_assert_ptr_null(th_load(str_of(text), report));
    ck_assert(strstr(report,
                     "providers.p.breaker.failure: unknown key (did you mean breaker.failures?)") !=
              NULL);
}
END_TEST

START_TEST(common_keys_everywhere)
{
    char text[512], more[128];
    for (size_t t = 0; t < ARRAY_LEN(types); t++)
        for (size_t i = 0; i < ARRAY_LEN(common); i++) {
            snprintf(more, sizeof more, ", %s", common[i]);
            provider_text(text, sizeof text, t, STR(""), more);
            config_free(th_good(text));
        }
}
END_TEST

START_TEST(ranges_of_common_keys)
{
    static const struct {
        const char *good, *bad;
    } rows[] = {
        {"connect_timeout: 50ms", "connect_timeout: 49ms"},
        {"connect_timeout: 1m", "connect_timeout: 61s"},
        {"timeout: 50ms", "timeout: 49ms"},
        {"timeout: 1m", "timeout: 61s"},
        {"max_concurrent: 1", "max_concurrent: 0"},
        {"max_concurrent: 32", "max_concurrent: 33"}, /* server.workers is 32 */
        {"max_concurrent: 32", "max_concurrent: 1025"},
        {"breaker: {failures: 1}", "breaker: {failures: 0}"},
        {"breaker: {failures: 10000}", "breaker: {failures: 10001}"},
        {"breaker: {open_for: 100ms}", "breaker: {open_for: 99ms}"},
        {"breaker: {open_for: 10m}", "breaker: {open_for: 601s}"},
        {"breaker: {}", "breaker: 5"},
    };
    char text[512], more[128], report[TH_REPORT_MAX];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        snprintf(more, sizeof more, ", %s", rows[i].good);
        provider_text(text, sizeof text, 0, STR(""), more);
        config_free(th_good(text));
        snprintf(more, sizeof more, ", %s", rows[i].bad);
        provider_text(text, sizeof text, 0, STR(""), more);
        ck_assert_msg(th_load(str_of(text), report) == NULL, "taken: %s", text);
    }
    th_bad("server: {workers: 4}\nproviders:\n  p:\n    type: taqnyat\n    " BASE
           "\n    sender: s\n    token: t\n    max_concurrent: 5\n",
           "8:21: providers.p.max_concurrent: must not be above server.workers (4)\n");
}
END_TEST

START_TEST(names_and_number_of_providers)
{
    static const char *const bad[] = {"'a b'", "a.b", "'a\"b'", "م",
                                      "abcdefghijklmnopqrstuvwxyz0123456"};
    char text[8192], report[TH_REPORT_MAX];
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        snprintf(text, sizeof text,
                 "providers: {%s: {type: taqnyat, " BASE ", sender: s, token: t}}", bad[i]);
        ck_assert_msg(th_load(str_of(text), report) == NULL, "taken: %s", text);
        ck_assert(
            strstr(report, "a provider's name must have 1 to 32 characters of A-Z a-z 0-9 - _") !=
            NULL);
    }
    size_t n = (size_t)snprintf(text, sizeof text, "providers:\n");
    for (int i = 0; i < PROVIDERS_MAX; i++)
        n += (size_t)snprintf(text + n, sizeof text - n,
                              "  p-_%d: {type: taqnyat, " BASE ", sender: s, token: t}\n", i);
    struct config *c = th_good(text);
    ck_assert_uint_eq(c->providers_n, PROVIDERS_MAX);
    ck_assert_int_eq(config_provider_find(c, "p-_15"), 15);
    config_free(c);
    snprintf(text + n, sizeof text - n, "  last: {type: taqnyat, " BASE ", sender: s, token: t}\n");
    th_bad(text, "2:3: providers: must have at most 16 providers\n");
}
END_TEST

START_TEST(faults_of_a_wrong_type_come_with_others)
{
    TH_BAD_NAMES("providers:\n  p:\n    type: twillio\n    " BASE
                 "\n    timeout: 5x\n    nope: 1\n",
                 "3:11: providers.p.type: must be %s\n"
                 "5:14: providers.p.timeout: must be a duration like 250ms, 5s, 15m, 24h or 30d\n"
                 "6:5: providers.p.nope: unknown key\n",
                 provider_type_names, PROVIDER_TYPE_COUNT, " or ");
}
END_TEST

/* ---- http ---- */

START_TEST(http_in_full)
{
    struct config *c =
        th_good("providers:\n"
                "  p:\n"
                "    type: http\n"
                "    base_url: https://sms.example/api/\n"
                "    sender: ME\n"
                "    method: PUT\n"
                "    path: /send?from={sender}\n"
                "    headers: {Authorization: Bearer x, X-Ref: '{id}'}\n"
                "    body: '{\"to\":\"{to}\",\"text\":\"{text}\",\"o\":{}}'\n"
                "    content_type: application/json; charset=utf-8\n"
                "    success:\n"
                "      status: [200, 201]\n"
                "      json: {code: [1, M0000, true], 'data.list[0].ok': yes, rejected: ''}\n"
                "    id_path: data.MessageID\n"
                "    error_path: messages[0].code\n");
    const struct provider_config *p = &c->providers[0];
    ck_assert_str_eq(p->base_url, "https://sms.example/api");
    ck_assert_str_eq(p->method, "PUT");
    ck_assert_str_eq(p->path, "/send?from={sender}");
    ck_assert_uint_eq(p->headers_n, 2);
    ck_assert_str_eq(p->headers[0].key, "Authorization");
    ck_assert_str_eq(p->headers[0].value, "Bearer x");
    ck_assert_str_eq(p->headers[1].value, "{id}");
    ck_assert_str_eq(p->content_type, "application/json; charset=utf-8");
    ck_assert_uint_eq(p->success_status_n, 2);
    ck_assert_int_eq(p->success_status[1], 201);
    ck_assert_uint_eq(p->success_n, 3);
    ck_assert_str_eq(p->success[0].path, "code");
    ck_assert_uint_eq(p->success[0].values_n, 3);
    ck_assert_str_eq(p->success[0].values[1], "M0000");
    ck_assert_str_eq(p->success[0].values[2], "true");
    ck_assert_str_eq(p->success[1].path, "data.list[0].ok");
    ck_assert_str_eq(p->success[1].values[0], "yes");
    ck_assert_str_eq(p->success[2].values[0], "");
    ck_assert_str_eq(p->id_path, "data.MessageID");
    ck_assert_str_eq(p->error_path, "messages[0].code");
    config_free(c);
}
END_TEST

START_TEST(http_defaults)
{
    struct config *c = th_good("providers: {p: {type: http, " BASE
                               ", path: /, body: '{to} {text}', success: {status: 200}}}");
    const struct provider_config *p = &c->providers[0];
    ck_assert_str_eq(p->method, "POST");
    ck_assert_str_eq(p->content_type, "application/json");
    ck_assert_uint_eq(p->success_status_n, 1);
    ck_assert_int_eq(p->success_status[0], 200);
    ck_assert_uint_eq(p->success_n, 0);
    config_free(c);
}
END_TEST

START_TEST(http_refused)
{
    static const struct {
        const char *keys, *fault;
    } rows[] = {
        {"path: /x, body: '{to}'", "none of path, body, headers and params has {text}"},
        {"path: '/{text}'", "none of path, body, headers and params has {to}"},
        {"path: '/{to}{text}{sender}'", "a template has {sender}, but sender is missing"},
        {"path: '/{to}{text}', method: GET, body: x", "method GET takes no body"},
        {"path: '/{to}{text}{phone}'", "unknown placeholder {phone}; known: {to} {to_digits} "
                                       "{to_national} {text} {code} {sender} "
                                       "{id}"},
        {"path: 'x{to}{text}'", "must start with / and have no spaces"},
        {"path: '/ {to}{text}'", "must start with / and have no spaces"},
        {"path: '/{to}{text}#x'", "must start with / and have no spaces"},
        {"path: '/{to}{text}', method: DELETE", "must be GET, POST or PUT"},
        {"path: '/{to}{text}', headers: [a]", "must be a mapping of header names to templates"},
        {"path: '/{to}{text}', headers: {'a b': c}", "is not the name of a header"},
        {"path: '/{to}{text}', headers: {Content-Length: 1}",
         "cannot be set here: bookingd sets this field itself"},
        {"path: '/{to}{text}', headers: {host: 1}",
         "cannot be set here: bookingd sets this field itself"},
        {"path: '/{to}{text}', headers: {Content-Type: a/b}", "is set by content_type, not here"},
        {"path: '/{to}{text}', headers: {A: \"x\\r\\nB: y\"}", "must not contain line breaks"},
        {"path: '/{to}{text}', content_type: json", "must be a media type like application/json"},
        {"path: '/{to}{text}', content_type: \"a/b\\nc\"",
         "must be a media type like application/json"},
        {"path: '/{to}{text}', success: {status: 99}", "must be an HTTP status, 100 to 599"},
        {"path: '/{to}{text}', success: {status: [200, 600]}",
         "must be an HTTP status, 100 to 599"},
        {"path: '/{to}{text}', success: {status: []}", "must have 1 to 32 entries"},
        {"path: '/{to}{text}', success: {status: {a: 1}}",
         "must be an HTTP status or a list of them"},
        {"path: '/{to}{text}', success: {json: {}}", "must be a mapping of 1 to 16 JSON paths"},
        {"path: '/{to}{text}', success: {json: {a: []}}", "must have at least one value"},
        {"path: '/{to}{text}', success: {json: {a: {b: c}}}", "must be a value like ok, 1 or true"},
        {"path: '/{to}{text}', success: {json: {a..b: c}}", "is not a JSON path"},
        {"path: '/{to}{text}', success: {json: {'a[x]': c}}", "is not a JSON path"},
        {"path: '/{to}{text}', success: {json: {'data.[0].status': c}}", "is not a JSON path"},
        {"path: '/{to}{text}', success: {json: {'a[0]b': c}}", "is not a JSON path"},
        {"path: '/{to}{text}', success: {json: {'[0]a': c}}", "is not a JSON path"},
        {"path: '/{to}{text}', success: {json: {'a]b': c}}", "is not a JSON path"},
        {"path: '/{to}{text}', success: {json: {'a[00]': c}}", "is not a JSON path"},
        {"path: '/{to}{text}', id_path: 'data.[0].id'", "must be a JSON path"},
        {"path: '/{to}{text}', error_path: 'a]b'", "must be a JSON path"},
        {"path: '/{to}{text}', success: {codes: 1}", "unknown key"},
        {"path: '/{to}{text}', success: 200", "must be a mapping"},
        {"path: '/{to}{text}', id_path: .a", "must be a JSON path"},
        {"path: '/{to}{text}', error_path: ''", "must be a JSON path"},
    };
    char text[512], report[TH_REPORT_MAX];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        snprintf(text, sizeof text, "providers: {p: {type: http, " BASE ", %s}}", rows[i].keys);
        ck_assert_msg(th_load(str_of(text), report) == NULL, "taken: %s", text);
        ck_assert_msg(strstr(report, rows[i].fault) != NULL, "for %s\nwanted %s\ngot %s", text,
                      rows[i].fault, report);
        ck_assert_msg(strchr(report, '\n')[1] == '\0', "more than one fault: %s", report);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("config_provider");
    TCase *c = th_case(s, "config_provider");

    tcase_add_test(c, each_type_with_just_what_it_needs);
    tcase_add_test(c, each_needed_key_is_missed);
    tcase_add_test(c, each_foreign_key_is_unknown);
    tcase_add_test(c, common_keys_everywhere);
    tcase_add_test(c, ranges_of_common_keys);
    tcase_add_test(c, names_and_number_of_providers);
    tcase_add_test(c, faults_of_a_wrong_type_come_with_others);
    tcase_add_test(c, http_in_full);
    tcase_add_test(c, http_defaults);
    tcase_add_test(c, http_refused);
    return th_run(s);
}
