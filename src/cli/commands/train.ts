// saccade train: a recogniser from a folder of pictures.
import type { Command } from "commander";
import type { TokenDial } from "../../model-folder/token-dial.ts";
import { nodeTrainingHost } from "../../platform/node/training-host.ts";
import { newcomersRecipes } from "../../recipes/index.ts";
import { train } from "../../workflows/train.ts";
import { addDeviceOptions, type DeviceOptions, integer, number, tokenDial } from "../options.ts";
import { showRun } from "../shown-run.ts";
import type { Terminal } from "../terminal.ts";

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
  .map(({ recipe }) => `  ${beside(recipe.name, recipe.summary)}`)
  .join("\n")}
`;

/** A name that is too long for its column has a line of its own. */
function beside(name: string, summary: string): string {
  return name.length < 12 ? `${name.padEnd(12)}${summary}` : `${name}\n${" ".repeat(14)}${summary}`;
}

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

async function runTrain(data: string | undefined, flags: TrainFlags, terminal: Terminal): Promise<void> {
  const read = [data, flags.from, flags.teacher, flags.unlabelled].filter((input) => input !== undefined);
  await showRun("train", flags, read, terminal, (options) => train(nodeTrainingHost, data, options));
}
