// Main memory of large tensors, apart from that of small things.
//
// In malloc's heap a small thing that stays where a large one was freed splits the room: after some
// steps of training a third of the process was holes. And malloc gives large blocks back to the system,
// whose fresh pages cost several times what reused ones do. Large blocks come from a range of addresses
// of their own, best fit first, whose pages stay in the process and are large ones where the system has
// them.
#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#ifdef __linux__
#include <sys/mman.h>
#include <unistd.h>
#endif

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <unordered_map>

#include "internal.h"

namespace {

// A range of addresses, of which as much is used as is asked for.
class Range {
 public:
  // Blocks are so many bytes or a multiple; as tensors have to be aligned, and no more: rows of several
  // tensors that begin at the same place of a page would compete for the same lines of a cache.
  static constexpr size_t kUnit = 64;

  explicit Range(size_t size) {
#ifdef __linux__
    constexpr size_t kLargePage = 1 << 21;
    void *start = mmap(nullptr, size + kLargePage, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED) return;
    start_ = (reinterpret_cast<size_t>(start) + kLargePage - 1) / kLargePage * kLargePage;
    size_ = size;
    madvise(reinterpret_cast<void *>(start_), size_, MADV_HUGEPAGE);
#endif
  }

  bool holds(const void *p) const {
    size_t at = reinterpret_cast<size_t>(p);
    return size_ > 0 && at >= start_ && at < start_ + size_;
  }

  // Null where there is no room.
  void *take(size_t bytes) {
    if (bytes > size_) return nullptr;
    size_t size = (bytes + kUnit - 1) / kUnit * kUnit;
    std::lock_guard<std::mutex> guard(lock_);
    size_t at;
    auto found = by_size_.lower_bound({size, 0});
    if (found != by_size_.end()) {
      auto [room, where] = *found;
      at = where;
      remove(where, room);
      if (room > size) add(where + size, room - size);
    } else {
      // What is free at the end grows.
      at = top_;
      if (!free_.empty()) {
        auto last = std::prev(free_.end());
        if (last->first + last->second == top_) at = last->first;
      }
      if (at + size > size_) return nullptr;
      if (at < top_) remove(at, top_ - at);
      top_ = at + size;
    }
    used_[at] = size;
    held_ += size;
    most_ = std::max(most_, held_);
    return reinterpret_cast<void *>(start_ + at);
  }

  void give(void *p) {
    std::lock_guard<std::mutex> guard(lock_);
    size_t at = reinterpret_cast<size_t>(p) - start_;
    auto found = used_.find(at);
    size_t size = found->second;
    used_.erase(found);
    held_ -= size;
    auto next = free_.lower_bound(at);
    if (next != free_.end() && next->first == at + size) {
      size_t more = next->second;
      remove(at + size, more);
      size += more;
    }
    next = free_.lower_bound(at);
    if (next != free_.begin()) {
      auto [before, room] = *std::prev(next);
      if (before + room == at) {
        remove(before, room);
        at = before;
        size += room;
      }
    }
    add(at, size);
  }

  size_t most(bool begins) {
    std::lock_guard<std::mutex> guard(lock_);
    if (begins) most_ = held_;
    return most_;
  }

 private:
  void add(size_t at, size_t size) {
    free_[at] = size;
    by_size_.insert({size, at});
  }
  void remove(size_t at, size_t size) {
    free_.erase(at);
    by_size_.erase({size, at});
  }

  size_t start_ = 0, size_ = 0, top_ = 0, held_ = 0, most_ = 0;
  std::mutex lock_;
  std::map<size_t, size_t> free_;                // by address: the size
  std::set<std::pair<size_t, size_t>> by_size_;  // size and address, the lowest first
  std::unordered_map<size_t, size_t> used_;
};

// Sixteen times the memory that there is: holes between blocks cost addresses alone.
Range &range() {
  static auto *range = new Range([] {
#ifdef __linux__
    return size_t(sysconf(_SC_PHYS_PAGES)) * size_t(sysconf(_SC_PAGESIZE)) * 16;
#else
    return size_t(0);
#endif
  }());
  return *range;
}

class LargeBlockAllocator final : public c10::Allocator {
 public:
  static constexpr size_t kLarge = 1 << 20;

  explicit LargeBlockAllocator(c10::Allocator *small) : small_(small), delete_small_(small->raw_deleter()) {
    shared_ = this;
  }

  at::DataPtr allocate(size_t bytes) override {
    if (bytes >= kLarge)
      if (void *p = range().take(bytes)) return {p, p, &free_block, c10::Device(c10::kCPU)};
    auto found = small_->allocate(bytes);
    void *p = found.release_context();
    return {p, p, &free_block, c10::Device(c10::kCPU)};
  }
  at::DeleterFnPtr raw_deleter() const override { return &free_block; }
  void copy_data(void *to, const void *from, size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }

 private:
  static void free_block(void *p) {
    if (range().holds(p)) range().give(p);
    else shared_->delete_small_(p);
  }

  static LargeBlockAllocator *shared_;
  c10::Allocator *small_;
  at::DeleterFnPtr delete_small_;
};

LargeBlockAllocator *LargeBlockAllocator::shared_ = nullptr;

}  // namespace

extern "C" int64_t ct_large_memory(bool begins) { return int64_t(range().most(begins)); }

extern "C" void ct_keep_pages(void) {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, -1);
#endif
#ifdef __linux__
  static bool once = [] {
    auto *small = c10::GetDefaultCPUAllocator();
    if (small && small->raw_deleter())
      c10::SetCPUAllocator(new LargeBlockAllocator(small), /*priority=*/100);
    return true;
  }();
  (void)once;
#endif
}
