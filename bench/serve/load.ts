// What a server answers in a second beside the library on the same pictures, and what ten times as much as it can do makes of its answers. Times are of the
// server's own log, from the head of a request to its answer: what a client measures where it has to wait for the processor itself is the client's.
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
  readonly seconds: number;
  /** Milliseconds of each. */
  readonly accepted: readonly number[];
  readonly refused: readonly number[];
  /** Requests that were neither answered nor refused, as the client saw them. */
  readonly other: number;
  /** Of the server. */
  readonly processorMs: number;
}

const OVERLOAD = 10;

/** Rounds in turns: saturation, overload by two generators, the library. Ratios are of one round, so that what else the machine does is in both sides. */
export async function measureLoad({ model, paths, bodies, rounds, seconds, ...options }: LoadOptions) {
  const { maxQueue, threads, maxBatch } = options;
  const batching = maxBatch === undefined ? [] : ["--max-batch", String(maxBatch)];
  const layout = threads === undefined ? [] : ["--threads", String(threads), "--sessions", "1"];
  const serving = await startServe([model, "--max-queue", String(maxQueue), ...batching, ...layout]);
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
    await phaseOf(serving, () => cannon(url, bodies, connections, 2)); // warms up
    for (let round = 0; round < rounds; round++) {
      const saturation = await phaseOf(serving, () => cannon(url, bodies, connections, seconds));
      const perSecond = (OVERLOAD * saturation.accepted.length) / saturation.seconds;
      const open = await phaseOf(serving, () => openLoop({ url, bodies, perSecond, seconds }));
      const many = await phaseOf(serving, () => cannon(url, bodies, OVERLOAD * connections, seconds, perSecond));
      const library = await libraryRate(classifier, paths, seconds);
      all.saturation.push(saturation);
      all.open.push(open);
      all.cannon.push(many);
      all.library.push(library);
      const short = [saturation, open, many].map(({ accepted, refused }) => `${accepted.length}+${refused.length}`);
      console.error(round + 1, ...short, ...library.map((value) => value.toFixed(1)));
    }
    return { max_batch: models[0].max_batch, max_delay_ms: models[0].max_delay_ms, connections, ...summary(all) };
  } finally {
    serving.child.kill("SIGTERM");
    await serving.ended;
  }
}

async function phaseOf(serving: ServeProcess, load: () => Promise<Sample[]>): Promise<Phase> {
  const before = processorSeconds(serving);
  const from = serving.log().length;
  const began = performance.now();
  const samples = await load();
  const seconds = (performance.now() - began) / 1000;
  const processorMs = 1000 * (processorSeconds(serving) - before);
  await new Promise((wake) => setTimeout(wake, 200)); // the log's last lines
  const lines = serving
    .log()
    .slice(from)
    .split("\n")
    .flatMap((line) =>
      line.includes('"event":"request"') ? [JSON.parse(line) as { status: number; ms: number }] : [],
    );
  const times = (wanted: number) => lines.flatMap(({ status, ms }) => (status === wanted ? [ms] : []));
  const other = samples.filter(({ status }) => status !== 200 && status !== 429).length;
  return { seconds, accepted: times(200), refused: times(429), other, processorMs };
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
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

/** Times of all rounds together, since one round has too few for its hundredth part. */
function phases(list: readonly Phase[]) {
  const accepted = list.flatMap((phase) => phase.accepted);
  const refused = list.flatMap((phase) => phase.refused);
  const processorMs = list.reduce((sum, phase) => sum + phase.processorMs, 0);
  return {
    accepted: accepted.length,
    refused: refused.length,
    neither: list.reduce((sum, { other }) => sum + other, 0),
    accepted_per_second: spreadOf(list.map((phase) => phase.accepted.length / phase.seconds)),
    accepted_ms: { p50: quantile(accepted, 0.5), p99: quantile(accepted, 0.99) },
    refused_ms: { p50: quantile(refused, 0.5), p99: quantile(refused, 0.99) },
    processor_ms: processorMs,
  };
}

function summary(all: { saturation: Phase[]; open: Phase[]; cannon: Phase[]; library: number[][] }) {
  const [saturation, open, cannon] = [phases(all.saturation), phases(all.open), phases(all.cannon)];
  const perAnswer = saturation.processor_ms / saturation.accepted;
  const libraryMs = spreadOf(all.library.map(([, processorMs]) => processorMs!));
  const rates = all.saturation.map(({ accepted, seconds }, i) => accepted.length / seconds / all.library[i]![0]!);
  // What refusals cost, where an answer costs what it does without them.
  const perRefusal = (of: typeof open) => (of.processor_ms - of.accepted * perAnswer) / of.refused;
  return {
    saturation,
    overload_open_loop: open,
    overload_autocannon: cannon,
    library: {
      pictures_per_second: spreadOf(all.library.map(([rate]) => rate!)),
      processor_ms_per_picture: libraryMs,
    },
    processor_ms_per_answer: perAnswer,
    processor_ms_per_refusal: { open_loop: perRefusal(open), autocannon: perRefusal(cannon) },
    ratios: {
      p99_open_loop_to_saturation: open.accepted_ms.p99 / saturation.accepted_ms.p99,
      p99_autocannon_to_saturation: cannon.accepted_ms.p99 / saturation.accepted_ms.p99,
      server_to_library_pictures_per_second: spreadOf(rates),
      library_to_server_processor_time: libraryMs.median / perAnswer,
    },
  };
}
