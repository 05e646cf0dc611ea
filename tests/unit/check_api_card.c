/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Card numbers in request bodies: what is one, what is none, and where it is said to be. */
#include "../../src/api/api_priv.h"
#include "../lib/th_unit.h"

static struct arena *arena;

static void set_up(void)
{
    arena = arena_new(16384);
}

static void tear_down(void)
{
    arena_free(arena);
}

static const char *const cards[] = {
    "4111111111111111",
    "4111 1111 1111 1111",
    "4111-1111-1111-1111",
    "4111 - 1111 - 1111 - 1111",
    "4111\t1111\t1111\t1111",
    "4201320111111010",    /* mada */
    "340000000900000",     /* 15 digits */
    "4222222222222",       /* 13 */
    "6304000000000000000", /* 19 */
    "my card is 4111111111111111, thanks",
    "card:4111111111111111cvc:123",
    "4111 1111 1111 1111 12/29 123", /* more digits behind it */
    "12 4111 1111 1111 1111",        /* and before */
    "0551234567 4111 1111 1111 1111",
    "https://shop.example/?n=4111111111111111",
    "٤١١١١١١١١١١١١١١١",
    "۴۱۱۱ ۱۱۱۱ ۱۱۱۱ ۱۱۱۱",
    "４１１１１１１１１１１１１１１１",
    "4111\xC2\xA0"
    "1111\xE2\x80\x91"
    "1111\xE2\x80\x93"
    "1111", /* fixed space, fixed hyphen, dash */
    "1234567812345670",
    "019e1f6e-6f2e-7000-8000-000000000000 4111111111111111",
};

static const char *const none[] = {
    "",
    "4111111111111112", /* Luhn */
    "411111111111111",  /* short, and Luhn */
    "41111111111111111",
    "00000000000000000000",
    "0000000000000000",
    "411111111111",
    "41111111111111111111",   /* 20 digits in one piece */
    "4111111.111111111",      /* a dot is no gap */
    "4111    1111 1111 1111", /* nor are four spaces */
    "4111x1111x1111x1111",
    "1760000000008", /* milliseconds, and Luhn */
    "2026-11-25T14:30:00.123456Z",
    "+966551234567",
    "055 123 4567, 055 765 4321",
    "12345678-1234-4123-8123-123456789012", /* identifiers, whatever Luhn says of their digits */
    "00000000-0000-4000-8000-000000000026",
    "see 41111111-1111-4111-8111-111111111111!",
    "١٢٣",
    "3 chairs, 2 tables, 14:00 to 15:30, room 12",
};

START_TEST(cards_are_found)
{
    ck_assert_msg(api_card_in(arena, str_of(cards[_i])), "%s", cards[_i]);
}
END_TEST

START_TEST(others_are_not)
{
    ck_assert_msg(!api_card_in(arena, str_of(none[_i])), "%s", none[_i]);
}
END_TEST

/* Pointers of the faults, in their order, joined by a space. */
static const char *pointers(const char *text)
{
    struct faults f;
    struct sb out;
    faults_init(&f, arena);
    sb_init(&out, arena, 64);
    sb_puts(&out, "");
    json_t *j = json_parse(arena, str_of(text));
    ck_assert_ptr_nonnull(j);
    bool good = api_card_free(j, &f);
    ck_assert_int_eq(good, f.n == 0);
    for (const struct fault *one = f.first; one; one = one->next) {
        ck_assert_ptr_null(strstr(one->detail, "4111"));
        sb_printf(&out, "%s%s", out.n ? " " : "", one->pointer);
    }
    return out.p;
}

START_TEST(pointers_say_where)
{
    static const struct {
        const char *body, *want;
    } rows[] = {
        {"{\"note\":\"4111 1111 1111 1111\"}", "/note"},
        {"{\"price\":4111111111111111}", "/price"},
        {"{\"price\":4111111111111111.0}", "/price"},
        {"{\"price\":4.111111111111111e15}", "/price"},
        {"{\"price\":-4111111111111111,\"a\":1e300,\"b\":true,\"c\":null,\"d\":0.5}", ""},
        {"{\"a\":[{\"b\":[1,\"4111111111111111\"]}],\"c/d\":\"4111111111111111\"}",
         "/a/0/b/1 /c~1d"},
        {"{\"phone\":\"4111111111111111\",\"a\":{\"phone\":4111111111111111}}", ""},
        {"{\"phones\":\"4111111111111111\"}", "/phones"},
        {"{\"a\":{\"4111111111111111\":1}}", "/a"},
        {"{\"id\":\"41111111-1111-4111-8111-111111111111\"}", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ck_assert_msg(strcmp(pointers(rows[i].body), rows[i].want) == 0, "%s: %s", rows[i].body,
                      pointers(rows[i].body));
    }
}
END_TEST

/* Every 13 to 19 digit number of Luhn is found, and none that differs in one digit. */
START_TEST(one_wrong_digit_is_seen)
{
    for (unsigned n = 13; n <= 19; n++) {
        char number[32] = "5";
        for (unsigned i = 1; i < n; i++)
            number[i] = (char)('0' + (i * 7 + n) % 10);
        unsigned found = 0;
        for (char last = '0'; last <= '9'; last++) {
            number[n - 1] = last;
            found += api_card_in(arena, str_of(number));
        }
        ck_assert_uint_eq(found, 1);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("api_card");
    TCase *c = th_case(suite, "card");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_loop_test(c, cards_are_found, 0, ARRAY_LEN(cards));
    tcase_add_loop_test(c, others_are_not, 0, ARRAY_LEN(none));
    tcase_add_test(c, pointers_say_where);
    tcase_add_test(c, one_wrong_digit_is_seen);
    return th_run(suite);
}
