import { spawn } from "node:child_process";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { AbortedError, SessionError } from "../../errors.ts";
import { SessionPool, shareBytes } from "../../runtime/pool.ts";
import type { SessionOptions } from "../../runtime/session.ts";
import { type TensorData, tensor } from "../../tensor.ts";
import { identityModel, slowModel } from "./onnx-fixtures.test-helper.ts";
import { createNodeSession, type NodeSession } from "./session.ts";

const opened: NodeSession[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((session) => session.dispose()));
});

async function open(model: Uint8Array, options: SessionOptions = {}, helper?: string): Promise<NodeSession> {
  const entry = helper === undefined ? [] : [new URL(`./${helper}.test-helper.ts`, import.meta.url)];
  const session = await createNodeSession(model, { threads: 1, ...options }, ...entry);
  opened.push(session);
  return session;
}

const x = (value: number) => ({ x: tensor("float32", [1], Float32Array.of(value)) });

/** Feeds for slowModel: about 0.5 s of one core natively with 640, several times that in WebAssembly. */
const matrix = (size: number): Record<string, TensorData> => ({
  x: tensor("float32", [size, size], new Float32Array(size * size)),
});
const SLOW = slowModel(80);

const outcomeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "fulfilled",
    (error: unknown) => error,
  );

test.each(["cpu", "wasm"] as const)("the event loop stays free while %s runs", async (device) => {
  const session = await open(SLOW, { device });
  let ticks = 0;
  const timer = setInterval(() => {
    ticks += 1;
  }, 5);
  const startedAt = performance.now();
  await session.run(matrix(device === "cpu" ? 640 : 320), { outputs: ["y"] });
  const elapsedMs = performance.now() - startedAt;
  clearInterval(timer);
  expect(elapsedMs).toBeGreaterThan(50);
  expect(ticks).toBeGreaterThan(elapsedMs / 5 / 5); // blocked, it would be 0 or 1
});

test("runs execute in the order of the calls", async () => {
  const session = await open(SLOW, { device: "cpu" });
  const finished: number[] = [];
  await Promise.all([400, 8, 64, 2].map((size, at) => session.run(matrix(size)).then(() => finished.push(at))));
  expect(finished).toEqual([0, 1, 2, 3]);
});

test("a pool of sessions over one copy of the bytes", async () => {
  const model = shareBytes(identityModel("float32", ["n"]));
  const pool = await SessionPool.create(3, () => open(model, { device: "cpu" }));
  const results = await Promise.all(Array.from({ length: 100 }, (_, at) => pool.run(x(at))));
  expect(results.map((result) => result.y?.data[0])).toEqual(results.map((_, at) => at));
  await pool.dispose();
  expect(opened.map((session) => session.closed)).toEqual([true, true, true]);
});

describe("an AbortSignal", () => {
  test("that has fired already stops a load and a run before they begin", async () => {
    const signal = AbortSignal.abort("enough");
    await expect(open(SLOW, { signal })).rejects.toBeInstanceOf(AbortedError);
    const session = await open(SLOW, { device: "cpu" });
    await expect(session.run(matrix(8), { signal })).rejects.toBeInstanceOf(AbortedError);
  });

  test("drops a waiting run, and lets a running one end unseen", async () => {
    const session = await open(SLOW, { device: "cpu" });
    const first = new AbortController();
    const second = new AbortController();
    const running = outcomeOf(session.run(matrix(640), { signal: first.signal }));
    const waiting = outcomeOf(session.run(matrix(3000), { signal: second.signal })); // would take a minute
    const last = session.run(matrix(4));
    second.abort();
    expect(await waiting).toBeInstanceOf(AbortedError);
    await sleep(20);
    const abortedAt = performance.now();
    first.abort();
    expect(await running).toBeInstanceOf(AbortedError);
    expect(performance.now() - abortedAt).toBeLessThan(50);
    expect((await last).y?.shape).toEqual([4, 4]);
  });

  test("stops waiting for a model that loads", async () => {
    const controller = new AbortController();
    const loading = outcomeOf(open(SLOW, { device: "cpu", signal: controller.signal }));
    controller.abort();
    expect(await loading).toBeInstanceOf(AbortedError);
  });
});

describe("dispose", () => {
  test.each(["cpu", "wasm"] as const)("during a run on %s rejects it and what waits", async (device) => {
    const session = await open(SLOW, { device });
    const outcomes = [640, 4].map((size) => outcomeOf(session.run(matrix(size))));
    await sleep(30);
    const disposed = session.dispose();
    for (const outcome of outcomes) expect(String(await outcome)).toMatch(/session has been disposed/);
    await disposed;
    expect(session.closed).toBe(true);
    await session.dispose();
    await expect(session.run(matrix(4))).rejects.toThrow(/session has been disposed/);
  });

  test("works with await using, and again and again", async () => {
    for (let round = 0; round < 10; round++) {
      const session = await open(identityModel("float32", ["n"]), { device: "cpu" });
      const { y } = await session.run(x(round));
      await session[Symbol.asyncDispose]();
      expect(y?.data[0]).toBe(round); // outputs outlive their session
    }
  });
});

test.each([
  [1, /worker thread has died: exit code 7/],
  [2, /worker thread has died: the worker threw/],
])("a dying worker rejects everything and says why (%i)", async (mode, message) => {
  const session = await open(identityModel("float32", ["n"]), {}, "faulty-worker");
  const outcomes = [mode, 0].map((value) => outcomeOf(session.run(x(value))));
  for (const outcome of outcomes) {
    expect(await outcome).toBeInstanceOf(SessionError);
    expect(String(await outcome)).toMatch(message);
  }
  expect(session.closed).toBe(true);
  await expect(session.run(x(0))).rejects.toThrow(message);
});

test("an answer out of turn is an error", async () => {
  const session = await open(identityModel("float32", ["n"]), {}, "faulty-worker");
  await expect(session.run(x(3))).rejects.toThrow(/answered loaded instead of result/);
});

test.each([
  ["no-native-worker", "/lib/libc.so.6: version `GLIBC_2.34' not found", ""],
  [
    "not-installed-worker",
    "not installed",
    " (`ONNXRUNTIME_NODE_INSTALL=skip npm install` installs it without CUDA's libraries)",
  ],
])("%s: WebAssembly takes over with one line; a device asked for by name does not", async (worker, reason, remedy) => {
  const lines: string[] = [];
  const onNotice = (line: string) => lines.push(line);
  const session = await open(identityModel("float32", ["n"]), { onNotice }, worker);
  expect(session.device).toBe("wasm");
  expect((await session.run(x(5))).y?.data).toEqual(Float32Array.of(5));
  expect(lines).toEqual([
    `saccade: ONNX Runtime's native build is not available here (${reason}); using WebAssembly, which is slower${remedy}`,
  ]);
  const error = await outcomeOf(open(identityModel("float32", ["n"]), { device: "cpu", onNotice }, worker));
  expect(error).toBeInstanceOf(SessionError);
  expect(String(error)).toMatch(/device cpu needs ONNX Runtime's native build, which is not available/);
  expect((error as SessionError).hint).toMatch(/device wasm/);
  expect((error as SessionError).hint?.includes("ONNXRUNTIME_NODE_INSTALL=skip npm install")).toBe(remedy !== "");
  expect(lines.length).toBe(1);
});

test("a device that is not there is an error with a way out", async () => {
  const error = await outcomeOf(open(identityModel("float32", ["n"]), { device: "cuda" }));
  if (error === "fulfilled") return; // a machine with CUDA
  expect(error).toBeInstanceOf(SessionError);
  expect((error as SessionError).hint).toMatch(/device cpu/);
});

describe("a process", () => {
  const url = (name: string) => JSON.stringify(new URL(name, import.meta.url).href);
  const prelude = `
    const { createNodeSession } = await import(${url("./session.ts")});
    const { slowModel } = await import(${url("./onnx-fixtures.test-helper.ts")});
    const options = { threads: 1, device: process.env.DEVICE };
    const session = await createNodeSession(slowModel(80), options);
    const matrix = (size) => ({ x: { dtype: "float32", shape: [size, size], data: new Float32Array(size * size) } });
    await session.run(matrix(4));
  `;

  async function run(script: string, device = "cpu"): Promise<{ code: number | null; output: string }> {
    const child = spawn(
      process.execPath,
      ["--import", "tsx", "--input-type=module", "--eval", `${prelude}\n${script}`],
      { cwd: resolve(import.meta.dirname, "../../.."), env: { ...process.env, DEVICE: device }, timeout: 50_000 },
    );
    let output = "";
    child.stdout.on("data", (chunk) => {
      output += chunk;
    });
    child.stderr.on("data", (chunk) => {
      output += chunk;
    });
    const code = await new Promise<number | null>((settle) => child.once("close", settle));
    return { code, output };
  }

  test.each(["cpu", "wasm"])("that forgets to dispose ends (%s)", async (device) => {
    expect(await run("console.log('end of script')", device)).toEqual({ code: 0, output: "end of script\n" });
  });

  test("waits for a run that nobody awaits", async () => {
    const script = "session.run(matrix(500)).then(() => console.log('done'));";
    expect(await run(script)).toEqual({ code: 0, output: "done\n" });
  });

  test("waits for a run that was aborted, silently", async () => {
    const script = `const controller = new AbortController();
      session.run(matrix(500), { signal: controller.signal }).catch((error) => console.log(error.code));
      setTimeout(() => controller.abort(), 20);`;
    expect(await run(script)).toEqual({ code: 0, output: "aborted\n" });
  });

  // Without engine-section.ts the native build aborts the process here: code 134.
  test.each(["cpu", "wasm"])("can exit in the middle of a run (%s)", async (device) => {
    const script = "session.run(matrix(640)); setTimeout(() => process.exit(3), 30);";
    expect(await run(script, device)).toEqual({ code: 3, output: "" });
  });

  test("can fail in the middle of a run and in the middle of a load", async () => {
    const { code, output } = await run(
      "session.run(matrix(640)); setTimeout(() => { createNodeSession(slowModel(9), options); throw new Error('mine'); }, 30);",
    );
    expect(output).toMatch(/mine/);
    expect(code).toBe(1);
  });
});
