/* A model by hand, on the C interface of an artifact: for tests of the runtime without a compiler.
 *
 *   y[n][c] = 2 * x[n][c] + b[n]      float32 [N, 3], by way of the workspace
 *   count   = number of b above 0     int32 []
 *   signs   = b >= 0, b < 0           bool [2N]
 *
 * HEADER and MANIFEST are files that the build writes. STATUS, WORKSPACE and EXTRA make it wrong:
 * the status to return, the workspace size to report, a function that does not exist.
 */
#include HEADER

static const char manifest[] __attribute__((section(".bnnc.manifest"), used, aligned(8))) = {
#include MANIFEST
};

uint32_t tiny_abi_version(void) { return TINY_ABI_VERSION; }

const char *tiny_describe(void) { return manifest; }

uint64_t tiny_interface(void) { return TINY_INTERFACE; }

int tiny_supported(uint64_t hwcap) { return 0 * (int)hwcap - 1; }

#ifndef WORKSPACE
#define WORKSPACE TINY_WORKSPACE_BYTES(dims[0], threads)
#endif
uint64_t tiny_workspace_size(const int64_t *dims, int64_t threads) {
  if (dims[0] < 1) return TINY_NO_WORKSPACE;
  return WORKSPACE + 0 * (uint64_t)(dims[0] + threads);
}

static inline int check(const tiny_args *args) {
  if (args->size != sizeof(tiny_args)) return TINY_BAD_SIZE;
  if (args->dims[0] < 1 || args->dims[0] > (1 << 30)) return TINY_BAD_DIM;
  if (!args->workspace || (uintptr_t)args->workspace % TINY_WORKSPACE_ALIGNMENT)
    return TINY_BAD_WORKSPACE;
  for (int i = 0; i < TINY_INPUT_COUNT; i++)
    if (!args->inputs[i]) return TINY_BAD_TENSOR;
  for (int i = 0; i < TINY_OUTPUT_COUNT; i++)
    if (!args->outputs[i]) return TINY_BAD_TENSOR;
  return TINY_OK;
}

#ifdef EXTRA
extern int EXTRA(const tiny_args *args);
#else
#define EXTRA check
#endif

int tiny_run(const tiny_args *args) {
#ifdef STATUS
  return STATUS;
#endif
  int status = EXTRA(args);
  if (status) return status;
  const float *x = args->inputs[0];
  const int8_t *b = args->inputs[1];
  float *y = args->outputs[0];
#if TINY_OUTPUT_COUNT == 3
  enum { STRIDE = 2 };
  int32_t *count = args->outputs[1];
  uint8_t *signs = args->outputs[2];
#else /* a manifest with y alone */
  enum { STRIDE = 0 };
  int32_t count[1];
  uint8_t signs[2];
#endif
  volatile float *rows = args->workspace;
  int64_t batch = args->dims[0];
  *count = 0;
  for (int64_t n = 0; n < batch; n++) {
    for (int c = 0; c < 3; c++) rows[n * 16 + c] = x[n * 3 + c] * FACTOR;
    *count += b[n] > 0;
    signs[STRIDE * n] = b[n] >= 0;
    signs[STRIDE * n + 1] = b[n] < 0;
  }
  for (int64_t n = 0; n < batch; n++)
    for (int c = 0; c < 3; c++) y[n * 3 + c] = rows[n * 16 + c] + (float)b[n];
  return TINY_OK;
}
