import { expect, test } from "vitest";
import { SessionError, UsageError } from "../errors.ts";
import type { TensorData } from "../tensor.ts";
import { SessionPool, shareBytes } from "./pool.ts";
import type { Session } from "./session.ts";

/** A session that runs until told; its output says who it is. */
class ManualSession implements Session {
  readonly device = "cpu";
  readonly inputs = [];
  readonly outputs = [];
  closed = false;
  disposals = 0;
  readonly finish: (() => void)[] = [];
  readonly name: number;

  constructor(name: number) {
    this.name = name;
  }

  run(): Promise<Record<string, TensorData>> {
    if (this.closed) return Promise.reject(new SessionError("dead"));
    const result: TensorData = { dtype: "int32", shape: [], data: Int32Array.of(this.name) };
    return new Promise((resolve) => this.finish.push(() => resolve({ name: result })));
  }

  async dispose(): Promise<void> {
    this.disposals += 1;
    this.closed = true;
  }
}

async function makePool(size: number) {
  const made: ManualSession[] = [];
  const pool = await SessionPool.create(size, async () => {
    const session = new ManualSession(made.length);
    made.push(session);
    return session;
  });
  return { pool, made };
}

const loads = (made: readonly ManualSession[]) => made.map((session) => session.finish.length);

test("runs go where the fewest wait", async () => {
  const { pool, made } = await makePool(3);
  const runs = [1, 2, 3, 4].map(() => pool.run({}));
  expect(loads(made)).toEqual([2, 1, 1]);
  expect(pool.pending).toBe(4);
  made[1]?.finish[0]?.();
  await runs[1];
  runs.push(pool.run({}));
  expect(loads(made)).toEqual([2, 2, 1]); // the second session was idle again
  for (const session of made) for (const finish of session.finish) finish();
  const names = (await Promise.all(runs)).map((result) => result.name?.data[0]);
  expect(names).toEqual([0, 1, 2, 0, 1]);
  expect(pool.pending).toBe(0);
});

test("a dead session is replaced by one successor, however many runs wait for it", async () => {
  const { pool, made } = await makePool(1);
  made[0]!.closed = true;
  const runs = [pool.run({}), pool.run({})];
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(made.length).toBe(2);
  expect(made[0]?.disposals).toBe(1);
  for (const finish of made[1]!.finish) finish();
  expect((await Promise.all(runs)).map((result) => result.name?.data[0])).toEqual([1, 1]);
});

test("the living take over from the dead, which are replaced meanwhile", async () => {
  const { pool, made } = await makePool(2);
  made[0]!.closed = true;
  const runs = [pool.run({}), pool.run({})];
  expect(loads(made.slice(0, 2))).toEqual([0, 2]);
  await new Promise((resolve) => setTimeout(resolve, 5));
  runs.push(pool.run({}));
  expect(loads(made)).toEqual([0, 2, 1]);
  for (const session of made) for (const finish of session.finish) finish();
  expect((await Promise.all(runs)).map((result) => result.name?.data[0])).toEqual([1, 1, 2]);
});

test("one factory failure disposes the others", async () => {
  const made: ManualSession[] = [];
  const creating = SessionPool.create(3, async () => {
    if (made.length === 2) throw new SessionError("no third one");
    const session = new ManualSession(made.length);
    made.push(session);
    return session;
  });
  await expect(creating).rejects.toThrow("no third one");
  expect(made.map((session) => session.disposals)).toEqual([1, 1]);
  await expect(SessionPool.create(0, async () => new ManualSession(0))).rejects.toBeInstanceOf(UsageError);
});

test("disposal is idempotent and final", async () => {
  const { pool, made } = await makePool(2);
  await Promise.all([pool.dispose(), pool.dispose()]);
  expect(made.map((session) => session.disposals)).toEqual([1, 1]);
  expect(pool.closed).toBe(true);
  await expect(pool.run({})).rejects.toThrow(/pool has been disposed/);
});

test("shared bytes are copied once", () => {
  const shared = shareBytes(Uint8Array.of(1, 2));
  expect(shared.buffer).toBeInstanceOf(SharedArrayBuffer);
  expect([...shared]).toEqual([1, 2]);
  expect(shareBytes(shared)).toBe(shared);
});
