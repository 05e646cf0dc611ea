/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Build-time tool: mkopenapi FILE.yaml prints C source that holds the document as JSON, as it is
 * (OpenAPI 3.1) and once more in the words of 3.0.3. Run by make for doc/openapi.yaml; a worker
 * serves the result, so it needs no YAML parser and no file. Plain scalars become what YAML's core
 * schema says (integers, numbers, booleans, null), all others strings. Anchors, merge keys and tags
 * are not accepted.
 */
#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "mkopenapi_lower.h"

/* Several times as deep as the document is, and far from the end of the stack. */
#define DEPTH_MAX 64

static json_t *mkopenapi_convert(yaml_document_t *doc, int index, int depth);

/* YAML 1.2, 10.3.2: what an unquoted scalar means. Versions such as "3.0.3" have more than one dot,
 * so they fail as numbers and stay text. */
static json_t *mkopenapi_plain(const char *text)
{
    char *end;
    if (strcmp(text, "null") == 0 || strcmp(text, "~") == 0 || !*text)
        return json_null();
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
        return json_boolean(text[0] == 't');
    if (strspn(text, "-0123456789.") == strlen(text)) {
        errno = 0;
        long long whole = strtoll(text, &end, 10);
        if (!*end && errno == 0)
            return json_integer(whole);
        double number = strtod(text, &end);
        if (!*end && errno == 0)
            return json_real(number);
    }
    return json_string(text);
}

/* Quotes make text of anything: "200" as a key of `responses` must stay a string. */
static json_t *mkopenapi_scalar(const yaml_node_t *node)
{
    const char *text = (const char *)node->data.scalar.value;
    return node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE ? mkopenapi_plain(text)
                                                              : json_string(text);
}

/* NULL after any fault: the build must stop rather than ship half of a document. */
static json_t *mkopenapi_sequence(yaml_document_t *doc, const yaml_node_t *node, int depth)
{
    json_t *list = json_array();
    for (const yaml_node_item_t *i = node->data.sequence.items.start;
         list && i < node->data.sequence.items.top; i++) {
        if (json_array_append_new(list, mkopenapi_convert(doc, *i, depth)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

/* In the order of the file, which jansson keeps: people read the served document too. */
static json_t *mkopenapi_mapping(yaml_document_t *doc, const yaml_node_t *node, int depth)
{
    json_t *object = json_object();
    for (const yaml_node_pair_t *p = node->data.mapping.pairs.start;
         object && p < node->data.mapping.pairs.top; p++) {
        const yaml_node_t *key = yaml_document_get_node(doc, p->key);
        const char *name =
            key && key->type == YAML_SCALAR_NODE ? (const char *)key->data.scalar.value : NULL;
        /* YAML readers differ on a repeated key: some take the first, some the last. Here it is a
         * fault. */
        if (!name || json_object_get(object, name) ||
            json_object_set_new(object, name, mkopenapi_convert(doc, p->value, depth)) != 0) {
            fprintf(stderr, "mkopenapi: line %zu: a key that is no word, or is there twice\n",
                    node->start_mark.line + 1);
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

/* NULL for aliases and for nesting that no document of ours has. */
static json_t *mkopenapi_convert(yaml_document_t *doc, int index, int depth)
{
    const yaml_node_t *node = yaml_document_get_node(doc, index);
    if (!node || depth > DEPTH_MAX)
        return NULL;
    if (node->type == YAML_SCALAR_NODE)
        return mkopenapi_scalar(node);
    if (node->type == YAML_SEQUENCE_NODE)
        return mkopenapi_sequence(doc, node, depth + 1);
    return node->type == YAML_MAPPING_NODE ? mkopenapi_mapping(doc, node, depth + 1) : NULL;
}

/* NULL after a fault, which was printed where the line is known. */
static json_t *mkopenapi_load(FILE *file)
{
    yaml_parser_t parser;
    yaml_document_t doc;
    json_t *json = NULL;
    if (!yaml_parser_initialize(&parser))
        return NULL;
    yaml_parser_set_input_file(&parser, file);
    if (yaml_parser_load(&parser, &doc)) {
        if (yaml_document_get_root_node(&doc))
            json = mkopenapi_convert(&doc, 1, 0); /* nodes are counted from 1, the root first */
        yaml_document_delete(&doc);
    } else {
        fprintf(stderr, "mkopenapi: line %zu: %s\n", parser.problem_mark.line + 1, parser.problem);
    }
    yaml_parser_delete(&parser);
    return json;
}

/* As numbers, not as a string: ISO C promises literals of 4095 characters only, and clang warns. */
static void mkopenapi_print_bytes(const char *name, const char *text)
{
    size_t n = strlen(text);
    printf("extern const unsigned char %s[];\nextern const size_t %s_len;\n", name, name);
    printf("const unsigned char %s[] = {", name);
    for (size_t i = 0; i < n; i++)
        printf("%s%u,", i % 24 ? "" : "\n    ", (unsigned char)text[i]);
    printf("\n};\nconst size_t %s_len = %zu;\n", name, n);
}

/* Both versions; the older one is made out of the newer. */
static bool mkopenapi_print(json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);
    char *lowered = text && mkopenapi_lower(json) == 0 ? json_dumps(json, JSON_COMPACT) : NULL;
    const bool good = lowered != NULL;
    if (good) {
        printf(
            "/* Made from doc/openapi.yaml; declared in api_priv.h. */\n#include <stddef.h>\n\n");
        mkopenapi_print_bytes("api_openapi_doc", text);
        mkopenapi_print_bytes("api_openapi_30_doc", lowered);
    }
    free(text);
    free(lowered);
    return good;
}

int main(int argc, char **argv)
{
    FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
    if (!file) {
        fprintf(stderr, "usage: mkopenapi FILE.yaml\n");
        return 1;
    }
    json_t *json = mkopenapi_load(file);
    fclose(file);
    bool good = json && mkopenapi_print(json);
    if (!good)
        fprintf(stderr, "mkopenapi: %s cannot be converted\n", argv[1]);
    json_decref(json);
    return good && fflush(stdout) == 0 ? 0 : 1;
}
