/* The route table: one .def an area, so that a row stands beside its handler and schema. */
#include "api/api.h"

#define ROUTE(row) extern const struct api_route row;
#include "api_routes_all.def"
#undef ROUTE

#define ROUTE(row) &row,
const struct api_route *const api_routes[] = {
#include "api_routes_all.def"
    NULL,
};
#undef ROUTE

const size_t api_routes_n = ARRAY_LEN(api_routes) - 1;
