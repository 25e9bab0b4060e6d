/* The interface of functions in a shared library that attnspec calls:

   const char *NAME_takes(void);   its parameters and dtype: "q, k: float32"
   int64_t NAME(const struct attnspec_array *inputs, int64_t count, struct attnspec_array *outputs);

   Inputs come in the order of the call, each with its name; those of options have no axes. Arrays are row-major and must
   not be changed. The function sets dtype, axes, shape and data of each output, data by malloc; attnspec frees it. It
   returns the number of outputs, at most 16, or a negative number for an error. */
#ifndef ATTNSPEC_H
#define ATTNSPEC_H
#include <stdint.h>

struct attnspec_array {
    const char *name;  /* of an input */
    const char *dtype; /* "float64", "float32", "float16", "int64" or "bool" */
    int64_t axes;
    int64_t shape[8];
    void *data;
};
#endif
