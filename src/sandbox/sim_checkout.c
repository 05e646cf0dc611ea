/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The hosted page: an invoice, a choice of test cards, the bank's 3-D Secure step, and the ways
 * back. In Arabic or English by ?lang= (Arabic without it, as the gateway's own). One page
 * template; what it shows is decided here.
 */
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "http/http_path.h"
#include "sim_moyasar.h"
#include "sim_serve.h"

/* Words of the page: English, Arabic. */
enum word {
    W_PAY,
    W_CARD,
    W_CANCEL,
    W_BANK,
    W_APPROVE,
    W_DECLINE,
    W_PAID,
    W_FAILED,
    W_GONE,
    W_OTHER,
    W_TEST,
    WORDS
};
static const char *const words[WORDS][2] = {
    [W_PAY] = {"Pay", "ادفع"},
    [W_CARD] = {"Test card", "بطاقة تجريبية"},
    [W_CANCEL] = {"Cancel", "إلغاء"},
    [W_BANK] = {"<bdi>3-D Secure</bdi>: your bank asks whether this is you",
                "<bdi>3-D Secure</bdi>: يسأل البنك هل هذا أنت"},
    [W_APPROVE] = {"Yes, approve", "نعم، موافق"},
    [W_DECLINE] = {"No, decline", "لا، رفض"},
    [W_PAID] = {"Paid", "تم الدفع"},
    [W_FAILED] = {"The payment failed", "فشلت عملية الدفع"},
    [W_GONE] = {"This invoice can no longer be paid", "لم يعد بالإمكان دفع هذه الفاتورة"},
    [W_OTHER] = {"العربية", "English"},
    [W_TEST] = {"Simulated gateway: no money moves", "بوابة محاكاة: لا تُحوَّل أي أموال"},
};

static const char *checkout_escape_html(struct arena *a, const char *z)
{
    struct sb sb;
    sb_init(&sb, a, strlen(z) + 16);
    sb_puts(&sb, "");
    for (; *z; z++) {
        if (*z == '&')
            sb_puts(&sb, "&amp;");
        else if (*z == '<')
            sb_puts(&sb, "&lt;");
        else if (*z == '"')
            sb_puts(&sb, "&quot;");
        else
            sb_putc(&sb, *z);
    }
    return sb.p;
}

static int checkout_get_language(struct sim_request *r)
{
    const char *lang = sim_form(r, "lang");
    return lang != NULL && strcmp(lang, "en") == 0 ? 0 : 1;
}

/* Puts the template together: {{name}} is replaced by the value of that name. */
struct slot {
    const char *name, *value;
};

static void checkout_fill_page(struct sim_request *r, struct sim_reply *out, int status,
                               const struct slot *slots, size_t n)
{
    struct sb sb;
    sb_init(&sb, r->arena, 8192);
    const char *at = sim_pay_page;
    for (const char *open; (open = strstr(at, "{{")) != NULL;) {
        const char *close = strstr(open, "}}");
        if (close == NULL)
            break;
        sb_add(&sb, at, (size_t)(open - at));
        struct str name = {open + 2, (size_t)(close - open - 2)};
        for (size_t i = 0; i < n; i++)
            if (str_eq(name, str_of(slots[i].name)))
                sb_puts(&sb, slots[i].value);
        at = close + 2;
    }
    sb_puts(&sb, at);
    *out = (struct sim_reply){
        .status = status, .content_type = "text/html; charset=utf-8", .body = sb_str(&sb)};
}

static const char *checkout_card_options(struct arena *a)
{
    static const struct {
        const char *number, *label;
    } shown[] = {{"4201320111111010", "mada 4201 … 1010"},
                 {"4111111111111111", "Visa 4111 … 1111"},
                 {"4111114005765430", "Visa, no 3-D Secure"},
                 {"5421080101000000", "Mastercard 5421 … 0000"},
                 {"4201320000311101", "mada, insufficient funds"}};
    struct sb sb;
    sb_init(&sb, a, 512);
    for (size_t i = 0; i < ARRAY_LEN(shown); i++)
        sb_printf(&sb, "<option value=\"%s\">%s</option>", shown[i].number, shown[i].label);
    return sb.p;
}

/* What the invoice's page offers in its state. */
static const char *checkout_invoice_form(struct sim_request *r, struct sim_invoice *v, int lang)
{
    struct arena *a = r->arena;
    if (strcmp(v->status, "initiated") != 0) {
        bool paid = strcmp(v->status, "paid") == 0;
        return arena_printf(a, "<p class=\"%s\">%s</p>", paid ? "good" : "bad",
                            words[paid ? W_PAID : W_GONE][lang]);
    }
    const char *cancel = v->back_url != NULL ? v->back_url : v->success_url;
    return arena_printf(
        a,
        "<form method=\"post\" action=\"/invoices/%s/pay?lang=%s\"><label for=\"number\">%s</label>"
        "<select id=\"number\" name=\"number\">%s</select><button class=\"main\" "
        "id=\"pay\">%s</button></form>%s",
        v->id, lang ? "ar" : "en", words[W_CARD][lang], checkout_card_options(a),
        words[W_PAY][lang],
        cancel != NULL ? arena_printf(a, "<a class=\"button\" id=\"cancel\" href=\"%s\">%s</a>",
                                      checkout_escape_html(a, cancel), words[W_CANCEL][lang])
                       : "");
}

/* What one page differs in; `self` is its path. */
struct checkout_page {
    const struct sim_invoice *invoice; /* NULL: gone */
    const char *notice, *form, *self;
};

static void checkout_show_page(struct sim_request *r, struct sim_reply *out,
                               const struct checkout_page *page)
{
    const struct sim_invoice *v = page->invoice;
    struct arena *a = r->arena;
    int lang = checkout_get_language(r);
    const struct slot slots[] = {
        {"lang", lang ? "ar" : "en"},
        {"dir", lang ? "rtl" : "ltr"},
        {"description",
         v != NULL && v->description != NULL ? checkout_escape_html(a, v->description) : ""},
        {"price", v != NULL ? sim_amount_text(a, v->amount, v->currency) : ""},
        {"notice", page->notice},
        {"form", page->form},
        {"other_lang", arena_printf(a, "%s?lang=%s", page->self, lang ? "en" : "ar")},
        {"other", words[W_OTHER][lang]},
        {"test", words[W_TEST][lang]},
    };
    checkout_fill_page(r, out, 200, slots, ARRAY_LEN(slots));
}

static void checkout_redirect(struct sim_reply *out, const char *to)
{
    *out = (struct sim_reply){
        .status = 303, .content_type = "text/plain", .body = STR("see other"), .location = to};
}

/* The gateway adds its own parameters to success_url; integrators disagree which, so nobody should
 * believe them. */
static const char *checkout_way_back(struct arena *a, const char *url, const struct sim_payment *p)
{
    return arena_printf(a, "%s%cid=%s&status=%s&message=%s", url,
                        strchr(url, '?') != NULL ? '&' : '?', p->id, p->status,
                        http_encode(a, str_of(p->message != NULL ? p->message : "")));
}

/* The invoice's own page, in the language in hand; `failed` is the payment that has failed, or
 * NULL. */
static void checkout_to_invoice(struct sim_request *r, struct sim_reply *out, const char *id,
                                const char *failed)
{
    struct arena *a = r->arena;
    checkout_redirect(
        out, arena_printf(a, "/invoices/%s?lang=%s%s%s", id, checkout_get_language(r) ? "ar" : "en",
                          failed != NULL ? "&failed=" : "", failed != NULL ? failed : ""));
}

/* After the bank's word: to the shop when it is paid, back to the invoice (which can be tried
 * again) when not. */
static void checkout_after_word(struct sim_request *r, struct sim_reply *out,
                                const struct sim_payment *p)
{
    struct sim_invoice *v = sim_invoice_find(p->invoice_id);
    bool paid = strcmp(p->status, "failed") != 0;
    if (v != NULL && paid && v->success_url != NULL)
        checkout_redirect(out, checkout_way_back(r->arena, v->success_url, p));
    else if (v != NULL)
        checkout_to_invoice(r, out, v->id, paid ? NULL : p->id);
    else if (p->callback_url != NULL)
        checkout_redirect(out, checkout_way_back(r->arena, p->callback_url, p));
    else
        sim_reply_json(r, out, 200, sim_payment_json(r->arena, p));
}

static void checkout_not_found(struct sim_reply *out)
{
    *out = (struct sim_reply){
        .status = 404, .content_type = "text/plain; charset=utf-8", .body = STR("no such page")};
}

/* Why the last attempt failed, in the bank's words. */
static const char *checkout_failure_text(struct sim_request *r, const struct sim_invoice *v)
{
    const char *id = sim_form(r, "failed");
    const struct sim_payment *p = id != NULL ? sim_payment_find(id) : NULL;
    if (p == NULL || strcmp(v->status, "initiated") != 0 || strcmp(p->invoice_id, v->id) != 0)
        return "";
    return arena_printf(
        r->arena, "<p class=\"bad\" role=\"alert\">%s<small lang=\"en\"><bdi>%s</bdi></small></p>",
        words[W_FAILED][checkout_get_language(r)],
        checkout_escape_html(r->arena, p->message != NULL ? p->message : ""));
}

static void checkout_invoice_get(struct sim_request *r, struct sim_reply *out)
{
    struct sim_invoice *v = sim_invoice_find(r->tail);
    if (v == NULL)
        checkout_not_found(out);
    else
        checkout_show_page(
            r, out,
            &(struct checkout_page){.invoice = v,
                                    .notice = checkout_failure_text(r, v),
                                    .form = checkout_invoice_form(r, v, checkout_get_language(r)),
                                    .self = arena_printf(r->arena, "/invoices/%s", v->id)});
}

/* What is charged: what the invoice says, or what the form does. A coupon makes it less, a currency
 * conversion makes it another one. */
static void checkout_read_charge(struct sim_request *r, const struct sim_invoice *v,
                                 struct sim_attempt *out)
{
    const char *amount = sim_form(r, "amount"), *currency = sim_form(r, "currency");
    int64_t minor;
    out->amount =
        amount != NULL && num_range(str_of(amount), 1, INT32_MAX, &minor) ? minor : v->amount;
    out->currency =
        currency != NULL && num_currency_known(str_of(currency)) ? currency : v->currency;
}

static void checkout_invoice_pay(struct sim_request *r, struct sim_reply *out)
{
    struct sim_invoice *v = sim_invoice_find(r->tail);
    const char *number = sim_form(r, "number");
    struct sim_payment *p = NULL;
    if (v == NULL) {
        checkout_not_found(out);
        return;
    }
    struct sim_attempt attempt = {.invoice = v, .card_number = number, .name = "Test Customer"};
    checkout_read_charge(r, v, &attempt);
    if (number != NULL && strcmp(v->status, "initiated") == 0)
        p = sim_payment_new(&attempt);
    if (p == NULL)
        checkout_to_invoice(r, out, v->id, NULL);
    else if (sim_payment_decide(p, number, true))
        checkout_after_word(r, out, p);
    else
        checkout_redirect(out, arena_printf(r->arena, "/3ds/%s?lang=%s", p->id,
                                            checkout_get_language(r) ? "ar" : "en"));
}

/* The bank's page; once it has spoken, the way on. */
static void checkout_secure_get(struct sim_request *r, struct sim_reply *out)
{
    const struct sim_payment *p = sim_payment_find(r->tail);
    int lang = checkout_get_language(r);
    if (p == NULL) {
        checkout_not_found(out);
        return;
    }
    if (strcmp(p->status, "initiated") != 0) {
        checkout_after_word(r, out, p);
        return;
    }
    const char *form = arena_printf(
        r->arena,
        "<form method=\"post\" action=\"/3ds/%s?lang=%s\"><button class=\"main\" id=\"approve\" "
        "name=\"answer\" value=\"yes\">%s</button>"
        "<button class=\"button\" id=\"decline\" name=\"answer\" value=\"no\">%s</button></form>",
        p->id, lang ? "ar" : "en", words[W_APPROVE][lang], words[W_DECLINE][lang]);
    checkout_show_page(
        r, out,
        &(struct checkout_page){.invoice = sim_invoice_find(p->invoice_id),
                                .notice = arena_printf(r->arena, "<p>%s</p>", words[W_BANK][lang]),
                                .form = form,
                                .self = arena_printf(r->arena, "/3ds/%s", p->id)});
}

static void checkout_secure_post(struct sim_request *r, struct sim_reply *out)
{
    struct sim_payment *p = sim_payment_find(r->tail);
    const char *answer = sim_form(r, "answer");
    if (p == NULL || answer == NULL) {
        checkout_not_found(out);
        return;
    }
    if (strcmp(answer, "yes") == 0)
        sim_payment_settle(p, true, "APPROVED", "00");
    else
        sim_payment_settle(p, false, "3-D Secure transaction attempt failed", NULL);
    checkout_after_word(r, out, p);
}

static const struct {
    const char *method, *pattern;
    void (*serve)(struct sim_request *r, struct sim_reply *out);
} pages[] = {
    {"GET", "/invoices/{id}", checkout_invoice_get},
    {"POST", "/invoices/{id}/pay", checkout_invoice_pay},
    {"GET", "/3ds/{id}", checkout_secure_get},
    {"POST", "/3ds/{id}", checkout_secure_post},
};

bool sim_checkout_serve(struct sim_request *r, struct sim_reply *out)
{
    const char *method = r->head->method == HTTP_HEAD ? "GET" : http_method_names[r->head->method];
    for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
        struct http_params params;
        if (strcmp(pages[i].method, method) != 0 ||
            !http_path_match(pages[i].pattern, r->head->path, &params))
            continue;
        r->tail = arena_strndup(r->arena, params.value[0].p, params.value[0].n);
        sim_base_set(r->head);
        pages[i].serve(r, out);
        return true;
    }
    return false;
}
