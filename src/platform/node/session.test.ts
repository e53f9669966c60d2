import { existsSync, readFileSync } from "node:fs";
import { cpus } from "node:os";
import { resolve } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { SessionError, UsageError } from "../../errors.ts";
import type { SessionOptions } from "../../runtime/session.ts";
import { type DType, type TensorData, type TypedArray, tensor } from "../../tensor.ts";
import { startAhead } from "./engine-thread.ts";
import { identityModel, onnxModel, twoOutputModel } from "./onnx-fixtures.test-helper.ts";
import { createNodeSession, type NodeSession } from "./session.ts";
import { workerEntry } from "./workers.ts";

const opened: NodeSession[] = [];
afterAll(() => Promise.all(opened.map((session) => session.dispose())));

async function open(model: Uint8Array, options: SessionOptions = {}): Promise<NodeSession> {
  const session = await createNodeSession(model, { threads: 1, ...options });
  opened.push(session);
  return session;
}

const floats = (shape: readonly number[], ...values: number[]) => tensor("float32", shape, Float32Array.from(values));

/** Two values of each dtype that a wrong width or signedness would change. */
const SAMPLES: Readonly<Record<Exclude<DType, "bfloat16">, TypedArray>> = {
  float64: Float64Array.of(Math.PI, -1e300),
  float32: Float32Array.of(0.1, -3e38),
  float16: Uint16Array.of(0x3c00, 0xfbff),
  int64: BigInt64Array.of(-(2n ** 63n), 2n ** 53n + 1n),
  int32: Int32Array.of(-(2 ** 31), 7),
  int16: Int16Array.of(-32768, 7),
  int8: Int8Array.of(-128, 127),
  uint64: BigUint64Array.of(2n ** 64n - 1n, 0n),
  uint32: Uint32Array.of(2 ** 32 - 1, 0),
  uint16: Uint16Array.of(65535, 0),
  uint8: Uint8Array.of(255, 0),
  bool: Uint8Array.of(1, 0),
};

describe.each(["cpu", "wasm"] as const)("on %s", (device) => {
  test("every dtype goes through unchanged, with elements and without", async () => {
    const samples = Object.entries(SAMPLES) as [DType, TypedArray][];
    const value = (name: string, dtype: DType) => ({ name, dtype, shape: ["n"] });
    const model = onnxModel(
      samples.map(([dtype]) => value(dtype, dtype)),
      samples.map(([dtype]) => ({ op: "Identity", inputs: [dtype], outputs: [`${dtype} again`] })),
      samples.map(([dtype]) => value(`${dtype} again`, dtype)),
    );
    const session = await open(model, { device });
    expect(session.device).toBe(device);
    expect(session.inputs).toEqual(samples.map(([dtype]) => value(dtype, dtype)));
    for (const length of [2, 0]) {
      const feeds = samples.map(
        ([dtype, data]) => [dtype, { dtype, shape: [length], data: data.slice(0, length) }] as const,
      );
      const results = await session.run(Object.fromEntries(feeds) as Record<string, TensorData>);
      expect(results).toEqual(Object.fromEntries(feeds.map(([name, tensor]) => [`${name} again`, tensor])));
    }
  });

  test("scalars, several outputs, a choice of outputs, free and open shapes", async () => {
    const scalar = await open(identityModel("float32", []), { device });
    expect(scalar.inputs[0]?.shape).toEqual([]);
    expect((await scalar.run({ x: floats([], 4) })).y).toEqual(floats([], 4));

    const two = await open(twoOutputModel(), { device });
    expect(two.outputs.map((output) => output.shape)).toEqual([
      ["n", 2],
      ["n", 2],
    ]);
    const feeds = { a: floats([1, 2], 2, 3), b: floats([1, 2], 5, 7) };
    expect(await two.run(feeds)).toEqual({ sum: floats([1, 2], 7, 10), product: floats([1, 2], 10, 21) });
    expect(await two.run(feeds, { outputs: ["product"] })).toEqual({ product: floats([1, 2], 10, 21) });

    const open_ = await open(identityModel("float32", undefined), { device });
    expect((await open_.run({ x: floats([1, 1, 1, 2], 4, 5) })).y?.shape).toEqual([1, 1, 1, 2]);
  });

  test("the engine's own errors are readable, and the session goes on", async () => {
    const session = await open(twoOutputModel(), { device });
    const wrong = { a: floats([2, 2], 1, 2, 3, 4), b: floats([3, 2], 1, 2, 3, 4, 5, 6) };
    const error = await session.run(wrong).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SessionError);
    expect(String(error)).toContain("2 by 3");
    expect(String(error)).not.toMatch(/onnxruntime_src|\.cc:|ERROR_CODE|Non-zero/);
    expect((await session.run({ a: floats([1, 2], 1, 2), b: floats([1, 2], 1, 2) })).sum).toEqual(floats([1, 2], 2, 4));
  });

  test("a model the engine refuses", async () => {
    const value = (name: string) => ({ name, dtype: "float32", shape: ["n"] }) as const;
    const nodes = [{ op: "NoSuchOp", inputs: ["x"], outputs: ["y"] }];
    await expect(open(onnxModel([value("x")], nodes, [value("y")]), { device })).rejects.toThrow(
      new RegExp(`cannot load the model on ${device}: .*NoSuchOp`),
    );
  });
});

test("threaded WebAssembly computes the same", async () => {
  const session = await open(twoOutputModel(), { device: "wasm", threads: 2 });
  expect(session.threads).toBe(Math.min(2, cpus().length));
  expect((await session.run({ a: floats([1, 2], 1, 2), b: floats([1, 2], 1, 2) })).sum).toEqual(floats([1, 2], 2, 4));
});

test("mistakes in feeds are named before the engine sees them", async () => {
  const session = await open(identityModel("float32", ["n", 3]), { device: "cpu" });
  const cases: [Record<string, TensorData>, RegExp][] = [
    [{}, /input "x" is missing/],
    [{ x: floats([1, 3], 1, 2, 3), z: floats([1], 1) }, /no input "z"/],
    [{ x: tensor("int32", [1, 3], new Int32Array(3)) }, /expected float32, got int32/],
    [{ x: floats([3], 1, 2, 3) }, /expected 2 dimensions \[n, 3\], got 1 \[3\]/],
    [{ x: floats([1, 2], 1, 2) }, /expected shape \[n, 3\], got \[1, 2\]: dimension 1 must be 3/],
    [{ x: { dtype: "float32", shape: [1, 3], data: new Float32Array(2) } }, /needs 3 elements, the data has 2/],
  ];
  for (const [feeds, message] of cases) {
    const error = await session.run(feeds).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SessionError);
    expect(String(error)).toMatch(message);
  }
  await expect(session.run({ x: floats([1, 3], 1, 2, 3) }, { outputs: ["z"] })).rejects.toThrow(/no output "z"/);
});

test("feeds are copied at the call, given away only when the caller says so", async () => {
  const session = await open(identityModel("float32", ["n"]), { device: "cpu" });
  const kept = floats([2], 1, 2);
  const running = session.run({ x: kept });
  kept.data.fill(9);
  expect((await running).y?.data).toEqual(Float32Array.of(1, 2));
  expect(kept.data).toEqual(Float32Array.of(9, 9));

  const given = floats([2], 3, 4);
  expect((await session.run({ x: given }, { transferInputs: true })).y?.data).toEqual(Float32Array.of(3, 4));
  expect(given.data.length).toBe(0);
  await expect(session.run({ x: given })).rejects.toThrow(/needs 2 elements, the data has 0/);

  // A view of something larger is copied even then: the rest belongs to somebody else.
  const whole = Float32Array.of(0, 5, 6, 0);
  const view = tensor("float32", [2], whole.subarray(1, 3));
  expect((await session.run({ x: view }, { transferInputs: true })).y?.data).toEqual(Float32Array.of(5, 6));
  expect(whole.length).toBe(4);

  const twice = floats([2], 7, 8);
  const both = await Promise.allSettled([1, 2].map(() => session.run({ x: twice }, { transferInputs: true })));
  expect(both.map((outcome) => outcome.status)).toEqual(["fulfilled", "rejected"]);
  expect(String((both[1] as PromiseRejectedResult).reason)).toMatch(/its buffer was given away/);
});

test.each(["cpu", "wasm"] as const)("shared memory is taken for models and feeds on %s", async (device) => {
  const bytes = identityModel("float32", ["n"]);
  const model = new Uint8Array(new SharedArrayBuffer(bytes.length));
  model.set(bytes);
  const session = await open(model, { device });
  const data = new Float32Array(new SharedArrayBuffer(8));
  data.set([1, 2]);
  expect((await session.run({ x: tensor("float32", [2], data) })).y?.data).toEqual(Float32Array.of(1, 2));
});

test("a Node Buffer is a uint8 tensor like any other", async () => {
  const session = await open(identityModel("uint8", ["n"]), { device: "cpu" });
  const data = Buffer.from("abc"); // lies inside Node's shared pool
  const running = session.run({ x: tensor("uint8", [3], data) }, { transferInputs: true });
  data.fill(0);
  expect((await running).y?.data).toEqual(Uint8Array.of(97, 98, 99));
});

test("bytes that are no model, and options that make no sense", async () => {
  await expect(open(new Uint8Array(0))).rejects.toThrow(/not an ONNX model: it is empty/);
  await expect(open(new TextEncoder().encode("<html>"))).rejects.toThrow(/HTML/);
  await expect(open(identityModel("float32", [1]), { device: "gpu" as "cpu" })).rejects.toBeInstanceOf(UsageError);
  await expect(open(identityModel("float32", [1]), { threads: 0 })).rejects.toBeInstanceOf(UsageError);
  await expect(open(identityModel("bfloat16", [1]), { device: "cpu" })).rejects.toThrow(/bfloat16/);
});

const realModel = resolve(import.meta.dirname, "../../../../shared/models/mobilenet_v2_imagenet.onnx");
test.skipIf(!existsSync(realModel))("native and WebAssembly agree on MobileNetV2", async () => {
  const model = readFileSync(realModel);
  const [cpu, wasm] = await Promise.all([open(model, { device: "cpu" }), open(model, { device: "wasm" })]);
  const data = Float32Array.from({ length: 3 * 224 * 224 }, (_, at) => Math.sin(at * 0.01));
  const feeds = { image: tensor("float32", [1, 3, 224, 224], data) };
  const [a, b] = await Promise.all([cpu.run(feeds), wasm.run(feeds)]);
  expect(a.logits?.shape).toEqual([1, 1001]);
  const furthest = Math.max(
    ...(a.logits!.data as Float32Array).map((x, at) => Math.abs(x - Number(b.logits!.data[at]))),
  );
  expect(furthest).toBeLessThan(1e-3);
});

test("memory does not grow over 1000 runs", async () => {
  const session = await open(identityModel("float32", [1, 3, 224, 224]), { device: "cpu" });
  const x = tensor("float32", [1, 3, 224, 224], new Float32Array(3 * 224 * 224));
  const runs = async (count: number) => {
    for (let at = 0; at < count; at++) await session.run({ x });
  };
  await runs(200);
  const before = process.memoryUsage().rss;
  await runs(1000);
  const grownMegabytes = (process.memoryUsage().rss - before) / 2 ** 20;
  // One lost tensor a run would be 600 MB.
  expect(grownMegabytes).toBeLessThan(200);
});

test("more threads than there are cores are not made, and that is said", async () => {
  const notices: string[] = [];
  const session = await open(identityModel("float32", [1]), {
    device: "cpu",
    threads: 3000,
    onNotice: (line) => notices.push(line),
  });
  expect(session.threads).toBe(cpus().length);
  expect(notices).toEqual([expect.stringMatching(/^saccade: 3000 threads are more than the \d+ cores/)]);
});

test("a thread that was started ahead is the next session's, or ends", async () => {
  const entry = workerEntry("session-worker");
  const end = startAhead(entry);
  const session = await open(identityModel("float32", [2]));
  end(); // a session has it by now
  const { y } = await session.run({ x: floats([2], 1, 2) });
  expect(y!.data).toEqual(Float32Array.of(1, 2));
  startAhead(entry)();
  startAhead(new URL("file:///no/such/module.js"))();
});
