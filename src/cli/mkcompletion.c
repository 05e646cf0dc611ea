/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * mkcompletion bash|zsh: writes the completion of that shell, from the table of commands. Run by
 * the build. A command's options are those that its usage line and its help name, so whoever adds
 * one to the help has it completed as well.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "domain/states.h"
#include "domain/templates.h"

#define OPTION_MAX 32  /* the longest is --without-secrets */
#define OPTIONS_MAX 32 /* of one command, or with a value: about a dozen */

/* A command's options, without the dashes and each once. */
struct options {
    char name[OPTIONS_MAX][OPTION_MAX];
    size_t n;
};

static void mkcompletion_add_option(struct options *o, const char *name, size_t len)
{
    for (size_t i = 0; i < o->n; i++)
        if (strlen(o->name[i]) == len && strncmp(o->name[i], name, len) == 0)
            return;
    if (o->n == OPTIONS_MAX || len >= OPTION_MAX)
        return;
    memcpy(o->name[o->n], name, len);
    o->name[o->n++][len] = '\0';
}

/* "--name" anywhere in a text; of those with a value ("--name NAME") alone, if that is wanted. */
static void mkcompletion_find_options(struct options *o, const char *text, bool valued)
{
    for (const char *p = text; (p = strstr(p, "--")) != NULL;) {
        size_t len = 0;
        p += 2;
        while (islower((unsigned char)p[len]) || (len > 0 && p[len] == '-'))
            len++;
        const bool has_value = p[len] == ' ' && isupper((unsigned char)p[len + 1]);
        if (len > 0 && (has_value || !valued))
            mkcompletion_add_option(o, p, len);
        p += len;
    }
}

static void mkcompletion_read_options(struct options *o, const struct cli_command *k)
{
    *o = (struct options){.n = 0};
    mkcompletion_find_options(o, k->arguments, false);
    mkcompletion_find_options(o, k->help, false);
    mkcompletion_add_option(o, "help", strlen("help"));
}

static void mkcompletion_print_words(const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        printf("%s%s", i > 0 ? " " : "", words[i]);
}

/* What may follow an option that takes a value. `other` is for those whose values nobody can
 * list. */
static void mkcompletion_print_values(const char *before, const char *after, const char *other)
{
    printf("    --role) %s", before);
    mkcompletion_print_words(staff_role_names, STAFF_ROLE_COUNT);
    printf("%s ;;\n    --status) %s", after, before);
    mkcompletion_print_words(notification_status_names, NOTIFICATION_STATUS_COUNT);
    printf("%s ;;\n    --template) %s", after, before);
    mkcompletion_print_words(notification_template_names, NOTIFICATION_TEMPLATE_COUNT);
    printf("%s ;;\n", after);
    struct options valued = {.n = 0};
    for (const struct cli_command *k = cli_commands; k->name; k++) {
        mkcompletion_find_options(&valued, k->arguments, true);
        mkcompletion_find_options(&valued, k->help, true);
    }
    printf("    ");
    for (size_t i = 0; i < valued.n; i++)
        printf("%s--%s", i > 0 ? "|" : "", valued.name[i]);
    printf(") %s ;;\n", other);
}

/* First words, each once: rows of one command stand together. */
static bool mkcompletion_is_first(const struct cli_command *k)
{
    return k == cli_commands || strcmp(k[-1].name, k->name) != 0;
}

static void mkcompletion_print_names(void)
{
    for (const struct cli_command *k = cli_commands; k->name; k++)
        if (mkcompletion_is_first(k))
            printf(" %s", k->name);
}

/* A case per command: "staff-key create) ... ;;", and for "staff-key" its second words. They go
 * into a variable; in zsh `words` is the command line. */
static void mkcompletion_print_cases(const char *variable)
{
    struct options o;
    for (const struct cli_command *k = cli_commands; k->name; k++) {
        if (k->sub && mkcompletion_is_first(k)) {
            printf("    %s) %s='", k->name, variable);
            for (const struct cli_command *s = k; s->name && strcmp(s->name, k->name) == 0; s++)
                printf("%s ", s->sub);
            printf("--help' ;;\n");
        }
        printf("    '%s%s%s') %s='", k->name, k->sub ? " " : "", k->sub ? k->sub : "", variable);
        mkcompletion_read_options(&o, k);
        for (size_t i = 0; i < o.n; i++)
            printf("%s--%s", i > 0 ? " " : "", o.name[i]);
        printf("' ;;\n");
    }
}

/* The groups: their second word is a part of the command's name. */
static void mkcompletion_print_groups(void)
{
    const char *between = "";
    for (const struct cli_command *k = cli_commands; k->name; k++) {
        if (!k->sub || !mkcompletion_is_first(k))
            continue;
        printf("%s%s", between, k->name);
        between = "|";
    }
}

/* From a word of the line, which both shells call `word`, to the command so far; then what the word
 * before the cursor asks for. */
static void mkcompletion_print_finding(void)
{
    printf("        case $word in\n"
           "        -c|--config) ((i++)) ;;\n"
           "        -*) ;;\n"
           "        *) case $command in\n            '') command=$word ;;\n            ");
    mkcompletion_print_groups();
    puts(") command+=\" $word\" ;;\n            esac ;;\n        esac\n    done\n"
         "    case $prev in");
}

/* Needs nothing but bash: the package bash-completion need not be there. */
static void mkcompletion_bash(void)
{
    puts("# bash completion for bookingd, made from the program's table of commands\n"
         "_bookingd() {\n"
         "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
         "    local command='' word words i\n"
         "    COMPREPLY=()\n"
         "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "        word=${COMP_WORDS[i]}");
    mkcompletion_print_finding();
    puts("    -c|--config)\n"
         "        compopt -o filenames 2>/dev/null\n"
         "        mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
         "        return ;;");
    mkcompletion_print_values("mapfile -t COMPREPLY < <(compgen -W '", "' -- \"$cur\"); return",
                              "return");
    puts("    esac\n    case $command in");
    printf("    '') words='");
    mkcompletion_print_names();
    puts(" --config --help --version' ;;");
    mkcompletion_print_cases("words");
    puts("    *) return ;;\n    esac\n"
         "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
         "}\n"
         "complete -F _bookingd bookingd");
}

/* In single quotes, where zsh takes everything but the quote as it is; a colon ends the name. */
static void mkcompletion_print_quoted(const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            printf("'\\''");
        else
            putchar(*text);
    }
}

static void mkcompletion_print_descriptions(void)
{
    for (const struct cli_command *k = cli_commands; k->name; k++) {
        if (!mkcompletion_is_first(k))
            continue;
        printf("            '%s:", k->name);
        mkcompletion_print_quoted(k->sub ? "several commands; see --help" : k->summary);
        puts("'");
    }
}

static void mkcompletion_zsh(void)
{
    puts("#compdef bookingd\n"
         "# zsh completion for bookingd, made from the program's table of commands\n"
         "_bookingd() {\n"
         "    local command='' word i prev=$words[CURRENT-1]\n"
         "    for ((i = 2; i < CURRENT; i++)); do\n"
         "        word=$words[i]");
    mkcompletion_print_finding();
    puts("    -c|--config) _files; return ;;");
    mkcompletion_print_values("compadd -- ", "; return", "return");
    puts("    esac\n"
         "    if [[ -z $command && $words[CURRENT] != -* ]]; then\n"
         "        local -a commands=(");
    mkcompletion_print_descriptions();
    puts("        )\n"
         "        _describe command commands\n"
         "        return\n"
         "    fi\n"
         "    local options=''\n"
         "    case $command in\n"
         "    '') options='--config --help --version' ;;");
    mkcompletion_print_cases("options");
    puts("    *) return ;;\n    esac\n    compadd -- ${=options}\n}\n_bookingd \"$@\"");
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "bash") == 0)
        mkcompletion_bash();
    else if (argc == 2 && strcmp(argv[1], "zsh") == 0)
        mkcompletion_zsh();
    else
        return 64;
    return fflush(stdout) == 0 ? 0 : 1;
}
