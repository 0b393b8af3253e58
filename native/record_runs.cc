// Runs of records that pass the same tests: a loop that is compiled before it is needed.
#include "record_runs.h"

#include <array>
#include <cstdint>
#include <cstring>

#include "check.h"
#include "sigbus.h"

namespace vmcore {

namespace {

// A test is a bit of an int32 that JavaScript takes for positive.
constexpr size_t kMostTests = 31;
// Words of a record that are looked at. More of them are a RangeError.
constexpr size_t kMostWords = 8;
// Elements of `tests` before the first one, of each one, and of a run.
constexpr size_t kHeader = 2;
constexpr size_t kTestSize = 3;
constexpr size_t kRunSize = 2;

struct Test {
  size_t word;  // place in `words` of Tests
  uint32_t mask;
  uint32_t value;
};

struct Tests {
  size_t stride = 0;  // bytes of a record
  uint32_t apart = 0;
  size_t count = 0;
  std::array<Test, kMostTests> tests{};
  // Where the words lie in a record, in bytes, and the bits of them that any test looks at.
  size_t word_count = 0;
  std::array<size_t, kMostWords> words{};
  std::array<uint32_t, kMostWords> masks{};
};

uint32_t Load(const char* at) {
  uint32_t value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

size_t PlaceOfWord(Napi::Env env, Tests& tests, size_t offset) {
  for (size_t i = 0; i < tests.word_count; i++) {
    if (tests.words[i] == offset) return i;
  }
  if (tests.word_count == kMostWords) throw RangeFailure(env, "tests look at more than 8 words");
  tests.words[tests.word_count] = offset;
  return tests.word_count++;
}

Tests ParseTests(Napi::Env env, const Bytes& from) {
  const size_t count = from.length < kHeader ? 0 : (from.length - kHeader) / kTestSize;
  if (count == 0 || count > kMostTests || from.length != kHeader + count * kTestSize) {
    throw RangeFailure(env, "tests are not 2 numbers and 3 for each of 1 to 31 tests");
  }
  const auto number = [&from](size_t index) { return Load(from.data + index * sizeof(uint32_t)); };
  const size_t words = number(0);
  Tests tests;
  tests.stride = words * sizeof(uint32_t);
  tests.apart = number(1);
  for (size_t at = kHeader; at < from.length; at += kTestSize) {
    if (number(at) >= words) throw RangeFailure(env, "tests look at words behind the record");
    const size_t place = PlaceOfWord(env, tests, number(at) * sizeof(uint32_t));
    tests.tests[tests.count++] = {place, number(at + 1), number(at + 2)};
    tests.masks[place] |= number(at + 1);
  }
  return tests;
}

// Records [first, end) as runs in `into`, as far as these fit there. Neighbours are often alike in all that is looked at:
// tests are made only where they are not.
template <size_t kWords>
size_t FindRuns(const Tests& tests, const char* record, size_t count, int32_t* into, size_t room) {
  std::array<uint32_t, kWords> last{};
  uint32_t passed = 0;
  int32_t* run = into;
  int32_t* const end = into + room * kRunSize;
  for (size_t i = 0; i < count; i++, record += tests.stride) {
    bool alike = i > 0;
    for (size_t w = 0; w < kWords; w++) {
      const uint32_t value = Load(record + tests.words[w]) & tests.masks[w];
      alike &= value == last[w];
      last[w] = value;
    }
    if (alike && (passed & tests.apart) == 0) {
      run[-1]++;
      continue;
    }
    if (!alike) {
      uint32_t now = 0;
      for (size_t t = 0; t < tests.count; t++) {
        const Test& test = tests.tests[t];
        now |= static_cast<uint32_t>((last[test.word] & test.mask) == test.value) << t;
      }
      if (i > 0 && now == passed && (now & tests.apart) == 0) {
        run[-1]++;
        continue;
      }
      passed = now;
    }
    if (run == end) break;
    run[0] = static_cast<int32_t>(passed);
    run[1] = 1;
    run += kRunSize;
  }
  return static_cast<size_t>(run - into) / kRunSize;
}

using Finder = size_t (*)(const Tests&, const char*, size_t, int32_t*, size_t);
constexpr std::array<Finder, kMostWords> kFinders = {FindRuns<1>, FindRuns<2>, FindRuns<3>, FindRuns<4>,
                                                     FindRuns<5>, FindRuns<6>, FindRuns<7>, FindRuns<8>};

}  // namespace

Napi::Value RecordRuns(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Bytes bytes = TypedArrayArgument(info, 0, napi_uint8_array, "bytes is not a Uint8Array");
  const uint64_t first = IntegerArgument(info, 1, "first");
  const uint64_t end = IntegerArgument(info, 2, "end");
  const Tests tests = ParseTests(env, TypedArrayArgument(info, 3, napi_int32_array, "tests is not an Int32Array"));
  const Bytes into = TypedArrayArgument(info, 4, napi_int32_array, "into is not an Int32Array");
  if (first > end || end > bytes.length / tests.stride) throw RangeFailure(env, "The records do not lie in bytes");
  if (OverlapsRegion(into.data, into.length * sizeof(int32_t))) {
    throw RangeFailure(env, "into is a window: it is read-only");
  }
  const Finder find = kFinders[tests.word_count - 1];
  const size_t runs = find(tests, bytes.data + first * tests.stride, end - first,
                           reinterpret_cast<int32_t*>(into.data), into.length / kRunSize);
  return Napi::Number::New(env, static_cast<double>(runs));
}

}  // namespace vmcore
