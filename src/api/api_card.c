/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Refuses bodies that contain a card number, before anything of them is stored or logged. Called by
 * api_input.c for every JSON body. No card number passes through here (BEHAVIOUR §6: the gateway's
 * page takes it); one that a customer types into a note would make this system subject to PCI DSS.
 *
 * A card number is 13 to 19 digits that satisfy Luhn's check (ISO/IEC 7812-1), in one piece or in
 * groups.
 */
#include "api_priv.h"

#define DIGITS_MIN 13
#define DIGITS_MAX 19
/* Between two groups: "4111 - 1111". */
#define GAP_MAX 3

/* Characters that may stand between groups, and digits that are not ASCII's: first character, last,
 * what they are ('0': digits from there). */
static const struct {
    uint32_t first, last;
    char is;
} other[] = {{0x00a0, 0x00a0, ' '}, {0x0660, 0x0669, '0'}, {0x06f0, 0x06f9, '0'},
             {0x2000, 0x2015, ' '}, {0x202f, 0x202f, ' '}, {0x2212, 0x2212, ' '},
             {0xff10, 0xff19, '0'}};

/* The character at *i of valid UTF-8, and past it. */
static uint32_t card_next_char(struct str s, size_t *i)
{
    unsigned char c = (unsigned char)s.p[(*i)++];
    unsigned more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;
    uint32_t v = more == 0 ? c : c & (0x3fu >> more);
    for (; more > 0 && *i < s.n; more--)
        v = v << 6 | ((unsigned char)s.p[(*i)++] & 0x3fu);
    return v;
}

/* A digit, ' ' for what may stand between groups, 'x' for all else. */
static char card_class_of(uint32_t c)
{
    if (c < 0x80)
        return c >= '0' && c <= '9' ? (char)c : c == ' ' || c == '-' || c == '\t' ? ' ' : 'x';
    for (size_t i = 0; i < ARRAY_LEN(other); i++)
        if (c >= other[i].first && c <= other[i].last)
            return other[i].is == '0' ? (char)('0' + (c - other[i].first)) : other[i].is;
    return 'x';
}

/* Identifiers are no card numbers, even when all of their digits are decimal. */
static bool card_is_uuid(struct str s, size_t at)
{
    struct uuid u;
    return s.n - at >= UUID_LEN && uuid_parse((struct str){s.p + at, UUID_LEN}, &u);
}

/* The text becomes one class per character, so that the search knows bytes only. */
static struct str card_classes(struct arena *a, struct str text)
{
    struct sb out;
    sb_init(&out, a, text.n + 1);
    for (size_t i = 0; i < text.n;) {
        if (card_is_uuid(text, i)) {
            sb_putc(&out, 'x');
            i += UUID_LEN;
        } else {
            sb_putc(&out, card_class_of(card_next_char(text, &i)));
        }
    }
    return sb_str(&out);
}

static bool card_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Luhn over the digits that end before `end`, n of them. Neither nothing but zeros nor a time in
 * milliseconds is a card. */
static bool card_is_number(const char *end, unsigned n)
{
    unsigned sum = 0, at = 0, any = 0, first = 0;
    for (const char *p = end; at < n;) {
        if (!card_is_digit(*--p))
            continue;
        unsigned d = (unsigned)(*p - '0'), twice = d * 2;
        sum += at++ % 2 == 0 ? d : twice > 9 ? twice - 9 : twice;
        any |= d;
        first = d;
    }
    return sum % 10 == 0 && any != 0 && !(n == DIGITS_MIN && first == 1);
}

/* Whether groups that begin at `from` make one: each end of a group may be its last. */
static bool card_begins(struct str s, size_t from)
{
    unsigned digits = 0, gap = 0;
    for (size_t i = from; i < s.n && digits <= DIGITS_MAX && gap <= GAP_MAX && s.p[i] != 'x'; i++) {
        if (!card_is_digit(s.p[i])) {
            gap++;
            continue;
        }
        gap = 0;
        digits++;
        bool last = i + 1 == s.n || !card_is_digit(s.p[i + 1]);
        if (last && digits >= DIGITS_MIN && digits <= DIGITS_MAX &&
            card_is_number(s.p + i + 1, digits))
            return true;
    }
    return false;
}

/* Starts are tried only where a run of digits begins: part of a longer number is no card number. */
bool api_card_in(struct arena *a, struct str text)
{
    if (text.n < DIGITS_MIN)
        return false;
    struct str s = card_classes(a, text);
    for (size_t i = 0; i < s.n; i++)
        if (card_is_digit(s.p[i]) && (i == 0 || !card_is_digit(s.p[i - 1])) && card_begins(s, i))
            return true;
    return false;
}

/* A real beyond 64 bits cannot hold 19 exact digits. */
static bool card_is_json_number(struct arena *a, const json_t *j)
{
    double d = json_is_real(j) ? json_real_value(j) : 0;
    if (json_is_real(j) && !(d >= 0 && d < 9.2e18))
        return false;
    long long v = json_is_real(j) ? (long long)d : json_integer_value(j);
    return v > 0 && api_card_in(a, str_of(arena_printf(a, "%lld", v)));
}

static void card_check_object(json_t *object, const char *pointer, struct faults *f);

static void card_check_value(json_t *j, const char *pointer, struct faults *f)
{
    struct arena *a = f->arena;
    bool found = false;
    if (json_is_string(j))
        found = api_card_in(a, (struct str){json_string_value(j), json_string_length(j)});
    else if (json_is_number(j))
        found = card_is_json_number(a, j);
    else if (json_is_object(j))
        card_check_object(j, pointer, f);
    for (size_t i = 0; i < json_array_size(j); i++)
        card_check_value(json_array_get(j, i), fault_pointer_index(a, pointer, i), f);
    if (found)
        fault_add(f, pointer, "must not be or contain a card number");
}

static void card_check_object(json_t *object, const char *pointer, struct faults *f)
{
    for (void *i = json_object_iter(object); i; i = json_object_iter_next(object, i)) {
        const char *name = json_object_iter_key(i);
        if (api_card_in(f->arena, str_of(name)))
            fault_add(f, pointer, "has a member whose name is or contains a card number");
        /* A phone number may satisfy Luhn's check by chance. */
        else if (strcmp(name, "phone") != 0)
            card_check_value(json_object_iter_value(i), fault_pointer(f->arena, pointer, name), f);
    }
}

bool api_card_free(json_t *body, struct faults *f)
{
    unsigned before = f->n;
    card_check_value(body, "", f);
    return f->n == before;
}
