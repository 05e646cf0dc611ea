/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
#include "../lib/th_unit.h"
#include "domain/regions.h"

START_TEST(rows_are_well_formed)
{
    static const char *const promised[] = {"SA", "AE", "KW", "BH", "QA", "OM", "JO",
                                           "EG", "YE", "IQ", "LB", "PS", "SY", "TR",
                                           "US", "GB", "DE", "FR", "IN", "PK"};
    for (size_t i = 0; i < ARRAY_LEN(promised); i++)
        ck_assert_msg(region_find(str_of(promised[i])) != NULL, "%s", promised[i]);
    for (size_t i = 0; i < regions_n; i++) {
        const struct region *r = &regions[i];
        ck_assert_uint_eq(strlen(r->code), 2);
        ck_assert_ptr_eq(region_find(str_of(r->code)), r);
        ck_assert(strspn(r->calling_code, "123456789") >= 1 && strlen(r->calling_code) <= 3);
        ck_assert_uint_eq(strspn(r->mobile, "0123456789/- "), strlen(r->mobile));
        ck_assert_uint_eq(strspn(r->except, "0123456789 "), strlen(r->except));
        for (struct str rest = str_of(r->mobile); rest.n;) {
            struct str word = str_cut(&rest, ' ');
            ck_assert_msg(word.n >= 3 && memchr(word.p, '/', word.n), "%s: '%.*s'", r->code,
                          STR_ARG(word));
        }
    }
    ck_assert_ptr_null(region_find(STR("sa")));
    ck_assert_ptr_null(region_find(STR("")));
    ck_assert_ptr_null(region_find(STR("SAU")));
}
END_TEST

START_TEST(numbers_and_their_regions)
{
    static const struct {
        const char *digits, *code; /* NULL: no mobile number */
    } rows[] = {
        {"966551234567", "SA"},  {"96655123456", NULL},
        {"9665512345678", NULL}, {"966112345678", NULL},
        {"971501234567", "AE"},  {"971511234567", NULL},
        {"96551234567", "KW"},   {"96541234567", "KW"},
        {"96542234567", NULL},   {"96522345678", NULL},
        {"97336001234", "BH"},   {"97366001234", "BH"},
        {"97461001234", "QA"},   {"97333123456", "BH"},
        {"97444123456", NULL},   {"96891234567", "OM"},
        {"962791234567", "JO"},  {"962761234567", NULL},
        {"201001234567", "EG"},  {"201301234567", NULL},
        {"967712345678", "YE"},  {"9647901234567", "IQ"},
        {"9613123456", "LB"},    {"96171123456", "LB"},
        {"9617112345", NULL},    {"970591234567", "PS"},
        {"963944123456", "SY"},  {"905321234567", "TR"},
        {"902121234567", NULL},  {"12125550123", "US"},
        {"14165550123", "CA"},   {"18765550123", NULL},
        {"18005550123", NULL},   {"11125550123", NULL},
        {"447400123456", "GB"},  {"447012345678", NULL},
        {"442071234567", NULL},  {"4915112345678", "DE"},
        {"491701234567", "DE"},  {"49301234567", NULL},
        {"33612345678", "FR"},   {"33701234567", NULL},
        {"33712345678", "FR"},   {"919812345678", "IN"},
        {"911123456789", NULL},  {"923001234567", "PK"},
        {"628123456789", "ID"},  {"6281234567890123", NULL},
        {"999123456789", NULL},  {"", NULL},
        {"966", NULL},           {"9665512345a7", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str national = {NULL, 0};
        bool known;
        const struct region *r = region_of(str_of(rows[i].digits), &national, &known);
        const char *code = r ? r->code : NULL;
        ck_assert_msg((code == NULL) == (rows[i].code == NULL) &&
                          (!code || strcmp(code, rows[i].code) == 0),
                      "%s: %s", rows[i].digits, code ? code : "none");
        if (r)
            ck_assert(strcmp(national.p, rows[i].digits + strlen(r->calling_code)) == 0);
    }
}
END_TEST

START_TEST(a_known_country_is_told_from_a_wrong_number)
{
    struct str national;
    bool known;
    ck_assert_ptr_null(region_of(STR("966112345678"), &national, &known));
    ck_assert(known);
    ck_assert_ptr_null(region_of(STR("999123456789"), &national, &known));
    ck_assert(!known);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("regions");
    TCase *c = th_case(s, "regions");

    tcase_add_test(c, rows_are_well_formed);
    tcase_add_test(c, numbers_and_their_regions);
    tcase_add_test(c, a_known_country_is_told_from_a_wrong_number);
    return th_run(s);
}
