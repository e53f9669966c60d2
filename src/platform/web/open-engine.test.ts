// Which device a page gets, on cards that no test machine has: the engine and the browser are played.
import { expect, test } from "vitest";
import type { Device } from "../../runtime/session.ts";
import type { LoadedEngine } from "../engine/loaded-engine.ts";
import { engineOpener, type OpenerParts } from "./open-engine.ts";
import type { Comparison } from "./self-check.ts";

interface Card {
  /** What WebGPU answers where WebAssembly answers 1. */
  readonly answer?: number;
  readonly isSoftware?: boolean;
  readonly refuses?: string;
  /** Milliseconds of one run. */
  readonly webgpuMs?: number;
  readonly wasmMs?: number;
}

/** Opens a model of one number on a card, and tells what came of it. */
async function open(
  card: Card,
  device: Device = "auto",
  more: { state?: Record<string, string>; check?: boolean } = {},
) {
  const { answer = 1, isSoftware = false, refuses, webgpuMs = 1, wasmMs = 10 } = card;
  const value = { name: "x", dtype: "float32", shape: [1] } as const;
  const events: string[] = [];
  const kept: Comparison[] = [];
  const engineOn = (on: "wasm" | "webgpu"): LoadedEngine => ({
    ...{ device: on, engine: "played", threads: 2, inputs: [value], outputs: [value] },
    run: async () => {
      await new Promise((done) => setTimeout(done, on === "webgpu" ? webgpuMs : wasmMs));
      return [{ ...value, data: Float32Array.of(on === "webgpu" ? answer : 1) }];
    },
    openReader: () => Promise.reject(new Error("nothing reads its state")),
    read: () => Promise.reject(new Error("nothing reads its state")),
    state: async () => [],
    release: async () => void events.push(`${on} released`),
  });
  const parts: OpenerParts = {
    findAdapter: async () => ({ name: "played card", isSoftware, hasHalf: false }),
    loadBuild: async (build) => {
      events.push(`${build} loaded`);
      return {
        build,
        open: async (_, on) => {
          if (on === "webgpu" && refuses !== undefined) throw new Error(refuses);
          return engineOn(on);
        },
        onDeviceLost: async () => undefined,
      };
    },
    checkMemory: async () => ({ read: async () => kept.at(-1), write: async (found) => void kept.push(found) }),
  };
  const { state = {}, check = true } = more;
  const openOnce = async () => {
    const notices: string[] = [];
    const opened = await engineOpener(() => undefined, parts)(new Uint8Array(1), {
      ...{ device, threads: 2, state, onNotice: (line: string) => notices.push(line) },
      surroundings: { files: undefined, check, fewThreads: undefined },
    });
    return { device: opened.device, notice: notices.join("\n") };
  };
  return { first: await openOnce(), openOnce, events, kept };
}

test("auto takes a card that computes the same and is faster, and checks it once", async () => {
  const { first, openOnce, kept, events } = await open({});
  expect(first).toEqual({ device: "webgpu", notice: "saccade: using WebGPU (played card)" });
  expect(await openOnce()).toEqual(first);
  expect(kept.length).toBe(1);
  expect(events.filter((event) => event === "wasm released").length).toBe(1);
});

test.each([
  [{ answer: 1.5 }, /it computes something else here: its answers differ by 50 % of the largest/],
  [{ answer: Number.NaN }, /it computes something else here: its answers are no numbers/],
  [{ webgpuMs: 40, wasmMs: 1 }, /it is slower for this model here \(\d+ ms instead of \d ms\)/],
  [{ isSoftware: true }, /its only adapter is a software one \(played card\)/],
  [{ refuses: "no such kernel" }, /not WebGPU: no such kernel$/],
] as [Card, RegExp][])("auto takes WebAssembly instead of %j, and says why", async (card, reason) => {
  const { first, openOnce, events } = await open(card);
  expect(first.device).toBe("wasm");
  expect(first.notice).toMatch(/^saccade: using WebAssembly with 2 threads, not WebGPU: /);
  expect(first.notice).toMatch(reason);
  events.length = 0;
  expect(await openOnce()).toEqual(first);
  // What is known of a card is not found out again, and its build is not fetched for it.
  if (card.refuses === undefined) expect(events).toEqual(["wasm loaded"]);
});

test("a card that is asked for is refused when it computes something else, unless it is not checked", async () => {
  await expect(open({ answer: 2 }, "webgpu")).rejects.toMatchObject({
    code: "session",
    message: "WebGPU computes something else than WebAssembly here: its answers differ by 100 % of the largest",
    hint: expect.stringContaining("check: false"),
  });
  expect((await open({ answer: 2 }, "webgpu", { check: false })).first.device).toBe("webgpu");
  expect((await open({ webgpuMs: 40, wasmMs: 1 }, "webgpu")).first.device).toBe("webgpu");
});

test("a session that carries state is on the card only when it is asked for", async () => {
  const state = { x: "next" };
  expect((await open({}, "auto", { state })).first.device).toBe("wasm");
  expect((await open({ answer: 2 }, "webgpu", { state })).first.device).toBe("webgpu");
});
