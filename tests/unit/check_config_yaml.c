/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Files that are no configuration at all, hostile ones, and secrets in all their forms. */
#include <sys/stat.h>

#include "../lib/th_config.h"
#include "../lib/th_unit.h"

/* ---- the file ---- */

static void no_file(const char *path, const char *want)
{
    char got[512] = "";
    struct config_report *r;
    ck_assert_ptr_null(config_load(path, &r));
    ck_assert_uint_eq(r->n, 1);
    FILE *f = fmemopen(got, sizeof got, "w");
    config_report_print(r, path, f);
    fclose(f);
    config_report_free(r);
    ck_assert_str_eq(got, want);
}

START_TEST(a_missing_file)
{
    no_file("/nonexistent/b.yaml",
            "/nonexistent/b.yaml:1:1: cannot read the file: No such file or directory\n");
    no_file("/tmp", "/tmp:1:1: cannot read the file: it is a directory\n");
    no_file("", ":1:1: cannot read the file: No such file or directory\n");
    no_file("/dev/zero",
            "/dev/zero:1:1: cannot read the file: it is a device or a socket, not a file\n");
}
END_TEST

START_TEST(broken_yaml)
{
    static const struct {
        struct str text;
        const char *want;
    } rows[] = {
        {STR("a: [b\n"), "2:1: not valid YAML: did not find expected ',' or ']'\n"},
        {STR("a: {b: c\n"), "2:1: not valid YAML: did not find expected ',' or '}'\n"},
        {STR("a: 'b\n"), "2:1: not valid YAML: found unexpected end of stream\n"},
        {STR("a: b: c\n"), "1:5: not valid YAML: mapping values are not allowed in this context\n"},
        {STR("server:\n\tworkers: 1\n"),
         "2:1: not valid YAML: found character that cannot start any token\n"},
        {STR("a: \xff\n"), "1:4: not valid YAML: invalid leading UTF-8 octet\n"},
        {STR("a: b\nc: \xd8\n"), "2:5: not valid YAML: invalid trailing UTF-8 octet\n"},
        {STR("a: \xed\xa0\x80\n"), "1:4: not valid YAML: invalid Unicode character\n"},
        {STR("a: b\0c\n"), "1:5: not valid YAML: control characters are not allowed\n"},
        {STR("\x7f"
             "ELF\x02\x01\x01\0\0\0"),
         "1:1: not valid YAML: control characters are not allowed\n"},
        {STR("\xff\xfe"
             "a\0:\0"),
         "1:1: not valid YAML: invalid leading UTF-8 octet\n"}, /* UTF-16 */
        {STR("%YAML 2.0\n---\na: b\n"), "1:1: not valid YAML: found incompatible YAML document\n"},
        {STR("@"), "1:1: not valid YAML: found character that cannot start any token\n"},
        {STR("---\nserver: {workers: 1}\n---\nlog: {}\n"), "3:1: more than one document\n"},
    };
    char report[TH_REPORT_MAX];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ck_assert_msg(th_load(rows[i].text, report) == NULL, "row %zu taken", i);
        ck_assert_msg(strcmp(report, rows[i].want) == 0, "row %zu: wanted %sgot %s", i,
                      rows[i].want, report);
    }
}
END_TEST

START_TEST(what_yaml_has_and_we_do_not)
{
    th_bad("server: &s {workers: 1}\n", "1:9: server: anchors and aliases are not supported\n");
    th_bad("sessions: &s {ttl: 1s}\nbookings: *s\n",
           "1:11: sessions: anchors and aliases are not supported\n"
           "2:11: bookings: anchors and aliases are not supported\n");
    th_bad("server: {workers: !!int 3}\n", "1:19: server.workers: tags are not supported\n");
    th_bad("log: !x {level: info}\n", "1:6: log: tags are not supported\n");
    th_bad("server:\n  <<: {workers: 3}\n", "2:3: server.<<: unknown key\n");
    th_bad("? [a, b]\n: c\n", "1:3: ?: a key must be a word of at most 128 bytes\n");
    th_bad("server: {? {a: b} : c, workers: 0}\n",
           "1:12: server.?: a key must be a word of at most 128 bytes\n"
           "1:33: server.workers: must be 1 to 1024\n");
    th_bad("'': 1\n", "1:1: ?: a key must be a word of at most 128 bytes\n");
    th_bad("log: {level: \"in\\0fo\"}\n", "1:14: log.level: must not contain a NUL character\n");
    /* a key cannot move the reader's cursor */
    th_bad("\"a\\e[2Jb\": 1\n", "1:1: a?[2Jb: unknown key\n");
    config_free(th_good("%YAML 1.1\n---\n\"server\": {\"workers\": 3}\n...\n"));
    config_free(th_good("\xef\xbb\xbfserver: {workers: 3}\r\nlog:\r\n  level: info\r\n"));
    th_bad("\xef\xbb\xbfserver: {workers: 0}", "1:19: server.workers: must be 1 to 1024\n");
}
END_TEST

static char *repeated(const char *head, const char *piece, size_t times)
{
    size_t n = strlen(piece);
    char *text = malloc(strlen(head) + n * times + 1);
    ck_assert_ptr_nonnull(text);
    memcpy(text, head, strlen(head) + 1);
    for (size_t i = 0; i < times; i++)
        memcpy(text + strlen(head) + i * n, piece, n + 1);
    return text;
}

/* Each must be refused, and soon: libcheck's limit is the judge. */
START_TEST(too_much_of_anything)
{
    static const struct {
        const char *head, *piece;
        size_t times;
        const char *fault;
    } rows[] = {
        {"a: ", "[", 100000, "is nested too deeply"},
        {"", "{a: ", 100000, "is nested too deeply"},
        {"", "? ", 50000, "is nested too deeply"},
        {"", "- ", 50000, "is nested too deeply"},
        {"a: [", "x, ", 100000, "the file has too many entries"},
        {"server: {trusted_proxies: [", "[], ", 20000, "the file has too many entries"},
        {"server: {user: '", "0123456789abcdef", 4097, "not valid YAML"},
        {"log: {level: ", "0123456789abcdef", 4097, "not valid YAML"},
        {"#", "x", 1024 * 1024, "the file is larger than 1 MiB"},
        {"server: {user: \"", "\\x41", 200000, "not valid YAML"},
    };
    char report[TH_REPORT_MAX];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *text = repeated(rows[i].head, rows[i].piece, rows[i].times);
        ck_assert_msg(th_load(str_of(text), report) == NULL, "row %zu taken", i);
        ck_assert_msg(strstr(report, rows[i].fault) != NULL, "row %zu: %.200s", i, report);
        free(text);
    }
    char *text = repeated("log:\n  level: ", "x", 65537);
    ck_assert_ptr_null(th_load(str_of(text), report));
    ck_assert_str_eq(report, "2:10: log.level: is longer than 64 KiB\n");
    free(text);
    text = repeated("", "k", 129);
    memcpy(text + 127, ": ", 2); /* 127 bytes and a colon: a long key, but one */
    ck_assert_ptr_null(th_load((struct str){text, 129}, report));
    ck_assert(strstr(report, ": unknown key") != NULL);
    free(text);
}
END_TEST

START_TEST(faults_are_bounded)
{
    char text[16384], report[TH_REPORT_MAX];
    size_t n = 0, lines = 0;
    for (int i = 0; i < 300; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "k%d: 1\n", i);
    ck_assert_ptr_null(th_load((struct str){text, n}, report));
    for (const char *p = report; *p; p++)
        lines += *p == '\n';
    ck_assert_uint_eq(lines, 200);
}
END_TEST

/* ---- secrets ---- */

static char dir[] = "/tmp/check_secret.XXXXXX";

static void make_dir(void)
{
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void remove_dir(void)
{
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", dir);
    ck_assert_int_eq(system(command), 0);
}

static const char *file_with(const char *name, struct str bytes)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes.p, 1, bytes.n, f), bytes.n);
    fclose(f);
    return path;
}

static struct config *with_token(const char *value, char report[TH_REPORT_MAX])
{
    char text[512];
    snprintf(text, sizeof text,
             "providers:\n  p:\n    type: taqnyat\n    base_url: http://127.0.0.1:1\n    sender: "
             "s\n    token: %s\n",
             value);
    return th_load(str_of(text), report);
}

static void token_is(const char *value, const char *want)
{
    char report[TH_REPORT_MAX];
    struct config *c = with_token(value, report);
    ck_assert_msg(c != NULL, "%s refused: %s", value, report);
    ck_assert_str_eq(c->providers[0].token, want);
    config_free(c);
}

static void token_refused(const char *value, const char *fault)
{
    char report[TH_REPORT_MAX], want[512];
    snprintf(want, sizeof want, "6:%s\n", fault);
    ck_assert_msg(with_token(value, report) == NULL, "taken: %s", value);
    ck_assert_msg(strcmp(report, want) == 0, "for %s\nwanted %sgot %s", value, want, report);
}

START_TEST(secrets_by_value)
{
    token_is("abc", "abc");
    token_is("'a: b # c'", "a: b # c");
    token_is("12345", "12345");
    token_is("0755", "0755");
    token_is("true", "true");
    token_is("رمز", "رمز");
    token_refused("''", "12: providers.p.token: is empty");
    token_refused("[a]", "12: providers.p.token: must be a string, or one of {file: PATH}, {env: "
                         "NAME}, {credential: NAME}");
    token_refused("{}", "12: providers.p.token: must be a string, or one of {file: PATH}, {env: "
                        "NAME}, {credential: NAME}");
    token_refused("{file: a, env: b}", "12: providers.p.token: must be a string, or one of {file: "
                                       "PATH}, {env: NAME}, {credential: NAME}");
    token_refused(
        "{path: a}",
        "13: providers.p.token.path: unknown key; a secret is a string, {file: PATH}, {env: "
        "NAME} or {credential: NAME}");
    token_refused("\"a\\nb\"",
                  "12: providers.p.token: must not contain line breaks or control characters");
    token_refused("\"a\\0b\"", "12: providers.p.token: must not contain a NUL character");
    token_refused("{file: [a]}", "19: providers.p.token: file must be a path");
    token_refused("{env: ''}", "18: providers.p.token: env must be a name");
    token_refused("{env: }", "18: providers.p.token: env must be a name");
}
END_TEST

START_TEST(secrets_from_files)
{
    char value[256], fault[256];
    snprintf(value, sizeof value, "{file: %s}", file_with("a", STR("abc\n")));
    token_is(value, "abc");
    snprintf(value, sizeof value, "{file: %s}", file_with("a", STR("abc")));
    token_is(value, "abc");
    snprintf(value, sizeof value, "{file: %s}", file_with("a", STR(" a b")));
    token_is(value, " a b");
    snprintf(value, sizeof value, "{file: %s}", file_with("a", STR("a b "))); /* O19 */
    snprintf(fault, sizeof fault, "19: providers.p.token: %s/a ends with a space or a tab", dir);
    token_refused(value, fault);
    chmod(file_with("a", STR("abc\n")), 0444); /* its mode is not ours to judge */
    token_is(value, "abc");
    chmod(file_with("a", STR("abc\n")), 0600);
    snprintf(value, sizeof value, "{file: %s}",
             file_with("a", STR("abc\n\n"))); /* one newline goes, a second is a mistake */
    token_refused(value,
                  "12: providers.p.token: must not contain line breaks or control characters");
    file_with("a", STR("a\0c\n"));
    snprintf(fault, sizeof fault, "19: providers.p.token: %s/a contains a NUL byte", dir);
    token_refused(value, fault);
    file_with("a", STR("\n"));
    token_refused(value, "12: providers.p.token: is empty");
    file_with("a", STR("\xff\n"));
    token_refused(value, "12: providers.p.token: must be UTF-8");
    char *big = repeated("", "x", 16385);
    file_with("a", str_of(big));
    free(big);
    snprintf(fault, sizeof fault, "19: providers.p.token: %s/a is larger than 16 KiB", dir);
    token_refused(value, fault);
    snprintf(value, sizeof value, "{file: %s/none}", dir);
    snprintf(fault, sizeof fault,
             "19: providers.p.token: cannot read %s/none: No such file or directory", dir);
    token_refused(value, fault);
    snprintf(value, sizeof value, "{file: %s}", dir);
    snprintf(fault, sizeof fault, "19: providers.p.token: cannot read %s: it is a directory", dir);
    token_refused(value, fault);
}
END_TEST

START_TEST(a_relative_path_starts_at_the_configuration)
{
    char path[256];
    struct config_report *r;
    file_with("key", STR("0123456789abcdef0123456789abcdef\n"));
    snprintf(path, sizeof path, "%s", file_with("b.yaml", STR("otp: {secret: {file: key}}\n")));
    struct config *c = config_load(path, &r);
    ck_assert_ptr_nonnull(c);
    ck_assert_uint_eq(c->otp.secret_len, 32);
    ck_assert_str_eq(c->file, path);
    config_free(c);
}
END_TEST

START_TEST(secrets_from_environment_and_credentials)
{
    char fault[256];
    unsetenv("CHECK_TOKEN");
    unsetenv("CREDENTIALS_DIRECTORY");
    token_refused("{env: CHECK_TOKEN}",
                  "18: providers.p.token: the environment variable CHECK_TOKEN is not set");
    setenv("CHECK_TOKEN", "abc", 1);
    token_is("{env: CHECK_TOKEN}", "abc");
    setenv("CHECK_TOKEN", "", 1);
    token_refused("{env: CHECK_TOKEN}", "12: providers.p.token: is empty");
    token_refused("{credential: t}",
                  "25: providers.p.token: no credential 't': CREDENTIALS_DIRECTORY is not set");
    setenv("CREDENTIALS_DIRECTORY", dir, 1);
    file_with("t", STR("cred\n"));
    token_is("{credential: t}", "cred");
    snprintf(fault, sizeof fault,
             "25: providers.p.token: cannot read %s/u: No such file or directory", dir);
    token_refused("{credential: u}", fault);
    token_refused("{credential: ../t}",
                  "25: providers.p.token: a credential's name is a file name");
    token_refused("{credential: ..}", "25: providers.p.token: a credential's name is a file name");
}
END_TEST

START_TEST(secrets_are_not_shown)
{
    /* every fault of a secret says where and what, and never its text */
    char report[TH_REPORT_MAX];
    ck_assert_ptr_null(th_load(STR("otp: {secret: hunter2}\n"
                                   "database: {url: 'mysql://u:hunter2@h/d'}\n"
                                   "providers: {p: {type: twilio, base_url: 'http://u:hunter2@h', "
                                   "account_sid: \"hunter2\\n\","
                                   " auth_token: [hunter2], from: {file: {hunter2: 1}}}}\n"),
                               report));
    ck_assert_msg(strstr(report, "hunter2") == NULL, "%s", report);
}
END_TEST

START_TEST(without_the_service_s_secrets)
{
    const char *path =
        file_with("b.yaml", STR("otp: {provider: p, secret: {env: NOT_THERE}}\n"
                                "database: {url: {env: CHECK_URL}}\n"
                                "providers: {p: {type: taqnyat, base_url: 'http://h', sender: s,"
                                " token: {credential: no}}}\n"));
    struct config_report *r;
    setenv("CHECK_URL", "postgresql://h/d", 1);
    unsetenv("CREDENTIALS_DIRECTORY");
    struct config *c = config_load_offline(path, &r);
    ck_assert_ptr_nonnull(c);
    ck_assert_str_eq(c->database.url, "postgresql://h/d");
    ck_assert_ptr_null(c->providers[0].token);
    ck_assert_uint_eq(c->otp.secret_len, 0);
    config_free(c);
    ck_assert_ptr_null(config_load(path, &r));
    ck_assert_uint_eq(r->n, 2);
    config_report_free(r);
    unsetenv("CHECK_URL");
    ck_assert_ptr_null(config_load_offline(path, &r));
    ck_assert_uint_eq(r->n, 1);
    ck_assert_str_eq(r->faults[0].key, "database.url");
    config_report_free(r);
}
END_TEST

/* A process keeps what its role needs. */
START_TEST(secrets_are_forgotten)
{
    static const char text[] =
        "database: {url: 'postgresql://u:pw@h/d'}\n"
        "providers: {s: {type: taqnyat, base_url: 'http://a', sender: S, token: t0ken}}\n"
        "otp: {provider: s, secret: 0123456789abcdef0123456789abcdef}\n";
    struct config *c = th_good(text);
    config_forget_secrets(c, CONFIG_KEEP_DATABASE | CONFIG_KEEP_OTP | CONFIG_KEEP_PROVIDERS);
    ck_assert_str_eq(c->providers[0].token, "t0ken");
    config_forget_secrets(c, CONFIG_KEEP_DATABASE | CONFIG_KEEP_PROVIDERS);
    ck_assert_ptr_null(c->otp.secret);
    ck_assert_uint_eq(c->otp.secret_len, 0);
    ck_assert_str_eq(c->providers[0].token, "t0ken");
    config_forget_secrets(c, CONFIG_KEEP_DATABASE);
    ck_assert_str_eq(c->providers[0].token, "");
    ck_assert_str_eq(c->database.url, "postgresql://u:pw@h/d");
    config_forget_secrets(c, 0);
    ck_assert_str_eq(c->database.url, "");
    config_free(c);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("config_yaml");
    TCase *file = th_case(s, "file"), *secrets = th_case(s, "secrets");

    tcase_add_test(file, a_missing_file);
    tcase_add_test(file, broken_yaml);
    tcase_add_test(file, what_yaml_has_and_we_do_not);
    tcase_add_test(file, too_much_of_anything);
    tcase_add_test(file, faults_are_bounded);
    tcase_add_unchecked_fixture(secrets, make_dir, remove_dir);
    tcase_add_test(secrets, secrets_by_value);
    tcase_add_test(secrets, secrets_from_files);
    tcase_add_test(secrets, a_relative_path_starts_at_the_configuration);
    tcase_add_test(secrets, secrets_from_environment_and_credentials);
    tcase_add_test(secrets, secrets_are_not_shown);
    tcase_add_test(secrets, without_the_service_s_secrets);
    tcase_add_test(secrets, secrets_are_forgotten);
    return th_run(s);
}
