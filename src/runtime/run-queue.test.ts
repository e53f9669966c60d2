import { expect, test } from "vitest";
import { AbortedError, SessionError } from "../errors.ts";
import { RunQueue } from "./run-queue.ts";

/** A task that ends when told. */
function manual() {
  let finish: (value: string) => void = () => undefined;
  let started = false;
  const result = new Promise<string>((resolve) => {
    finish = resolve;
  });
  const task = () => {
    started = true;
    return result;
  };
  return { task, finish: (value: string) => finish(value), started: () => started };
}

const ticks = async () => {
  for (let at = 0; at < 10; at++) await Promise.resolve();
};

test("one at a time, in order, whatever the outcome", async () => {
  const queue = new RunQueue();
  const [a, b] = [manual(), manual()];
  const first = queue.submit("a", a.task);
  const failing = queue.submit("f", () => Promise.reject(new Error("f failed")));
  const second = queue.submit("b", b.task);
  expect(queue.pending).toBe(3);
  await ticks();
  expect([a.started(), b.started()]).toEqual([true, false]);
  a.finish("A");
  expect(await first).toBe("A");
  await expect(failing).rejects.toThrow("f failed");
  b.finish("B");
  expect(await second).toBe("B");
  await ticks();
  expect(queue.pending).toBe(0);
});

test("aborting drops what waits and abandons what runs", async () => {
  const queue = new RunQueue();
  const [a, b, c] = [manual(), manual(), manual()];
  const controllers = [new AbortController(), new AbortController()] as const;
  const first = queue.submit("a", a.task, controllers[0].signal);
  const second = queue.submit("b", b.task, controllers[1].signal);
  const third = queue.submit("c", c.task);
  controllers[1].abort("why");
  await expect(second).rejects.toMatchObject({ code: "aborted", cause: "why" });
  controllers[0].abort();
  await expect(first).rejects.toBeInstanceOf(AbortedError);
  await ticks();
  expect([b.started(), c.started(), queue.pending]).toEqual([false, false, 2]); // a still occupies the engine
  a.finish("unseen");
  await ticks();
  expect(c.started()).toBe(true);
  c.finish("C");
  expect(await third).toBe("C");
  await expect(queue.submit("d", a.task, AbortSignal.abort())).rejects.toBeInstanceOf(AbortedError);
});

test("closing rejects everything, then and later, with the first reason", async () => {
  const queue = new RunQueue();
  const a = manual();
  const outcomes = [queue.submit("a", a.task), queue.submit("b", a.task)];
  const reason = new SessionError("gone");
  queue.close(reason);
  queue.close(new SessionError("gone again"));
  for (const outcome of [...outcomes, queue.submit("c", a.task)]) await expect(outcome).rejects.toBe(reason);
  expect(queue.closedBy).toBe(reason);
});
