/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* config.def against what people read: the sample has every key with its default and loads, the
 * manual has every key. Both name every provider and template.
 */
#include <ctype.h>
#include <sys/stat.h>

#include "../../src/domain/config_priv.h"
#include "../lib/th_config.h"
#include "../lib/th_unit.h"
#include "sys/config_yaml.h"

static char *read_source(const char *name)
{
    char path[512];
    const char *top = getenv("srcdir");
    snprintf(path, sizeof path, "%s/%s", top ? top : "..", name);
    FILE *f = fopen(path, "r");
    ck_assert_msg(f != NULL, "cannot open %s", path);
    char *text = calloc(1, 262144);
    ck_assert_ptr_nonnull(text);
    ck_assert_uint_gt(fread(text, 1, 262143, f), 0);
    fclose(f);
    return text;
}

/* The sample with the commented provider types brought to life: lines between the two markers lose
 * their "# ". */
static char *sample_with_examples(void)
{
    char *text = read_source("etc/bookingd.yaml"), *end = strstr(text, "  # -- end");
    char *p = strstr(text, "  # -- the other types");
    ck_assert(p && end);
    for (p = strchr(p, '\n'); p && p < end; p = strchr(p + 1, '\n'))
        if (strncmp(p, "\n  # ", 5) == 0 && p[5] != '-')
            memmove(p + 3, p + 5, strlen(p + 5) + 1), end -= 2;
    return text;
}

static char dir[] = "/tmp/check_docs.XXXXXX";

static void make_credentials(void)
{
    static const char *const names[] = {"sms-token", "moyasar-key", "moyasar-webhook",
                                        "otp-secret"};
    char path[128];
    ck_assert_ptr_nonnull(mkdtemp(dir));
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        FILE *f = fopen(path, "w");
        ck_assert_ptr_nonnull(f);
        fputs("0123456789abcdef0123456789abcdef\n", f);
        fclose(f);
    }
    setenv("CREDENTIALS_DIRECTORY", dir, 1);
}

static void remove_credentials(void)
{
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", dir);
    ck_assert_int_eq(system(command), 0);
}

static void loads(char *text, size_t providers)
{
    struct config *c = th_good(text);
    ck_assert_uint_eq(c->providers_n, providers);
    ck_assert_int_ge(c->otp.provider, 0);
    ck_assert_int_ge(c->payments.provider, 0);
    ck_assert_int_ge(c->notifications.provider, 0);
    config_free(c);
    free(text);
}

START_TEST(the_sample_loads)
{
    loads(read_source("etc/bookingd.yaml"), 2);
    loads(sample_with_examples(), 6);
}
END_TEST

START_TEST(its_texts_are_the_built_in_ones)
{
    struct config_report *r;
    char *text = read_source("etc/bookingd.yaml");
    struct config *sample = th_good(text), *built_in = config_load(NULL, &r);
    ck_assert_ptr_nonnull(built_in);
    for (int l = 0; l < LOCALE_COUNT; l++) {
        ck_assert_str_eq(sample->otp.messages[l], built_in->otp.messages[l]);
        for (int t = 0; t < NOTIFICATION_TEMPLATE_COUNT; t++)
            ck_assert_str_eq(sample->notifications.messages[t][l],
                             built_in->notifications.messages[t][l]);
    }
    config_free(sample);
    config_free(built_in);
    free(text);
}
END_TEST

/* ---- the sample against the table ---- */

static void shows_default(const struct config_key *k, const struct config_node *n)
{
    if (n->kind == CONFIG_LIST)
        n = n->first;
    if (k->fallback && n && n->kind == CONFIG_SCALAR)
        ck_assert_msg(strcmp(n->text, k->fallback) == 0,
                      "%s: the sample has '%s', the default is '%s'", k->path, n->text,
                      k->fallback);
}

START_TEST(the_sample_has_every_key)
{
    struct config_loader l = {.arena = arena_new(4096), .scratch = arena_new(4096)};
    char *text = sample_with_examples();
    const struct config_node *root = config_yaml(&l, str_of(text)),
                             *providers = config_node_member(root, STR("providers"));
    ck_assert(root && providers);
    for (size_t i = 0; i < config_keys_n; i++) {
        const struct config_key *k = &config_keys[i];
        const struct config_node *n = config_node_at(root, k->path);
        ck_assert_msg((n != NULL) == (k->read != config_read_never), "%s", k->path);
        if (n)
            shows_default(k, n);
    }
    for (size_t i = 0; i < config_provider_keys_n; i++) {
        const struct config_node *found = NULL;
        for (const struct config_node *p = providers->first; p && !found; p = p->next)
            found = config_node_at(p, config_provider_keys[i].path);
        ck_assert_msg(found != NULL, "providers.NAME.%s", config_provider_keys[i].path);
        shows_default(&config_provider_keys[i], found);
    }
    free(text);
    arena_free(l.scratch);
    arena_free(l.arena);
}
END_TEST

/* ---- the manual against the table ---- */

/* The text of the item that begins with ".It Ic key", or has it among others: "user , api_key". */
static char *manual_item(const char *manual, const char *key)
{
    for (const char *p = strstr(manual, "\n.It Ic "); p; p = strstr(p + 1, "\n.It Ic ")) {
        const char *eol = strchr(p + 1, '\n');
        struct str names = {p + 8, (size_t)(eol - p - 8)};
        while (names.n) {
            struct str name = str_cut(&names, ' ');
            if (!str_eq(name, str_of(key)))
                continue;
            const char *next = strstr(eol, "\n.It"), *close = strstr(eol, "\n.El");
            const char *end = next && (!close || next < close) ? next : close;
            return strndup(eol, end ? (size_t)(end - eol) : strlen(eol));
        }
    }
    return NULL;
}

static void in_manual(const char *manual, const struct config_key *k)
{
    char *item = manual_item(manual, k->path), want[256];
    ck_assert_msg(item != NULL, "the manual has no %s", k->path);
    if (k->fallback && *k->fallback) {
        snprintf(want, sizeof want, "Default\n.Li %s", k->fallback);
        ck_assert_msg(strstr(item, want) != NULL, "the manual's %s does not say 'Default %s'",
                      k->path, k->fallback);
    }
    free(item);
}

START_TEST(the_manual_has_every_key)
{
    char *manual = read_source("doc/bookingd.yaml.5");
    for (size_t i = 0; i < config_keys_n; i++)
        if (config_keys[i].read != config_read_never)
            in_manual(manual, &config_keys[i]);
    for (size_t i = 0; i < config_provider_keys_n; i++)
        in_manual(manual, &config_provider_keys[i]);
    free(manual);
}
END_TEST

START_TEST(the_manual_has_no_other_keys)
{
    char *manual = read_source("doc/bookingd.yaml.5");
    for (const char *p = strstr(manual, "\n.It Ic "); p; p = strstr(p + 1, "\n.It Ic ")) {
        struct str names = {p + 8, strcspn(p + 8, "\n")};
        while (names.n) {
            struct str name = str_cut(&names, ' ');
            bool known = str_eq(name, STR(","));
            for (size_t i = 0; i < config_keys_n; i++)
                known |= str_eq(name, str_of(config_keys[i].path));
            for (size_t i = 0; i < config_provider_keys_n; i++)
                known |= str_eq(name, str_of(config_provider_keys[i].path));
            ck_assert_msg(known, "the manual has %.*s, config.def has not", STR_ARG(name));
        }
    }
    free(manual);
}
END_TEST

/* ---- names of other tables, where people look them up ---- */

/* The word stands in the text, and is no part of a longer one. */
static bool has_word(const char *text, const char *word)
{
    const size_t n = strlen(word);
    for (const char *p = strstr(text, word); p; p = strstr(p + 1, word))
        if ((p == text || (!isalnum((unsigned char)p[-1]) && p[-1] != '_')) &&
            !isalnum((unsigned char)p[n]) && p[n] != '_')
            return true;
    return false;
}

static void documents_names(const char *key, const char *const *names, int count)
{
    char *manual = read_source("doc/bookingd.yaml.5"), *item = manual_item(manual, key);
    char *sample = read_source("etc/bookingd.yaml");
    ck_assert_ptr_nonnull(item);
    for (int i = 0; i < count; i++) {
        ck_assert_msg(has_word(item, names[i]), "the manual's %s has no %s", key, names[i]);
        ck_assert_msg(has_word(sample, names[i]), "etc/bookingd.yaml has no %s", names[i]);
    }
    free(sample);
    free(item);
    free(manual);
}

START_TEST(the_manual_and_the_sample_have_every_provider)
{
    documents_names("type", provider_type_names, PROVIDER_TYPE_COUNT);
}
END_TEST

START_TEST(every_template_is_documented)
{
    documents_names("notifications.messages", notification_template_names,
                    NOTIFICATION_TEMPLATE_COUNT);
    char want[2048], *openapi = read_source("doc/openapi.yaml");
    snprintf(want, sizeof want, "template: {type: string, enum: [%s]}",
             th_names(notification_template_names, NOTIFICATION_TEMPLATE_COUNT, ", "));
    ck_assert_msg(strstr(openapi, want) != NULL, "doc/openapi.yaml has no '%s'", want);
    free(openapi);
}
END_TEST

START_TEST(the_table_is_in_order)
{
    for (size_t i = 0; i < config_keys_n + config_provider_keys_n; i++) {
        const struct config_key *k =
            i < config_keys_n ? &config_keys[i] : &config_provider_keys[i - config_keys_n];
        ck_assert_msg(k->doc && *k->doc, "%s", k->path);
        ck_assert(k->read != NULL && k->group != 0);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("config_docs");
    TCase *c = th_case(s, "config_docs");

    tcase_add_unchecked_fixture(c, make_credentials, remove_credentials);
    tcase_add_test(c, the_sample_loads);
    tcase_add_test(c, its_texts_are_the_built_in_ones);
    tcase_add_test(c, the_sample_has_every_key);
    tcase_add_test(c, the_manual_has_every_key);
    tcase_add_test(c, the_manual_has_no_other_keys);
    tcase_add_test(c, the_manual_and_the_sample_have_every_provider);
    tcase_add_test(c, every_template_is_documented);
    tcase_add_test(c, the_table_is_in_order);
    return th_run(s);
}
