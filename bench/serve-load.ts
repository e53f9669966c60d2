// saccade serve under load, as a process of its own, each part a file of results:
// - load: answers a second beside classifyAll on the same pictures, ten times the load, refusals; by autocannon and by an open loop of our own
// - soak: minutes of everything, and what memory does meanwhile
// - stops: SIGTERM under load, one of two servers at a time
// Where others use the machine too, times say little; ratios within a round, and processor time, say more.
//
//   npx tsx bench/serve-load.ts --part load|soak|stops [--model saccade/photographs] [--pictures FOLDER] [--rounds 5] [--seconds 6] [--minutes 20]
//     [--stops 50] [--threads 1] [--batch 8] [--queue 32] [--out bench/results/serve/PART.json]
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { writeModelFolder } from "../src/model-folder/load.ts";
import { nativeModel } from "../src/model-folder/native.ts";
import { inferenceGraph, initialWeights } from "../src/models/graph.ts";
import { defineModel, registry } from "../src/models/registry.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { describeMachine } from "../src/platform/node/machine.ts";
import { measureLoad } from "./serve/load.ts";
import { soak } from "./serve/soak.ts";
import { measureStops } from "./serve/stops.ts";

const { values: flags } = parseArgs({
  options: {
    part: { type: "string", default: "load" },
    model: { type: "string", default: "saccade/photographs" },
    pictures: { type: "string", default: resolve(import.meta.dirname, "../../shared/data/everyday/val") },
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "6" },
    minutes: { type: "string", default: "20" },
    stops: { type: "string", default: "50" },
    threads: { type: "string" },
    batch: { type: "string" },
    queue: { type: "string", default: "32" },
    out: { type: "string" },
  },
});

const optional = (text: string | undefined) => (text === undefined ? undefined : Number(text));
const MOST_PICTURES = 64;
const MAX_QUEUE = Number(flags.queue);
const all = (readdirSync(flags.pictures, { recursive: true }) as string[])
  .filter((name) => /\.jpe?g$/i.test(name))
  .sort();
const every = Math.max(1, Math.floor(all.length / MOST_PICTURES));
const paths = all
  .filter((_, i) => i % every === 0)
  .slice(0, MOST_PICTURES)
  .map((name) => join(flags.pictures, name));
const bodies = paths.map((path) => Uint8Array.from(readFileSync(path)));

const folder = mkdtempSync(join(tmpdir(), "saccade-serve-load-"));
process.on("exit", () => rmSync(folder, { recursive: true }));
const model = await modelPath(flags.model);

/** A registered model has random weights, in a folder; any other is what it is. */
async function modelPath(name: string): Promise<string> {
  if (!registry.has(name)) return name;
  const definition = defineModel(name);
  const path = join(folder, name);
  const weights = initialWeights(inferenceGraph(definition), 0);
  await writeModelFolder(nodeHost.files, path, nativeModel(definition, weights, { name }));
  return path;
}

const PARTS: Readonly<Record<string, () => Promise<object>>> = {
  load: () =>
    measureLoad({
      ...{
        model,
        paths,
        bodies,
        maxQueue: MAX_QUEUE,
        threads: optional(flags.threads),
        maxBatch: optional(flags.batch),
      },
      rounds: Number(flags.rounds),
      seconds: Number(flags.seconds),
    }),
  soak: () => soak({ model, bodies, minutes: Number(flags.minutes) }),
  stops: () => measureStops({ model, body: bodies[0]!, stops: Number(flags.stops), clients: 8, graceMs: 2000 }),
};
const measure = PARTS[flags.part];
if (measure === undefined) throw new Error(`there is no part ${flags.part}, only ${Object.keys(PARTS).join(", ")}`);

const before = loadavg();
const measured = await measure();
const report = {
  date: new Date().toISOString(),
  machine: describeMachine(),
  // Of the whole machine, this measurement among what it does: more than its cores means that others waited, and so did this.
  load_average: { before: before[0], after: loadavg()[0] },
  model: flags.model,
  ...(flags.threads === undefined ? {} : { threads: Number(flags.threads) }),
  pictures: paths.length,
  bytes_per_picture: Math.round(bodies.reduce((sum, body) => sum + body.length, 0) / bodies.length),
  ...measured,
};
const out = flags.out ?? resolve(import.meta.dirname, `results/serve/${flags.part}.json`);
mkdirSync(dirname(out), { recursive: true });
writeFileSync(out, `${JSON.stringify(report, undefined, 2)}\n`);
console.log(JSON.stringify(report, undefined, 2));
