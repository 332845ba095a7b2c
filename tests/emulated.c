/* Runs a model that is linked in once: one file of inputs in, one file of outputs out.
 *
 * emulated INPUT OUTPUT; the input holds N, the pieces that each step is cut into (0: no parallel_for),
 * the numbers of inputs and outputs, the bytes of each, and the inputs' contents. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void (*task_function)(const void *frame, int64_t begin, int64_t end);
struct args {
  uint64_t size;
  const int64_t *dims;
  const void *const *inputs;
  void *const *outputs;
  void *workspace;
  void (*parallel_for)(void *pool, task_function task, const void *frame, int64_t count);
  void *pool;
  int64_t threads;
};
int test_run(const struct args *);
uint64_t test_workspace_size(const int64_t *, int64_t);

static void in_pieces(void *pool, task_function task, const void *frame, int64_t count) {
  int64_t pieces = *(const int64_t *)pool;
  for (int64_t i = pieces; i-- > 0;) {
    int64_t begin = count * i / pieces, end = count * (i + 1) / pieces;
    if (begin < end) task(frame, begin, end);
  }
}

static void get(void *to, size_t bytes, FILE *file) {
  if (fread(to, 1, bytes, file) != bytes) exit(10);
}

int main(int argc, char **argv) {
  FILE *file = argc == 3 ? fopen(argv[1], "rb") : NULL;
  if (!file) return 11;
  int64_t head[4];
  get(head, sizeof head, file);
  int64_t inputs = head[2], outputs = head[3];
  int64_t *bytes = calloc((size_t)(inputs + outputs + 1), sizeof *bytes);
  void **tensors = calloc((size_t)(inputs + outputs + 1), sizeof *tensors);
  get(bytes, (size_t)(inputs + outputs) * sizeof *bytes, file);
  for (int64_t i = 0; i < inputs + outputs; i++) {
    tensors[i] = calloc((size_t)bytes[i] + 1, 1);
    if (i < inputs) get(tensors[i], (size_t)bytes[i], file);
  }
  fclose(file);
  size_t room = (size_t)test_workspace_size(head, 1) / 64 * 64 + 64;
  void *workspace = aligned_alloc(64, room);
  memset(workspace, 0xAB, room);
  struct args args = {sizeof args, head, (const void *const *)tensors, tensors + inputs, workspace,
                      head[1] ? in_pieces : NULL, &head[1], 1};
  int status = test_run(&args);
  if (status) return status;
  file = fopen(argv[2], "wb");
  if (!file) return 12;
  for (int64_t i = inputs; i < inputs + outputs; i++) {
    if (fwrite(tensors[i], 1, (size_t)bytes[i], file) != (size_t)bytes[i]) return 13;
  }
  return fclose(file);
}
