// What a page may know of the machine it is on. Browsers say little, and round it.
import type { MachineFacts } from "../host.ts";

/** Where a browser does not say: what a tab can count on. */
const UNKNOWN_MEMORY_BYTES = 2 * 2 ** 30;

export function describeMachine(): MachineFacts {
  // There is no navigator where a server renders the page; nothing runs there, but the module is imported.
  const { hardwareConcurrency = 1, deviceMemory } = (globalThis.navigator ?? {}) as Partial<Navigator> & {
    /** Chromium alone, in GiB, and never more than 8. */
    readonly deviceMemory?: number;
  };
  return {
    processor: "unknown (browsers do not say)",
    cores: Math.max(1, hardwareConcurrency),
    machineCores: Math.max(1, hardwareConcurrency),
    simd: [],
    memoryBytes: deviceMemory === undefined ? UNKNOWN_MEMORY_BYTES : deviceMemory * 2 ** 30,
    memoryIsLimited: false,
  };
}
