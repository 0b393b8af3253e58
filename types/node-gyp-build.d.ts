/** The part of node-gyp-build 4 that is used here. */
declare module 'node-gyp-build' {
  /** Loads the addon of the package at `directory`: its local build, else its prebuilt binary for this platform. */
  export default function load(directory: string): unknown;
}
