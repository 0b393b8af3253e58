#include "env.h"

#include "mapping.h"

namespace vmcore {

EnvState::~EnvState() {
  // Mappings may be deleted later and then unlink themselves.
  while (!mappings.Empty()) mappings.next->Unlink();
}

void EnvState::AbandonMappings(Napi::Env env) {
  while (!mappings.Empty()) {
    Mapping* const mapping = static_cast<Mapping*>(mappings.next);
    mapping->Unlink();
    mapping->Abandon(env);
  }
}

bool IsEnding(napi_env env) {
  // Node-API does not tell directly, but refuses calls that could run JavaScript. It does that too while an exception
  // is pending.
  napi_value value;
  bool equal;
  bool pending;
  return napi_get_boolean(env, true, &value) == napi_ok && napi_strict_equals(env, value, value, &equal) != napi_ok &&
         napi_is_exception_pending(env, &pending) == napi_ok && !pending;
}

}  // namespace vmcore
