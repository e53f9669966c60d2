// Many pictures: what `saccade classify FOLDER` reaches of the rate of inference alone. Each round measures, one after another:
// - inference alone, with batches ready in memory, for every way to share out the threads: the best of them is the pure rate;
// - everything but inference: reading, decoding and preprocessing;
// - the command, from its call to its end, and between its first and its last answer (the steady rate).
// Preparing runs on the same cores. With the processor time that both take for a picture, all cores busy all the time would do "possible" pictures.
//
//   npx tsx bench/throughput.ts [--rounds 3] [--only everyday] [--data FOLDER] [--cli dist/cli/main.js] [--out bench/results/throughput.json]
//
// FOLDER has everyday/val and clothing/{train,validation}: any pictures will do, sizes matter.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { runCli } from "../src/cli/program.ts";
import { judgeLoad, type LoadShare, loadBetween } from "../src/evaluate/bench/load.ts";
import { loadModel, writeModelFolder } from "../src/model-folder/load.ts";
import { nativeModel } from "../src/model-folder/native.ts";
import { inferenceGraph, initialWeights } from "../src/models/graph.ts";
import { defineModel, registry } from "../src/models/registry.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { readLoad } from "../src/platform/node/machine.ts";
import { describeLayout, type SessionLayout, sessionLayouts } from "../src/runtime/session-layout.ts";
import { spreadOf } from "../src/statistics.ts";
import { type Classifier, loadClassifier } from "../src/tasks/classify/classifier.ts";
import { streamAnswers } from "../src/tasks/engine/picture-stream.ts";
import { readPicture } from "../src/tasks/engine/pictures.ts";

interface Case {
  readonly name: string;
  readonly model: string;
  readonly folder: string;
  /** At most so many pictures. */
  readonly pictures: number;
}

const CASES: readonly Case[] = [
  { name: "everyday", model: "saccade/everyday", folder: "everyday/val", pictures: 2450 },
  { name: "clothing-bundled", model: "saccade/everyday", folder: "clothing/train", pictures: 2000 },
  { name: "clothing", model: "sparseformer_v1_tiny", folder: "clothing/validation", pictures: 341 },
];

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    only: { type: "string" },
    data: { type: "string", default: resolve(import.meta.dirname, "../../shared/data") },
    cli: { type: "string" },
    out: { type: "string" },
  },
});

const BATCH = 8;
const PURE_MS = 1500;

/** A folder with links to some pictures of another, at any depth. */
function linkPictures(from: string, to: string, count: number): number {
  const under = (folder: string): string[] =>
    readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory()
        ? under(join(folder, entry.name))
        : /\.jpe?g$/i.test(entry.name)
          ? [join(folder, entry.name)]
          : [],
    );
  const all = under(from).sort();
  const chosen = all.filter(
    (_, i) => Math.floor((i * count) / all.length) !== Math.floor(((i - 1) * count) / all.length),
  );
  for (const [i, path] of chosen.entries()) symlinkSync(path, join(to, `${String(i).padStart(5, "0")}.jpg`));
  return chosen.length;
}

/** A registered model has random weights, in a folder; any other is what it is. */
async function modelPath(name: string, folder: string): Promise<string> {
  if (!registry.has(name)) return name;
  const definition = defineModel(name);
  const path = join(folder, name);
  await writeModelFolder(
    nodeHost.files,
    path,
    nativeModel(definition, initialWeights(inferenceGraph(definition), 0), { name }),
  );
  return path;
}

/** How fast, and processor time of a picture in milliseconds, over all cores. */
interface Pace {
  readonly rate: number;
  readonly cpuMs: number;
}

async function paced(work: () => Promise<number>): Promise<Pace> {
  const [from, before] = [performance.now(), process.cpuUsage()];
  const pictures = await work();
  const { user, system } = process.cpuUsage(before);
  return { rate: (1000 * pictures) / (performance.now() - from), cpuMs: (user + system) / 1000 / pictures };
}

/** All sessions, with views that are ready. */
function purePace(classifier: Classifier, views: readonly unknown[]): Promise<Pace> {
  const task = classifier.scoreTask({ batchSize: BATCH });
  const batch = views.slice(0, BATCH).map((view) => ({ source: undefined, view: view as never }));
  const startedAt = performance.now();
  let done = 0;
  const keepBusy = async () => {
    while (performance.now() - startedAt < PURE_MS) {
      const { length } = await task.run(batch);
      done += length; // not in one statement, which would read it before waiting
    }
  };
  return paced(async () => {
    await Promise.all(Array.from({ length: task.lanes }, keepBusy));
    return done;
  });
}

/** Everything but the model. */
function preparingPace(classifier: Classifier, paths: readonly string[]): Promise<Pace> {
  const task = {
    ...classifier.scoreTask<string>({ batchSize: BATCH }),
    run: async (batch: readonly unknown[]) => batch,
  };
  const read = (path: string, reserve: (bytes: number) => Promise<void>) => readPicture(nodeHost, path, { reserve });
  return paced(async () => {
    for await (const { error } of streamAnswers(paths, read, task)) if (error !== undefined) throw error;
    return paths.length;
  });
}

interface CommandRates {
  /** From the call of the command to its end. */
  readonly whole: number;
  /** Between the first and the last answer. */
  readonly steady: number;
  readonly note: string;
}

/** The command in this process, so that the processor's time is this process's own. */
async function commandRates(model: string, folder: string, pictures: number): Promise<CommandRates> {
  const startedAt = performance.now();
  const at: number[] = [];
  const notes: string[] = [];
  const exitCode = await runCli(["classify", folder, "--model", model, "--batch", String(BATCH), "--json"], {
    out: () => at.push(performance.now()),
    note: (line) => notes.push(line),
    status: () => undefined,
    outputClosed: false,
    columns: 80,
    interactive: false,
    readInput: async () => new Uint8Array(),
    signal: new AbortController().signal,
  });
  if (exitCode !== 0 || at.length !== pictures) throw new Error(`classify failed: ${notes.join("\n")}`);
  const steadyFrom = at.findIndex((time) => time > at[0]! + 1); // the first batch's answers come together
  return {
    whole: (1000 * pictures) / (performance.now() - startedAt),
    steady: (1000 * (pictures - steadyFrom)) / (at.at(-1)! - at[0]!),
    note: notes.join("; "),
  };
}

/** The built command in a process of its own, from the start of Node to its end. */
async function processRate(cli: string, model: string, folder: string, pictures: number): Promise<number> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [cli, "classify", folder, "--model", model, "--json"], { stdio: "ignore" });
  const code = await new Promise((done, fail) => child.once("error", fail).once("close", done));
  if (code !== 0) throw new Error(`${cli} ended with exit code ${code}`);
  return (1000 * pictures) / (performance.now() - startedAt);
}

async function measure({ name, model, folder, pictures: most }: Case, scratch: string) {
  const linked = mkdtempSync(join(scratch, "pictures-"));
  const pictures = linkPictures(join(flags.data, folder), linked, most);
  const paths = readdirSync(linked).map((file) => join(linked, file));
  const source = await modelPath(model, scratch);
  const { cores, machineCores, memoryBytes } = nodeHost.machine;
  const layouts = sessionLayouts({ threads: cores, sessionBytes: 2 ** 30, memoryBytes: memoryBytes / 2 });
  const classifiers = new Map<SessionLayout, Classifier>();
  const loaded = await loadModel(nodeHost, source);
  for (const layout of layouts) classifiers.set(layout, await loadClassifier(nodeHost, loaded, layout));
  const [first] = classifiers.values() as unknown as [Classifier];
  const task = first.scoreTask();
  const views = await Promise.all(
    paths.slice(0, BATCH).map(async (path) => task.view(await readPicture(nodeHost, path))),
  );
  for (const classifier of classifiers.values()) await purePace(classifier, views); // the first runs are slow
  const rounds: { pure: Pace[]; preparing: Pace; command: CommandRates; load: LoadShare }[] = [];
  for (let round = 0; round < Number(flags.rounds); round++) {
    const before = readLoad();
    const pure: Pace[] = [];
    for (const classifier of classifiers.values()) pure.push(await purePace(classifier, views));
    const preparing = await preparingPace(first, paths);
    const command = await commandRates(source, linked, pictures);
    rounds.push({ pure, preparing, command, load: loadBetween(before, readLoad(), machineCores) });
  }
  await Promise.all([...classifiers.values()].map((classifier) => classifier.dispose()));
  const ownProcess = flags.cli === undefined ? undefined : await processRate(flags.cli, source, linked, pictures);
  const { used, others, isQuiet } = judgeLoad(rounds.map(({ load }) => load));
  const median = (value: (round: (typeof rounds)[number]) => number) =>
    rounded(spreadOf(used.map((i) => value(rounds[i]!))).median);
  const best = (pure: readonly Pace[]) => pure.reduce((a, b) => (b.rate > a.rate ? b : a));
  const possible = ({ pure, preparing }: (typeof rounds)[number]) =>
    (1000 * cores) / (best(pure).cpuMs + preparing.cpuMs);
  return {
    name,
    model,
    pictures,
    batch: BATCH,
    rounds: rounds.length,
    rounds_used: used.length,
    others: others === undefined ? null : rounded(others),
    quiet: isQuiet,
    inference: layouts.map((layout, i) => ({
      layout: describeLayout(layout),
      rate: median(({ pure }) => pure[i]!.rate),
    })),
    pure: median(({ pure }) => best(pure).rate),
    pure_cpu_ms: median(({ pure }) => best(pure).cpuMs),
    preparing: median(({ preparing }) => preparing.rate),
    preparing_cpu_ms: median(({ preparing }) => preparing.cpuMs),
    possible: median(possible),
    steady: median(({ command }) => command.steady),
    whole: median(({ command }) => command.whole),
    ...(ownProcess === undefined ? {} : { own_process: rounded(ownProcess) }),
    steady_of_pure: median(({ pure, command }) => command.steady / best(pure).rate),
    steady_of_possible: median((round) => round.command.steady / possible(round)),
    chosen: rounds.at(-1)!.command.note,
  };
}

type Row = Awaited<ReturnType<typeof measure>>;

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

/** Into a file that may have other rows already. */
function record(path: string, row: Row): void {
  const earlier: Row[] = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")).rows : [];
  const order = (name: string) => CASES.findIndex((one) => one.name === name);
  const rows = [...earlier.filter(({ name }) => name !== row.name), row].sort((a, b) => order(a.name) - order(b.name));
  const { processor, cores, simd, memoryBytes } = nodeHost.machine;
  const machine = { processor, cores, simd, memoryBytes, node: process.version };
  const report = { unit: "pictures a second", machine, date: new Date().toISOString().slice(0, 10), rows };
  writeFileSync(path, `${JSON.stringify(report, undefined, 2)}\n`);
}

const scratch = mkdtempSync(join(tmpdir(), "saccade-throughput-"));
try {
  for (const one of CASES) {
    if (flags.only !== undefined && flags.only !== one.name) continue;
    const row = await measure(one, scratch);
    console.log(JSON.stringify(row, undefined, 1));
    if (flags.out !== undefined) record(flags.out, row);
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
