import os from "node:os";
import { expect, test } from "vitest";
import { listDevices } from "./devices.ts";
import { describeMachine, usableCores } from "./machine.ts";

const kernel = (files: Record<string, string>) => ({ read: (path: string) => files[path] });

test("a container's limits count", () => {
  const v2 = kernel({
    "/sys/fs/cgroup/cpu.max": "50000 100000\n",
    "/sys/fs/cgroup/memory.max": "1073741824\n",
    "/proc/cpuinfo": "processor : 0\nflags\t\t: fpu avx2 amx_int8 fma\n",
  });
  expect(describeMachine(v2)).toMatchObject({
    cores: 1,
    memoryBytes: 2 ** 30,
    memoryIsLimited: true,
    simd: ["avx2", "fma", "amx_int8"],
  });
  const v1 = kernel({
    "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "100000\n",
    "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
  });
  expect(usableCores(v1)).toBe(1);
});

test.each([
  {},
  { "/sys/fs/cgroup/cpu.max": "max 100000\n", "/sys/fs/cgroup/memory.max": "max\n" },
  { "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n", "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n" },
])("without limits the machine's count (%#)", (files: Record<string, string>) => {
  const machine = describeMachine(kernel(files));
  expect(machine.cores).toBe(os.availableParallelism());
  expect(machine.memoryBytes).toBe(os.totalmem());
  expect(machine.memoryIsLimited).toBe(false);
  expect(machine.simd).toEqual([]);
});

test("every device is tried, and what fails says why and what to do", async () => {
  const { devices, auto, machine } = await listDevices();
  expect(devices.map((report) => report.device)).toEqual(["cuda", "cpu", "wasm", "webgpu"]);
  expect(devices.find((report) => report.device === "wasm")).toMatchObject({
    available: true,
    engine: expect.stringMatching(/^onnxruntime-web \d/),
  });
  for (const report of devices)
    if (!report.available) expect(report).toMatchObject({ hint: expect.any(String), reason: expect.any(String) });
  expect(auto).toBe(devices.find((report) => report.available)?.device);
  expect(machine.cores).toBeGreaterThan(0);
});
