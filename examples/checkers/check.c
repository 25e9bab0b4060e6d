/* Check a kernel against vectors of attnspec: cc check.c kernel.c -lm && ./a.out FOLDER */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "check.h"

static char folder[3000], cells[6][2000];
static struct answer { char id[64], name[64]; struct array got, bound; } answers[4000];
static int answered, wrong;

static void die(const char *what, const char *name) { fprintf(stderr, "%s: %s\n", what, name); exit(2); }

static int row(FILE *file) { /* the cells of the next row; 0 at the end */
    static char line[12000];
    if (!fgets(line, sizeof line, file)) return 0;
    line[strcspn(line, "\n")] = 0;
    memset(cells, 0, sizeof cells);
    char *at = line;
    for (int k = 0; k < 6 && at; k++) {
        char *tab = strchr(at, '\t');
        if (tab) *tab = 0;
        snprintf(cells[k], sizeof cells[k], "%.1999s", at);
        at = tab ? tab + 1 : NULL;
    }
    return 1;
}

static struct array load(const char *name, const char *file) { /* an array of a .npy file, version 1.0 */
    struct array a = {.size = 1};
    char path[6000], head[65536] = {0}, *at;
    unsigned char start[10];
    snprintf(a.name, sizeof a.name, "%s", name);
    snprintf(path, sizeof path, "%s/%s", folder, file);
    FILE *f = fopen(path, "rb");
    if (!f || fread(start, 1, 10, f) != 10) die("cannot read", path);
    if (fread(head, 1, start[8] + 256 * start[9], f) == 0) die("not an .npy file", path);
    char *type = strstr(head, "'descr': '");
    at = strstr(head, "'shape': (");
    if (!type || !at) die("not an .npy file", path);
    type += 10;
    at += 10;
    while (*at && *at != ')') {
        long size = strtol(at, &at, 10);
        a.shape[a.axes++] = size;
        a.size *= size;
        at += strspn(at, ", ");
    }
    a.data = malloc((a.size + 1) * sizeof(double));
    for (long i = 0; i < a.size; i++) {
        double f8; float f4; long long i8; unsigned char b1;
        if (!strncmp(type, "<f8", 3) && fread(&f8, 8, 1, f)) a.data[i] = f8;
        else if (!strncmp(type, "<f4", 3) && fread(&f4, 4, 1, f)) a.data[i] = f4;
        else if (!strncmp(type, "<i8", 3) && fread(&i8, 8, 1, f)) a.data[i] = (double)i8;
        else if (!strncmp(type, "|b1", 3) && fread(&b1, 1, 1, f)) a.data[i] = b1;
        else die("a dtype that this checker does not read, or a short file", path);
    }
    fclose(f);
    return a;
}

static void run(const char *id, struct array *in, int n, struct array *out, struct array *expected, struct array *bound, int m) {
    if (!m) return;
    for (int k = 0; k < m; k++) out[k].data = calloc(out[k].size + 1, sizeof(double));
    kernel(in, n, out, m);
    for (int k = 0; k < m; k++) {
        struct answer *a = &answers[answered++];
        snprintf(a->id, sizeof a->id, "%s", id);
        snprintf(a->name, sizeof a->name, "%s", out[k].name);
        a->got = out[k];
        a->bound = bound[k];
        for (long i = 0; i < out[k].size; i++)
            if (!(fabs(out[k].data[i] - expected[k].data[i]) <= bound[k].data[i])) {
                printf("wrong: case %s, %s[%ld] = %.9g, expected %.9g ± %.2g\n", id, out[k].name, i, out[k].data[i],
                       expected[k].data[i], bound[k].data[i]);
                wrong++;
                break;
            }
    }
}

static int agrees(void) { /* whether the kernel gives the value that a mistake gives, in the row of a witness */
    for (int k = 0; k < answered; k++)
        if (!strcmp(answers[k].id, cells[1]) && !strcmp(answers[k].name, cells[2])) {
            long i = atol(cells[3]);
            double got = answers[k].got.data[i], value = atof(cells[4]);
            return (isnan(got) && isnan(value)) || fabs(got - value) <= 8 * answers[k].bound.data[i];
        }
    return 0;
}

int main(int count, char **words) {
    if (count != 2) die("usage", "a.out FOLDER");
    snprintf(folder, sizeof folder, "%s", words[1]);
    char path[4000], id[64] = "", mistake[2000] = "";
    snprintf(path, sizeof path, "%s/vectors.tsv", folder);
    FILE *file = fopen(path, "r");
    if (!file) die("cannot read", path);
    struct array in[64], out[16], expected[16], bound[16];
    int n = 0, m = 0, fits = 0, more = 1;
    while (more) {
        more = row(file);
        int ends = !more || !strcmp(cells[0], "case") || !strcmp(cells[0], "mistake");
        if (ends) run(id, in, n, out, expected, bound, m), n = m = 0;
        if (ends && fits && wrong && mistake[0]) printf("this is the mistake: %s\n", mistake);
        if (!strcmp(cells[0], "case")) strcpy(id, cells[1]);
        else if (!strcmp(cells[0], "input")) in[n++] = load(cells[2], cells[3]);
        else if (!strcmp(cells[0], "option")) {
            in[n] = (struct array){.size = 1, .data = malloc(sizeof(double))};
            *in[n].data = !strcmp(cells[3], "True") ? 1 : atof(cells[3]);
            strcpy(in[n++].name, cells[2]);
        } else if (!strcmp(cells[0], "output")) {
            expected[m] = out[m] = load(cells[2], cells[3]);
            bound[m] = load(cells[2], cells[4]);
            m++;
        } else if (!strcmp(cells[0], "mistake")) strcpy(mistake, cells[3]), fits = 1;
        else if (!strcmp(cells[0], "witness")) fits = fits && agrees();
    }
    if (!answered) die("no case in", path);
    printf("%s: %d of %d outputs are right\n", wrong ? "differs" : "conforms", answered - wrong, answered);
    return wrong > 0;
}
