/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* bookingd-sandbox: options and the listening socket. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/num.h"
#include "config.h"
#include "sim.h"
#include "sim_serve.h"
#include "sys/net.h"

static const char help[] =
    "usage: bookingd-sandbox [--listen ADDRESS:PORT]\n"
    "\n"
    "Simulates the providers that bookingd calls: Moyasar (invoices, payments, refunds, webhooks "
    "and a\n"
    "payment page), Taqnyat, Unifonic, Msegat, Twilio and a templated SMS gateway.\n"
    "  --listen ADDRESS:PORT   default 127.0.0.1:8090; port 0 lets the kernel choose\n"
    "  --help, --version\n"
    "\n"
    "GET /inbox           the phones, as a page\n"
    "GET /inbox.json      the same for programs: ?to=NUMBER&after=N; DELETE empties it\n"
    "GET /control/faults  faults in force; POST orders one, DELETE clears all\n"
    "POST /control/webhooks  where webhooks go: {\"url\", \"secret\", \"factor\", \"copies\"}; GET "
    "/control/events "
    "shows them\n";

/* Literal address and port; IPv6 in brackets. */
static bool parse_listen(struct arena *a, const char *text, struct listen_addr *out)
{
    const char *colon = strrchr(text, ':');
    int64_t port;
    if (colon == NULL || !num_range(str_of(colon + 1), 0, 65535, &port))
        return false;
    struct str host = {text, (size_t)(colon - text)};
    if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
        host = (struct str){host.p + 1, host.n - 2};
    *out = (struct listen_addr){.kind = LISTEN_TCP,
                                .text = text,
                                .host = arena_strndup(a, host.p, host.n),
                                .port = (uint16_t)port};
    return host.n > 0;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"listen", required_argument, NULL, 'l'},
                                            {"help", no_argument, NULL, 'h'},
                                            {"version", no_argument, NULL, 'V'},
                                            {0}};
    const char *listen_text = "127.0.0.1:8090";
    int o;
    while ((o = getopt_long(argc, argv, "l:hV", options, NULL)) != -1) {
        if (o == 'h') {
            fputs(help, stdout);
            return 0;
        }
        if (o == 'V') {
            puts("bookingd-sandbox " PACKAGE_VERSION);
            return 0;
        }
        if (o != 'l')
            return EX_USAGE;
        listen_text = optarg;
    }
    struct arena *a = arena_new(1024);
    struct listen_addr at;
    if (a == NULL || optind != argc || !parse_listen(a, listen_text, &at)) {
        fprintf(stderr, "bookingd-sandbox: not an address and port: %s\n", listen_text);
        return EX_USAGE;
    }
    const char *reason;
    int listener = net_listen(&at, 128, &reason);
    if (listener < 0) {
        fprintf(stderr, "bookingd-sandbox: %s: %s\n", listen_text, reason);
        return EX_UNAVAILABLE;
    }
    char name[128];
    printf("bookingd-sandbox listens on http://%s\n", net_local_name(listener, name, sizeof name));
    fflush(stdout);
    int rc = sim_run(listener);
    arena_free(a);
    return rc;
}
