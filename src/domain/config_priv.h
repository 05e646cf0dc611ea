/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* For src/domain/config*.c and provider.c alone: the tables of keys and the readers that they name.
 */
#ifndef BOOKINGD_DOMAIN_CONFIG_PRIV_H
#define BOOKINGD_DOMAIN_CONFIG_PRIV_H

#include "domain/config.h"
#include "sys/config_read.h"

/* The struct that a loader fills; the loader's caller owns it. */
static inline struct config *config_of(const struct config_loader *l)
{
    return (struct config *)(void *)l->target;
}

/* ---- groups of keys: which provider types know a key; config_table.c's rows are all of ANY ----
 */

enum config_text { /* keys of a driver, in providers.def's order */
#define PROVIDER_TEXT(key, max, doc) CONFIG_TEXT_##key,
#include "domain/providers.def"
                   CONFIG_TEXT_COUNT
};
#define CONFIG_GROUP_TEXT(key) (1U << CONFIG_TEXT_##key)
#define CONFIG_GROUP_TEMPLATE \
    (1U << (CONFIG_TEXT_COUNT + 0)) /* optional ones of the templated driver */
#define CONFIG_GROUP_PATH (1U << (CONFIG_TEXT_COUNT + 1))   /* its needed one */
#define CONFIG_GROUP_ALL (1U << (CONFIG_TEXT_COUNT + 2))    /* every type knows it */
#define CONFIG_GROUP_NEEDED (1U << (CONFIG_TEXT_COUNT + 3)) /* every type needs it */
#define CONFIG_GROUP_ANY (~0U)
_Static_assert(CONFIG_TEXT_COUNT + 3 < 32, "each group has its bit");

extern const struct config_key config_keys[], config_provider_keys[];
extern const size_t config_keys_n, config_provider_keys_n;

/* ---- readers; the field's type in brackets ---- */

void config_read_prepared(const struct config_entry *e);    /* config_types.c [its enum] */
void config_read_delivery(const struct config_entry *e);    /* [its enum] */
void config_read_on_unknown(const struct config_entry *e);  /* [its enum] */
void config_read_reminders(const struct config_entry *e);   /* config_reminder.c: list */
void config_read_time_of_day(const struct config_entry *e); /* [struct time_of_day] */
void config_check_reminders(struct config_loader *l, const struct config_node *root);
void config_read_never(const struct config_entry *e);           /* always a fault */
void config_read_regions(const struct config_entry *e);         /* config_otp.c: list [text] */
void config_read_ranges(const struct config_entry *e);          /* list [struct phone_ranges] */
void config_read_log_skip(const struct config_entry *e);        /* list [unsigned, a bit each] */
void config_read_test_numbers(const struct config_entry *e);    /* list [struct otp_test_number] */
void config_read_autofill(const struct config_entry *e);        /* [const char *] */
void config_read_database(const struct config_entry *e);        /* [const char *] */
void config_read_providers(const struct config_entry *e);       /* config_provider.c: list */
void config_read_provider_type(const struct config_entry *e);   /* [enum provider_type] */
void config_read_sms_provider(const struct config_entry *e);    /* [int, index] */
void config_read_notice_provider(const struct config_entry *e); /* the same, for any text */
void config_read_payment_provider(const struct config_entry *e);
void config_read_method(const struct config_entry *e); /* config_template.c [const char *] */
void config_read_path(const struct config_entry *e);
void config_read_template(const struct config_entry *e);
void config_read_media_type(const struct config_entry *e);
void config_read_json_path(const struct config_entry *e);
void config_read_headers(const struct config_entry *e);   /* list [struct config_pair] */
void config_read_params(const struct config_entry *e);    /* list [struct config_pair] */
void config_read_text_rule(const struct config_entry *e); /* [const char *] */
void config_read_codes(const struct config_entry *e); /* words with blanks between [const char *] */
void config_read_status(const struct config_entry *e);       /* one or a list [int] */
void config_read_success(const struct config_entry *e);      /* list [struct config_success] */
void config_read_otp_messages(const struct config_entry *e); /* config_message.c: by language */
void config_read_notification_messages(const struct config_entry *e); /* by template and language */
void config_read_alert_webhook(const struct config_entry *e); /* config_alerts.c [const char *] */
void config_read_alert_secret(const struct config_entry *e);  /* [const char *] */
void config_read_alert_form(const struct config_entry *e);    /* [int, enum alert_form] */
void config_read_alert_phones(const struct config_entry *e);  /* list [const char *] */
void config_read_severity(const struct config_entry *e);      /* [int, enum severity] */
/* After all keys: adds the webhook's provider, and faults of what is missing. */
void config_check_alerts(struct config_loader *l, const struct config_node *root);
/* config_hopeless.c: faults of what could run, and would protect nothing or take no money. */
void config_check_hopeless(struct config_loader *l, const struct config_node *root);
void config_default_messages(struct config *c);

/* config.c: reads a file; on_key is the loader's. The caller frees both, as of config_load(). */
struct config *config_load_any(const char *path, bool offline, config_on_key on_key,
                               struct config_report **report) MUST_CHECK;

#endif
