// saccade learn: a recogniser from a few pictures, on the features of any model.
import { type Command, InvalidArgumentError, Option } from "commander";
import { UsageError } from "../../errors.ts";
import { HEADS, type HeadName } from "../../learn/heads.ts";
import { UNKNOWN_SCORES, type UnknownScore } from "../../models/learnt-head/head.ts";
import { registry } from "../../models/registry.ts";
import { nodeHost } from "../../platform/node/host.ts";
import { nodeTrainingHost } from "../../platform/node/training-host.ts";
import { type LearnOptions, type LearnResult, learn } from "../../workflows/learn.ts";
import { learnJson, learnText } from "../learn-text.ts";
import {
  addDeviceOptions,
  addModelOptions,
  addSessionsOption,
  type DeviceOptions,
  integer,
  loadOptions,
  type ModelOptions,
  NO_CACHE_HELP,
  type SessionsOptions,
  sessionOptions,
} from "../options.ts";
import { refuseInside } from "../outputs.ts";
import { Progress } from "../progress.ts";
import type { Terminal } from "../terminal.ts";
import { pullModel } from "./pull.ts";

interface LearnFlags extends ModelOptions, DeviceOptions, SessionsOptions {
  out: string;
  head?: HeadName;
  unknown?: number;
  unknownScore?: UnknownScore;
  layer?: string;
  text?: boolean;
  textModel?: string;
  textWeight?: number;
  also?: string;
  add?: string;
  forget?: readonly string[];
  merge?: string;
  seed?: number;
  pull?: boolean;
  cache: boolean;
  json?: boolean;
}

const EXAMPLES = `
Ten pictures a class are a good beginning: a folder for each class, or any other
data that saccade train takes. The model's features stay as they are; only a
small head is fitted to them. NAME is a model folder like any other, for
classify, eval, export and bench, and it keeps what it was learnt from.

Examples:
  $ saccade learn flowers/ --out my-flowers
  $ saccade learn flowers/ --out careful --unknown 0.05
  $ saccade classify photo.jpg --model my-flowers
  $ saccade learn flowers/ --out named --model my-clip --text
  $ saccade learn --out my-flowers --add more-flowers/
  $ saccade learn --out my-flowers --forget daisy
`;

export function addLearn(program: Command, terminal: Terminal): void {
  const command = program
    .command("learn")
    .description("learn classes from a few pictures of each, in seconds")
    .argument("[data]", "folder, list or archive of labelled pictures")
    .requiredOption("-o, --out <name>", "the model folder to write; with --add, --forget and --merge, to change")
    .option("-m, --model <model>", "whose features to learn on (default: the best that is here)")
    .option("--pull", "download the model first, where it is not here")
    .addOption(
      new Option(
        "--head <head>",
        "what is fitted (default: what does best on pictures left out, by more than chance)",
      ).choices(HEADS),
    )
    .option(
      "--unknown <share>",
      'also answer "unknown", at the price that about this share of the classes\' own pictures is called so, such as 0.05',
      share,
    )
    .addOption(new Option("--unknown-score <score>", "what tells strangers").choices(UNKNOWN_SCORES))
    .option("--layer <layer>", "whose values the features are (default: those before the last layer)")
    .option("--transform <text>", "preprocessing instead of the model's own")
    .option("--text", "CLIP models: classes begin with what their labels say, which helps where pictures are few")
    .option("--text-model <model>", "the text model for it (default: the one that belongs to the model)")
    .option(
      "--text-weight <n>",
      "as how many pictures a text counts (default: what does best on pictures left out)",
      weight,
    )
    .option("--also <labels>", 'with --text, classes without pictures, such as "zebra, okapi"')
    .option("--add <data>", "learn more pictures, of known classes or new ones")
    .option("--forget <label...>", "forget classes and their pictures")
    .option("--merge <name>", "learn what another learnt model has learnt")
    .option("--seed <n>", "of what is left out to measure (default: 0)", integer(0))
    .option("--no-cache", NO_CACHE_HELP)
    .option("--json", "one JSON object")
    .addHelpText("after", EXAMPLES);
  addSessionsOption(addDeviceOptions(addModelOptions(command))).action((data: string | undefined, flags: LearnFlags) =>
    runLearn(data, flags, terminal),
  );
}

function weight(text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError("It must be a number above 0.");
  return value;
}

function share(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < 1)) throw new InvalidArgumentError("It must be a number between 0 and 1.");
  return value;
}

/** A fit that is quicker says nothing. */
const QUIET_MS = 1000;

async function runLearn(data: string | undefined, flags: LearnFlags, terminal: Terminal): Promise<void> {
  const text = textOf(data, flags);
  const read = [data, flags.add, flags.merge].filter((path) => path !== undefined);
  await refuseInside(flags.out, read);
  if (flags.pull === true && flags.model !== undefined && registry.has(flags.model))
    await pullModels(flags.model, flags, terminal);
  let progress: Progress | undefined;
  let fitting: number | undefined;
  const start = performance.now();
  const options: LearnOptions = {
    ...loadOptions(flags, terminal),
    ...sessionOptions(flags, terminal),
    ...choicesOf(flags),
    ...(text === undefined ? {} : { text }),
    sessions: flags.sessions ?? "auto",
    cache: flags.cache,
    onProgress: (done, total) => {
      progress ??= new Progress(terminal, "pictures", total);
      progress.reach(done);
      if (done === total) progress.finish();
    },
    onFit: (done) => {
      fitting ??= performance.now();
      if (performance.now() - fitting > QUIET_MS) terminal.status(`fitting: ${Math.round(100 * done)} %`);
    },
  };
  const result: LearnResult = await learn({ ...nodeTrainingHost, ...nodeHost }, data, options).finally(() => {
    progress?.finish();
    terminal.status("");
  });
  const seconds = (performance.now() - start) / 1000;
  terminal.out(
    flags.json === true
      ? `${JSON.stringify(learnJson(result, seconds))}\n`
      : learnText(result, seconds, terminal.columns),
  );
}

async function pullModels(model: string, flags: LearnFlags, terminal: Terminal): Promise<void> {
  await pullModel(model, terminal);
  const text = flags.textModel ?? registry.get(model)?.textModel;
  if (flags.text === true && text !== undefined && registry.has(text)) await pullModel(text, terminal);
}

/** Throws UsageError for what needs --text. A folder that was learnt with texts is changed with them in any case. */
function textOf(data: string | undefined, { text, textModel, textWeight, also }: LearnFlags): LearnOptions["text"] {
  const labels = also?.split(",").map((label) => label.trim());
  const given = Object.entries({ model: textModel, weight: textWeight, labels });
  const options = Object.fromEntries(given.filter(([, value]) => value !== undefined));
  if (also !== undefined && data === undefined)
    throw new UsageError("--also is for what is learnt anew", "to add a class later, add pictures of it: --add DATA");
  if (text === true || (data === undefined && Object.keys(options).length > 0)) return options;
  const needs =
    textModel !== undefined ? "--text-model" : textWeight !== undefined ? "--text-weight" : also && "--also";
  if (needs === undefined) return undefined;
  throw new UsageError(`${needs} is for classes that begin with their texts`, "add --text");
}

function choicesOf({
  out,
  model,
  head,
  unknown,
  unknownScore,
  layer,
  add,
  forget,
  merge,
  seed,
}: LearnFlags): LearnOptions {
  const given = { model, head, unknown, unknownScore, layer, add, forget, merge, seed };
  return { out, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) };
}
