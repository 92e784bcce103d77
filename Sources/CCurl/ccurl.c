// Opens libcurl on first use, so that a program that reads no shards over HTTP and logs to no server neither needs it nor pays
// for loading it and the libraries it brings (19 ms). Only functions and numbers of its stable
// interface (libcurl.so.4, since 2006) are used.
#define _GNU_SOURCE
#include "ccurl.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

// The beginning of libcurl's curl_version_info_data.
struct version_info {
  int age;
  const char *text;
  unsigned number;
};

static const struct version_info *(*p_version)(int);
static void *(*p_init)(void);
static void (*p_cleanup)(void *);
static void (*p_reset)(void *);
static int (*p_setopt)(void *, int, ...);
static int (*p_perform)(void *);
static int (*p_getinfo)(void *, int, ...);
static const char *(*p_strerror)(int);
static void *(*p_append)(void *, const char *);
static void (*p_free_all)(void *);

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char reason[512];  // empty when it is there

static void find(void) {
  static const char *const names[] = {
#ifdef __APPLE__
    "/usr/lib/libcurl.4.dylib", "libcurl.4.dylib",
#else
    "libcurl.so.4", "libcurl-gnutls.so.4",
#endif
  };
  void *library = NULL;
  for (size_t i = 0; !library && i < sizeof names / sizeof *names; i++)
    library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    snprintf(reason, sizeof reason, "libcurl is not installed (Debian's package libcurl4)");
    return;
  }
  int (*global_init)(long) = (int (*)(long))dlsym(library, "curl_global_init");
#define FIND(pointer, name) *(void **)&pointer = dlsym(library, name)
  FIND(p_version, "curl_version_info");
  FIND(p_init, "curl_easy_init");
  FIND(p_cleanup, "curl_easy_cleanup");
  FIND(p_reset, "curl_easy_reset");
  FIND(p_setopt, "curl_easy_setopt");
  FIND(p_perform, "curl_easy_perform");
  FIND(p_getinfo, "curl_easy_getinfo");
  FIND(p_strerror, "curl_easy_strerror");
  FIND(p_append, "curl_slist_append");
  FIND(p_free_all, "curl_slist_free_all");
  if (!global_init || !p_init || !p_cleanup || !p_reset || !p_setopt || !p_perform || !p_getinfo ||
      !p_strerror || !p_append || !p_free_all)
    snprintf(reason, sizeof reason, "the libcurl that is installed lacks functions");
  else if (global_init(3 /* CURL_GLOBAL_ALL */) != 0)
    snprintf(reason, sizeof reason, "libcurl could not be started");
}

const char *ccurl_missing(void) {
  pthread_once(&once, find);
  return *reason ? reason : NULL;
}

unsigned ccurl_version(void) {
  const struct version_info *info = p_version ? p_version(0) : NULL;
  return info ? info->number : 0;
}

void *ccurl_new(void) { return p_init(); }
void ccurl_free(void *transfer) { p_cleanup(transfer); }
void ccurl_reset(void *transfer) { p_reset(transfer); }

int ccurl_set_long(void *transfer, int option, long value) {
  return p_setopt(transfer, option, value);
}

int ccurl_set_pointer(void *transfer, int option, const void *value) {
  return p_setopt(transfer, option, value);
}

int ccurl_set_callback(void *transfer, int option, ccurl_callback callback) {
  return p_setopt(transfer, option, callback);
}

int ccurl_perform(void *transfer) {
#ifdef __linux__
  // A server that goes away must not end the program; a signal of our own making is taken back.
  sigset_t pipe, before;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, &before);
  int code = p_perform(transfer);
  if (!sigismember(&before, SIGPIPE)) {
    static const struct timespec none = {0, 0};
    while (sigtimedwait(&pipe, NULL, &none) > 0) continue;
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return code;
#else
  return p_perform(transfer);
#endif
}

long ccurl_status(void *transfer) {
  long status = 0;
  p_getinfo(transfer, 0x200002 /* CURLINFO_RESPONSE_CODE */, &status);
  return status;
}

const char *ccurl_error(int code) { return p_strerror(code); }
void *ccurl_list_append(void *list, const char *line) { return p_append(list, line); }
void ccurl_list_free(void *list) { p_free_all(list); }
