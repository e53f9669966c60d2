// What a server answers in a second beside the library on the same pictures, and what ten times as much as it can do makes of its answers.
import autocannon from "autocannon";
import { Classifier } from "../../src/node.ts";
import { spreadOf } from "../../src/statistics.ts";
import { processorSeconds, type ServeProcess, startServe } from "../../test/server/serve-process.ts";
import { openLoop, type Sample } from "./open-loop.ts";

export interface LoadOptions {
  readonly model: string;
  readonly paths: readonly string[];
  readonly bodies: readonly Uint8Array[];
  readonly rounds: number;
  readonly seconds: number;
  readonly maxQueue: number;
  /** Of the engine, in the server and in the library; undefined: as each chooses. */
  readonly threads: number | undefined;
  /** undefined: as the server measures it. */
  readonly maxBatch: number | undefined;
}

interface Phase {
  readonly answeredPerSecond: number;
  readonly refusedPerSecond: number;
  readonly acceptedP50: number;
  readonly acceptedP99: number;
  readonly refusedP50: number | undefined;
  readonly refusedP99: number | undefined;
  readonly other: number;
  /** Of the server, for a picture that it answered. */
  readonly processorMs: number;
}

const OVERLOAD = 10;

/** Rounds in turns: saturation, overload by two generators, the library. Ratios are of one round, so that what else the machine does is in both sides. */
export async function measureLoad({ model, paths, bodies, rounds, seconds, ...options }: LoadOptions) {
  const { maxQueue, threads, maxBatch } = options;
  const batching = maxBatch === undefined ? [] : ["--max-batch", String(maxBatch)];
  const layout = threads === undefined ? [] : ["--threads", String(threads), "--sessions", "1"];
  const serving = await startServe([model, "--quiet", "--max-queue", String(maxQueue), ...batching, ...layout]);
  await using classifier = await Classifier.load(model, {
    device: "cpu",
    ...(threads === undefined ? {} : { threads }),
  });
  try {
    const { models } = (await (await fetch(new URL("/v1/models", serving.url))).json()) as {
      models: [{ max_batch: number; max_delay_ms: number }];
    };
    const url = new URL("/v1/classify?top_k=1", serving.url).href;
    // As many as find a place: more of them would be refused.
    const connections = maxQueue + models[0].max_batch;
    const all = { saturation: [] as Phase[], open: [] as Phase[], cannon: [] as Phase[], library: [] as number[][] };
    await phaseOf(serving, 2, () => cannon(url, bodies, connections, 2)); // warms up
    for (let round = 0; round < rounds; round++) {
      const saturation = await phaseOf(serving, seconds, () => cannon(url, bodies, connections, seconds));
      const perSecond = OVERLOAD * saturation.answeredPerSecond;
      const open = await phaseOf(serving, seconds, () => openLoop({ url, bodies, perSecond, seconds }));
      const many = await phaseOf(serving, seconds, () =>
        cannon(url, bodies, OVERLOAD * connections, seconds, perSecond),
      );
      const library = await libraryRate(classifier, paths, seconds);
      all.saturation.push(saturation);
      all.open.push(open);
      all.cannon.push(many);
      all.library.push(library);
      console.error(round + 1, JSON.stringify({ saturation, open, many, library }));
    }
    return { max_batch: models[0].max_batch, max_delay_ms: models[0].max_delay_ms, connections, ...summary(all) };
  } finally {
    serving.child.kill("SIGTERM");
    await serving.ended;
  }
}

async function phaseOf(serving: ServeProcess, seconds: number, load: () => Promise<Sample[]>): Promise<Phase> {
  const before = processorSeconds(serving);
  const samples = await load();
  const processor = processorSeconds(serving) - before;
  const times = (wanted: (status: number) => boolean) =>
    samples.flatMap(({ status, milliseconds }) => (wanted(status) ? [milliseconds] : [])).sort((a, b) => a - b);
  const accepted = times((status) => status === 200);
  const refused = times((status) => status === 429);
  return {
    answeredPerSecond: accepted.length / seconds,
    refusedPerSecond: refused.length / seconds,
    acceptedP50: quantile(accepted, 0.5) ?? 0,
    acceptedP99: quantile(accepted, 0.99) ?? 0,
    refusedP50: quantile(refused, 0.5),
    refusedP99: quantile(refused, 0.99),
    other: samples.length - accepted.length - refused.length,
    processorMs: (1000 * processor) / Math.max(1, accepted.length),
  };
}

function quantile(sorted: readonly number[], share: number): number | undefined {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

async function cannon(
  url: string,
  bodies: readonly Uint8Array[],
  connections: number,
  duration: number,
  overallRate?: number,
): Promise<Sample[]> {
  const samples: Sample[] = [];
  await new Promise<void>((resolve, reject) => {
    const requests = bodies.map((body) => ({ method: "POST" as const, body: Buffer.from(body) }));
    const rate = overallRate === undefined ? {} : { overallRate: Math.round(overallRate) };
    const running = autocannon(
      { url, connections, duration, requests, headers: { "content-type": "image/jpeg" }, timeout: 60, ...rate },
      (error) => (error ? reject(error) : resolve()),
    );
    running.on("response", (_client: unknown, status: number, _bytes: number, milliseconds: number) => {
      samples.push({ status, milliseconds });
    });
    running.on("reqError", () => samples.push({ status: 0, milliseconds: 0 }));
  });
  return samples;
}

/** Pictures a second, and milliseconds of processor time for one. */
async function libraryRate(classifier: Classifier, paths: readonly string[], seconds: number): Promise<number[]> {
  const ended = performance.now() + 1000 * seconds;
  function* sources() {
    for (let i = 0; performance.now() < ended; i++) yield paths[i % paths.length]!;
  }
  const began = performance.now();
  const before = process.cpuUsage();
  let count = 0;
  for await (const _ of classifier.classifyAll(sources(), { topK: 1 })) count++;
  const { user, system } = process.cpuUsage(before);
  return [(1000 * count) / (performance.now() - began), (user + system) / 1000 / count];
}

function summary(all: { saturation: Phase[]; open: Phase[]; cannon: Phase[]; library: number[][] }) {
  const { saturation, open, cannon: many, library } = all;
  const over = (of: (round: number) => number) => spreadOf(saturation.map((_, round) => of(round)));
  const phases = (list: readonly Phase[]) => ({
    answered_per_second: over((i) => list[i]!.answeredPerSecond),
    refused_per_second: over((i) => list[i]!.refusedPerSecond),
    accepted_p50_ms: over((i) => list[i]!.acceptedP50),
    accepted_p99_ms: over((i) => list[i]!.acceptedP99),
    refused_p50_ms: over((i) => list[i]!.refusedP50 ?? 0),
    refused_p99_ms: over((i) => list[i]!.refusedP99 ?? 0),
    neither: list.reduce((sum, { other }) => sum + other, 0),
    processor_ms_per_answer: over((i) => list[i]!.processorMs),
  });
  return {
    saturation: phases(saturation),
    overload_open_loop: phases(open),
    overload_autocannon: phases(many),
    library: {
      pictures_per_second: over((i) => library[i]![0]!),
      processor_ms_per_picture: over((i) => library[i]![1]!),
    },
    ratios: {
      p99_overload_to_saturation: over((i) => open[i]!.acceptedP99 / saturation[i]!.acceptedP99),
      p99_overload_to_saturation_autocannon: over((i) => many[i]!.acceptedP99 / saturation[i]!.acceptedP99),
      server_to_library_pictures_per_second: over((i) => saturation[i]!.answeredPerSecond / library[i]![0]!),
      library_to_server_processor_time: over((i) => library[i]![1]! / saturation[i]!.processorMs),
      answered_overload_to_saturation: over((i) => open[i]!.answeredPerSecond / saturation[i]!.answeredPerSecond),
    },
  };
}
