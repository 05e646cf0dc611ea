/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
#include "domain/regions.h"

/* The two big members of the North American plan are told apart by area code; its Caribbean
 * members, a favourite of toll fraud, belong to neither. */
#define AREAS_CA                                                                                   \
    "204 226 236 249 250 257 263 289 306 343 354 365 367 368 382 403 416 418 428 431 437 438 450 " \
    "468 474 506 514 519 "                                                                         \
    "548 579 581 584 587 604 613 639 647 672 683 705 709 742 753 778 780 782 807 819 825 867 873 " \
    "879 902 905 942"
#define MOBILE_CA                                                                                 \
    "204/10 226/10 236/10 249/10 250/10 257/10 263/10 289/10 306/10 343/10 354/10 365/10 367/10 " \
    "368/10 382/10 403/10 "                                                                       \
    "416/10 418/10 428/10 431/10 437/10 438/10 450/10 468/10 474/10 506/10 514/10 519/10 548/10 " \
    "579/10 581/10 584/10 "                                                                       \
    "587/10 604/10 613/10 639/10 647/10 672/10 683/10 705/10 709/10 742/10 753/10 778/10 780/10 " \
    "782/10 807/10 819/10 "                                                                       \
    "825/10 867/10 873/10 879/10 902/10 905/10 942/10"
#define AREAS_CARIBBEAN \
    "242 246 264 268 284 345 441 473 649 658 664 721 758 767 784 809 829 849 868 869 876"
#define AREAS_NO_SUBSCRIBERS                                                   \
    "211 311 411 511 611 711 811 911 500 521 522 533 544 566 577 588 600 700 " \
    "800 833 844 855 866 877 888 900"

const struct region regions[] = {
    /* Gulf and the Arab world */
    {"SA", "966", "0", "5/9", ""},
    {"AE", "971", "0", "50/9 52/9 53/9 54/9 55/9 56/9 57/9 58/9", ""},
    {"KW", "965", "", "41/8 5/8 6/8 9/8", ""},
    {"BH", "973", "", "3/8 63/8 66/8", ""},
    {"QA", "974", "", "3/8 5/8 6/8 7/8", ""},
    {"OM", "968", "", "7/8 9/8", ""},
    {"JO", "962", "0", "77/9 78/9 79/9", ""},
    {"EG", "20", "0", "10/10 11/10 12/10 15/10", ""},
    {"YE", "967", "0", "70/9 71/9 73/9 77/9 78/9", ""},
    {"IQ", "964", "0", "7/10", ""},
    {"LB", "961", "0", "3/7 70/8 71/8 76/8 78/8 79/8 81/8", ""},
    {"PS", "970", "0", "56/9 59/9", ""},
    {"SY", "963", "0", "9/9", ""},
    {"SD", "249", "0", "1/9 9/9", ""},
    {"LY", "218", "0", "9/9", ""},
    {"TN", "216", "", "2/8 4/8 5/8 9/8", ""},
    {"DZ", "213", "0", "5/9 6/9 7/9", ""},
    {"MA", "212", "0", "6/9 7/9", ""},
    /* neighbours and where residents of the Gulf come from */
    {"TR", "90", "0", "50/10 51/10 53/10 54/10 55/10 56/10", ""},
    {"IN", "91", "0", "6/10 7/10 8/10 9/10", ""},
    {"PK", "92", "0", "3/10", ""},
    {"BD", "880", "0", "13/10 14/10 15/10 16/10 17/10 18/10 19/10", ""},
    {"LK", "94", "0", "7/9", ""},
    {"NP", "977", "0", "96/10 97/10 98/10", ""},
    {"PH", "63", "0", "9/10", ""},
    {"ID", "62", "0", "8/9-12", ""},
    {"MY", "60", "0", "1/9-10", ""},
    {"ET", "251", "0", "7/9 9/9", ""},
    /* Europe and North America */
    {"GB", "44", "0", "71/10 72/10 73/10 74/10 75/10 77/10 78/10 79/10", ""},
    {"DE", "49", "0", "15/10-11 16/10-11 17/10-11", ""},
    {"FR", "33", "0", "6/9 7/9", "70"},
    {"ES", "34", "", "6/9 7/9", "70"},
    {"IT", "39", "", "3/9-10", ""},
    {"NL", "31", "0", "6/9", ""},
    {"US", "1", "1", "2/10 3/10 4/10 5/10 6/10 7/10 8/10 9/10",
     AREAS_CA " " AREAS_CARIBBEAN " " AREAS_NO_SUBSCRIBERS},
    {"CA", "1", "1", MOBILE_CA, ""},
};
const size_t regions_n = ARRAY_LEN(regions);

const struct region *region_find(struct str code)
{
    for (size_t i = 0; i < regions_n; i++)
        if (str_eq(str_of(regions[i].code), code))
            return &regions[i];
    return NULL;
}

static bool all_digits(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n > 0;
}

static size_t small_number(struct str s)
{
    size_t v = 0;
    for (size_t i = 0; i < s.n; i++)
        v = v * 10 + (size_t)(s.p[i] - '0');
    return v;
}

/* "15/10-11": does the number fit the word? */
static bool word_fits(struct str word, struct str digits)
{
    struct str prefix = str_cut(&word, '/');
    struct str least = str_cut(&word, '-');
    size_t min = small_number(least);
    size_t max = word.n ? small_number(word) : min;
    return str_starts(digits, prefix) && digits.n >= min && digits.n <= max;
}

bool region_mobile(const struct region *r, struct str digits)
{
    if (!all_digits(digits))
        return false;
    for (struct str rest = str_of(r->except); rest.n;)
        if (str_starts(digits, str_cut(&rest, ' ')))
            return false;
    for (struct str rest = str_of(r->mobile); rest.n;)
        if (word_fits(str_cut(&rest, ' '), digits))
            return true;
    return false;
}

const struct region *region_of(struct str digits, struct str *national, bool *calling_code_known)
{
    *calling_code_known = false;
    for (size_t i = 0; i < regions_n; i++) {
        struct str calling = str_of(regions[i].calling_code);
        if (!str_starts(digits, calling))
            continue;
        struct str rest = {digits.p + calling.n, digits.n - calling.n};
        *calling_code_known = true;
        if (region_mobile(&regions[i], rest)) {
            *national = rest;
            return &regions[i];
        }
    }
    return NULL;
}
