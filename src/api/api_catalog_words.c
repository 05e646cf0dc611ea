/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* What people are shown of a venue, service or resource, in and out, and in which language. Called
 * by the handlers of the catalog. `name` is the one that staff use; `names` and `descriptions` have
 * a text per language, and the caller's language chooses among them. */
#include "api/api_catalog_words.h"

#include "api/api_language.h"
#include "base/chars.h"
#include "domain/templates.h"

/* Both languages of one text; NULL takes one away, a missing member leaves it. The rows write into
 * an array of two pointers, hence the offsets. */
static const struct schema_row catalog_words_name_rows[] = {
    {.name = "ar", .type = SCHEMA_TYPE_NAME, .min = 1, .max = 120, .nullable = true, .offset = 0},
    {.name = "en",
     .type = SCHEMA_TYPE_NAME,
     .min = 1,
     .max = 120,
     .nullable = true,
     .offset = sizeof(const char *)},
    SCHEMA_END,
};
static const struct schema_row catalog_words_description_rows[] = {
    {.name = "ar", .type = SCHEMA_TYPE_NOTE, .min = 0, .max = 2000, .nullable = true, .offset = 0},
    {.name = "en",
     .type = SCHEMA_TYPE_NOTE,
     .min = 0,
     .max = 2000,
     .nullable = true,
     .offset = sizeof(const char *)},
    SCHEMA_END,
};

/* An empty text takes the text away, as null does: forms send "" for a field that was cleared. */
static void catalog_words_take_texts(struct api_request *r, const json_t *j,
                                     const struct schema_row *rows, const char *base,
                                     const char *to[LOCALE_COUNT])
{
    const char *in[LOCALE_COUNT] = {NULL};
    if (!j || !schema_read_object(&(struct schema){.rows = rows, .partial = true}, j, in, base,
                                  &r->faults))
        return;
    for (int i = 0; i < LOCALE_COUNT; i++)
        if (json_object_get(j, locale_names[i]) != NULL)
            to[i] = in[i] && in[i][0] ? in[i] : NULL;
}

/* The schema reads null and missing alike; a PATCH has to tell them apart. */
bool api_member_is_null(const struct api_request *r, const char *name)
{
    return json_is_null(json_object_get(r->json, name));
}

/* Three cases: a text replaces, null or "" takes away, and a missing member leaves what is
 * stored. */
void api_take_text(const struct api_request *r, const char *name, const char *in, const char **to)
{
    if (in)
        *to = in[0] ? in : NULL;
    else if (api_member_is_null(r, name))
        *to = NULL;
}

/* Other schemes (javascript:, data:) would run in the page that shows the catalog. */
void api_take_url(struct api_request *r, const char *name, const char *in, const char **to)
{
    const struct str url = str_of(in);
    if (in &&
        ((!str_starts_nocase(url, STR("https://")) && !str_starts_nocase(url, STR("http://"))) ||
         chars_have_control(url) || memchr(url.p, ' ', url.n)))
        api_fault(r, fault_pointer(r->svc.arena, "", name), "must be an http or https URL");
    api_take_text(r, name, in, to);
}

void api_words_take(struct api_request *r, const struct words_input *in, struct catalog_words *w)
{
    catalog_words_take_texts(r, in->names, catalog_words_name_rows, "/names", w->names);
    catalog_words_take_texts(r, in->descriptions, catalog_words_description_rows, "/descriptions",
                             w->descriptions);
    api_take_text(r, "category", in->category, &w->category);
    api_take_url(r, "photo_url", in->photo_url, &w->photo_url);
    if (in->has_order)
        w->position = in->order;
}

/* ---- out ---- */

/* Only the languages that have a text: an empty one would look like a translation. */
static json_t *catalog_words_texts_json(struct arena *a, const char *const texts[LOCALE_COUNT])
{
    json_t *j = json_obj(a);
    for (int i = 0; i < LOCALE_COUNT; i++)
        if (texts[i])
            json_put_str(a, j, locale_names[i], texts[i]);
    return j;
}

void api_words_put(const struct api_request *r, json_t *j, const char *name,
                   const struct catalog_words *w)
{
    struct arena *a = r->svc.arena;
    /* A description that exists in one language alone is better than none. */
    const char *any =
        w->descriptions[LOCALE_AR] ? w->descriptions[LOCALE_AR] : w->descriptions[LOCALE_EN];
    /* Staff change `name`, so they see what is stored. */
    const bool staff = r->route->auth >= AUTH_VIEWER;
    json_put_str(a, j, "name", staff ? name : api_text_for(r, w->names, w->locale, name));
    json_put_str(a, j, "description", api_text_for(r, w->descriptions, w->locale, any));
    json_put(a, j, "names", catalog_words_texts_json(a, w->names));
    json_put(a, j, "descriptions", catalog_words_texts_json(a, w->descriptions));
    json_put_str(a, j, "category", w->category);
    json_put_int(a, j, "order", w->position);
    json_put_str(a, j, "photo_url", w->photo_url);
}
