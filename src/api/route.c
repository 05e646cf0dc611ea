/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
#include "api/route.h"

#include <stdio.h>

#include "api/api.h"
#include "http/http_path.h"

#define LINE_MAX_SEEN 4096 /* no template is longer */

size_t route_row(struct str request)
{
    struct str rest = {request.p, request.n < LINE_MAX_SEEN ? request.n : LINE_MAX_SEEN};
    struct str method = str_cut(&rest, ' ');
    struct str target = str_cut(&rest, ' ');
    struct str path = str_cut(&target, '?');
    struct http_params params;
    if (str_eq(method, STR("HEAD")))
        method = STR("GET");
    for (size_t i = 0; i < api_routes_n; i++) {
        if (str_eq(method, str_of(http_method_names[api_routes[i]->method])) &&
            http_path_match(api_routes[i]->pattern, path, &params))
            return i;
    }
    return api_routes_n;
}

const char *route_name(struct str request, char *buf, size_t size)
{
    const size_t row = route_row(request);
    if (row == api_routes_n)
        snprintf(buf, size, "an unknown route");
    else
        snprintf(buf, size, "%s %s", http_method_names[api_routes[row]->method],
                 api_routes[row]->pattern);
    return buf;
}
