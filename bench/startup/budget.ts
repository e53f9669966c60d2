// What a new process and an installation may take: about a third more than they do, so that nothing creeps in unseen. Times are not here, because they
// are the machine's; what they come from is. Whoever needs more raises a number on purpose.

export const BUDGET = {
  /** Of the package as it is packed and unpacked, page and standalone scripts included. */
  tarball_bytes: 21e6,
  unpacked_bytes: 47e6,
  files: 3700,
  /** Packages beside it in production, on one platform, and what they take: ONNX Runtime's native and WebAssembly builds are nearly all of it. */
  packages: 90,
  packages_bytes: 660e6,
  /** Modules that `saccade classify PICTURE` imports. */
  modules_of_classify: 160,
  /** Modules that a program imports with the library, before it loads a model. */
  modules_of_library: 120,
  /** The most memory of the process that answers one picture with the bundled model. */
  peak_bytes: 300e6,
} as const;
