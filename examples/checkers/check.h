/* What a kernel is given: arrays of doubles that hold the values of any dtype exactly; an option has no axes. */
struct array { char name[64]; int axes; long shape[8], size; double *data; };

/* Fill the outputs, whose shapes are set, from the inputs and options. */
void kernel(const struct array *inputs, int count, struct array *outputs, int results);
