// A task with an engine that is made up: what becomes of its requests when the engine dies.
import { expect, test } from "vitest";
import { SessionError } from "../../errors.ts";
import { nodeHost } from "../../platform/node/host.ts";
import { DrainingError } from "../failures.ts";
import { DecodingMemory } from "./decoding-memory.ts";
import { ServedTask } from "./served-task.ts";
import type { TaskEngine } from "./task-engine.ts";

const picture = { width: 2, height: 2, data: new Uint8Array(12) };

async function serving(failure: Error) {
  const deaths: string[] = [];
  const engine: TaskEngine<string, number> = {
    card: { name: "made up" } as TaskEngine<string>["card"],
    ...{ device: "cpu" as const, lanes: 1, wholeMacs: undefined, check: () => undefined },
    task: () => ({
      ...{ view: () => 1, bytesOf: () => 0, joins: () => true, batchSize: 1, lanes: 1, decoding: {} },
      run: () => Promise.reject(failure),
    }),
    cheaper: (asked) => asked,
    dispose: async () => undefined,
  };
  const served = await ServedTask.open(engine, {
    ...{ host: nodeHost, maxQueue: 4, maxPixels: 100, overload: { from: 1, floor: 1 } },
    clock: { now: () => performance.now(), after: () => () => undefined },
    batching: { maxBatch: 1, maxDelayMs: 0 },
    memory: new DecodingMemory(),
    onDeath: ({ message }) => deaths.push(message),
  });
  using place = served.reserve();
  const error: unknown = await place.answer(picture, {}, {}).catch((reason: unknown) => reason);
  return { error, deaths };
}

test("a dead engine is told of, and its requests may come again", async () => {
  const { error, deaths } = await serving(new SessionError("the thread has died", { data: { exitCode: 1 } }));
  expect(error).toBeInstanceOf(DrainingError);
  expect(error).toMatchObject({ code: "not_ready" });
  expect(deaths).toEqual(["the thread has died"]);
});

test("a run that fails is its requests' failure alone", async () => {
  const failure = new SessionError("no such shape");
  expect(await serving(failure)).toEqual({ error: failure, deaths: [] });
});
