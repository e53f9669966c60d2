import { expect, test } from "vitest";
import { AbortedError, SessionError } from "../../errors.ts";
import { peakMemory, readLoad } from "./machine.ts";
import { nodeMeasuringHost as host } from "./measuring.ts";
import { identityModel } from "./onnx-fixtures.test-helper.ts";

const files = (contents: Record<string, string>) => ({ read: (path: string) => contents[path] });

test("the machine's work is the kernel's count without idle time, with what the hypervisor took", () => {
  //                            user nice system idle iowait irq softirq steal guest guest_nice
  const stat = "cpu  100 20 30 99999 777 4 5 60 11 12\ncpu0 1 1 1 1 1 1 1 1 1 1\n";
  const load = readLoad(files({ "/proc/stat": stat }));
  expect(load.machineMs).toBe(10 * (100 + 20 + 30 + 4 + 5 + 60));
  expect(load.processMs).toBeGreaterThan(0);
});

test("peak memory is this process's own", () => {
  expect(peakMemory(files({ "/proc/self/status": "Name:\tnode\nVmHWM:\t   42516 kB\n" }))).toBe(42516 * 1024);
  expect(peakMemory(files({}))).toBeGreaterThan(10 * 2 ** 20);
});

const run = {
  model: identityModel("float32", ["n"]),
  device: "cpu",
  threads: 1,
  inputs: { x: [5] },
  outputs: ["y"],
  runs: 2,
} as const;

test("a model in a process of its own: how it started and what it took", async () => {
  const facts = await host.runFresh(run);
  expect(Object.keys(facts).sort()).toEqual(["firstMs", "idleBytes", "loadMs", "peakBytes", "startMs"]);
  for (const value of Object.values(facts)) expect(value).toBeGreaterThan(0);
  expect(facts.peakBytes).toBeGreaterThan(facts.idleBytes);
});

test("what goes wrong in that process is told here", async () => {
  await expect(host.runFresh({ ...run, model: Uint8Array.of(1, 2, 3) })).rejects.toThrow(SessionError);
  await expect(host.runFresh({ ...run, inputs: {} })).rejects.toThrow(/"x"/);
});

test("an abort ends the process", async () => {
  await expect(host.runFresh(run, AbortSignal.abort())).rejects.toThrow(AbortedError);
  const stopping = new AbortController();
  setTimeout(() => stopping.abort(), 20);
  await expect(host.runFresh(run, stopping.signal)).rejects.toThrow(AbortedError);
});

test("a trace names every operator of every run; the WebAssembly engine has none", async () => {
  const feeds = { x: { dtype: "float32", shape: [3], data: new Float32Array(3) } } as const;
  const events = JSON.parse(await host.trace(run.model, { ...run, feeds, runs: 3 }));
  const nodes = events.filter(({ cat }: { cat: string }) => cat === "Node");
  expect(nodes.filter(({ args }: { args: { op_name: string } }) => args.op_name === "Identity")).toHaveLength(3);
  await expect(host.trace(run.model, { ...run, device: "wasm", feeds, runs: 1 })).rejects.toThrow("no trace");
});
