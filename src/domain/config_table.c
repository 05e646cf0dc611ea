/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The table of all keys but those below a provider, from config.def; read by config.c. The order of
 * rows is the order of reading: what refers to another key stands after it.
 */
#include "config_priv.h"

#define ROW(path_, type_, field_, count_, fallback_, min_, max_, doc_) \
    {.path = (path_),                                                  \
     .read = config_read_##type_,                                      \
     .offset = offsetof(struct config, field_),                        \
     .count_offset = (count_),                                         \
     .fallback = (fallback_),                                          \
     .min = (min_),                                                    \
     .max = (max_),                                                    \
     .group = CONFIG_GROUP_ANY,                                        \
     .doc = (doc_)},

const struct config_key config_keys[] = {
#define KEY(path, type, field, fallback, min, max, doc) \
    ROW(path, type, field, CONFIG_NO_COUNT, fallback, min, max, doc)
#define KEY_LIST(path, type, field, fallback, min, max, doc) \
    ROW(path, type, field, offsetof(struct config, field##_n), fallback, min, max, doc)
#include "config.def"
};
const size_t config_keys_n = ARRAY_LEN(config_keys);
