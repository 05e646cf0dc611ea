/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Nodes on one database: who is alive, for the monitor, and whether the secret is the same, for a
 * worker that starts. With another otp.secret the right code would be wrong on one of two nodes,
 * and limits per phone would count twice.
 */
#include "svc/nodes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "svc/svc_sql.h"

/* The monitor has no secrets, so this digest has no key: names of providers stand in metrics. */
static int nodes_compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Of the sorted names: their order in the configuration means nothing. */
static void nodes_digest_providers(struct svc *s, char out[SHA256_HEX_MAX])
{
    const char *names[PROVIDERS_MAX];
    const size_t n = s->cfg->providers_n;
    struct sb sb;
    for (size_t i = 0; i < n; i++)
        names[i] = s->cfg->providers[i].name;
    qsort(names, n, sizeof *names, nodes_compare_names);
    sb_init(&sb, s->arena, 256);
    for (size_t i = 0; i < n; i++)
        sb_printf(&sb, "%s\n", names[i]);
    digest_sha256_hex(sb_str(&sb), out);
}

static void nodes_read(struct db_rows rows, int row, struct nodes *out)
{
    struct node *n = &out->at[out->n++];
    (void)snprintf(n->host, sizeof n->host, "%s", db_get_str(rows, row, "host"));
    n->pid = db_get_int(rows, row, "pid");
    (void)snprintf(n->version, sizeof n->version, "%s", db_get_str(rows, row, "version"));
    n->differs = db_get_bool(rows, row, "differs");
    n->started_at = db_get_time(rows, row, "started_us");
    n->seen_at = db_get_time(rows, row, "seen_us");
    out->differing += n->differs;
}

enum err nodes_tell(struct svc *s, const struct node_self *self, struct nodes *out)
{
    char host[NODE_HOST_MAX + 1] = "", providers[SHA256_HEX_MAX];
    /* Two nodes of one name share a row if their masters have one pid, too: then neither names the
     * other. */
    (void)gethostname(host, sizeof host - 1);
    nodes_digest_providers(s, providers);
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    DB_ADD(b, &stmt_nodes_here, host, db_int(b, self->pid), self->version, providers,
           db_int(b, self->started_at.us / 1000000), db_int(b, self->gone_after_ms));
    db_add(b, &stmt_nodes_gone, NULL, 0);
    int at =
        DB_ADD(b, &stmt_nodes_others, host, db_int(b, self->pid), providers, db_int(b, NODES_MAX));
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    struct db_rows rows = db_result(b, at);
    *out = (struct nodes){.n = 0};
    for (int row = 0; row < db_count(rows); row++)
        nodes_read(rows, row, out);
    return ERR_OK;
}

/* Of 32 bytes or more nobody finds the secret by trying, not even with the digest in hand. The
 * first node of a new database says what it is. */
enum err nodes_compare_secret(struct svc *s, bool *same)
{
    unsigned char mac[SHA256_LEN];
    char hex[SHA256_HEX_MAX];
    *same = true;
    if (!s->cfg->otp.secret)
        return ERR_OK;
    digest_hmac_sha256((struct str){s->cfg->otp.secret, s->cfg->otp.secret_len},
                       STR("bookingd otp.secret"), mac);
    digest_hex(mac, sizeof mac, hex);
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    DB_ADD(b, &stmt_nodes_secret_offer, hex);
    int at = db_add(b, &stmt_nodes_secret, NULL, 0);
    enum err e = db_run(b, s->deadline);
    if (e == ERR_OK && db_count(db_result(b, at)) == 1)
        *same = strcmp(db_get_str(db_result(b, at), 0, "digest"), hex) == 0;
    return e;
}
