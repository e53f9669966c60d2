// saccade bench: how fast models are here, fairly compared.
import { type Command, InvalidArgumentError, Option } from "commander";
import { runBench } from "../../evaluate/bench/bench.ts";
import { benchToCsv } from "../../evaluate/bench/csv.ts";
import type { BenchProgress } from "../../evaluate/bench/hooks.ts";
import { type BenchModel, type BenchOptions, LARGEST_BATCH, LARGEST_RESOLUTION } from "../../evaluate/bench/plan.ts";
import { drawPlots } from "../../evaluate/bench/plots/plots.ts";
import { type BenchReport, printBenchReport } from "../../evaluate/bench/report.ts";
import type { TokenDial } from "../../model-folder/token-dial.ts";
import { PRECISIONS, type Precision } from "../../onnx/lower.ts";
import { nodeMeasuringHost } from "../../platform/node/measuring.ts";
import { DEVICES, type Device } from "../../runtime/session.ts";
import { version } from "../../version.ts";
import { describeBench } from "../bench-table.ts";
import { DEFAULT_MODEL } from "../default-model.ts";
import { integer, tokenDial } from "../options.ts";
import { refuseReplacing } from "../outputs.ts";
import { duration } from "../progress.ts";
import { printable, type Terminal } from "../terminal.ts";

interface BenchFlags {
  batch: number[];
  resolution?: number[];
  device: Device[];
  precision: Precision[];
  threads?: number[];
  rounds: number;
  seconds: number;
  seed: number;
  tokens?: TokenDial[];
  decode?: boolean;
  parts?: boolean;
  limit: boolean;
  memory: boolean;
  json?: string;
  csv?: string;
  svg?: string;
}

const EXAMPLES = `
Every combination is measured once a round, in a new order each round; tables
show medians. Registered models have random weights: time does not depend on
values. Lists have commas between items; MODEL@SIZES gives a model sizes of its
own. Ctrl-C ends the measurement and shows what there is.

Examples:
  $ saccade bench
  $ saccade bench sparseformer_v1_tiny resnet50 --batch 1,8
  $ saccade bench sparseformer_v1_tiny --resolution 224,512,1024 --svg plots/
  $ saccade bench sparseformer_v1_tiny@224,2048 convnext_tiny@224,1024
  $ saccade bench deit_small_patch16_224 --tokens merge=13:tome
  $ saccade bench model.onnx my-model/ --threads 1 --json result.json
  $ saccade bench saccade/photographs --decode --no-memory --seconds 5
`;

export function addBench(program: Command, terminal: Terminal, finish: (exitCode: number) => void): void {
  program
    .command("bench")
    .description("measure how fast models are here, side by side")
    .argument("[models...]", `registered names, model folders, ONNX files (default: ${DEFAULT_MODEL})`, modelAtSizes)
    .addOption(listOption("--batch <list>", "pictures of a run", integers(1, LARGEST_BATCH)).default([1], "1"))
    .addOption(
      listOption(
        "--resolution <list>",
        "heights and widths (default: each model's own)",
        integers(1, LARGEST_RESOLUTION),
      ),
    )
    .addOption(
      listOption("--device <list>", `where to run: ${DEVICES.join(", ")}`, choices(DEVICES)).default(["auto"], "auto"),
    )
    .addOption(
      listOption("--precision <list>", PRECISIONS.join(", "), choices(PRECISIONS)).default(["float32"], "float32"),
    )
    .addOption(
      listOption(
        "--threads <list>",
        "threads of the engine (default: all cores)",
        integers(1, nodeMeasuringHost.machine.machineCores),
      ),
    )
    .option(
      "--tokens <how>",
      "compare with fewer tokens too, such as keep=0.7@3,6,9:evit or merge=13:tome; may be repeated, each beside the models as they are",
      (text: string, previous: TokenDial[] = []) => [...previous, tokenDial(text)],
    )
    .option("--rounds <n>", "at most so many rounds", integer(1), 50)
    .option("--seconds <s>", "about how long to measure, without loading", seconds, 20)
    .option("--decode", "begin with JPEG files: decoding and preprocessing are part of it")
    .option("--parts", "also what each part of a model and each kind of operator takes")
    .option("--no-memory", "leave out peak memory and cold start, which need a new process for each row")
    .option("--no-limit", "leave out the machine's matrix products")
    .option("--seed <n>", "of random weights, pictures and orders", integer(0), 0)
    .option("--json <file>", "write the report as JSON; - is standard output")
    .option("--csv <file>", "write the rows as CSV; - is standard output")
    .option("--svg <folder>", "write plots, one SVG file each")
    .addHelpText("after", EXAMPLES)
    .action((models: BenchModel[], flags: BenchFlags) => bench(models, flags, terminal, finish));
}

async function bench(
  models: readonly BenchModel[],
  flags: BenchFlags,
  terminal: Terminal,
  finish: (exitCode: number) => void,
): Promise<void> {
  const written = [flags.json, flags.csv].filter((path) => path !== "-");
  await refuseReplacing(written, { models: models?.map(({ source }) => source) ?? [] });
  const progress = new StageLine(terminal);
  const report = await runBench(nodeMeasuringHost, benchOptions(models, flags), version, {
    signal: terminal.signal,
    onNotice: (line) => terminal.note(printable(line)),
    onProgress: (now) => progress.update(now),
  }).finally(() => progress.clear());
  await writeFiles(report, flags, terminal);
  if (flags.json !== "-" && flags.csv !== "-") terminal.out(describeBench(report, terminal.columns));
  for (const { model, height, width, batch, device, reason } of report.skipped)
    terminal.note(printable(`not measured: ${model}, ${width} x ${height}, batch ${batch}, ${device}: ${reason}`));
  if (report.skipped.length > 0) finish(1);
  if (!report.complete) {
    terminal.note(`saccade: stopped after ${report.rounds} rounds`);
    finish(130);
  }
}

function benchOptions(models: readonly BenchModel[], flags: BenchFlags): BenchOptions {
  const everywhere = flags.resolution ?? [];
  const measured = models.length > 0 ? models : [{ source: DEFAULT_MODEL, resolutions: [] }];
  return {
    models: measured.flatMap(({ source, resolutions }) => {
      const model = { source, resolutions: resolutions.length > 0 ? resolutions : everywhere };
      return [model, ...(flags.tokens ?? []).map((tokens) => ({ ...model, tokens }))];
    }),
    batches: flags.batch,
    devices: flags.device,
    precisions: flags.precision,
    threads: flags.threads ?? [nodeMeasuringHost.machine.cores],
    rounds: flags.rounds,
    seconds: flags.seconds,
    seed: flags.seed,
    decode: flags.decode ?? false,
    limit: flags.limit,
    fresh: flags.memory,
    trace: flags.parts ?? false,
  };
}

async function writeFiles(report: BenchReport, { json, csv, svg }: BenchFlags, terminal: Terminal): Promise<void> {
  const { files } = nodeMeasuringHost;
  for (const [path, text] of [
    [json, () => printBenchReport(report)],
    [csv, () => benchToCsv(report)],
  ] as const) {
    if (path === "-") terminal.out(text());
    else if (path !== undefined) {
      await files.writeAtomic(path, text());
      terminal.note(`written: ${path}`);
    }
  }
  if (svg === undefined) return;
  await files.makeDirectory(svg);
  for (const [name, text] of drawPlots(report)) {
    const path = files.join(svg, `${name}.svg`);
    await files.writeAtomic(path, text);
    terminal.note(`written: ${path}`);
  }
}

/** A line about the stage under way and the time it has left. */
class StageLine {
  readonly #terminal: Terminal;
  #stage = "";
  #startedAt = 0;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  update({ stage, done, detail }: BenchProgress): void {
    const now = performance.now();
    if (stage !== this.#stage) {
      this.#stage = stage;
      this.#startedAt = now;
    }
    this.#terminal.status(stageText({ stage, done, detail }, (now - this.#startedAt) / 1000));
  }

  clear(): void {
    this.#terminal.status("");
  }
}

/** "measuring: round 7, 40 %, 12 s left"; how much is left shows once there is something to tell it from. */
export function stageText({ stage, done, detail }: BenchProgress, seconds: number): string {
  const left = done > 0 && seconds > 1 ? [`${duration((seconds * (1 - done)) / done)} left`] : [];
  const parts = [...(detail === "" ? [] : [printable(detail)]), `${Math.floor(100 * done)} %`, ...left];
  return `${stage}: ${parts.join(", ")}`;
}

// --- values of options -----------------------------------------------------------------------------------------------------------

function listOption<T>(flags: string, description: string, parse: (text: string) => T): Option {
  return new Option(flags, description).argParser(parse);
}

/** Different items between commas. */
function list<T>(text: string, parse: (item: string) => T): T[] {
  return [...new Set(text.split(",").map((item) => parse(item.trim())))];
}

function integers(least: number, most: number): (text: string) => number[] {
  return (text) =>
    list(text, (item) => {
      const value = Number(item);
      if (item === "" || !Number.isInteger(value) || value < least || value > most)
        throw new InvalidArgumentError(`It must be integers from ${least} to ${most} with commas between them.`);
      return value;
    });
}

/** "NAME@224,512": a model and sizes of its own. */
function modelAtSizes(text: string, previous: readonly BenchModel[] = []): BenchModel[] {
  const [, source, sizes] = /^(.+)@(\d+(?:,\d+)*)$/.exec(text) ?? [];
  const resolutions = sizes === undefined ? [] : integers(1, LARGEST_RESOLUTION)(sizes);
  return [...previous, { source: source ?? text, resolutions }];
}

function choices<T extends string>(allowed: readonly T[]): (text: string) => T[] {
  return (text) =>
    list(text, (item) => {
      const found = allowed.find((choice) => choice === item);
      if (found === undefined)
        throw new InvalidArgumentError(`Allowed are ${allowed.join(", ")}, with commas between them.`);
      return found;
    });
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value >= 0.1 && value <= 86_400)) throw new InvalidArgumentError("It must be a number from 0.1 to 86400.");
  return value;
}
