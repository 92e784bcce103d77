#pragma once
#include <ATen/Parallel.h>
#include <ATen/TensorIterator.h>
#include <ATen/ops/empty.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "profile.h"

// Threads of an operator on this thread.
inline int operator_threads() { return at::get_num_threads(); }

// Calls f(0) … f(workers - 1), side by side where there are threads. Memory of a worker is found by its
// number, never by that of a thread: there may be fewer or more of those.
//
// The threads are libtorch's, by its own loop over the elements of a tensor. `at::parallel_for` is in a
// header: it takes those of the OpenMP that the bridge's compiler has, which may be another library with
// another number of threads, and one thread where that compiler has none.
template <class F>
void work(int workers, const F &f) {
  at::Tensor numbers = at::empty({workers}, at::TensorOptions().dtype(at::kInt));
  const char *first = static_cast<const char *>(numbers.const_data_ptr());
  at::TensorIterator::borrowing_nullary_op(numbers).for_each(
      [&](char **data, const int64_t *, int64_t count) {
        int64_t start = (data[0] - first) / int64_t(sizeof(int32_t));
        for (int64_t i = start; i < start + count; i++) f(int(i));
      },
      1);
}

// Tasks in an order, each taken by the first worker that is free: one that the system holds up for a
// while holds up nobody else. A task may wait for earlier ones, never for later ones.
class Tasks {
 public:
  explicit Tasks(int64_t count) : count_(count) {}
  // The next task, or -1 where all are taken.
  int64_t take() {
    int64_t task = next_.fetch_add(1, std::memory_order_relaxed);
    return task < count_ ? task : -1;
  }

 private:
  int64_t count_;
  std::atomic<int64_t> next_{0};
};

// How many of some tasks are not done.
class Countdown {
 public:
  void start(int64_t count) { left_.store(count, std::memory_order_relaxed); }
  void done() { left_.fetch_sub(1, std::memory_order_release); }
  void wait() const {
    for (int i = 0; left_.load(std::memory_order_acquire) > 0; i++)
      if (i > 1000) std::this_thread::yield();
  }

 private:
  std::atomic<int64_t> left_{0};
};

// Nanoseconds that the threads of an operator spend in each of its parts, for the profile.
class PartTimes {
 public:
  PartTimes(int threads, int parts)
      : on_(ct_profile_is_on()), threads_(threads), parts_(parts), times_(on_ ? threads * parts : 0) {}

  // The clock of one thread: what passes between two readings belongs to a part.
  class Clock {
   public:
    Clock(PartTimes &times, int thread) : times_(times.on_ ? &times.times_[thread * times.parts_] : nullptr) {
      if (times_) last_ = std::chrono::steady_clock::now();
    }
    // What has passed since the last reading belongs to no part.
    void skip() {
      if (times_) last_ = std::chrono::steady_clock::now();
    }
    void note(int part) {
      if (!times_) return;
      auto now = std::chrono::steady_clock::now();
      times_[part] += std::chrono::duration_cast<std::chrono::nanoseconds>(now - last_).count();
      last_ = now;
    }

   private:
    int64_t *times_;
    std::chrono::steady_clock::time_point last_;
  };

  // Tells the profile of a part, as if its threads had run one after the other at their common speed.
  void tell(int part, const std::string &key) const {
    if (!on_) return;
    int64_t sum = 0;
    for (int t = 0; t < threads_; t++) sum += times_[t * parts_ + part];
    ct_profile_part(key, 1, sum / threads_);
  }
  void tell(int part, const char *name, int64_t m, int64_t n, int64_t k, bool transposes_a,
            bool transposes_b) const {
    if (on_) tell(part, ct_profile_product(name, 1, m, n, k, transposes_a, transposes_b));
  }

 private:
  bool on_;
  int threads_, parts_;
  std::vector<int64_t> times_;
};
