/* scores.scaled_dot as a program of its own: cc command.c -lm -o kernel
   attnspec verify command:./kernel --as scores.scaled_dot --claim batch=0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct matrix { long rows, columns; float *data; };

/* The text after a key, from some place on. */
static const char *after(const char *line, const char *key) {
    const char *at = strstr(line, key);
    return at ? at + strlen(key) : NULL;
}

static void path_of(const char *line, const char *file, char *path, size_t size) {
    const char *folder = after(line, "\"folder\":\"");
    snprintf(path, size, "%.*s/%.*s", (int)strcspn(folder, "\""), folder, (int)strcspn(file, "\""), file);
}

/* The input of a name: its shape is in the line, its values in a file. */
static int read_input(const char *line, const char *name, struct matrix *matrix) {
    char key[80], path[4200];
    snprintf(key, sizeof key, "\"name\":\"%s\"", name);
    const char *input = after(line, key);
    const char *shape = input ? after(input, "\"shape\":[") : NULL, *file = input ? after(input, "\"file\":\"") : NULL;
    if (!shape || !file || sscanf(shape, "%ld,%ld]", &matrix->rows, &matrix->columns) != 2) return 0;
    path_of(line, file, path, sizeof path);
    size_t count = (size_t)(matrix->rows * matrix->columns);
    matrix->data = malloc(sizeof(float) * (count + 1));
    FILE *data = fopen(path, "rb");
    if (!data) return 0;
    size_t got = fread(matrix->data, sizeof(float), count, data);
    fclose(data);
    return got == count;
}

int main(void) {
    static char line[1 << 16];
    printf("{\"attnspec\":1,\"parameters\":[\"q\",\"k\"],\"dtype\":\"float32\"}\n");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) { /* until the standard input ends */
        struct matrix q, k;
        char path[4200];
        long call = atol(after(line, "\"call\":"));
        if (!read_input(line, "q", &q) || !read_input(line, "k", &k)) {
            printf("{\"call\":%ld,\"error\":\"q and k have two axes\"}\n", call);
            fflush(stdout);
            continue;
        }
        path_of(line, "out", path, sizeof path);
        FILE *out = fopen(path, "wb");
        for (long i = 0; i < q.rows; i++)
            for (long j = 0; j < k.rows; j++) {
                float sum = 0;
                for (long c = 0; c < q.columns; c++) sum += q.data[i * q.columns + c] * k.data[j * q.columns + c];
                sum /= sqrtf((float)q.columns);
                fwrite(&sum, sizeof sum, 1, out);
            }
        fclose(out);
        free(q.data), free(k.data);
        printf("{\"call\":%ld,\"outputs\":[{\"dtype\":\"float32\",\"shape\":[%ld,%ld],\"file\":\"out\"}]}\n", call, q.rows,
               k.rows);
        fflush(stdout);
    }
    return 0;
}
