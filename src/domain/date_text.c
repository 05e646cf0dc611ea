/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Dates in words. Called when the text of a notification is made. Names are those of CLDR 44 for
 * `ar` and `en`; digits are Latin in both languages, as in sums of money (money.c).
 */
#include "domain/date_text.h"

#include <stdlib.h>

#include "base/str.h"

#define DAY_US (INT64_C(86400) * 1000000)
/* From there on the year is said: further than people plan, and well before a date comes round. */
#define YEAR_SAID_AFTER_DAYS 300

/* From Monday. */
static const char *const date_text_weekdays[LOCALE_COUNT][7] = {
    [LOCALE_AR] = {"الاثنين", "الثلاثاء", "الأربعاء", "الخميس", "الجمعة", "السبت", "الأحد"},
    [LOCALE_EN] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"},
};
static const char *const date_text_months[LOCALE_COUNT][12] = {
    [LOCALE_AR] = {"يناير", "فبراير", "مارس", "أبريل", "مايو", "يونيو", "يوليو", "أغسطس", "سبتمبر",
                   "أكتوبر", "نوفمبر", "ديسمبر"},
    [LOCALE_EN] = {"January", "February", "March", "April", "May", "June", "July", "August",
                   "September", "October", "November", "December"},
};

const char *date_text(struct arena *a, const char *wall_time, enum locale reader, struct wall now)
{
    const struct str text = str_of(wall_time);
    struct wall at;
    /* Read as if it were UTC: only the calendar is asked. */
    if (text.n != 16 || text.p[10] != ' ' ||
        !wall_parse(str_of(arena_printf(a, "%.10sT%.5s:00Z", text.p, text.p + 11)), &at))
        return wall_time;
    int64_t days = at.us / DAY_US;
    if (at.us % DAY_US < 0)
        days--;
    /* 1970-01-01 was a Thursday, the fourth of these. */
    const int64_t weekday = ((days + 3) % 7 + 7) % 7;
    const long month = strtol(text.p + 5, NULL, 10), day = strtol(text.p + 8, NULL, 10);
    const int64_t ahead = days - now.us / DAY_US;
    const bool far = ahead > YEAR_SAID_AFTER_DAYS || ahead < -YEAR_SAID_AFTER_DAYS;
    /* The comma of each script. */
    const char *comma = reader == LOCALE_AR ? "،" : ",";
    return arena_printf(a, "%s%s %ld %s%s%.*s%s %s", date_text_weekdays[reader][weekday], comma,
                        day, date_text_months[reader][month - 1], far ? " " : "", far ? 4 : 0,
                        text.p, comma, text.p + 11);
}
