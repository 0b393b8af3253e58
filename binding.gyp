{
  "targets": [
    {
      "target_name": "vmcore",
      "sources": [
        "native/addon.cc",
        "native/check.cc",
        "native/clock.cc",
        "native/deflate.cc",
        "native/env.cc",
        "native/mapping.cc",
        "native/parts.cc",
        "native/record_runs.cc",
        "native/region.cc",
        "native/sigbus.cc",
        "native/source.cc",
        "native/touch.cc",
        "native/zero_blocks.cc"
      ],
      "include_dirs": ["<!@(node -p \"require('node-addon-api').include_dir\")"],
      "dependencies": ["<!(node -p \"require('node-addon-api').targets\"):node_addon_api_except"],
      "defines": [
        "NAPI_VERSION=8",
        "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS",
        "_FILE_OFFSET_BITS=64"
      ],
      "cflags_cc": ["-std=c++17", "-Wall", "-Wextra", "-fvisibility=hidden"],
      # nodelete: Node closes an addon when the last worker with it ends; the signal handler has to stay.
      "ldflags": ["-Wl,-z,relro,-z,now,-z,nodelete"]
    }
  ]
}
