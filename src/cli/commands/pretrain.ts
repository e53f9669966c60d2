// saccade pretrain: features from pictures that nobody named.
import { type Command, Option } from "commander";
import { UsageError } from "../../errors.ts";
import { nodeTrainingHost } from "../../platform/node/training-host.ts";
import { PRETEXTS, type PretextInput } from "../../train/pretext/fields.ts";
import { pretrain } from "../../workflows/pretrain.ts";
import { addDeviceOptions, type DeviceOptions, integer, number } from "../options.ts";
import { showRun } from "../shown-run.ts";
import type { Terminal } from "../terminal.ts";

interface PretrainFlags extends DeviceOptions {
  objective?: PretextInput["objective"];
  model?: string;
  from?: string;
  size?: number;
  recipe?: string;
  probe?: string;
  probeEvery?: number;
  probeLayer?: string;
  out?: string;
  resume?: boolean;
  epochs?: number;
  batch?: number;
  learningRate?: number;
  seed?: number;
  workers?: number;
  json?: boolean;
}

const EXAMPLES = `
PICTURES is a folder with pictures in it and in the folders in it, or a list of
paths. No labels are read. The run's folder is that of saccade train; best/ and
last/ are the last epoch's model, whose last layer has learnt nothing.

A probe says on the way what the features are worth: a linear classifier is
fitted to those of labelled pictures, and tried on others. Nothing of it flows
back into the model.

Examples:
  $ saccade pretrain pictures/ --objective rotation --model resnet18 --size 64
  $ saccade pretrain pictures/ --objective spark -m resnet18 --probe labelled/
  $ saccade pretrain --resume --out runs/rotation-resnet18
  $ saccade train labelled/ --from runs/rotation-resnet18/best
`;

export function addPretrain(program: Command, terminal: Terminal): void {
  const command = program
    .command("pretrain")
    .description("train a model's features on pictures without labels")
    .argument("[pictures]", "folder or list of pictures; a resumed run knows its own")
    .addOption(new Option("--objective <objective>", "what is learnt from the pictures").choices(PRETEXTS))
    .option("-m, --model <name>", "the architecture or registered model to train from fresh weights")
    .option("--from <model>", "begin with this model's weights instead")
    .option("--size <pixels>", "side of the squares that it sees (default: what the model was made for)", integer(8))
    .option(
      "-r, --recipe <name>",
      "a recipe with a pretext, by name or as a JSON file, instead of the objective and the model",
    )
    .option("--probe <data>", "labelled pictures that the features are tried on")
    .option("--probe-every <epochs>", "from one probe to the next (default: 5)", integer(1))
    .option(
      "--probe-layer <layer>",
      "whose values are the features that are tried (default: those before the last layer)",
    )
    .option("-o, --out <folder>", "the run's folder (default: runs/OBJECTIVE-MODEL, or the next that is free)")
    .option("--resume", "go on with the run in the folder")
    .option("--epochs <n>", "instead of the recipe's; the warm-up keeps its share", integer(1))
    .option("--batch <n>", "instead of the recipe's", integer(1))
    .option("--learning-rate <rate>", "instead of the recipe's", number)
    .option("--seed <n>", "instead of the recipe's", integer(0))
    .option("--workers <n>", "threads that decode and augment (default: one less than cores)", integer(1))
    .option("--json", "one JSON object a report, on standard output")
    .addHelpText("after", EXAMPLES);
  addDeviceOptions(command).action((pictures: string | undefined, flags: PretrainFlags) =>
    runPretrain(pictures, flags, terminal),
  );
}

async function runPretrain(pictures: string | undefined, flags: PretrainFlags, terminal: Terminal): Promise<void> {
  const { probe: data, probeEvery: every, probeLayer: layer, ...rest } = flags;
  if (data === undefined && (every ?? layer) !== undefined)
    throw new UsageError("--probe-every and --probe-layer say how to probe, and not on which pictures", "--probe DATA");
  const probe = data && {
    data,
    ...(every === undefined ? {} : { every }),
    ...(layer === undefined ? {} : { layer }),
  };
  const read = [pictures, flags.from, data].filter((input) => input !== undefined);
  await showRun("pretrain", { ...rest, ...(probe && { probe }) }, read, terminal, (options) =>
    pretrain(nodeTrainingHost, pictures, options),
  );
}
