/* Runs a model by its generated header: program N input.raw... output.raw...
 *
 * HEADER and the other names in capitals come from c_program.py, which derives them from the
 * manifest. Wrong arguments are tried first: each must give its status and touch nothing. With
 * THREADS, threads that share a pool then repeat the call, and must get the same bytes.
 */
#ifdef THREADS
#define _GNU_SOURCE
#include <pthread.h>
#include <string.h>
#include <unistd.h>
#endif
#include HEADER

#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>

static void fail(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(1);
}

static void *allocate(uint64_t bytes) {
  void *memory = aligned_alloc(64, (bytes + 64) / 64 * 64);
  if (!memory) fail("out of memory");
  return memory;
}

static void transfer(const char *path, void *memory, uint64_t bytes, int writes) {
  FILE *file = fopen(path, writes ? "wb" : "rb");
  if (!file) fail(path);
  uint64_t moved = writes ? fwrite(memory, 1, bytes, file) : fread(memory, 1, bytes, file);
  if (moved != bytes || (!writes && fgetc(file) != EOF) || fclose(file)) fail(path);
}

static void refuse(ARGS args, int status, const char *what) {
  if (RUN(&args) != status) fail(what);
}

static void check_refusals(ARGS good, int64_t n) {
  const int64_t zero = 0;
  const void *no_inputs[INPUTS + 1] = {NULL};
  void *no_outputs[OUTPUTS] = {NULL};
  ARGS args = good;
  args.size = sizeof args - 8;
  refuse(args, 1, "status for a wrong size");
  args = good;
  args.dims = &zero;
  if (DIMS) refuse(args, 2, "status for a batch of 0");
  args = good;
  args.workspace = NULL;
  refuse(args, 3, "status for no workspace");
  args.workspace = (char *)good.workspace + 8;
  refuse(args, 3, "status for a misaligned workspace");
  args = good;
  args.inputs = no_inputs;
  if (INPUTS) refuse(args, 4, "status for a missing input");
  args = good;
  args.outputs = no_outputs;
  refuse(args, 4, "status for a missing output");
  if (DIMS && WORKSPACE_SIZE(&zero, 1) != NO_WORKSPACE) fail("workspace of a batch of 0");
  if (!ABI_OK) fail("version of the interface");
  if (!INTERFACE_OK) fail("a header of another model");
  if (!SUPPORTED(getauxval(AT_HWCAP))) fail("what the CPU has");
  for (int64_t threads = 0; threads <= 64; threads += 16)
    if (WORKSPACE_SIZE(&n, threads) != WORKSPACE_BYTES(n, threads)) fail("workspace size");
}

#ifdef THREADS
enum { CALLERS = 2, CALLS = 60, STACK = 1 << 15 };
static void *workers;

struct caller {
  pthread_t thread;
  ARGS good;
  const uint64_t *output_bytes;
};

static void *work(void *index) {
  POOL(work)(workers, (intptr_t)index);
  return NULL;
}

static void begin(pthread_t *thread, void *(*life)(void *), void *with) {
  pthread_attr_t how;
  if (pthread_attr_init(&how) || pthread_attr_setstacksize(&how, STACK) ||
      pthread_create(thread, &how, life, with))
    fail("no thread");
}

/* Calls with 1 to THREADS threads; the outputs must equal those of the good call. */
static void *repeat(void *given) {
  const struct caller *caller = given;
  ARGS args = caller->good;
  void *outputs[OUTPUTS];
  for (int i = 0; i < OUTPUTS; i++) outputs[i] = allocate(caller->output_bytes[i]);
  args.outputs = outputs;
  args.workspace = allocate(WORKSPACE_SIZE(args.dims, THREADS));
  for (int turn = 0; turn < CALLS; turn++) {
    POOL_TYPE pool = {workers, 1 + turn % THREADS};
    args.parallel_for = POOL(for);
    args.pool = &pool;
    args.threads = pool.threads;
    for (int i = 0; i < OUTPUTS; i++) memset(outputs[i], 0xAB, caller->output_bytes[i]);
    if (RUN(&args)) fail("status of a call with threads");
    for (int i = 0; i < OUTPUTS; i++)
      if (memcmp(outputs[i], caller->good.outputs[i], caller->output_bytes[i]))
        fail("another result with threads");
    if (turn % 10 == 9) usleep(1000); /* workers fall asleep */
  }
  return NULL;
}

static void check_threads(ARGS good, const uint64_t *output_bytes) {
  pthread_t threads[THREADS];
  struct caller callers[CALLERS];
  workers = allocate(POOL(bytes)());
  POOL(init)(workers, syscall);
  for (intptr_t i = 1; i < THREADS; i++) begin(&threads[i], work, (void *)i);
  for (int i = 0; i < CALLERS; i++) {
    callers[i] = (struct caller){.good = good, .output_bytes = output_bytes};
    begin(&callers[i].thread, repeat, &callers[i]);
  }
  for (int i = 0; i < CALLERS; i++) pthread_join(callers[i].thread, NULL);
  POOL(stop)(workers);
  for (int i = 1; i < THREADS; i++) pthread_join(threads[i], NULL);
  free(workers);
}
#endif

int main(int argc, char **argv) {
  if (argc != 2 + INPUTS + OUTPUTS) fail("usage: program N input.raw... output.raw...");
  const int64_t n = strtoll(argv[1], NULL, 10);
  const uint64_t input_bytes[] = {INPUT_BYTES(n) 0}, output_bytes[] = {OUTPUT_BYTES(n) 0};
  const void *inputs[INPUTS + 1];
  void *outputs[OUTPUTS];
  for (int i = 0; i < INPUTS; i++) {
    void *memory = allocate(input_bytes[i]);
    transfer(argv[2 + i], memory, input_bytes[i], 0);
    inputs[i] = memory;
  }
  for (int i = 0; i < OUTPUTS; i++) outputs[i] = allocate(output_bytes[i]);
  ARGS args = {sizeof args, &n, inputs, outputs, allocate(WORKSPACE_BYTES(n, 1)), NULL, NULL, 1};
  check_refusals(args, n);
  int status = RUN(&args);
  if (status) {
    fprintf(stderr, "status %d\n", status);
    return 1;
  }
#ifdef THREADS
  check_threads(args, output_bytes);
#endif
  for (int i = 0; i < OUTPUTS; i++)
    transfer(argv[2 + INPUTS + i], outputs[i], output_bytes[i], 1);
  return 0;
}
