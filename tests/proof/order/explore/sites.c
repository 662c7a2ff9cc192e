/* sites.c - the places of csrc that access an atomic word: listed, and weakened, by name */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explore.h"

const char *site_file(const struct site *site)
{
    const char *slash = site->file == NULL ? NULL : strrchr(site->file, '/');
    return slash == NULL ? "the scenario" : slash + 1;
}

extern struct site *__start_sites[], *__stop_sites[];

static void name_site(const struct site *site, char *name, size_t size)
{
    snprintf(name, size, "%s:%s:%s(%s)#%d", site_file(site), site->function, site->name, site->word,
             site->number);
}

/* Twins in one function are told apart by their order in the source. */
void sites_number(void)
{
    for (struct site **one = __start_sites; one != __stop_sites; one++)
        for (struct site **other = __start_sites; other != __stop_sites; other++)
            if ((*other)->line < (*one)->line && strcmp((*one)->file, (*other)->file) == 0 &&
                strcmp((*one)->function, (*other)->function) == 0 &&
                strcmp((*one)->name, (*other)->name) == 0 &&
                strcmp((*one)->word, (*other)->word) == 0)
                (*one)->number++;
}

static const char *const orders[] = {"relaxed", "acquire", "release", "acquire_release", "seq"};

void sites_weaken(const char *mutation)
{
    char name[256];
    const char *equals = strrchr(mutation, '=');
    bool done = false;
    for (struct site **at = __start_sites; equals != NULL && at != __stop_sites; at++) {
        name_site(*at, name, sizeof name);
        if (strlen(name) != (size_t)(equals - mutation) ||
            strncmp(name, mutation, strlen(name)) != 0)
            continue;
        (*at)->torn = strcmp(equals + 1, "torn") == 0;
        (*at)->never = strcmp(equals + 1, "never") == 0 && (*at)->access == ACCESS_STORE;
        done = (*at)->torn || (*at)->never;
        for (unsigned order = 0; order < sizeof orders / sizeof *orders; order++)
            if (strcmp(equals + 1, orders[order]) == 0) {
                (*at)->order = (enum order)order;
                done = true;
            }
    }
    if (!done) {
        fprintf(stderr, "explore: no such site or order: %s\n", mutation);
        exit(2);
    }
}

void sites_list(void)
{
    char name[256];
    for (struct site **at = __start_sites; at != __stop_sites; at++) {
        name_site(*at, name, sizeof name);
        printf("%s\n", name);
    }
}
