// Finds libCTorch.so at run time, on first use, and forwards every function of ctorch.h to it. A
// program that never touches a tensor (`mae --help`) never pays for libtorch.
#define _GNU_SOURCE
#include "ctorch.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__linux__)
#include <sys/auxv.h>
#endif
#ifdef __APPLE__
#include <mach-o/dyld.h>
#include <sys/sysctl.h>
#define LIBRARY "libCTorch.dylib"
#else
#define LIBRARY "libCTorch.so"
#endif

// A packaged program (scripts/package) has its bridge beside it and knows no folder of a clone.
#ifdef CTORCH_PACKAGED
#define ADVICE "install the package again"
#else
#define ADVICE "run scripts/bootstrap"
#endif

#define X(result, name, parameters, arguments) static result(*p_##name) parameters;
#include "functions.inc"
#undef X

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char reason[16384];  // empty when the bridge is there

static void note(const char *format, ...) {
  size_t used = strlen(reason);
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(reason + used, sizeof reason - used, format, arguments);
  va_end(arguments);
}

static void *try_open(const char *path) {
  if (access(path, R_OK) != 0) {
    note("\n  %s: no such file", path);
    return NULL;
  }
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) note("\n  %s: %s", path, dlerror());
  return library;
}

static ssize_t executable_path(char *path, size_t size) {
#ifdef __APPLE__
  uint32_t n = (uint32_t)size;
  return _NSGetExecutablePath(path, &n) == 0 ? (ssize_t)strlen(path) : -1;
#else
  return readlink("/proc/self/exe", path, size);
#endif
}

static void *find(void) {
  char folder[PATH_MAX - 64], path[PATH_MAX];
  void *library;
  const char *chosen = getenv("CTORCH_LIBRARY");
  if (chosen && *chosen) return try_open(chosen);
  ssize_t n = executable_path(folder, sizeof folder - 1);
  if (n > 0) {
    folder[n] = 0;
    char *slash = strrchr(folder, '/');
    if (slash) *slash = 0;
    snprintf(path, sizeof path, "%s/" LIBRARY, folder);
    if ((library = try_open(path))) return library;
    snprintf(path, sizeof path, "%s/../lib/swift-mae/" LIBRARY, folder);
    if ((library = try_open(path))) return library;
  }
#ifndef CTORCH_PACKAGED
  if ((library = try_open(CTORCH_DIR "/" LIBRARY))) return library;
#endif
  const char *home = getenv("HOME");
  if (home && *home) {
    snprintf(path, sizeof path, "%s/.local/share/swift-mae/" LIBRARY, home);
    if ((library = try_open(path))) return library;
  }
  return NULL;
}

// libtorch's OpenMP threads spin while they wait for each other, which on a machine that does anything
// else (decode images, say) takes the cores from those they wait for. A short spin costs a quiet
// machine nothing measurable. Read by libgomp when it is loaded; the user's own settings win.
static void tame_spinning(void) {
  if (!getenv("OMP_WAIT_POLICY") && !getenv("GOMP_SPINCOUNT")) setenv("GOMP_SPINCOUNT", "2000", 1);
}

static void load(void) {
  tame_spinning();
  note("the libtorch bridge " LIBRARY " could not be opened; " ADVICE ". Tried:");
  void *library = find();
  if (!library) return;
#define X(result, name, parameters, arguments)                                                     \
  p_##name = (result(*) parameters)dlsym(library, #name);                                          \
  if (!p_##name) {                                                                                 \
    snprintf(reason, sizeof reason,                                                                \
             "the libtorch bridge is out of date (it has no %s); " ADVICE,             \
             #name);                                                                               \
    return;                                                                                        \
  }
#include "functions.inc"
#undef X
  if (p_ct_abi_version() != CT_ABI_VERSION) {
    snprintf(reason, sizeof reason,
             "the libtorch bridge is version %d, expected %d; " ADVICE,
             p_ct_abi_version(), CT_ABI_VERSION);
    return;
  }
  reason[0] = 0;
  p_ct_keep_pages();
}

bool ct_processor_has_bfloat16(void) {
#if defined(__x86_64__)
  unsigned a, b, c, d = 0;
  __builtin_cpu_init();
  // AVX512_BF16, or AMX_BF16 by its bit.
  return __builtin_cpu_supports("avx512bf16") ||
         (__get_cpuid_count(7, 0, &a, &b, &c, &d) && (d >> 22 & 1));
#elif defined(__aarch64__) && defined(__linux__)
  return getauxval(AT_HWCAP2) >> 14 & 1;  // HWCAP2_BF16
#elif defined(__aarch64__) && defined(__APPLE__)
  int found = 0;
  size_t size = sizeof found;
  return sysctlbyname("hw.optional.arm.FEAT_BF16", &found, &size, NULL, 0) == 0 && found;
#else
  return false;
#endif
}

int ct_load(const char **why) {
  pthread_once(&once, load);
  if (why) *why = reason[0] ? reason : NULL;
  return reason[0] ? -1 : 0;
}

static void ensure(void) {
  const char *why;
  if (ct_load(&why) == 0) return;
  fprintf(stderr, "error: %s\n", why);
  _exit(69);
}

// p_ct_abi_version is set on the way to a loaded bridge, so each function looks at its own pointer:
// once it is set it never changes, and before that pthread_once orders the stores.
#define X(result, name, parameters, arguments)                                                     \
  result name parameters {                                                                         \
    if (__builtin_expect(!p_##name, 0)) ensure();                                                  \
    return p_##name arguments;                                                                     \
  }
#include "functions.inc"
