/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * What epoll hands back with an event: a kind, 24 bits of a generation, an index. A descriptor may
 * be closed and its place taken again within one turn of the loop; the generation tells the two
 * apart.
 */
#ifndef BOOKINGD_DISPATCHER_DISP_TAG_H
#define BOOKINGD_DISPATCHER_DISP_TAG_H

#include <stdint.h>

enum disp_tag { TAG_LISTENER, TAG_CONN, TAG_WORKER, TAG_CONTROL, TAG_SIGNAL, TAG_PARENT };

#define DISP_TAG(kind, generation, index) \
    ((uint64_t)(kind) << 56 | ((uint64_t)(generation)&0xffffff) << 32 | (uint64_t)(uint32_t)(index))
#define DISP_TAG_KIND(tag) ((enum disp_tag)((tag) >> 56))
#define DISP_TAG_GENERATION(tag) ((uint32_t)((tag) >> 32) & 0xffffff)
#define DISP_TAG_INDEX(tag) ((uint32_t)(tag))

#endif
