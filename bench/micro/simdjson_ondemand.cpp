// simdjson On-Demand over the corpora of `bench/decode.py`, as its documentation says it is fastest: one pass over each
// object with a compile-time key selector, a parser and its buffers used again, exceptions off.
//
// Every declared field is read: texts unescaped, numbers parsed. Nothing is stored: no columns are built, a checksum is
// all that stays, so this is the most that a reader built on it can reach.
//
// simdjson_ondemand DIRECTORY SECONDS CORPUS...  prints a JSON object per corpus, on a line.

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "simdjson.h"

using namespace simdjson;

namespace {

constexpr size_t least_passes = 3, most_passes = 200;
constexpr size_t stream_batch_bytes = 1 << 20;
// Gone over before each copy, or what a reader leaves in the caches would decide how fast it is.
constexpr size_t other_bytes = 32 << 20;

enum class Way { per_record, stream };
constexpr std::array ways = {Way::per_record, Way::stream};

// The leaves of both kinds of records, by the names that `bench/decoding/digest.py` gives them.
enum EventLeaf { event_id, timestamp, level, service, agent_id, session_id, user_email, event, model, status,
                 latency_ms, input_tokens, output_tokens, total_tokens, tool_name, tool_ok, error_text, content };
constexpr std::array event_names = {
    "event_id", "timestamp", "level", "service", "agent_id", "session_id", "user_email", "event", "model", "status",
    "latency_ms", "usage.input_tokens", "usage.output_tokens", "usage.total_tokens", "tool.name", "tool.ok", "error",
    "content"};

enum SpanLeaf { resource_key, resource_string, resource_int, resource_double, resource_bool, scope_name, scope_version,
                trace_id, span_id, parent_span_id, span_name, kind, start_time, end_time, attribute_key,
                attribute_string, attribute_int, attribute_double, attribute_bool, status_code, status_message };
#define RESOURCE "resourceSpans.resource.attributes."
#define SCOPE "resourceSpans.scopeSpans.scope."
#define SPAN "resourceSpans.scopeSpans.spans."
constexpr std::array span_names = {
    RESOURCE "key", RESOURCE "value.stringValue", RESOURCE "value.intValue", RESOURCE "value.doubleValue",
    RESOURCE "value.boolValue", SCOPE "name", SCOPE "version", SPAN "traceId", SPAN "spanId", SPAN "parentSpanId",
    SPAN "name", SPAN "kind", SPAN "startTimeUnixNano", SPAN "endTimeUnixNano", SPAN "attributes.key",
    SPAN "attributes.value.stringValue", SPAN "attributes.value.intValue", SPAN "attributes.value.doubleValue",
    SPAN "attributes.value.boolValue", SPAN "status.code", SPAN "status.message"};

// What keeps the timed passes from being optimised away.
struct Checksum {
  uint64_t sum = 0;
  void row() {}
  void text(size_t, std::string_view value) { sum += value.size() + uint8_t(value.empty() ? 0 : value.back()); }
  void integer(size_t, int64_t value) { sum += uint64_t(value); }
  void number(size_t, double value) {
    uint64_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    sum += bits;
  }
  void boolean(size_t, bool value) { sum += value; }
};

uint32_t crc32(std::string_view text) {
  static const auto table = [] {
    std::array<uint32_t, 256> made{};
    for (uint32_t number = 0; number < made.size(); ++number) {
      uint32_t rest = number;
      for (int bit = 0; bit < 8; ++bit) rest = (rest >> 1) ^ (rest & 1 ? 0xEDB88320u : 0u);
      made[number] = rest;
    }
    return made;
  }();
  uint32_t rest = ~0u;
  for (const char byte : text) rest = (rest >> 8) ^ table[uint8_t(rest ^ uint8_t(byte))];
  return ~rest;
}

// Per leaf how many values, bytes of text, and a sum in which each value weighs by its row and its place.
struct Digest {
  struct Leaf { uint64_t values = 0, bytes = 0, sum = 0; };
  std::array<Leaf, 24> leaves{};
  uint64_t rows = 0;
  void row() { ++rows; }
  void add(size_t leaf, uint64_t value, size_t bytes) {
    auto &found = leaves[leaf];
    const uint64_t weight = 2 * ((rows - 1) * 1'000'003 + found.values) + 1;
    ++found.values;
    found.bytes += bytes;
    found.sum += value * weight;
  }
  void text(size_t leaf, std::string_view value) { add(leaf, crc32(value), value.size()); }
  void integer(size_t leaf, int64_t value) { add(leaf, uint64_t(value), 0); }
  void number(size_t leaf, double value) {
    uint64_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    add(leaf, bits, 0);
  }
  void boolean(size_t leaf, bool value) { add(leaf, value, 0); }
};

// A null is no value; whatever else is not of the type is an error.
template <typename T, typename Add>
simdjson_inline error_code scalar(ondemand::value value, Add &&add) {
  T found;
  if (const auto error = value.get(found); simdjson_unlikely(error)) {
    bool null = false;
    if (value.is_null().get(null) || !null) return error;
    return SUCCESS;
  }
  add(found);
  return SUCCESS;
}

template <typename Sink>
simdjson_inline error_code text(Sink &sink, size_t leaf, ondemand::value value) {
  return scalar<std::string_view>(value, [&](std::string_view found) { sink.text(leaf, found); });
}
template <typename Sink>
simdjson_inline error_code integer(Sink &sink, size_t leaf, ondemand::value value) {
  return scalar<int64_t>(value, [&](int64_t found) { sink.integer(leaf, found); });
}
template <typename Sink>
simdjson_inline error_code number(Sink &sink, size_t leaf, ondemand::value value) {
  return scalar<double>(value, [&](double found) { sink.number(leaf, found); });
}
template <typename Sink>
simdjson_inline error_code boolean(Sink &sink, size_t leaf, ondemand::value value) {
  return scalar<bool>(value, [&](bool found) { sink.boolean(leaf, found); });
}

template <typename Selector, typename OnMatch>
simdjson_inline error_code members(ondemand::value value, OnMatch &&on_match) {
  ondemand::object object;
  if (const auto error = value.get_object().get(object); simdjson_unlikely(error)) {
    bool null = false;
    if (value.is_null().get(null) || !null) return error;
    return SUCCESS;
  }
  return object.for_each<Selector>(on_match);
}

template <typename Each>
simdjson_inline error_code elements(ondemand::value value, Each &&each) {
  ondemand::array array;
  SIMDJSON_TRY(value.get_array().get(array));
  for (auto element : array) {
    ondemand::value found;
    SIMDJSON_TRY(std::move(element).get(found));
    SIMDJSON_TRY(each(found));
  }
  return SUCCESS;
}

// The first ten are texts, in the order of `EventLeaf`.
using EventKeys = ondemand::key_selector<"event_id", "timestamp", "level", "service", "agent_id", "session_id",
                                         "user_email", "event", "model", "status", "latency_ms", "usage", "tool",
                                         "error", "content">;
using UsageKeys = ondemand::key_selector<"input_tokens", "output_tokens", "total_tokens">;
using ToolKeys = ondemand::key_selector<"name", "ok">;

template <typename Sink>
simdjson_inline error_code read_event(ondemand::object record, Sink &sink) {
  return record.for_each<EventKeys>([&](size_t key, ondemand::value value) -> error_code {
    switch (key) {
      case 10: return number(sink, latency_ms, value);
      case 11: return members<UsageKeys>(value, [&](size_t inner, ondemand::value found) -> error_code {
        return integer(sink, input_tokens + inner, found);
      });
      case 12: return members<ToolKeys>(value, [&](size_t inner, ondemand::value found) -> error_code {
        return inner == 0 ? text(sink, tool_name, found) : boolean(sink, tool_ok, found);
      });
      case 13: return text(sink, error_text, value);
      case 14: return text(sink, content, value);
      default: return text(sink, key, value);
    }
  });
}

using AttributeKeys = ondemand::key_selector<"key", "value">;
using ValueKeys = ondemand::key_selector<"stringValue", "intValue", "doubleValue", "boolValue">;
using ResourceSpansKeys = ondemand::key_selector<"resource", "scopeSpans">;
using ScopeSpansKeys = ondemand::key_selector<"scope", "spans">;
using ScopeKeys = ondemand::key_selector<"name", "version">;
using SpanKeys = ondemand::key_selector<"traceId", "spanId", "parentSpanId", "name", "kind", "startTimeUnixNano",
                                        "endTimeUnixNano", "attributes", "status">;
using StatusKeys = ondemand::key_selector<"code", "message">;

// `first` is the leaf of the attributes' keys; those of their values follow it.
template <typename Sink>
error_code read_attributes(ondemand::value list, Sink &sink, size_t first) {
  return elements(list, [&](ondemand::value attribute) -> error_code {
    return members<AttributeKeys>(attribute, [&](size_t key, ondemand::value value) -> error_code {
      if (key == 0) return text(sink, first, value);
      return members<ValueKeys>(value, [&](size_t type, ondemand::value found) -> error_code {
        switch (type) {
          case 2: return number(sink, first + 3, found);
          case 3: return boolean(sink, first + 4, found);
          default: return text(sink, first + 1 + type, found);
        }
      });
    });
  });
}

template <typename Sink>
error_code read_span(ondemand::value span, Sink &sink) {
  return members<SpanKeys>(span, [&](size_t key, ondemand::value value) -> error_code {
    switch (key) {
      case 4: return integer(sink, kind, value);
      case 7: return read_attributes(value, sink, attribute_key);
      case 8: return members<StatusKeys>(value, [&](size_t inner, ondemand::value found) -> error_code {
        return inner == 0 ? integer(sink, status_code, found) : text(sink, status_message, found);
      });
      default: return text(sink, trace_id + key, value);
    }
  });
}

using RequestKeys = ondemand::key_selector<"resourceSpans">;

template <typename Sink>
error_code read_request(ondemand::object record, Sink &sink) {
  return record.for_each<RequestKeys>([&](size_t, ondemand::value list) -> error_code {
    return elements(list, [&](ondemand::value one) -> error_code {
      return members<ResourceSpansKeys>(one, [&](size_t key, ondemand::value value) -> error_code {
        if (key == 0) {
          return members<ondemand::key_selector<"attributes">>(value, [&](size_t, ondemand::value found) -> error_code {
            return read_attributes(found, sink, resource_key);
          });
        }
        return elements(value, [&](ondemand::value scoped) -> error_code {
          return members<ScopeSpansKeys>(scoped, [&](size_t inner, ondemand::value found) -> error_code {
            if (inner == 1) return elements(found, [&](ondemand::value span) { return read_span(span, sink); });
            return members<ScopeKeys>(found, [&](size_t leaf, ondemand::value scope) -> error_code {
              return text(sink, scope_name + leaf, scope);
            });
          });
        });
      });
    });
  });
}

struct Corpus {
  bool spans = false;
  padded_string bytes;
  std::vector<std::string_view> records;
};

template <typename Sink>
simdjson_inline error_code read_record(bool spans, ondemand::object record, Sink &sink) {
  sink.row();
  return spans ? read_request(record, sink) : read_event(record, sink);
}

// Where the records are is known here, as Kafka says it; as a stream simdjson finds it out, many records at a time.
template <typename Sink>
error_code read(const Corpus &corpus, ondemand::parser &parser, Way way, Sink &sink) {
  if (way == Way::per_record) {
    const char *end = corpus.bytes.data() + corpus.bytes.size() + SIMDJSON_PADDING;
    for (const auto record : corpus.records) {
      ondemand::document document;
      ondemand::object object;
      SIMDJSON_TRY(parser.iterate(padded_string_view(record, size_t(end - record.data()))).get(document));
      SIMDJSON_TRY(document.get_object().get(object));
      SIMDJSON_TRY(read_record(corpus.spans, object, sink));
    }
    return SUCCESS;
  }
  ondemand::document_stream stream;
  SIMDJSON_TRY(parser.iterate_many(corpus.bytes, stream_batch_bytes).get(stream));
  for (auto document : stream) {
    ondemand::object object;
    SIMDJSON_TRY(document.get_object().get(object));
    SIMDJSON_TRY(read_record(corpus.spans, object, sink));
  }
  return stream.truncated_bytes() == 0 ? SUCCESS : INCOMPLETE_ARRAY_OR_OBJECT;
}

double seconds_of(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return double(time.tv_sec) + double(time.tv_nsec) * 1e-9;
}

// The deadline goes by the clock, a pass by the processor time of this process: others on the machine do not count.
double clock_now() { return seconds_of(CLOCK_MONOTONIC); }
double now() { return seconds_of(CLOCK_PROCESS_CPUTIME_ID); }

void keep(const void *pointer) { asm volatile("" : : "r"(pointer) : "memory"); }

struct Times { double read = 1e9, copy = 1e9; };

error_code pass(const Corpus &corpus, ondemand::parser &parser, Way way, std::vector<char> &copied, Times &times) {
  static std::vector<char> other(other_bytes);
  std::memset(other.data(), 1, other.size());
  keep(other.data());
  const double before_copy = now();
  std::memcpy(copied.data(), corpus.bytes.data(), corpus.bytes.size());
  keep(copied.data());
  times.copy = std::min(times.copy, now() - before_copy);
  const double before = now();
  Checksum checksum;
  const auto error = read(corpus, parser, way, checksum);
  keep(&checksum);
  times.read = std::min(times.read, now() - before);
  return error;
}

// The way that is faster in its second pass is the one that counts.
error_code measure(const Corpus &corpus, double seconds, Way &chosen, Times &times, Digest &digest) {
  ondemand::parser parser;
  std::vector<char> copied(corpus.bytes.size());
  double fastest = 1e9;
  for (const auto way : ways) {
    Times cold, warm;
    SIMDJSON_TRY(pass(corpus, parser, way, copied, cold));
    SIMDJSON_TRY(pass(corpus, parser, way, copied, warm));
    if (warm.read < fastest) fastest = warm.read, chosen = way;
  }
  const double end = clock_now() + seconds;
  for (size_t number = 0; number < most_passes && (number < least_passes || clock_now() < end); ++number)
    SIMDJSON_TRY(pass(corpus, parser, chosen, copied, times));
  return read(corpus, parser, chosen, digest);
}

bool load(const std::string &path, Corpus &corpus) {
  if (padded_string::load(path).get(corpus.bytes)) return false;
  const std::string_view all = std::string_view(corpus.bytes);
  for (size_t start = 0; start < all.size();) {
    const size_t end = std::min(all.find('\n', start), all.size());
    if (end > start) corpus.records.push_back(all.substr(start, end - start));
    start = end + 1;
  }
  return true;
}

template <size_t N>
void print_leaves(const Digest &digest, const std::array<const char *, N> &names) {
  for (size_t leaf = 0; leaf < N; ++leaf) {
    const auto &found = digest.leaves[leaf];
    std::printf("%s\"%s\":[%llu,%llu,%llu]", leaf ? "," : "", names[leaf], (unsigned long long)found.values,
                (unsigned long long)found.bytes, (unsigned long long)found.sum);
  }
}

void run(const std::string &directory, const std::string &name, double seconds) {
  Corpus corpus;
  corpus.spans = name == "otlp_json";
  Way way{};
  Times times;
  Digest digest;
  if (!load(directory + "/" + name + ".ndjson", corpus)) {
    std::printf("{\"corpus\":\"%s\",\"reason\":\"can't read its file\"}\n", name.c_str());
    return;
  }
  if (const auto error = measure(corpus, seconds, way, times, digest)) {
    std::printf("{\"corpus\":\"%s\",\"reason\":\"%s\"}\n", name.c_str(), error_message(error));
    return;
  }
  std::printf("{\"corpus\":\"%s\",\"seconds\":%.9f,\"memcpy_seconds\":%.9f,\"way\":\"%s\",\"rows\":%llu,\"digest\":{",
              name.c_str(), times.read, times.copy, way == Way::stream ? "iterate_many" : "iterate, per record",
              (unsigned long long)digest.rows);
  if (corpus.spans) print_leaves(digest, span_names);
  else print_leaves(digest, event_names);
  std::printf("}}\n");
  std::fflush(stdout);
}

}  // namespace

int main(int count, char **arguments) {
  if (count < 4) {
    std::fprintf(stderr, "simdjson_ondemand DIRECTORY SECONDS CORPUS...\n");
    return 2;
  }
  for (int number = 3; number < count; ++number) run(arguments[1], arguments[number], std::atof(arguments[2]));
}
