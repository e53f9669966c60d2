// saccade train: a recogniser from a folder of pictures.
import { totalmem } from "node:os";
import { type Command, InvalidArgumentError } from "commander";
import { AbortedError } from "../../errors.ts";
import type { TokenDial } from "../../model-folder/token-dial.ts";
import { nodeTrainingHost } from "../../platform/node/training-host.ts";
import { newcomersRecipes } from "../../recipes/index.ts";
import { isResumable, train } from "../../workflows/train.ts";
import type { TrainOptions, TrainPlan, TrainResult } from "../../workflows/train-options.ts";
import { addDeviceOptions, type DeviceOptions, integer, tokenDial } from "../options.ts";
import { refuseInside } from "../outputs.ts";
import type { Terminal } from "../terminal.ts";
import {
  choiceLines,
  epochLine,
  LiveLine,
  memoryLine,
  nextLines,
  problemLines,
  shellWord,
  stageLine,
  stepLine,
  taughtLine,
  teacherLine,
} from "../train-progress.ts";

interface TrainFlags extends DeviceOptions {
  recipe?: string;
  from?: string;
  teacher?: string;
  unlabelled?: string;
  out?: string;
  resume?: boolean;
  stage?: number;
  epochs?: number;
  batch?: number;
  learningRate?: number;
  seed?: number;
  tokens?: TokenDial;
  workers?: number;
  validationFraction?: number;
  json?: boolean;
}

const EXAMPLES = `
Examples:
  $ saccade train flowers/
  $ saccade train pictures/ --recipe everyday --epochs 24 --out runs/mine
  $ saccade train --resume --out runs/mine

DATA is a folder with train/CLASS/*.jpg and val/CLASS/*.jpg, a folder of class
folders (a tenth is kept for validation), a CSV or JSON-lines list, Parquet, tar
shards, CIFAR or IDX files. The run's folder gets best/ and last/ (models for
saccade classify), metrics.jsonl, TensorBoard events and checkpoints. Ctrl-C or
SIGTERM or SIGHUP stops with a checkpoint; --resume goes on to the same numbers.

Recipes (all of them: saccade recipes; the fields of one: saccade recipes NAME):
${newcomersRecipes()
  .map(({ recipe }) => `  ${recipe.name.padEnd(12)}${recipe.summary}`)
  .join("\n")}
`;

export function addTrain(program: Command, terminal: Terminal): void {
  const command = program
    .command("train")
    .description("train a recogniser on your own pictures")
    .argument("[data]", "folder, list or archive of labelled pictures; a resumed run knows its own")
    .option(
      "-r, --recipe <name>",
      "a recipe's name or a JSON file (default: fine-tune, with batches as the data allows)",
    )
    .option(
      "--from <model>",
      "begin with this model's weights, with a new last layer; scratch: with none (default: the recipe's)",
    )
    .option(
      "--teacher <file>",
      "learn from this ONNX model's features too (needs an output named features), or from what it said in another run: its teacher.safetensors",
    )
    .option("--unlabelled <folder>", "pictures without labels, about which the teacher teaches too")
    .option("-o, --out <folder>", "the run's folder (default: runs/RECIPE, or the next that is free)")
    .option("--resume", "go on with the run in the folder")
    .option("--stage <n>", "of a recipe of several stages, this one alone", integer(1))
    .option("--epochs <n>", "instead of the recipe's; the warm-up keeps its share", integer(1))
    .option("--batch <n>", "instead of the recipe's", integer(1))
    .option("--learning-rate <rate>", "instead of the recipe's", number)
    .option("--seed <n>", "instead of the recipe's", integer(0))
    .option("--tokens <how>", "train it with fewer tokens, such as keep=0.7@3,6,9:evit; none: with all", tokenDial)
    .option("--workers <n>", "threads that decode and augment (default: one less than cores)", integer(1))
    .option("--validation-fraction <share>", "kept for validation when the data has no split of its own", number)
    .option("--json", "one JSON object a report, on standard output")
    .addHelpText("after", EXAMPLES);
  addDeviceOptions(command).action((data: string | undefined, flags: TrainFlags) => runTrain(data, flags, terminal));
}

function number(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) throw new InvalidArgumentError("It must be a number.");
  return value;
}

async function runTrain(data: string | undefined, flags: TrainFlags, terminal: Terminal): Promise<void> {
  const { json, out, ...rest } = flags;
  const read = [data, flags.from, flags.teacher, flags.unlabelled].filter((input) => input !== undefined);
  if (out !== undefined && flags.resume !== true) await refuseInside(out, read);
  let isUnread = false;
  const print = (report: Record<string, unknown>) => {
    if (json === true) terminal.out(`${JSON.stringify(report)}\n`);
    if (!terminal.outputClosed || isUnread) return;
    isUnread = true;
    terminal.note("standard output is closed; training goes on without it");
  };
  const live = new LiveLine(terminal);
  const shown = new ShownRun(live, print, terminal);
  const options: TrainOptions = {
    ...rest,
    ...(out === undefined ? {} : { folder: out }),
    signal: terminal.signal,
    ...shown.hooks(),
  };
  try {
    const result = await train(nodeTrainingHost, data, options);
    live.end();
    shown.finish(result);
  } catch (error) {
    live.end();
    const folder = out ?? shown.folder;
    if (error instanceof AbortedError && folder !== undefined && (await isResumable(nodeTrainingHost.files, folder)))
      terminal.note(`saved; go on with: saccade train --resume --out ${shellWord(folder)}`);
    throw error;
  }
}

/** What people and programs see of a run while it works, and at its end. */
class ShownRun {
  readonly #live: LiveLine;
  readonly #print: (report: Record<string, unknown>) => void;
  readonly #terminal: Terminal;
  readonly #started = performance.now();
  #plan: TrainPlan | undefined;
  #stages = 0;

  constructor(live: LiveLine, print: (report: Record<string, unknown>) => void, terminal: Terminal) {
    this.#live = live;
    this.#print = print;
    this.#terminal = terminal;
  }

  /** Of the run, once it is decided. */
  get folder(): string | undefined {
    return this.#plan?.folder;
  }

  hooks(): Partial<TrainOptions> {
    const { columns } = this.#terminal;
    const note = (line: string) => this.#terminal.note(line);
    return {
      onNotice: note,
      onPlan: (plan) => {
        this.#plan = plan;
      },
      onTeacher: (done, total) => this.#live.show(teacherLine(done, total, (performance.now() - this.#started) / 1000)),
      onTaught: (accuracy) => note(taughtLine(accuracy)),
      onStage: (stage) => this.#live.show(stageLine(stage)),
      onMemory: (bytes) => note(memoryLine(bytes, totalmem())),
      onStep: (report) => this.#live.show(stepLine(report, columns)),
      onReport: (report) => this.#print({ kind: "train", ...report }),
      onEpoch: (epoch, report, evaluation) => {
        if (evaluation !== undefined) this.#print({ kind: "eval", epoch, ...evaluation });
        const { recipe, labels } = this.#plan!;
        note(epochLine(epoch, recipe.epochs, labels.length, report, evaluation, columns));
      },
      onStageResult: (result) => {
        this.#stages += 1;
        this.#end(result);
      },
    };
  }

  /** Of a run of stages, all has been said of the last one. */
  finish(result: TrainResult): void {
    if (this.#stages === 0) this.#end(result);
    else this.#print({ kind: "done", folder: result.folder, model: result.model });
    for (const line of nextLines(result)) this.#terminal.note(line);
  }

  #end({ folder, model, choice, problems }: TrainResult): void {
    this.#print({ kind: "done", folder, model, ...choice });
    for (const line of [...problemLines(problems), ...choiceLines(choice)]) this.#terminal.note(line);
  }
}
