// How long an exact search among a million vectors takes, beside numpy's product and selection, in turns: every query goes through both, and both must
// find the same. Vectors are random directions, where neighbours are hardly nearer than others, or clustered, where many are nearly as near. Processor
// time is beside wall time, because a machine may have something else to do. The index is a real one: written, opened and searched as any other.
//
//   npx tsx bench/retrieval.ts [--vectors 1000000] [--width 384] [--kinds random,clustered] [--rounds 25] [--top 10] [--python python3] [--keep FOLDER] [--out bench/results/retrieval.json]
//
// --keep: the vectors and their index are written there, and taken from there the next time. Memory is what searching takes only then: writing
// leaves some behind.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { appendFile } from "node:fs/promises";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { nodeHost } from "../src/platform/node/host.ts";
import { RandomSource } from "../src/random.ts";
import { IndexWriter } from "../src/retrieval/index-writer.ts";
import { PictureIndex } from "../src/retrieval/picture-index.ts";
import { identifySpace } from "../src/tasks/embed/space.ts";

const { values: flags } = parseArgs({
  options: {
    vectors: { type: "string", default: "1000000" },
    width: { type: "string", default: "384" },
    kinds: { type: "string", default: "random,clustered" },
    rounds: { type: "string", default: "25" },
    top: { type: "string", default: "10" },
    python: { type: "string" },
    keep: { type: "string" },
    out: { type: "string" },
  },
});
const VECTORS = Number(flags.vectors);
const WIDTH = Number(flags.width);
const TOP = Number(flags.top);
const CLUSTERS = 1000;
/** Of clustered vectors around their centre, in lengths of the centre: cosines of about 0.92 within a cluster. */
const SPREAD = 0.3;
/** Normal numbers that vectors are cut out of at random places: a million vectors of fresh ones would take minutes to draw. */
const POOL = Float32Array.from(
  { length: 1 << 23 },
  (
    (random) => () =>
      random.normal()
  )(new RandomSource(1, "pool")),
);

type Kind = "random" | "clustered";

/** Unit vectors, the same at every run. */
class Vectors {
  readonly #random: RandomSource;

  constructor(
    readonly kind: Kind,
    seed: number,
  ) {
    this.#random = new RandomSource(seed, "vectors");
  }

  next(): Float32Array {
    const at = this.#random.integer(POOL.length - WIDTH);
    const own = POOL.slice(at, at + WIDTH);
    if (this.kind === "clustered") {
      const centre = this.#random.integer(CLUSTERS) * 7919;
      for (let d = 0; d < WIDTH; d++) own[d] = POOL[centre + d]! + SPREAD * own[d]!;
    }
    const length = Math.hypot(...own);
    return own.map((value) => value / length);
  }
}

/** Vectors that are written together. */
const CHUNK = 8192;

/** The vectors as numpy reads them. */
async function writeVectors(raw: string, kind: Kind): Promise<void> {
  if (existsSync(raw)) return;
  const vectors = new Vectors(kind, 2);
  for (let start = 0; start < VECTORS; start += CHUNK) {
    const rows = Math.min(CHUNK, VECTORS - start);
    await appendFile(
      `${raw}.part`,
      Buffer.concat(Array.from({ length: rows }, () => new Uint8Array(vectors.next().buffer))),
    );
  }
  renameSync(`${raw}.part`, raw);
}

/** The vectors as an index of as many pictures that nobody has. */
async function writeIndex(folder: string, raw: string): Promise<void> {
  if (existsSync(join(folder, "_manifest.json"))) return;
  const space = await identifySpace(nodeHost, {
    name: "synthetic",
    model: "synthetic",
    layer: "features",
    pooling: "none",
    transform: "resize(8,8)",
    views: "center",
    precision: "float32",
    power: false,
    projection: null,
    normalize: true,
    width: WIDTH,
  });
  await using writer = await IndexWriter.open(nodeHost, folder, { space, levels: 1 });
  for (let start = 0; start < VECTORS; start += CHUNK) {
    const rows = Math.min(CHUNK, VECTORS - start);
    const bytes = await nodeHost.readRange(raw, 4 * WIDTH * start, 4 * WIDTH * rows);
    const vectors = new Float32Array(bytes.buffer, bytes.byteOffset, rows * WIDTH);
    for (let i = 0; i < rows; i++) {
      const name = String(start + i).padStart(7, "0");
      const hash = await nodeHost.sha256(new TextEncoder().encode(name));
      const picture = { path: `/pictures/${name.slice(0, 4)}/${name}.jpg`, size: 100_000 + i, hash };
      await writer.put(picture, vectors.slice(i * WIDTH, (i + 1) * WIDTH));
    }
  }
  await writer.commit();
}

/** Reads the vectors, then answers queries: wall and processor milliseconds, and what it found. */
const NUMPY = `
import sys, time, json, numpy as np
raw, width, top = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
X = np.fromfile(raw, dtype=np.float32).reshape(-1, width)
print("ready", flush=True)
for line in sys.stdin:
    q = np.array(json.loads(line), dtype=np.float32)
    wall, cpu = time.perf_counter(), time.process_time()
    scores = X @ q
    best = np.argpartition(scores, -top)[-top:]
    best = best[np.argsort(-scores[best])]
    print(json.dumps([1e3 * (time.perf_counter() - wall), 1e3 * (time.process_time() - cpu), scores[best].tolist()]), flush=True)
`;

type Timed = readonly [wall: number, cpu: number, scores: readonly number[]];

/** Of vectors that are equally near, numpy takes any; its cosines are float32. */
const agree = (a: Timed, b: Timed) =>
  a[2].length === b[2].length && a[2].every((score, i) => Math.abs(score - b[2][i]!) < 1e-5);

async function numpy(python: string, raw: string) {
  const child = spawn(python, ["-c", NUMPY, raw, String(WIDTH), String(TOP)], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  await lines.next();
  return {
    search: async (query: Float32Array): Promise<Timed> => {
      child.stdin.write(`${JSON.stringify([...query])}\n`);
      return JSON.parse((await lines.next()).value);
    },
    close: () => child.stdin.end(),
  };
}

const round = (value: number, digits = 1) => Number(value.toFixed(digits));
const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
const least = (values: readonly number[]) => Math.min(...values);

async function timed(index: PictureIndex, query: Float32Array): Promise<Timed> {
  const cpu = process.cpuUsage();
  const wall = performance.now();
  const found = await index.searchVectors([query], { topK: TOP });
  const { user, system } = process.cpuUsage(cpu);
  return [performance.now() - wall, (user + system) / 1000, found.map(({ score }) => score)];
}

const timesOf = (runs: readonly Timed[]) => ({
  wall_median_ms: round(median(runs.map(([wall]) => wall))),
  wall_least_ms: round(least(runs.map(([wall]) => wall))),
  processor_median_ms: round(median(runs.map(([, cpu]) => cpu))),
});

/** The first query of a process, which opens the index. */
async function firstQuery(folder: string, query: Float32Array) {
  await using index = await PictureIndex.open(nodeHost, folder);
  const [wall, cpu] = await timed(index, query);
  return { seconds: round(wall / 1000, 2), processor_seconds: round(cpu / 1000, 2) };
}

async function measure(kind: Kind, parent: string) {
  const raw = join(parent, `${kind}-${VECTORS}x${WIDTH}.f32`);
  await writeVectors(raw, kind);
  const folder = join(parent, `${kind}-${VECTORS}x${WIDTH}.index`);
  const startedWriting = performance.now();
  await writeIndex(folder, raw);
  const writeSeconds = (performance.now() - startedWriting) / 1000;
  const queries = new Vectors(kind, 3);
  const first = await firstQuery(folder, queries.next());
  for (const name of readdirSync(folder)) if (name.endsWith(".codes")) rmSync(join(folder, name));
  const firstWithoutCodes = await firstQuery(folder, queries.next());
  await using index = await PictureIndex.open(nodeHost, folder);
  await index.searchVectors([queries.next()], { topK: TOP });
  const rival = flags.python === undefined ? undefined : await numpy(flags.python, raw);
  const own: Timed[] = [];
  const theirs: Timed[] = [];
  let same = 0;
  for (let i = 0; i < Number(flags.rounds) + 3; i++) {
    const query = queries.next();
    const answer = await timed(index, query);
    const second = await rival?.search(query);
    if (second !== undefined && agree(answer, second)) same++;
    if (i < 3) continue; // the first runs are slow
    own.push(answer);
    if (second !== undefined) theirs.push(second);
  }
  rival?.close();
  return {
    kind,
    vectors: VECTORS,
    width: WIDTH,
    top: TOP,
    write_seconds: round(writeSeconds),
    first_query: first,
    first_query_without_codes: firstWithoutCodes,
    saccade: timesOf(own),
    ...(theirs.length === 0 ? {} : { numpy: timesOf(theirs), same_results: same, queries: Number(flags.rounds) + 3 }),
    ratio_of_medians: theirs.length === 0 ? undefined : round(median(theirs.map(([wall], i) => wall / own[i]![0])), 2),
    memory_mb: round(process.memoryUsage().rss / 1e6, 0),
    load: loadavg().map((value) => round(value)),
  };
}

const parent = flags.keep ?? mkdtempSync(join(tmpdir(), "saccade-retrieval-"));
try {
  const rows = [];
  for (const kind of flags.kinds.split(",") as Kind[]) {
    rows.push(await measure(kind, parent));
    console.log(rows.at(-1));
  }
  const report = {
    date: new Date().toISOString().slice(0, 10),
    processor: cpus()[0]?.model,
    cores: cpus().length,
    rows,
  };
  if (flags.out !== undefined) writeFileSync(flags.out, `${JSON.stringify(report, undefined, 2)}\n`);
} finally {
  if (flags.keep === undefined) rmSync(parent, { recursive: true });
}
