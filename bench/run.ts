// Makes the checked-in results: runs suites with the built command line, one after another, and writes bench/results/SUITE.json. The machine
// should have nothing else to do meanwhile; the result says whether it had.
//
//   npm run bench -- headline                              builds first; without a name: all suites
//   npx tsx bench/run.ts headline [--out FOLDER] [--cli MAIN.js]
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { type BenchReport, parseBenchReport, printBenchReport } from "../src/evaluate/bench/report.ts";
import { describeCommit } from "./commit.ts";
import { SUITES, type Suite } from "./suites.ts";

const ROOT = resolve(import.meta.dirname, "..");

interface RunOptions {
  /** Where results go. */
  readonly out: string;
  /** The command line's built entry. */
  readonly cli: string;
}

/** Runs `saccade bench` in a process of its own, whose progress is shown. Exit code 1 stands for rows that could not be measured. */
async function runSuite({ name, args }: Suite, { out, cli }: RunOptions): Promise<BenchReport> {
  const folder = mkdtempSync(join(tmpdir(), "saccade-suite-"));
  try {
    const file = join(folder, "report.json");
    const child = spawn(process.execPath, [cli, "bench", ...args, "--json", file], { stdio: "inherit", cwd: ROOT });
    const code = await new Promise<number | null>((done, fail) => child.once("error", fail).once("close", done));
    if (!existsSync(file)) throw new Error(`${name}: nothing was measured (exit code ${code})`);
    const report: BenchReport = {
      ...parseBenchReport(readFileSync(file, "utf8"), file),
      suite: name,
      command: `saccade bench ${args.join(" ")}`,
      commit: describeCommit(),
    };
    mkdirSync(out, { recursive: true });
    const target = join(out, `${name}.json`);
    writeFileSync(`${target}.part`, printBenchReport(report));
    renameSync(`${target}.part`, target);
    return report;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function parseCommand(): { suites: Suite[]; options: RunOptions } {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      out: { type: "string", default: join(ROOT, "bench/results") },
      cli: { type: "string", default: join(ROOT, "dist/cli/main.js") },
    },
  });
  const known = SUITES.map(({ name }) => name).join(", ");
  const suites = (positionals.length === 0 ? SUITES.map(({ name }) => name) : positionals).map((name) => {
    const suite = SUITES.find((one) => one.name === name);
    if (suite === undefined) throw new Error(`there is no suite "${name}"; there are ${known}`);
    return suite;
  });
  if (!existsSync(values.cli)) throw new Error(`${values.cli} is not built: npm run build`);
  return { suites, options: { out: resolve(values.out), cli: resolve(values.cli) } };
}

try {
  const { suites, options } = parseCommand();
  for (const suite of suites) {
    const report = await runSuite(suite, options);
    const hasFaults = !report.load.quiet || !report.complete || report.skipped.length > 0;
    if (hasFaults) process.exitCode = 1;
    console.error(`bench: ${suite.name}: ${report.rows.length} rows${hasFaults ? "; see its notes" : ""}`);
  }
  console.error("bench: npx tsx bench/tables.ts puts them into docs/benchmarks.md and the README");
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
