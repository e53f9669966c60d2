// The machine as a program may use it: cores and memory within the limits of a container, and what the processor can do.
import { readFileSync } from "node:fs";
import os from "node:os";
import type { LoadCounters, MachineFacts } from "../host.ts";

/** What a program may use of this machine. */
export type Machine = MachineFacts;

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
    machineCores: machineCores(),
    simd: simdFlags(files),
    memoryBytes: limited ? limit : total,
    memoryIsLimited: limited,
  };
}

/** Logical cores of the machine, whoever may use them. */
export function machineCores(): number {
  return Math.max(1, os.cpus().length);
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

/** Columns of /proc/stat's first line that are work, whoever does it: user, nice, system, irq, softirq, and steal (the hypervisor's). */
const BUSY_COLUMNS = [0, 1, 2, 5, 6, 7];
/** The kernel counts in hundredths of a second, on every architecture. */
const MS_PER_TICK = 10;

/** Who has used the processor so far. Reads one small file; never throws. */
export function readLoad(files: KernelFiles = KERNEL_FILES): LoadCounters {
  const { user, system } = process.cpuUsage();
  return { wallMs: performance.now(), processMs: (user + system) / 1000, machineMs: machineBusyMs(files) };
}

function machineBusyMs(files: KernelFiles): number | undefined {
  const line = files.read("/proc/stat")?.match(/^cpu +(.*)$/m)?.[1];
  if (line !== undefined) {
    const ticks = line.trim().split(/ +/).map(Number);
    return MS_PER_TICK * BUSY_COLUMNS.reduce((sum, column) => sum + (ticks[column] ?? 0), 0);
  }
  const busy = os.cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0);
  return busy > 0 ? busy : undefined;
}

/** The most resident memory this process ever had, in bytes. */
export function peakMemory(files: KernelFiles = KERNEL_FILES): number {
  // getrusage's figure is wrong in a child process: Linux starts it with the parent's.
  const kilobytes = files.read("/proc/self/status")?.match(/^VmHWM:\s*(\d+) kB/m)?.[1];
  return 1024 * (kilobytes === undefined ? process.resourceUsage().maxRSS : Number(kilobytes));
}
