// Bodies within bounds: too long ones, those that break off, and those that stop coming while others need their room.
import { expect, test } from "vitest";
import type { Clock } from "../queue/batch-queue.ts";
import { BodyMemory, readBody } from "./body.ts";

let now = 0;
const clock: Clock = { now: () => now, after: () => () => undefined };

/** A request whose body is given piece by piece. */
function slowRequest() {
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  const body = new ReadableStream<Uint8Array>({
    start(given) {
      controller = given;
    },
  });
  const request = new Request("http://localhost/", { method: "POST", body, duplex: "half" } as RequestInit);
  return { request, send: (bytes: number) => controller.enqueue(new Uint8Array(bytes)), controller };
}

const limitsOf = (memory: BodyMemory) => ({ maxBodyBytes: 100, maxPictures: 1, memory });
const settle = () => new Promise((resolve) => setTimeout(resolve, 0));
const failureOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "read",
    (error: Error & { code?: string }) => error.code,
  );

test("a body is in memory until it is disposed", async () => {
  const memory = new BodyMemory(150, clock);
  const { request, send, controller } = slowRequest();
  const reading = readBody(request, limitsOf(memory));
  send(40);
  send(2);
  controller.close();
  {
    using body = await reading;
    expect([body.bytes.length, memory.held]).toEqual([42, 42]);
  }
  expect(memory.held).toBe(0);
});

test("one that is too long, or breaks off, gives its memory back", async () => {
  const memory = new BodyMemory(150, clock);
  const long = slowRequest();
  const failure = failureOf(readBody(long.request, limitsOf(memory)));
  long.send(60);
  long.send(60);
  expect(await failure).toBe("limit");
  const broken = slowRequest();
  const breaking = failureOf(readBody(broken.request, limitsOf(memory)));
  broken.send(60);
  await settle();
  broken.controller.error(new Error("reset"));
  expect([await breaking, memory.held]).toEqual(["aborted", 0]);
});

test("where there is no room, those that have stalled make some; those that still come keep theirs", async () => {
  now = 0;
  const memory = new BodyMemory(150, clock);
  const [stalled, coming, third, fourth] = [slowRequest(), slowRequest(), slowRequest(), slowRequest()];
  const outcomes = [stalled, coming, third].map(({ request }) => failureOf(readBody(request, limitsOf(memory))));
  stalled.send(60);
  coming.send(60);
  await settle();
  now = 2000;
  coming.send(10);
  await settle();
  third.send(50);
  third.controller.close();
  coming.controller.close();
  expect(await Promise.all(outcomes)).toEqual(["slow", "read", "read"]);
  const refused = failureOf(readBody(fourth.request, limitsOf(memory)));
  fourth.send(90);
  expect(await refused).toBe("overloaded");
});
