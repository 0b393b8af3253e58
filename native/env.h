// What the addon keeps for one environment (the main thread or a worker).
#pragma once

#include <napi.h>

#include "list.h"

namespace vmcore {

class Mapping;

struct EnvState {
  ~EnvState();

  static EnvState* Of(Napi::Env env) { return env.GetInstanceData<EnvState>(); }

  // Gives up every mapping, because the environment ends.
  void AbandonMappings(Napi::Env env);

  Napi::FunctionReference source_class;
  Napi::FunctionReference region_class;
  Napi::FunctionReference deflater_class;
  Link mappings;
  // Handed to the constructor of the region class, which JavaScript can reach but not use.
  Mapping* mapping_of_new_region = nullptr;
};

// True once the environment runs no JavaScript any more.
bool IsEnding(napi_env env);

}  // namespace vmcore
