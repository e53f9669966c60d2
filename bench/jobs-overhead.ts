// What a plan costs beside classifying the same pictures in one go: SACCADE_BUILT=dist npx tsx bench/jobs-overhead.ts [ROWS] [OUT]. Both are commands, begun
// in turns; processor time is that of all their processes. Writes bench/results/jobs/overhead.json.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { freshCopy, runCommand, writeList } from "../test/jobs/crashes.ts";
import { programCommand } from "../test/program-command.ts";

const rows = Number(process.argv[2] ?? 1500);
const out = process.argv[3] ?? "bench/results/jobs";
const ROUNDS = 3;
const packages = resolve(import.meta.dirname, "../node_modules/@stdlib");
const photographs = ["march-pastoral", "nagasaki-boats"].map((name) =>
  join(packages, `datasets-img-${name}/data/image.jpg`),
);
const folder = mkdtempSync(join(tmpdir(), "saccade-overhead-"));

interface Times {
  readonly seconds: number;
  readonly processor_seconds: number;
}

function timed(command: readonly string[]): Times {
  const script = 'TIMEFORMAT="%R %U %S"; { time "$@" >/dev/null 2>/dev/null; } 2>&1';
  const said = execFileSync("bash", ["-c", script, "bash", ...programCommand(), ...command], { encoding: "utf8" });
  const [seconds = 0, user = 0, system = 0] = said.trim().split(/\s+/).map(Number);
  return { seconds, processor_seconds: Math.round(100 * (user + system)) / 100 };
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

try {
  const list = writeList(join(folder, "list.txt"), photographs, rows);
  const plan = join(folder, "plan");
  runCommand(["plan", list, "--out", plan]);
  const one = ["--threads", "1", "--sessions", "1"];
  const rounds = Array.from({ length: ROUNDS }, (_, i) => ({
    classify: timed(["classify", "--from-file", list, "--json", ...one]),
    work: timed(["work", freshCopy(plan, join(folder, `copy-${i}`)), ...one]),
  }));
  const ratio = (of: keyof Times) => median(rounds.map(({ work, classify }) => work[of] / classify[of]));
  const report = { rows, rounds, wall_ratio: ratio("seconds"), processor_ratio: ratio("processor_seconds") };
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, "overhead.json"), `${JSON.stringify(report, undefined, 2)}\n`);
  console.log(JSON.stringify(report));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
