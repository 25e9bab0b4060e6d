/* scores.scaled_dot in a shared library: cc -shared -fPIC library.c -lm -o libscores.so
   attnspec verify libscores.so:scaled_dot --as scores.scaled_dot --claim batch=0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "attnspec.h"

const char *scaled_dot_takes(void) { return "q, k: float32"; }

int64_t scaled_dot(const struct attnspec_array *inputs, int64_t count, struct attnspec_array *outputs) {
    const struct attnspec_array *a = NULL, *b = NULL;
    for (int64_t i = 0; i < count; i++)
        if (!strcmp(inputs[i].name, "q")) a = &inputs[i];
        else if (!strcmp(inputs[i].name, "k")) b = &inputs[i];
    if (!a || !b || a->axes != 2 || b->axes != 2) return -1;
    int64_t n = a->shape[0], d = a->shape[1], m = b->shape[0];
    const float *q = a->data, *k = b->data;
    float *e = malloc(sizeof(float) * (n * m + 1));
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < m; j++) {
            float sum = 0;
            for (int64_t c = 0; c < d; c++) sum += q[i * d + c] * k[j * d + c];
            e[i * m + j] = sum / sqrtf((float)d);
        }
    outputs[0] = (struct attnspec_array){.dtype = "float32", .axes = 2, .shape = {n, m}, .data = e};
    return 1;
}
