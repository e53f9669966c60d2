// Many pictures through real sessions: the same answers as one at a time, with any number of sessions, all of which are released.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { AbortedError, SessionError, UsageError } from "../src/errors.ts";
import type { RawImage } from "../src/image/raw-image.ts";
import type { Host } from "../src/platform/host.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { RandomSource } from "../src/random.ts";
import type { Session, SessionOptions } from "../src/runtime/session.ts";
import { loadClassifier } from "../src/tasks/classify/classifier.ts";
import { loadEmbedder } from "../src/tasks/embed/embedder.ts";
import { cli } from "./cli/fake-terminal.ts";
import { temporaryFolder, writeMini } from "./cli/mini-model.ts";

const folder = temporaryFolder();
const model = writeMini(folder, "sparseformer_v1_mini_64x64");
const random = new RandomSource(0, "test/many-pictures");

const noise = (width: number, height: number): RawImage => ({
  width,
  height,
  data: Uint8Array.from({ length: 3 * width * height }, () => random.next() & 255),
});

const paths: string[] = [];
const BROKEN = 5;

beforeAll(async () => {
  for (let i = 0; i < 11; i++) {
    const path = join(folder, `${String(i).padStart(2, "0")}.png`);
    const bytes = await nodeHost.encodePng(noise(40 + 3 * i, 90 - 4 * i));
    writeFileSync(path, i === BROKEN ? bytes.subarray(0, 200) : bytes);
    paths.push(path);
  }
});

/** A host that knows what sessions were asked of it and how many are open. */
function watchedHost(machine: Partial<Host["machine"]> = {}, refuses: (options: SessionOptions) => void = () => {}) {
  const asked: SessionOptions[] = [];
  let open = 0;
  let runs = 0;
  const createSession: Host["createSession"] = async (bytes, options = {}) => {
    refuses(options);
    const session = await nodeHost.createSession(bytes, options);
    asked.push(options);
    open++;
    const { device, inputs, outputs } = session;
    return {
      ...{ device, inputs, outputs },
      run: (feeds, running) => {
        runs++;
        return session.run(feeds, running);
      },
      dispose: () => {
        open--;
        return session.dispose();
      },
    } as Session;
  };
  const host: Host = { ...nodeHost, machine: { ...nodeHost.machine, ...machine }, createSession };
  return { host, threads: () => asked.map(({ threads }) => threads), open: () => open, runs: () => runs };
}

const good = () => paths.filter((_, i) => i !== BROKEN);

async function probabilities(sessions: number, batchSize: number): Promise<Float64Array[]> {
  const { host, open } = watchedHost({ machineCores: 4 }); // more sessions than cores are not opened
  const answers: Float64Array[] = [];
  {
    await using classifier = await loadClassifier(host, model, { sessions, threads: 1 });
    expect(open()).toBe(sessions);
    const options = { batchSize, topK: 10 };
    for await (const { answer } of classifier.classifyAll(good(), options))
      answers.push(
        Float64Array.from(
          answer!.predictions.toSorted((a, b) => a.index - b.index),
          ({ score }) => score,
        ),
      );
  }
  expect(open()).toBe(0);
  return answers;
}

const largest = (a: readonly Float64Array[], b: readonly Float64Array[]) =>
  Math.max(...a.map((row, i) => Math.max(...row.map((value, at) => Math.abs(value - b[i]![at]!)))));

describe("answers", () => {
  test("are those of one picture at a time, whatever the sessions", async () => {
    const one = await probabilities(1, 1);
    expect(one).toHaveLength(10);
    const two = await probabilities(2, 4);
    expect(largest(two, one)).toBeLessThan(1e-6);
    // Batches are the same ones, so with as many threads each the numbers are too.
    expect(await probabilities(3, 4)).toEqual(two);
  });

  test("come with their sources, and errors in between", async () => {
    await using classifier = await loadClassifier(nodeHost, model, { sessions: 2, threads: 1 });
    const sources: unknown[] = [];
    const failed: unknown[] = [];
    for await (const { source, error } of classifier.classifyAll(paths, { batchSize: 3 })) {
      sources.push(source);
      if (error !== undefined) failed.push([source, error.code]);
    }
    expect(sources).toEqual(paths);
    expect(failed).toEqual([[paths[BROKEN], "image_truncated"]]);
    await expect(classifier.classify(paths)).rejects.toThrow("truncated");
    expect(() => classifier.classifyAll(paths, { topK: 0 })).toThrow(UsageError);
  });

  test("of an embedder too, from sources that come one by one", async () => {
    await using embedder = await loadEmbedder(nodeHost, model, { sessions: 2, threads: 1 });
    async function* sources() {
      for (const path of good()) yield await nodeHost.decode(await nodeHost.files.read(path));
    }
    const together: Float32Array[] = [];
    for await (const { answer } of embedder.embedAll(sources(), { batchSize: 4 })) together.push(answer!);
    const first = await embedder.embed(good()[0]!);
    expect(together).toHaveLength(10);
    expect(Math.max(...first.map((value, i) => Math.abs(value - together[0]![i]!)))).toBeLessThan(1e-5);
  });

  test("stop with the signal", async () => {
    await using classifier = await loadClassifier(nodeHost, model, { threads: 1 });
    const stopping = new AbortController();
    const answers = classifier.classifyAll(paths, { batchSize: 1, signal: stopping.signal });
    await answers.next();
    stopping.abort();
    await expect(answers.next()).rejects.toThrow(AbortedError);
  });
});

test("a model that was disposed opens no session for pictures of another size", async () => {
  const { host, open } = watchedHost();
  const classifier = await loadClassifier(host, model, { resolution: "native", threads: 1 });
  await classifier.scores([noise(40, 40)]);
  expect(open()).toBe(2); // one for photos, one for this size
  await classifier.dispose();
  expect(open()).toBe(0);
  const another = await loadClassifier(host, model, { resolution: "native", threads: 1 });
  await another.dispose();
  await expect(another.scores([noise(40, 40)])).rejects.toThrow(/disposed/);
  expect(open()).toBe(0);
});

describe("sessions that are chosen", () => {
  const chosen = async (expectedPictures: number | undefined, machine: Partial<Host["machine"]>, threads?: number) => {
    const watched = watchedHost(machine);
    await using classifier = await loadClassifier(watched.host, model, {
      sessions: "auto",
      ...(expectedPictures === undefined ? {} : { expectedPictures }),
      ...(threads === undefined ? {} : { threads }),
    });
    expect(watched.open()).toBe(classifier.layout.sessions);
    return [watched.threads(), watched.runs() > 0];
  };

  test("are one for few pictures, and for many as many as there are cores and memory for", async () => {
    expect(await chosen(20, { cores: 2 })).toEqual([[2], false]);
    expect(await chosen(undefined, { cores: 2 })).toEqual([[1, 1], false]);
    expect(await chosen(undefined, { cores: 2, memoryBytes: 2 ** 28 })).toEqual([[2], false]);
    expect(await chosen(undefined, { cores: 2 }, 2)).toEqual([[2], false]);
  });

  test("are tried where the work takes long", async () => {
    expect(await chosen(200, { cores: 2 })).toEqual([[1, 1], true]); // a look at the rate says it does not
    expect(await chosen(1e8, { cores: 2 })).toEqual([[1, 1, 2], true]);
  });

  test("are the first ones where others cannot be opened to try them", async () => {
    const opened: number[] = [];
    const trying = async (error: Error) => {
      const { host, open } = watchedHost({ cores: 2 }, ({ threads }) => {
        if (threads === 2) throw error;
      });
      const options = { sessions: "auto", expectedPictures: 1e8 } as const;
      const classifier = await loadClassifier(host, model, options).finally(() => opened.push(open()));
      const { sessions } = classifier.layout;
      await classifier.dispose();
      return [sessions, open()];
    };
    expect(await trying(new SessionError("no memory is left"))).toEqual([2, 0]);
    await expect(trying(new AbortedError("loading the model"))).rejects.toThrow(AbortedError);
    expect(opened).toEqual([2, 0]);
  });

  test.each([0, 1.5, -1, 1000])("%d of them are refused", async (sessions) => {
    await expect(loadClassifier(nodeHost, model, { sessions })).rejects.toThrow("from 1 to 64");
  });
});

test("saccade classify --sessions: the answers of one session", async () => {
  const args = ["classify", ...paths, "-m", model, "--json", "--threads", "1"];
  const answers = (stdout: string) =>
    stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line))
      .map(({ path, predictions, error }) => [path, predictions?.map(({ index }: { index: number }) => index), error]);
  const one = await cli(args);
  const two = await cli([...args, "--sessions", "2"]);
  expect([one.exitCode, two.exitCode]).toEqual([1, 1]);
  expect(answers(two.stdout)).toEqual(answers(one.stdout));
  expect((await cli(["classify", paths[0]!, "-m", model, "--sessions", "0"])).exitCode).toBe(2);
});
