// The last error of each thread.
#include <c10/util/Exception.h>
#include <torch/version.h>

#include <new>
#include <string>

#include "internal.h"

namespace {
thread_local std::string message, full;
thread_local c10::Backtrace backtrace;  // symbolised only when asked for: that takes milliseconds
thread_local int kind = CT_ERROR_OTHER;
}  // namespace

void ct_set_error(const std::exception &e) {
  full.clear();
  backtrace = nullptr;
  if (auto *c = dynamic_cast<const c10::Error *>(&e)) {
    message = c->what_without_backtrace();
    backtrace = c->backtrace();
  } else {
    message = e.what();
  }
  bool out_of_memory = dynamic_cast<const c10::OutOfMemoryError *>(&e) ||
                       dynamic_cast<const std::bad_alloc *>(&e) ||
                       message.find("can't allocate memory") != std::string::npos;
  kind = out_of_memory ? CT_ERROR_OUT_OF_MEMORY : CT_ERROR_OTHER;
}

void ct_set_error(const char *text) {
  message = full = text;
  backtrace = nullptr;
  kind = CT_ERROR_OTHER;
}

extern "C" {
const char *ct_error(void) { return message.c_str(); }
const char *ct_error_full(void) {
  if (full.empty()) full = message + (backtrace ? "\n" + backtrace->get() : "");
  return full.c_str();
}
int ct_last_error_kind(void) { return kind; }
const char *ct_version(void) { return TORCH_VERSION; }
int ct_abi_version(void) { return CT_ABI_VERSION; }
}
