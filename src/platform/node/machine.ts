// The machine as a program may use it: cores and memory within the limits of a container, and what the processor can do.
import { readFileSync } from "node:fs";
import os from "node:os";

export interface Machine {
  readonly processor: string;
  /** Cores this process may use, at least 1. */
  readonly cores: number;
  /** Logical cores of the machine, whoever may use them. */
  readonly machineCores: number;
  /** Instruction sets that matter to matrix products, widest last: ["avx2", "avx512f", "avx512_vnni", "amx_int8"]. Empty where unknown. */
  readonly simd: readonly string[];
  /** Memory this process may use, in bytes: the container's limit where there is one. */
  readonly memoryBytes: number;
  /** Whether a container limits the memory. */
  readonly memoryIsLimited: boolean;
}

const SIMD_FLAGS = [
  "sse4_2",
  "asimd",
  "sve",
  "i8mm",
  "bf16",
  "avx",
  "avx2",
  "fma",
  "f16c",
  "avx512f",
  "avx512_vnni",
  "avx_vnni",
  "avx512_bf16",
  "avx512_fp16",
  "amx_tile",
  "amx_int8",
  "amx_bf16",
];

/** Where the kernel's files are; tests point it elsewhere. */
export interface KernelFiles {
  readonly read: (path: string) => string | undefined;
}

const KERNEL_FILES: KernelFiles = {
  read: (path) => {
    try {
      return readFileSync(path, "utf8");
    } catch {
      return undefined; // not Linux, or not allowed
    }
  },
};

/** What is there to compute with. Reads a few small files; never throws. */
export function describeMachine(files: KernelFiles = KERNEL_FILES): Machine {
  const total = os.totalmem();
  const limit = memoryLimit(files);
  const limited = limit !== undefined && limit < total;
  return {
    processor: os.cpus()[0]?.model.trim() || "unknown",
    cores: usableCores(files),
    machineCores: Math.max(1, os.cpus().length),
    simd: simdFlags(files),
    memoryBytes: limited ? limit : total,
    memoryIsLimited: limited,
  };
}

/** Cores this process may use: its CPU affinity, and a container's quota rounded up. */
export function usableCores(files: KernelFiles = KERNEL_FILES): number {
  const quota = cpuQuota(files);
  return Math.max(
    1,
    Math.min(os.availableParallelism(), quota === undefined ? Number.POSITIVE_INFINITY : Math.ceil(quota)),
  );
}

/** cgroup v2 "max 100000" or "150000 100000"; v1 in two files, -1 for no quota. */
function cpuQuota(files: KernelFiles): number | undefined {
  const v2 = files.read("/sys/fs/cgroup/cpu.max")?.trim().split(" ");
  const quota = Number(v2?.[0] ?? files.read("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"));
  const period = Number(v2?.[1] ?? files.read("/sys/fs/cgroup/cpu/cpu.cfs_period_us"));
  return quota > 0 && period > 0 ? quota / period : undefined; // "max" is NaN
}

function memoryLimit(files: KernelFiles): number | undefined {
  const text = files.read("/sys/fs/cgroup/memory.max") ?? files.read("/sys/fs/cgroup/memory/memory.limit_in_bytes");
  const bytes = Number(text);
  return bytes > 0 ? bytes : undefined;
}

function simdFlags(files: KernelFiles): readonly string[] {
  const line = files.read("/proc/cpuinfo")?.match(/^(?:flags|Features)\s*:(.*)$/m)?.[1];
  const flags = new Set(line?.trim().split(/\s+/));
  return SIMD_FLAGS.filter((flag) => flags.has(flag));
}
