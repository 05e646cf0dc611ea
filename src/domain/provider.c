/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The table of provider types as other modules read it; made from providers.def. */
#include "domain/provider.h"

#include "config_priv.h"
#include "domain/labels.h"

const char *const provider_type_names[PROVIDER_TYPE_COUNT] = {
#define PROVIDER(symbol, name, kind, timeout_ms, needs, knows) [PROVIDER_##symbol] = #name,
#include "domain/providers.def"
};

/* Which keys a type needs and knows are bits: the reader of a provider checks them all at once. */
const struct provider_type_row provider_types[PROVIDER_TYPE_COUNT] = {
#define HAS(key) CONFIG_GROUP_TEXT(key)
#define HAS_PATH CONFIG_GROUP_PATH
#define HAS_TEMPLATE CONFIG_GROUP_TEMPLATE
#define PROVIDER(symbol, name, kind, timeout_ms, needs, knows) \
    [PROVIDER_##symbol] = {PROVIDER_KIND_##kind, (timeout_ms), (needs), (knows), METRIC_OPS_##kind},
#include "domain/providers.def"
};
