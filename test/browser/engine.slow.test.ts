// Sessions in Chromium: what they compute, where, and what becomes of those whose worker or device is lost.
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { add, mul, reduceMean, sub } from "../../src/graph/build.ts";
import { trace } from "../../src/graph/scope.ts";
import type { Tensor } from "../../src/graph/tensor.ts";
import { lower } from "../../src/onnx/lower.ts";
import { identityModel, slowModel, twoOutputModel } from "../../src/platform/node/onnx-fixtures.test-helper.ts";
import { kernelsRight } from "../../src/runtime/kernel-check.ts";
import type { TensorData } from "../../src/tensor.ts";
import { noChromium } from "./chromium.ts";
import type { EngineApi } from "./pages/engine-page.ts";
import { fromPlain, type PlainTensor, plainTensors } from "./plain-tensors.ts";
import { openSite, type Site } from "./site.ts";

vi.setConfig({ testTimeout: 120_000 });

const floats = (shape: readonly number[], ...data: number[]): PlainTensor => ({ dtype: "float32", shape, data });
const x = (...data: number[]) => ({ x: floats([data.length], ...data) });
const matrix = (size: number) => ({ x: floats([size, size], ...new Array(size * size).fill(0)) });
const plusOne = (dtype: "float32" | "float16") =>
  lower(
    trace((scope) => ({ y: add(scope.graph.input("x", [2], dtype), 1) })),
    { target: "webgpu" },
  );

/** Two stages that hand a sum on. */
const stage = (name: string, build: (x: Tensor) => Record<string, Tensor>) =>
  lower(
    trace((scope) => build(scope.graph.input(name, ["batch", 2]))),
    { target: "webgpu" },
  );

/** One step down a parabola: its weight stays in the session. */
const stepModel = () =>
  lower(
    trace((scope) => {
      const [weight, target] = [scope.graph.input("weight", [2]), scope.graph.input("target", [2])];
      const wrong = sub(weight, target);
      return { next: sub(weight, mul(wrong, 0.25)), loss: reduceMean(mul(wrong, wrong), [0]) };
    }),
    { target: "webgpu" },
  );

function putModels({ server }: Site<EngineApi>): void {
  server.put("/two.onnx", twoOutputModel());
  server.put("/identity.onnx", identityModel("float32", ["n"]));
  server.put("/slow.onnx", slowModel(40));
  server.put("/none.onnx", "<html>not here</html>");
  server.put("/plus-one.onnx", plusOne("float32"));
  server.put("/plus-half.onnx", plusOne("float16"));
  server.put("/step.onnx", stepModel());
  server.put(
    "/first.onnx",
    stage("image", (x) => ({ logits: add(x, 1), "next.sum": add(x, 1) })),
  );
  server.put(
    "/second.onnx",
    stage("state.sum", (x) => ({ logits: mul(x, 2) })),
  );
}

async function expectStages(
  { openStages, steps, disposeStages }: Awaited<ReturnType<Site<EngineApi>["open"]>>["api"],
  device: "wasm" | "webgpu",
) {
  const stages = await openStages({ first: "/first.onnx", second: "/second.onnx" }, { device });
  expect(stages.device).toBe(device);
  const answers = await steps(stages.id, [
    {
      stage: "first",
      feeds: { image: floats([2, 2], 1, 2, 3, 4) },
      outputs: ["logits"],
      keep: { "next.sum": "state.sum" },
      reads: ["state.sum"],
    },
    { stage: "second", rows: [1], outputs: ["logits"], keep: {}, reads: [] },
  ]);
  expect(answers).toEqual([{ logits: floats([2, 2], 2, 3, 4, 5) }, { logits: floats([1, 2], 8, 10) }]);
  await disposeStages(stages.id);
}

async function expectSteps(
  { open, run, readState }: Awaited<ReturnType<Site<EngineApi>["open"]>>["api"],
  device: "wasm" | "webgpu",
) {
  const { id } = await open("/step.onnx", { device, state: { weight: "next" } });
  const target = floats([2], 4, 8);
  expect(await run(id, { weight: floats([2], 0, 0), target })).toEqual({ loss: floats([], 40) });
  expect(await run(id, { target })).toEqual({ loss: floats([], 22.5) });
  expect(await readState(id)).toEqual({ weight: floats([2], 1.75, 3.5) });
  expect(await run(id, { weight: floats([2], 4, 8), target })).toEqual({ loss: floats([], 0) });
}

describe.skipIf(noChromium)("in an isolated page", () => {
  let site: Site<EngineApi>;
  beforeAll(async () => {
    site = await openSite({ page: "engine-page" });
    putModels(site);
  });
  afterEach(() => site.closePages());
  afterAll(() => site?.close());

  test("a session runs in WebAssembly with threads, under a strict policy, and asks nobody else for anything", async () => {
    const { api, requests, console: lines } = await site.open();
    expect(await api.isolated()).toBe(true);
    const session = await api.open("/two.onnx", { device: "wasm", threads: 2 });
    expect(session).toMatchObject({ device: "wasm", engine: "onnxruntime-web 1.30.0", notices: [] });
    expect(session.outputs.map(({ shape }) => shape)).toEqual([
      ["n", 2],
      ["n", 2],
    ]);
    const feeds = { a: floats([1, 2], 2, 3), b: floats([1, 2], 5, 7) };
    const [sum, product] = [floats([1, 2], 7, 10), floats([1, 2], 10, 21)];
    expect(await api.run(session.id, feeds)).toEqual({ sum, product });
    expect(await api.run(session.id, feeds, ["product"])).toEqual({ product });
    await expect(api.run(session.id, { a: feeds.a })).rejects.toThrow(/input "b" is missing/);
    // The engine's own words, readable; and the session goes on.
    const wrong = api.run(session.id, { a: floats([2, 2], 1, 2, 3, 4), b: floats([3, 2], 1, 2, 3, 4, 5, 6) });
    await expect(wrong).rejects.toThrow(/^the run failed: .*2 by 3$/);
    expect(await api.run(session.id, feeds)).toEqual({ sum, product });
    expect(requests.filter((url) => !url.startsWith(site.server.origin))).toEqual([]);
    expect(lines).toEqual([]);
  });

  test("what is fetched is the one build that is used", async () => {
    const { api, requests } = await site.open();
    await api.open("/identity.onnx", { device: "wasm" });
    expect(requests.filter((url) => url.endsWith(".wasm"))).toEqual([
      `${site.server.origin}/ort-wasm-simd-threaded.wasm`,
    ]);
    expect(new Set(requests.filter((url) => /ort\.\w+\.bundle/.test(url))).size).toBe(1); // its threads load it too
  });

  test("auto says why it is WebAssembly; WebGPU by name is an error where there is no adapter", async () => {
    const { api } = await site.open();
    const { device, notices } = await api.open("/identity.onnx", { threads: 1 });
    expect(device).toBe("wasm");
    expect(notices).toEqual([
      expect.stringMatching(
        /^saccade: using WebAssembly with one thread, not WebGPU: (WebGPU finds no adapter here|this browser has no WebGPU)$/,
      ),
    ]);
    const asked = api.open("/identity.onnx", { device: "webgpu" });
    await expect(asked).rejects.toMatchObject({ code: "session", hint: expect.stringContaining("wasm") });
    await expect(asked).rejects.toThrow(/^the device webgpu is not available: /);
    await expect(api.open("/identity.onnx", { device: "cpu" })).rejects.toThrow(/a page has wasm and webgpu/);
    await expect(api.open("/identity.onnx", { device: "gpu" as "cpu" })).rejects.toMatchObject({ code: "usage" });
    await expect(api.open("/none.onnx")).rejects.toThrow(/not an ONNX model: it is an HTML or XML page/);
  });

  test("state stays in the session, stages hand on what they have", async () => {
    const { api } = await site.open();
    await expectSteps(api, "wasm");
    await expectStages(api, "wasm");
  });

  test("the page goes on while a model runs", async () => {
    const { api } = await site.open();
    const { id } = await api.open("/slow.onnx", { device: "wasm", threads: 1 });
    const { ticks, ms } = await api.ticksDuring(id, matrix(192));
    expect(ticks).toBeGreaterThan(ms / 5 / 10); // blocked, it would be 0 or 1
  });

  test("aborted runs reject, those behind them run", async () => {
    const { api } = await site.open();
    const { id } = await api.open("/slow.onnx", { device: "wasm", threads: 1 });
    expect(await api.abort(id, matrix(64), "waiting")).toEqual(["done", "AbortedError"]);
    expect(await api.abort(id, matrix(192), "running")).toEqual(["AbortedError", "done"]);
    await expect(api.abortLoad("/slow.onnx")).rejects.toMatchObject({ code: "aborted" });
  });

  test("a session that was disposed of says so, in the middle of a run too", async () => {
    const { api } = await site.open();
    const { id } = await api.open("/slow.onnx", { device: "wasm", threads: 1 });
    const running = expect(api.run(id, matrix(192))).rejects.toThrow(/the session has been disposed/);
    await api.dispose(id);
    await running;
    await expect(api.run(id, matrix(2))).rejects.toThrow(/the session has been disposed/);
    expect(await api.closed(id)).toBe(true);
    await api.dispose(id);
  });

  test.each([
    [1, /^the session's worker has died: .*the worker threw/],
    [2, /^the session's worker has died: it ended without a word/],
    [3, /^the session's worker has died: its engine cannot go on/],
  ])("a worker that dies (%d) is a SessionError that says what to do", async (mode, message) => {
    const { api } = await site.open();
    const { id } = await api.open("/identity.onnx", {}, "faulty");
    const run = api.run(id, x(mode));
    await expect(run).rejects.toThrow(message);
    await expect(run).rejects.toMatchObject({ code: "session", hint: expect.stringContaining("load the model again") });
    expect(await api.closed(id)).toBe(true);
    await expect(api.run(id, x(0))).rejects.toThrow(message);
  });

  test("a worker or engine files that are not there", async () => {
    const { api } = await site.open();
    await expect(api.open("/identity.onnx", {}, "absent")).rejects.toThrow(/worker could not be started/);
    await api.setEngineFiles({ wasm: "/nowhere/ort-wasm-simd-threaded.wasm" });
    const missing = api.open("/identity.onnx", { device: "wasm" });
    await expect(missing).rejects.toThrow(/^ONNX Runtime's WebAssembly could not be loaded: /);
    await expect(missing).rejects.toMatchObject({ hint: expect.stringContaining("configure({ wasm:") });
  });

  test("the engine's files may be elsewhere, and are then taken from there alone", async () => {
    const { api, requests } = await site.open();
    const mjs = "/ort-wasm-simd-threaded.mjs";
    await api.setEngineFiles({ mjs, wasm: "/ort-wasm-simd-threaded.wasm?kept=here" });
    const { id, notices } = await api.open("/identity.onnx", { threads: 2 });
    expect(notices).toEqual([
      expect.stringContaining("the engine's files that were configured are of the build without it"),
    ]);
    expect(await api.run(id, x(3, 4))).toEqual({ y: floats([2], 3, 4) });
    const paths = requests.map((url) => url.slice(site.server.origin.length));
    expect(paths).toContain(mjs);
    expect(paths.filter((path) => path.includes("threaded.wasm"))).toEqual(["/ort-wasm-simd-threaded.wasm?kept=here"]);
  });
});

test.skipIf(noChromium)("a page that is not isolated gets one thread, and is told why", async () => {
  await using site = await openSite<EngineApi>({ page: "engine-page", isolated: false });
  putModels(site);
  const { api } = await site.open();
  expect(await api.isolated()).toBe(false);
  const session = await api.open("/identity.onnx", { device: "wasm", threads: 2 });
  expect(session).toMatchObject({
    threads: 1,
    notices: [
      expect.stringMatching(/^saccade: one thread, because this page is not cross-origin isolated .*Embedder-Policy/),
    ],
  });
  expect(await api.run(session.id, x(1, 2))).toEqual({ y: floats([2], 1, 2) });
  const auto = await api.open("/identity.onnx", { threads: 2 });
  expect(auto.notices).toEqual([
    expect.stringMatching(
      /^saccade: using WebAssembly with one thread, not WebGPU: .*; no more threads, because this page/,
    ),
  ]);
});

describe.skipIf(noChromium)("with WebGPU's software adapter", () => {
  let site: Site<EngineApi>;
  beforeAll(async () => {
    site = await openSite({ page: "engine-page", webgpu: true });
    putModels(site);
  });
  afterEach(() => site.closePages());
  afterAll(() => site?.close());

  test("a model is checked at its first load, and runs there", async () => {
    const { api, console: lines } = await site.open();
    const session = await api.open("/plus-one.onnx", { device: "webgpu" });
    expect(session).toMatchObject({ device: "webgpu", notices: [] });
    expect(await api.run(session.id, x(1, 2))).toEqual({ y: floats([2], 2, 3) });
    const again = await api.open("/plus-one.onnx", { device: "webgpu" });
    expect(await api.run(again.id, x(3, 4))).toEqual({ y: floats([2], 4, 5) });
    expect(lines).toEqual([]);
  });

  test("the provider's own kernels are right there", async () => {
    const { api } = await site.open();
    const opened = async (model: Uint8Array) => {
      site.server.put("/kernels.onnx", model);
      const { id } = await api.open("/kernels.onnx", { device: "webgpu", check: false });
      return {
        run: async (feeds: Readonly<Record<string, TensorData>>) => {
          const outputs = await api.run(id, plainTensors(feeds));
          return Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, fromPlain(value)]));
        },
        dispose: () => api.dispose(id),
      };
    };
    expect(await kernelsRight(opened)).toBe(true);
  });

  test("auto leaves a software adapter alone", async () => {
    const { api } = await site.open();
    const { device, notices } = await api.open("/plus-one.onnx");
    expect(device).toBe("wasm");
    expect(notices).toEqual([expect.stringMatching(/not WebGPU: its only adapter is a software one/)]);
  });

  test("half precision on an adapter without it", async () => {
    const { api, console: lines } = await site.open();
    await expect(api.open("/plus-half.onnx", { device: "webgpu" })).rejects.toThrow(
      /this model is in half precision, which the adapter does not have \(.*no shader-f16\)/,
    );
    const { id } = await api.open("/plus-half.onnx", { device: "webgpu", check: false });
    const run = api.run(id, { x: { dtype: "float16", shape: [2], data: [0x3c00, 0x4000] } });
    await expect(run).rejects.toMatchObject({ code: "session", hint: expect.stringContaining("float32") });
    expect(lines).toEqual([]);
  });

  test("state stays on the card, and can be read; stages share it", async () => {
    const { api } = await site.open();
    await expectSteps(api, "webgpu");
    await expectStages(api, "webgpu");
  });

  test("a device that is lost closes the session, and a new one works", async () => {
    const { api } = await site.open();
    const { id } = await api.open("/plus-one.onnx", { device: "webgpu" });
    const cdp = await site.browser.newBrowserCDPSession();
    await cdp.send("Browser.crashGpuProcess").catch(() => undefined);
    await expect.poll(() => api.closed(id)).toBe(true);
    const run = api.run(id, x(1, 2));
    await expect(run).rejects.toThrow(/^WebGPU's device was lost/);
    await expect(run).rejects.toMatchObject({ code: "session", hint: expect.stringContaining("load the model again") });
    const again = await api.open("/plus-one.onnx", { device: "webgpu", check: false });
    expect(await api.run(again.id, x(1, 2))).toEqual({ y: floats([2], 2, 3) });
  });
});
