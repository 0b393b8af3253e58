#include "env.h"

#include "mapping.h"

namespace vmcore {

EnvState::EnvState(Napi::Env env) : env_(env) {}

EnvState::~EnvState() {
  // Mappings may be deleted later and then unlink themselves.
  while (!mappings.Empty()) mappings.next->Unlink();
}

void EnvState::RenewTeardownHook() {
  if (hooked_) napi_remove_env_cleanup_hook(env_, OnTeardown, this);
  hooked_ = napi_add_env_cleanup_hook(env_, OnTeardown, this) == napi_ok;
}

void EnvState::OnTeardown(void* data) {
  EnvState* const state = static_cast<EnvState*>(data);
  state->hooked_ = false;
  const Napi::HandleScope scope(state->env_);
  for (Link* link = state->mappings.next; link != &state->mappings; link = link->next) {
    static_cast<Mapping*>(link)->Abandon(state->env_);
  }
}

}  // namespace vmcore
