// The question that a graphics card is asked about its kernels, answered rightly by the processor, and wrongly in the ways that drivers might.
import { afterAll, beforeAll, expect, test } from "vitest";
import { nodeHost } from "../platform/node/host.ts";
import type { TensorData } from "../tensor.ts";
import { checkModel, kernelsRight } from "./kernel-check.ts";
import type { Session } from "./session.ts";

let processor: Session;
beforeAll(async () => {
  processor = await nodeHost.createSession(checkModel(), { device: "cpu", threads: 1 });
});
afterAll(() => processor.dispose());

type Answers = Record<string, TensorData>;
type Feeds = Parameters<Session["run"]>[0];

/** An engine that answers as the processor, but for what `play` makes of it. */
const ask = (play: (answers: Answers, feeds: Feeds) => Answers | Promise<Answers>) => {
  let disposed = 0;
  const opened = async (): Promise<Pick<Session, "run" | "dispose">> => ({
    run: async (feeds) => play(await processor.run(feeds), feeds),
    dispose: async () => {
      disposed++;
    },
  });
  return kernelsRight(opened).finally(() => expect(disposed).toBe(1));
};

const zerosLike = ({ shape, data }: TensorData): TensorData => ({
  dtype: "float32",
  shape,
  data: new Float32Array(data.length),
});

const changed = (answers: Answers, name: string, change: (data: Float32Array) => void): Answers => {
  const value = answers[name]!;
  const data = Float32Array.from(value.data as Float32Array);
  change(data);
  return { ...answers, [name]: { ...value, data } as TensorData };
};

/** One value is off by so much. */
const moved = (at: number, by: number) => (data: Float32Array) => {
  data.set([data.at(at)! + by], (at + data.length) % data.length);
};

test("the processor's kernels are right", async () => {
  expect(await ask((answers) => answers)).toBe(true);
});

test("an engine that confuses paddings, or leaves one out, is not", async () => {
  const [zeros, border] = ["sampled.0", "sampled.1"];
  expect(await ask((answers) => ({ ...answers, [zeros!]: answers[border!]! }))).toBe(false);
  expect(await ask((answers) => ({ ...answers, [border!]: answers[zeros!]! }))).toBe(false);
  expect(await ask(({ [border!]: _, ...others }) => others)).toBe(false);
});

test("one value that is wrong or no number is enough", async () => {
  expect(await ask((answers) => changed(answers, "sampled.1", moved(-1, 0.01)))).toBe(false);
  expect(await ask((answers) => changed(answers, "sampled.0", moved(7, Number.NaN)))).toBe(false);
  // Rounding is not wrong.
  expect(await ask((answers) => changed(answers, "sampled.0", moved(7, 1e-6)))).toBe(true);
});

test("an engine that takes x for y, or sees the first picture only, is not right", async () => {
  const turned = ({ grid, ...feeds }: Feeds): Feeds => {
    const data = Float32Array.from(grid!.data as Float32Array, (_, i) => Number(grid!.data[i ^ 1]));
    return { ...feeds, grid: { ...grid!, data } as TensorData };
  };
  expect(await ask((_, feeds) => processor.run(turned(feeds)))).toBe(false);
  const first = (data: Float32Array) => data.copyWithin(data.length / 2, 0, data.length / 2);
  expect(await ask((answers) => changed(answers, "sampled.0", first))).toBe(false);
});

test("an engine that normalises without the second summand, or gives another sum, is not right", async () => {
  expect(await ask((_, feeds) => processor.run({ ...feeds, "y.0": zerosLike(feeds["y.0"]!) }))).toBe(false);
  expect(await ask((answers) => changed(answers, "sum.1", (data) => data.fill(0, 128)))).toBe(false);
  expect(await ask((answers) => changed(answers, "normal.1", moved(-1, 0.01)))).toBe(false);
});

test("what cannot be run throws, and is closed", async () => {
  const broken = ask(() => Promise.reject(new Error("device lost")));
  await expect(broken).rejects.toThrow("device lost");
});
