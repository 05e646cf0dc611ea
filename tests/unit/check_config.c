/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Every key: its default, its range and what it refuses, and where the fault is said to be. */
#include <arpa/inet.h>

#include "../lib/th_config.h"
#include "../lib/th_unit.h"
#include "base/url.h"
#include "sys/log.h"

#define SECRET32 "0123456789abcdef0123456789abcdef"
#define SMS \
    "providers: {sms: {type: taqnyat, base_url: 'http://127.0.0.1:1', sender: S, token: t}}\n"
#define PAY                                                                            \
    "providers: {pay: {type: moyasar, base_url: 'http://127.0.0.1:1', secret_key: k, " \
    "webhook_secret: w}}\n"

/* ---- defaults ---- */

START_TEST(defaults_without_a_file)
{
    struct config_report *r;
    struct config *c = config_load(NULL, &r);
    ck_assert_ptr_nonnull(c);
    ck_assert_ptr_null(r);
    ck_assert_ptr_null(c->file);
    ck_assert_uint_eq(c->server.listen_n, 1);
    ck_assert_str_eq(c->server.listen[0].text, "127.0.0.1:8080");
    ck_assert_str_eq(c->server.public_url, "http://127.0.0.1:8080");
    ck_assert_int_eq(c->server.workers, 32);
    ck_assert_int_eq(c->server.queue, 512);
    ck_assert_int_eq(c->server.queue_timeout_ms, 2000);
    ck_assert_str_eq(c->server.user, "");
    ck_assert_int_eq(c->server.request_budget_ms, 10000);
    ck_assert_int_eq(c->server.head_timeout_ms, 10000);
    ck_assert_int_eq(c->server.body_timeout_ms, 10000);
    ck_assert_int_eq(c->server.idle_timeout_ms, 75000);
    ck_assert_int_eq(c->server.max_head, 16384);
    ck_assert_int_eq(c->server.max_body, 65536);
    ck_assert_int_eq(c->server.max_connections, 16384);
    ck_assert_int_eq(c->server.backlog, 1024);
    ck_assert_int_eq(c->server.drain_timeout_ms, 30000);
    ck_assert_uint_eq(c->server.trusted_proxies_n, 0);
    ck_assert_str_eq(c->monitor.listen.text, "127.0.0.1:9464");
    ck_assert_int_eq(c->monitor.poll_interval_ms, 5000);
    ck_assert_str_eq(c->database.url, "postgresql:///bookingd");
    ck_assert_int_eq(c->database.connect_timeout_ms, 3000);
    ck_assert_int_eq(c->database.statement_timeout_ms, 3000);
    ck_assert_int_eq((int)c->database.prepared, (int)PREPARED_AUTO);
    ck_assert_uint_eq(c->providers_n, 0);
    ck_assert_int_eq(c->otp.provider, -1);
    ck_assert_ptr_null(c->otp.secret);
    ck_assert_int_eq(c->otp.code_length, 6);
    ck_assert_int_eq(c->otp.ttl_ms, 300000);
    ck_assert_int_eq(c->otp.max_attempts, 5);
    ck_assert_int_eq(c->otp.resend_cooldown_ms, 60000);
    ck_assert_int_eq(c->otp.per_phone.count, 5);
    ck_assert_int_eq(c->otp.per_phone.per_ms, 3600000);
    ck_assert_int_eq(c->otp.per_address.count, 30);
    ck_assert_int_eq(c->otp.total.count, 1000);
    ck_assert_uint_eq(c->otp.regions_n, 1);
    ck_assert_str_eq(c->otp.regions[0], "SA");
    ck_assert_str_eq(c->otp.messages[LOCALE_EN], "Your code: {code}");
    ck_assert_str_eq(c->otp.messages[LOCALE_AR], "رمز الدخول: {code}");
    ck_assert_int_eq(c->sessions.ttl_ms, INT64_C(30) * 86400 * 1000);
    ck_assert_int_eq(c->bookings.hold_ms, 900000);
    ck_assert_int_eq(c->bookings.max_active_per_customer, 10);
    ck_assert_int_eq(c->payments.provider, -1);
    ck_assert_uint_eq(c->payments.return_origins_n, 0);
    ck_assert_int_eq(c->notifications.provider, -1);
    ck_assert_int_eq((int)c->notifications.delivery, (int)DELIVERY_INLINE);
    ck_assert_int_eq(c->notifications.expire_after_ms, 86400000);
    for (int t = 0; t < NOTIFICATION_TEMPLATE_COUNT; t++)
        for (int l = 0; l < LOCALE_COUNT; l++)
            ck_assert(strstr(c->notifications.messages[t][l], "{service}") != NULL);
    ck_assert_int_eq(c->log.format, LOG_FORMAT_LOGFMT);
    ck_assert_int_eq(c->log.level, LOG_LEVEL_INFO);
    config_free(c);
}
END_TEST

START_TEST(an_empty_file_is_all_defaults)
{
    static const char *const texts[] = {
        "", "\n", "# nothing\n", "---\n", "{}\n", "~\n", "server:\notp: ~\nlog: {}\n"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct config *c = th_good(texts[i]);
        ck_assert_int_eq(c->server.workers, 32);
        config_free(c);
    }
}
END_TEST

START_TEST(computed_defaults)
{
    struct config *c = th_good("server: {workers: 8}\n" SMS);
    ck_assert_int_eq(c->server.queue, 256);
    ck_assert_int_eq(c->providers[0].max_concurrent, 6);
    config_free(c);
    c = th_good("server: {workers: 1}\n" SMS);
    ck_assert_int_eq(c->server.queue, 256);
    ck_assert_int_eq(c->providers[0].max_concurrent, 1);
    config_free(c);
    c = th_good("server: {workers: 1024}\n" SMS); /* also when the providers come first, order in
                                                     the file is nothing */
    ck_assert_int_eq(c->server.queue, 16384);
    config_free(c);
    c = th_good(SMS "server: {workers: 40}\n");
    ck_assert_int_eq(c->providers[0].max_concurrent, 30);
    config_free(c);
}
END_TEST

/* ---- ranges ---- */

struct range { /* good and bad values of one key */
    const char *section, *key, *good, *bad, *what;
};

static const struct range ranges[] = {
    {"server", "workers", "1 8 1024", "0 1025 -1", "1 to 1024"},
    {"server", "queue", "1 65536", "0 65537", "1 to 65536"},
    {"server", "backlog", "1 65536", "0 65537", "1 to 65536"},
    {"server", "max_connections", "16 1048576", "15 1048577", "16 to 1048576"},
    {"server", "request_budget", "100ms 2m 120s", "99ms 121s 0", "100ms to 2m"},
    {"server", "queue_timeout", "50ms 1m", "49ms 61s", "50ms to 1m"},
    {"server", "head_timeout", "1s 10m", "999ms 601s", "1s to 10m"},
    {"server", "body_timeout", "1s 10m", "999ms 601s", "1s to 10m"},
    {"server", "idle_timeout", "1s 1h", "999ms 3601s", "1s to 1h"},
    {"server", "drain_timeout", "0 0s 10m", "601s", "0s to 10m"},
    {"server", "max_head", "1KiB 1024 64KiB", "1023 65537 1MiB", "1KiB to 64KiB"},
    {"server", "max_body", "1KiB 1MiB", "1023B 1048577", "1KiB to 1MiB"},
    {"monitor", "poll_interval", "100ms 5m", "99ms 301s", "100ms to 5m"},
    {"database", "connect_timeout", "50ms 1m", "49ms 61s", "50ms to 1m"},
    {"database", "statement_timeout", "50ms 1m", "49ms 61s", "50ms to 1m"},
    {"otp", "code_length", "4 10", "3 11", "4 to 10"},
    {"otp", "max_attempts", "1 10", "0 11", "1 to 10"},
    {"otp", "ttl", "1s 1h", "999ms 61m", "1s to 1h"},
    {"otp", "resend_cooldown", "0s 0 1h", "61m", "0s to 1h"},
    {"otp", "per_phone", "1/1s 1000000/24h", "1000001/1h 1/999ms 1/25h 1/2d",
     "1 to 1000000 in 1s to 24h"},
    {"otp", "per_address", "1/1s 1000000/24h", "1000001/1h 1/999ms", "1 to 1000000 in 1s to 24h"},
    {"otp", "total", "1/1s 1000000/24h", "1000001/1h 1/999ms", "1 to 1000000 in 1s to 24h"},
    {"sessions", "ttl", "1s 365d", "999ms 366d", "1s to 365d"},
    {"bookings", "hold", "1s 24h", "999ms 25h", "1s to 1d"},
    {"bookings", "max_active_per_customer", "1 10000", "0 10001", "1 to 10000"},
    {"notifications", "expire_after", "1s 30d", "999ms 31d", "1s to 30d"},
};

START_TEST(ranges_hold_at_both_ends)
{
    char text[256], want[256];
    for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
        const struct range *r = &ranges[i];
        for (struct str rest = str_of(r->good); rest.n;) {
            struct str v = str_cut(&rest, ' ');
            snprintf(text, sizeof text, "%s:\n  %s: %.*s\n", r->section, r->key, STR_ARG(v));
            config_free(th_good(text));
        }
        for (struct str rest = str_of(r->bad); rest.n;) {
            struct str v = str_cut(&rest, ' ');
            snprintf(text, sizeof text, "%s:\n  %s: %.*s\n", r->section, r->key, STR_ARG(v));
            snprintf(want, sizeof want, "2:%zu: %s.%s: must be %s\n", strlen(r->key) + 5,
                     r->section, r->key, r->what);
            th_bad(text, want);
        }
    }
}
END_TEST

START_TEST(wrong_types_of_numbers)
{
    static const struct {
        const char *section, *key, *what;
    } keys[] = {
        {"server", "workers", "an integer"},
        {"bookings", "max_active_per_customer", "an integer"},
        {"server", "idle_timeout", "a duration like 250ms, 5s, 15m, 24h or 30d"},
        {"sessions", "ttl", "a duration like 250ms, 5s, 15m, 24h or 30d"},
        {"server", "max_body", "a size like 64KiB or 1MiB"},
        {"otp", "total", "a rate like 5/1h"},
    };
    static const char *const values[] = {"many", "1.5",  "[1]",  "{a: 1}", "true",  "'x'",
                                         "1e3",  "0x10", "10 s", "- 5",    "5 /1h", "1s/5",
                                         "٣",    "+5",   "08",   "5S",     "5kib",  "5/1s5"};
    char text[256], want[256];
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        for (size_t j = 0; j < ARRAY_LEN(values); j++) {
            snprintf(text, sizeof text, "%s:\n  %s: %s\n", keys[i].section, keys[i].key, values[j]);
            snprintf(want, sizeof want, "2:%zu: %s.%s: must be %s\n", strlen(keys[i].key) + 5,
                     keys[i].section, keys[i].key, keys[i].what);
            if (strcmp(values[j], "- 5") != 0)
                th_bad(text, want);
        }
    th_bad("server: {workers: '8'}", "1:19: server.workers: must be an integer\n");
    th_bad("server: {workers: }", "1:19: server.workers: has no value\n");
    th_bad("server: {workers: null}", "1:19: server.workers: has no value\n");
    th_bad("server: {workers: 99999999999999999999}", "1:19: server.workers: must be an integer\n");
    th_bad("server: {max_body: 99999999999999999999KiB}",
           "1:20: server.max_body: must be a size like 64KiB or 1MiB\n");
}
END_TEST

START_TEST(words)
{
    struct config *c = th_good("database: {prepared: off}\nlog: {format: json, level: debug}\n");
    ck_assert_int_eq((int)c->database.prepared, (int)PREPARED_OFF);
    ck_assert_int_eq(c->log.format, LOG_FORMAT_JSON);
    ck_assert_int_eq(c->log.level, LOG_LEVEL_DEBUG);
    config_free(c);
    c = th_good("log: {skip: [readyz]}\n"); /* O25 */
    ck_assert_uint_eq(c->log.skip, 1U << LOG_SKIP_READYZ);
    config_free(c);
    th_bad("log: {skip: [venues]}", "1:14: log.skip[0]: must be healthz or readyz\n");
    c = th_good("database: {prepared: on}\nlog: {format: logfmt, level: error}\n");
    ck_assert_int_eq((int)c->database.prepared, (int)PREPARED_ON);
    config_free(c);
    th_bad("database: {prepared: yes}", "1:22: database.prepared: must be auto, on or off\n");
    th_bad("log: {format: xml, level: 1}", "1:15: log.format: must be logfmt or json\n1:27: "
                                           "log.level: must be error, warn, info or debug\n");
    th_bad("log: {level: [info]}", "1:14: log.level: must be error, warn, info or debug\n");
    c = th_good("server: {user: 1000}");
    ck_assert_str_eq(c->server.user, "1000");
    config_free(c);
    c = th_good("server: {user: ''}");
    ck_assert_str_eq(c->server.user, "");
    config_free(c);
    th_bad("server: {user: [a]}", "1:16: server.user: must be a string\n");
}
END_TEST

/* ---- addresses ---- */

START_TEST(listen_one_or_a_list)
{
    struct config *c = th_good(
        "server: {listen: ['[::1]:443', 0.0.0.0:0, 'unix:/run/b.sock', systemd, localhost:1]}\n"
        "monitor: {listen: 'unix:/run/m.sock'}\n");
    const struct listen_addr *l = c->server.listen;
    ck_assert_uint_eq(c->server.listen_n, 5);
    ck_assert(l[0].kind == LISTEN_TCP && strcmp(l[0].host, "::1") == 0 && l[0].port == 443);
    ck_assert(l[1].kind == LISTEN_TCP && strcmp(l[1].host, "0.0.0.0") == 0 && l[1].port == 0);
    ck_assert(l[2].kind == LISTEN_UNIX && strcmp(l[2].path, "/run/b.sock") == 0);
    ck_assert(l[3].kind == LISTEN_SYSTEMD);
    ck_assert(l[4].kind == LISTEN_TCP && strcmp(l[4].host, "127.0.0.1") == 0 && l[4].port == 1);
    ck_assert_str_eq(l[4].text, "localhost:1");
    ck_assert(c->monitor.listen.kind == LISTEN_UNIX &&
              strcmp(c->monitor.listen.path, "/run/m.sock") == 0);
    config_free(c);
    c = th_good("server: {listen: systemd}\n");
    ck_assert(c->server.listen_n == 1 && c->server.listen[0].kind == LISTEN_SYSTEMD);
    config_free(c);
    c = th_good("server:\n  listen:\n    - 127.0.0.1:0\n    - 127.0.0.1:0\n"); /* two ports that the
                                                                                  kernel chooses */
    ck_assert_uint_eq(c->server.listen_n, 2);
    config_free(c);
}
END_TEST

START_TEST(listen_unix_with_a_mode_and_an_owner)
{
    struct config *c = th_good("server: {listen: ['unix:/s?mode=0660&user=www-data&group=33', "
                               "'unix:/t?group=g', 'unix:/u?']}\n");
    const struct listen_addr *l = c->server.listen;
    ck_assert(strcmp(l[0].path, "/s") == 0 && l[0].has_mode && l[0].mode == 0660);
    ck_assert(strcmp(l[0].user, "www-data") == 0 && strcmp(l[0].group, "33") == 0);
    ck_assert(!l[1].has_mode && !l[1].user && strcmp(l[1].group, "g") == 0);
    ck_assert(strcmp(l[2].path, "/u") == 0 && !l[2].has_mode && !l[2].user && !l[2].group);
    config_free(c);
    /* one place, however it is written */
    th_bad("server: {listen: ['unix:/s', 'unix:/s?mode=0600']}",
           "1:30: server.listen[1]: is given twice\n");
    th_bad("server: {listen: ['127.0.0.1:80', 'localhost:80']}",
           "1:35: server.listen[1]: is given twice\n");
    th_bad("server: {listen: 'localhost:80'}\nmonitor: {listen: '127.0.0.1:80'}",
           "2:19: monitor.listen: is the same as server.listen\n");
}
END_TEST

START_TEST(listen_refused)
{
    static const char *const bad[] = {
        "8080",
        "':8080'",
        "127.0.0.1",
        "'127.0.0.1:'",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        "127.0.0.1:08080",
        "127.0.0.1:http",
        "example.com:80",
        "'*:80'",
        "'::1:80'",
        "'[::1]'",
        "'[::1:80'",
        "'[127.0.0.1]:80'",
        "'unix:'",
        "'unix:x.sock'",
        "256.0.0.1:80",
        "' 127.0.0.1:80'",
        "'127.0.0.1:80 '",
        "{a: b}",
        "[]",
        "[[127.0.0.1:80]]",
        "'http://x:80'",
        "[127.0.0.1:1, '']",
        "'127.0.0.1 :80'",
        "true",
        "Systemd",
        "'unix:@abstract'",
        "'[fe80::1%lo]:80'",
        "'unix:/s?mode='",
        "'unix:/s?mode=8'",
        "'unix:/s?mode=1777'",
        "'unix:/s?mode=0x1'",
        "'unix:/s?mode=rw'",
        "'unix:/s?mode=660&mode=660'",
        "'unix:/s?user='",
        "'unix:/s?group'",
        "'unix:/s?user=a&user=b'",
        "'unix:/s?owner=a'",
        "'unix:/s?mode=660;user=a'",
        "'127.0.0.1:80?mode=660'",
    };
    char text[256], report[TH_REPORT_MAX];
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        snprintf(text, sizeof text, "server: {listen: %s}\n", bad[i]);
        ck_assert_msg(th_load(str_of(text), report) == NULL, "taken: %s", text);
        ck_assert_msg(strstr(report, "server.listen") != NULL, "%s", report);
        snprintf(text, sizeof text, "monitor: {listen: %s}\n", bad[i]);
        ck_assert_msg(th_load(str_of(text), report) == NULL, "taken: %s", text);
    }
    th_bad("monitor: {listen: systemd}",
           "1:19: monitor.listen: must be ADDRESS:PORT, [V6]:PORT or unix:/PATH\n");
    th_bad("server:\n  listen:\n    - 127.0.0.1:1\n    - nope\n    - 127.0.0.1:1\n",
           "4:7: server.listen[1]: must be ADDRESS:PORT, [V6]:PORT, unix:/PATH or systemd\n"
           "5:7: server.listen[2]: is given twice\n");
    char path[140];
    memset(path, 'a', sizeof path);
    snprintf(text, sizeof text, "server: {listen: 'unix:/%.107s'}", path);
    ck_assert_ptr_null(th_load(str_of(text), report));
    snprintf(text, sizeof text, "server: {listen: 'unix:/%.106s'}", path);
    config_free(th_good(text));
}
END_TEST

/* O19: two sockets at one address */
START_TEST(monitor_has_an_address_of_its_own)
{
    th_bad("server: {listen: '127.0.0.1:8090'}\nmonitor: {listen: '127.0.0.1:8090'}",
           "2:19: monitor.listen: is the same as server.listen\n");
    config_free(th_good("server: {listen: '127.0.0.1:0'}\nmonitor: {listen: '127.0.0.1:0'}"));
}
END_TEST

START_TEST(networks)
{
    struct config *c =
        th_good("server: {trusted_proxies: [10.1.2.3/8, 192.0.2.7, 'fd00::/8', '::1', 0.0.0.0/0]}");
    const struct cidr *n = c->server.trusted_proxies;
    ck_assert_uint_eq(c->server.trusted_proxies_n, 5);
    ck_assert(n[0].family == AF_INET && n[0].prefix == 8 &&
              memcmp(n[0].addr, "\x0a\0\0\0", 4) == 0);
    ck_assert(n[1].family == AF_INET && n[1].prefix == 32 &&
              memcmp(n[1].addr, "\xc0\0\x02\x07", 4) == 0);
    ck_assert(n[2].family == AF_INET6 && n[2].prefix == 8 && n[2].addr[0] == 0xfd &&
              n[2].addr[1] == 0);
    ck_assert(n[3].family == AF_INET6 && n[3].prefix == 128 && n[3].addr[15] == 1);
    ck_assert(n[4].prefix == 0);
    config_free(c);
    config_free(th_good("server: {trusted_proxies: []}"));
    static const char *const bad[] = {"10.0.0.0/33", "10.0.0.0/-1", "10.0.0/8",    "'::/129'",
                                      "x",           "10.0.0.0/",   "10.0.0.0/08", "''",
                                      "~",           "[10.0.0.0]",  "'/8'"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char text[128];
        snprintf(text, sizeof text, "server: {trusted_proxies: [%s]}", bad[i]);
        th_bad(text, "1:28: server.trusted_proxies[0]: must be a network like 10.0.0.0/8 or "
                     "fd00::/8, or unix\n");
    }
    th_bad("server: {trusted_proxies: 10.0.0.0/8}",
           "1:27: server.trusted_proxies: must be a list of networks like [10.0.0.0/8]\n");
}
END_TEST

START_TEST(urls)
{
    static const struct {
        const char *text, *kept;
    } good[] = {
        {"http://a", "http://a"},
        {"HTTPS://Book.Example.COM/", "https://book.example.com"},
        {"https://a.b:8443/Base/x//", "https://a.b:8443/Base/x"},
        {"http://[::1]:8080", "http://[::1]:8080"},
        {"http://127.0.0.1:8080/", "http://127.0.0.1:8080"},
    };
    static const char *const bad[] = {
        "a",
        "ftp://a",
        "http://",
        "http:///x",
        "http://a b",
        "http://u@a",
        "http://u:p@a",
        "http://a?x=1",
        "http://a#f",
        "http://a:0",
        "http://a:65536",
        "http://a:",
        "http://[::1",
        "http://[x]",
        "//a",
        "http://a/\xd8\xa7",
        "http://-a",
        "http://a..b",
        "http:/a",
        "8080",
        "http://a\\",
        "http://a/{x}",
        "http://[::1]:x/",
    };
    char text[256], report[TH_REPORT_MAX];
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        snprintf(text, sizeof text, "server: {public_url: '%s'}", good[i].text);
        struct config *c = th_good(text);
        ck_assert_str_eq(c->server.public_url, good[i].kept);
        config_free(c);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        snprintf(text, sizeof text, "server: {public_url: '%s'}", bad[i]);
        ck_assert_msg(th_load(str_of(text), report) == NULL, "taken: %s", text);
        ck_assert_msg(strncmp(report, "1:22: server.public_url: ", 25) == 0, "%s", report);
    }
    th_bad("server: {public_url: 'http://u:p@a'}",
           "1:22: server.public_url: must not contain a user name or password\n");
    th_bad("server: {public_url: [x]}", "1:22: server.public_url: must be an http or https URL\n");
}
END_TEST

START_TEST(hosts_of_urls)
{
    static const char *const rows[][2] = {{"http://a.b:80/x", "a.b"},
                                          {"https://a.b", "a.b"},
                                          {"http://[::1]:8080", "::1"},
                                          {"http://127.0.0.1", "127.0.0.1"}};
    char host[10];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ck_assert(url_host(rows[i][0], host, sizeof host));
        ck_assert_str_eq(host, rows[i][1]);
    }
    ck_assert(!url_host("http://much.too.long.example", host, sizeof host));
    ck_assert(!url_host("nonsense", host, sizeof host));
}
END_TEST

START_TEST(origins)
{
    struct config *c = th_good(
        "payments: {return_origins: ['https://Book.Example.com', 'http://127.0.0.1:3000']}");
    ck_assert_uint_eq(c->payments.return_origins_n, 2);
    ck_assert_str_eq(c->payments.return_origins[0], "https://book.example.com");
    ck_assert_str_eq(c->payments.return_origins[1], "http://127.0.0.1:3000");
    config_free(c);
    static const char *const bad[] = {"https://a/", "https://a/b", "a",         "https://",
                                      "*",          "https://*.a", "myapp://x", ""};
    char text[128], report[TH_REPORT_MAX];
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        snprintf(text, sizeof text, "payments: {return_origins: ['%s']}", bad[i]);
        ck_assert_msg(th_load(str_of(text), report) == NULL, "taken: %s", text);
        ck_assert(strncmp(report, "1:29: payments.return_origins[0]: ", 34) == 0);
    }
}
END_TEST

static const char *no_passwords(const char *url)
{
    return strstr(url, "secret") ? "must be a postgresql:// URI or libpq conninfo (host=... "
                                   "dbname=...)"
                                 : NULL;
}

START_TEST(database_url)
{
    config_free(
        th_good("database: {url: 'postgres://u:p@h1,h2:5433/db?target_session_attrs=read-write'}"));
    config_free(th_good("database: {url: 'host=/tmp dbname=x'}"));
    th_bad("database: {url: 'mysql://x/y'}", "1:17: database.url: must be a postgresql:// URI or "
                                             "libpq conninfo (host=... dbname=...)\n");
    th_bad("database: {url: bookingd}", "1:17: database.url: must be a postgresql:// URI or libpq "
                                        "conninfo (host=... dbname=...)\n");
    th_bad("database: {url: ''}", "1:17: database.url: is empty\n");
    config_set_url_check(no_passwords);
    th_bad("database: {url: 'postgresql://u:secret@h/d'}", /* and it is not shown */
           "1:17: database.url: must be a postgresql:// URI or libpq conninfo (host=... "
           "dbname=...)\n");
    config_set_url_check(NULL);
}
END_TEST

/* ---- one-time passwords and messages ---- */

START_TEST(regions)
{
    struct config *c = th_good("otp: {regions: [AE, SA, US]}");
    ck_assert_uint_eq(c->otp.regions_n, 3);
    ck_assert_str_eq(c->otp.regions[0], "AE");
    config_free(c);
    th_bad("otp: {regions: [XX, sa, SA, SA, {a: b}]}",
           "1:17: otp.regions[0]: is not a known region (ISO 3166 code like SA)\n"
           "1:21: otp.regions[1]: is not a known region (ISO 3166 code like SA)\n"
           "1:29: otp.regions[3]: is given twice\n"
           "1:33: otp.regions[4]: is not a known region (ISO 3166 code like SA)\n");
    th_bad("otp: {regions: []}", "1:16: otp.regions: must have 1 to 300 entries\n");
    th_bad("otp: {regions: SA}",
           "1:16: otp.regions: must be a list of region codes like [SA, AE]\n");
}
END_TEST

/* M11 */
START_TEST(ranges_of_a_region)
{
    struct config *c = th_good("otp: {regions: [KE, NO], ranges: {SA: ['5/9', '4[0-3]/9 48x/9'], "
                               "JO: ['+72/9'], KE: ['+', '3/9'], AE: 5/9}}");
    ck_assert_str_eq(c->otp.regions[0], "KE");
    ck_assert_uint_eq(c->otp.ranges_n, 4);
    ck_assert_str_eq(c->otp.ranges[0].region, "SA");
    ck_assert_str_eq(c->otp.ranges[0].ranges, "5/9 4[0-3]/9 48x/9");
    ck_assert(!c->otp.ranges[0].adds && c->otp.ranges[1].adds && c->otp.ranges[2].adds);
    ck_assert_str_eq(c->otp.ranges[1].ranges, "72/9");
    ck_assert_str_eq(c->otp.ranges[2].ranges, "3/9");
    ck_assert_str_eq(c->otp.ranges[3].ranges, "5/9");
    config_free(c);
    config_free(th_good("otp: {ranges: {}}"));
    th_bad("otp: {ranges: {XX: [5/9], SA: [5, '+/9'], JO: []}}",
           "1:16: otp.ranges.XX: unknown key: no such region (ISO 3166 code like SA)\n"
           "1:32: otp.ranges.SA[0]: is not a range, from character 2 on: write digits, [classes] "
           "or x, a "
           "slash and the number of digits, like 5[0-3]/9\n"
           "1:35: otp.ranges.SA[1]: is not a range, from character 2 on: write digits, [classes] "
           "or x, a "
           "slash and the number of digits, like 5[0-3]/9\n"
           "1:47: otp.ranges.JO: must be a list of ranges like [5/9] or [+57/9]\n");
    th_bad("otp: {ranges: [SA]}",
           "1:15: otp.ranges: must be a mapping of region codes to lists of ranges\n");
}
END_TEST

START_TEST(otp_needs_its_secret)
{
    struct config *c = th_good(SMS "otp: {provider: sms, secret: " SECRET32 "}");
    ck_assert_int_eq(c->otp.provider, 0);
    ck_assert_uint_eq(c->otp.secret_len, 32);
    config_free(c);
    th_bad(SMS "otp: {provider: sms}",
           "2:7: otp.secret: is missing: otp.provider needs it to hash codes\n");
    th_bad(SMS "otp: {provider: sms, secret: 0123456789abcdef0123456789abcde}",
           "2:30: otp.secret: must have at least 32 bytes\n");
    th_bad(SMS "otp: {provider: sms, secret: ''}", "2:30: otp.secret: is empty\n");
}
END_TEST

START_TEST(messages)
{
    struct config *c =
        th_good("otp: {messages: {en: 'Code {code}, {code}!'}}\n"
                "notifications: {messages: {booking_confirmed: {ar: 'ح {service}'},\n"
                "  payment_refunded: {en: '{venue}{resource}{starts_at}{ends_at}{party_size}'},\n"
                "  payment_link: {en: '{amount} {currency} {link}'}}}\n");
    ck_assert_str_eq(c->otp.messages[LOCALE_EN], "Code {code}, {code}!");
    ck_assert_str_eq(c->otp.messages[LOCALE_AR], "رمز الدخول: {code}");
    ck_assert_str_eq(c->notifications.messages[NOTIFICATION_TEMPLATE_BOOKING_CONFIRMED][LOCALE_AR],
                     "ح {service}");
    ck_assert(strncmp(c->notifications.messages[NOTIFICATION_TEMPLATE_BOOKING_CONFIRMED][LOCALE_EN],
                      "Booked:", 7) == 0);
    config_free(c);
    th_bad("otp: {messages: {en: hello, ar: '{code} {kode}', fr: x}}",
           "1:22: otp.messages.en: must have {code}\n"
           "1:33: otp.messages.ar: unknown placeholder {kode}; known: {code}\n"
           "1:50: otp.messages.fr: unknown key: the languages are ar and en\n");
    th_bad("otp: {messages: x}",
           "1:17: otp.messages: must be a mapping of languages (ar, en) to texts\n");
    th_bad("otp: {messages: {en: [a], ar: ''}}",
           "1:22: otp.messages.en: must be a string\n1:31: otp.messages.ar: must have 1 to 640 "
           "characters\n");
    TH_BAD_NAMES(
        "notifications: {messages: {booking_lost: {en: x}, booking_expired: {en: 'a { b'}}}",
        "1:28: notifications.messages.booking_lost: unknown key: the templates are %s\n"
        "1:73: notifications.messages.booking_expired.en: has a '{' that begins no placeholder; "
        "known: {service} {venue} {resource} {starts_at} {ends_at} {party_size}\n",
        notification_template_names, NOTIFICATION_TEMPLATE_COUNT, ", ");
    th_bad("notifications: {messages: {payment_link: {en: x}, booking_expired: {en: '{link}'}}}",
           "1:47: notifications.messages.payment_link.en: must have {link}\n"
           "1:73: notifications.messages.booking_expired.en: unknown placeholder {link}; known: "
           "{service} {venue} {resource} {starts_at} {ends_at} {party_size}\n");
    th_bad("notifications: {messages: [x]}",
           "1:27: notifications.messages: must be a mapping of templates to texts\n");
}
END_TEST

START_TEST(what_is_never_deferred)
{
    config_free(th_good("notifications: {delivery: inline}"));
    th_bad("notifications: {delivery: later}",
           "1:27: notifications.delivery: must be inline or deferred\n");
    th_bad("otp: {delivery: deferred}\npayments: {delivery: deferred}\n",
           "1:7: otp.delivery: unknown key: one-time passwords are always sent inside the request "
           "and never deferred\n"
           "2:12: payments.delivery: unknown key: payment calls are always made inside the request "
           "and never deferred\n");
}
END_TEST

START_TEST(couriers_and_reminders)
{
    struct config *c =
        th_good("notifications: {delivery: deferred, couriers: 0, poll_interval: 100ms,\n"
                "  on_unknown: resend, reminders: [{before: 2h}, {before: 24h}],\n"
                "  quiet: {from: '22:00', to: '08:30'}}\n");
    ck_assert_int_eq(c->notifications.delivery, DELIVERY_DEFERRED);
    ck_assert_int_eq(c->notifications.couriers, 0);
    ck_assert_int_eq(c->notifications.poll_interval_ms, 100);
    ck_assert_int_eq(c->notifications.on_unknown, ON_UNKNOWN_RESEND);
    ck_assert_uint_eq(c->notifications.reminders_n, 2);
    ck_assert_int_eq(c->notifications.reminders[0].before_ms, 24 * 3600 * 1000);
    ck_assert_int_eq(c->notifications.quiet_from.minutes, 22 * 60);
    ck_assert_int_eq(c->notifications.quiet_to.minutes, 8 * 60 + 30);
    config_free(c);
    c = th_good("notifications: {reminders: [], quiet: {}}");
    ck_assert_int_eq(c->notifications.couriers, 2);
    ck_assert_int_eq(c->notifications.poll_interval_ms, 1000);
    ck_assert_int_eq(c->notifications.on_unknown, ON_UNKNOWN_HOLD);
    ck_assert(!c->notifications.quiet_from.set);
    config_free(c);
    th_bad("notifications: {couriers: 33, poll_interval: 10ms, on_unknown: guess}",
           "1:27: notifications.couriers: must be 0 to 32\n"
           "1:46: notifications.poll_interval: must be 100ms to 5m\n"
           "1:64: notifications.on_unknown: must be hold or resend\n");
    th_bad("notifications: {reminders: [{before: 30s}, 2h, {before: 2h}, {before: 2h}]}",
           "1:29: notifications.reminders[0]: must be {before: DURATION}, 1m to 30d, like "
           "{before: 24h}\n"
           "1:44: notifications.reminders[1]: must be {before: DURATION}, 1m to 30d, like "
           "{before: 24h}\n"
           "1:62: notifications.reminders[3]: is given twice\n");
    th_bad("notifications: {quiet: {from: '24:00', to: 7}}",
           "1:31: notifications.quiet.from: must be a time of day like \"22:00\"\n"
           "1:44: notifications.quiet.to: must be a time of day like \"22:00\"\n");
    th_bad("notifications: {quiet: {from: '24:00', to: '08:00'}}",
           "1:31: notifications.quiet.from: must be a time of day like \"22:00\"\n");
    th_bad("notifications: {quiet: {from: '22:00'}}",
           "1:17: notifications.quiet: needs both from and to\n");
    th_bad("notifications: {quiet: {from: '22:00', to: '22:00'}}",
           "1:17: notifications.quiet: from and to are the same time\n");
}
END_TEST

START_TEST(secret_of_the_webhook)
{
    static const char fault[] = "1:26: alerts.webhook_secret: must have base64 behind whsec_\n";
    config_free(th_good("alerts: {webhook_secret: whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3}"));
    config_free(th_good("alerts: {webhook_secret: whsec_ab+/Z_-9aQ==}"));
    config_free(th_good("alerts: {webhook_secret: by hand}"));
    config_free(th_good("alerts: {webhook_secret: ''}"));
    th_bad("alerts: {webhook_secret: whsec_}", fault);
    th_bad("alerts: {webhook_secret: whsec_not base64}", fault);
    th_bad("alerts: {webhook_secret: whsec_abcde}", fault);
}
END_TEST

/* ---- keys ---- */

START_TEST(unknown_keys)
{
    th_bad("sever: {workers: 1}", "1:1: sever: unknown key\n");
    th_bad("server: {wrokers: 1}",
           "1:10: server.wrokers: unknown key (did you mean server.workers?)\n");
    th_bad("server: {Workers: 1}",
           "1:10: server.Workers: unknown key (did you mean server.workers?)\n");
    th_bad("workers: 1\n", "1:1: workers: unknown key\n");
    th_bad("server: {workers.x: 1}", "1:10: server.workers.x: unknown key\n");
    th_bad("server: 5", "1:9: server: must be a mapping\n");
    th_bad("server: [1]", "1:9: server: must be a mapping\n");
    th_bad("- server", "1:1: must be a mapping of sections\n");
    th_bad("server", "1:1: must be a mapping of sections\n");
    th_bad("server.workers: 1", "1:1: server.workers: unknown key\n");
}
END_TEST

START_TEST(all_faults_at_once_in_order)
{
    th_bad("log:\n"
           "  level: loud\n"
           "server:\n"
           "  workers: 0\n"
           "  nope: 1\n"
           "  queue: x\n"
           "  workers: 3\n"
           "otp:\n"
           "  ttl: 2h\n"
           "  provider: gone\n",
           "2:10: log.level: must be error, warn, info or debug\n"
           "4:12: server.workers: must be 1 to 1024\n"
           "5:3: server.nope: unknown key\n"
           "6:10: server.queue: must be an integer\n"
           "7:3: server.workers: is given twice, first in line 4\n"
           "9:8: otp.ttl: must be 1s to 1h\n"
           "10:3: otp.secret: is missing: otp.provider needs it to hash codes\n"
           "10:13: otp.provider: this file has no provider 'gone'\n");
}
END_TEST

/* ---- references ---- */

START_TEST(references_to_providers)
{
    struct config *c = th_good(PAY "payments: {provider: pay}");
    ck_assert_int_eq(c->payments.provider, 0);
    config_free(c);
    c = th_good(SMS "notifications: {provider: sms}");
    ck_assert_int_eq(c->notifications.provider, 0);
    ck_assert_int_eq(config_provider_find(c, "sms"), 0);
    ck_assert_int_eq(config_provider_find(c, "pay"), -1);
    config_free(c);
    th_bad(PAY "notifications: {provider: pay}",
           "2:27: notifications.provider: 'pay' is of type moyasar, which sends no SMS\n");
    th_bad(PAY "otp: {provider: pay, secret: " SECRET32 "}",
           "2:17: otp.provider: 'pay' is of type moyasar, which sends no SMS\n");
    th_bad(SMS "payments: {provider: sms}",
           "2:22: payments.provider: 'sms' is of type taqnyat, which takes no payments\n");
    th_bad("payments: {provider: [x]}",
           "1:22: payments.provider: must be the name of a provider\n");
    /* a provider with a fault of its own is not reported a second time where it is used */
    TH_BAD_NAMES("providers: {p: {type: nope}}\npayments: {provider: p}",
                 "1:23: providers.p.type: must be %s\n", provider_type_names, PROVIDER_TYPE_COUNT,
                 " or ");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("config");
    TCase *c = th_case(s, "config");

    tcase_add_test(c, defaults_without_a_file);
    tcase_add_test(c, an_empty_file_is_all_defaults);
    tcase_add_test(c, computed_defaults);
    tcase_add_test(c, ranges_hold_at_both_ends);
    tcase_add_test(c, wrong_types_of_numbers);
    tcase_add_test(c, words);
    tcase_add_test(c, listen_one_or_a_list);
    tcase_add_test(c, listen_unix_with_a_mode_and_an_owner);
    tcase_add_test(c, listen_refused);
    tcase_add_test(c, networks);
    tcase_add_test(c, monitor_has_an_address_of_its_own);
    tcase_add_test(c, urls);
    tcase_add_test(c, hosts_of_urls);
    tcase_add_test(c, origins);
    tcase_add_test(c, database_url);
    tcase_add_test(c, regions);
    tcase_add_test(c, ranges_of_a_region);
    tcase_add_test(c, otp_needs_its_secret);
    tcase_add_test(c, messages);
    tcase_add_test(c, what_is_never_deferred);
    tcase_add_test(c, couriers_and_reminders);
    tcase_add_test(c, secret_of_the_webhook);
    tcase_add_test(c, unknown_keys);
    tcase_add_test(c, all_faults_at_once_in_order);
    tcase_add_test(c, references_to_providers);
    return th_run(s);
}
