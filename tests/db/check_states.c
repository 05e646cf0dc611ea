/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* domain/states.def and the schema's CHECK constraints have the same words. */
#include <stdlib.h>
#include <string.h>

#include "../lib/th_db.h"
#include "../lib/th_unit.h"
#include "domain/states.h"

static struct th_db t;

static void set_up(void)
{
    th_db_open(&t);
}

static void tear_down(void)
{
    th_db_close(&t);
}

/* Every CHECK of the form column = ANY (ARRAY['word'::text, ...]), one row per word. */
#define CHECKED_WORDS                                                                              \
    "(SELECT c.conrelid::regclass::text AS tab, a.attname::text AS col, w[1] AS word"              \
    " FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = "         \
    "c.conkey[1]"                                                                                  \
    " CROSS JOIN LATERAL regexp_matches(pg_get_constraintdef(c.oid), '''([^'']*)''::text', 'g') w" \
    " WHERE c.contype = 'c' AND array_length(c.conkey, 1) = 1"                                     \
    " AND c.connamespace = current_schema()::regnamespace"                                         \
    " AND pg_get_constraintdef(c.oid) LIKE '%%= ANY (ARRAY[%%') AS checked"

static bool is_in_schema(const struct vocabulary *v, const char *word)
{
    return strcmp(th_db_value(&t,
                              "SELECT count(*) FROM " CHECKED_WORDS
                              " WHERE tab = '%s' AND col = '%s' AND word = '%s'",
                              v->table, v->column, word),
                  "1") == 0;
}

START_TEST(every_word_is_in_the_schema)
{
    for (unsigned i = 0; i < vocabularies_n; i++) {
        const struct vocabulary *v = &vocabularies[i];
        ck_assert_uint_gt(v->n, 0);
        ck_assert_ptr_null(v->words[v->n]);
        for (unsigned k = 0; k < v->n; k++) {
            ck_assert_msg(v->words[k] != NULL, "%s has a gap at %u", v->name, k);
            ck_assert_msg(is_in_schema(v, v->words[k]), "%s: '%s' is not allowed by %s.%s", v->name,
                          v->words[k], v->table, v->column);
        }
    }
}
END_TEST

/* By number: with the test above, no CHECK has a word that its block lacks. */
START_TEST(the_schema_has_no_other_words)
{
    unsigned known = 0;
    for (unsigned i = 0; i < vocabularies_n; i++) {
        const struct vocabulary *v = &vocabularies[i];
        const char *n = th_db_value(
            &t, "SELECT count(*) FROM " CHECKED_WORDS " WHERE tab = '%s' AND col = '%s'", v->table,
            v->column);
        ck_assert_msg(strtoul(n, NULL, 10) == v->n, "%s.%s allows %s words, %s has %u", v->table,
                      v->column, n, v->name, v->n);
        known += v->n;
    }
    /* Locales are the configuration's vocabulary; who made a booking is one of two kinds; a link to
     * the desk has a role of staff_keys; gauges have two parts, each a statement of its own. */
    ck_assert_str_eq(th_db_value(&t,
                                 "SELECT count(*) - %u FROM " CHECKED_WORDS
                                 " WHERE col <> 'locale' AND (tab, col) <> ('bookings', 'made_by')"
                                 " AND (tab, col) <> ('desk_links', 'role')"
                                 " AND (tab, col) <> ('gauges', 'part')",
                                 known),
                     "0");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("states");
    TCase *c = th_case(s, "states");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, every_word_is_in_the_schema);
    tcase_add_test(c, the_schema_has_no_other_words);
    return th_run(s);
}
