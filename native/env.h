// What the addon keeps for one environment (the main thread or a worker).
#pragma once

#include <napi.h>

#include "list.h"

namespace vmcore {

class Mapping;

struct EnvState {
  explicit EnvState(Napi::Env env);
  ~EnvState();

  static EnvState* Of(Napi::Env env) { return env.GetInstanceData<EnvState>(); }

  // Hooks run in the reverse of the order in which they were added. Node adds one for each window, which lets its
  // memory go; ours has to see the windows before that, so it is added again whenever a window is made.
  void RenewTeardownHook();

  Napi::FunctionReference source_class;
  Napi::FunctionReference region_class;
  Link mappings;
  // Handed to the constructor of the region class, which JavaScript can reach but not use.
  Mapping* mapping_of_new_region = nullptr;

 private:
  static void OnTeardown(void* data);

  napi_env env_;
  bool hooked_ = false;
};

}  // namespace vmcore
