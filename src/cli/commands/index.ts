// saccade index: a folder of pictures that can be searched by what they look like.
import type { Command } from "commander";
import { UsageError } from "../../errors.ts";
import { nodeHost } from "../../platform/node/host.ts";
import type { PictureOutcome } from "../../retrieval/add-pictures.ts";
import { MOST_LEVELS } from "../../retrieval/patches.ts";
import { type IndexChanges, PictureIndex } from "../../retrieval/picture-index.ts";
import { DEFAULT_MODEL } from "../default-model.ts";
import {
  addDeviceOptions,
  addFeatureOptions,
  addModelOptions,
  addSessionsOption,
  type DeviceOptions,
  type FeatureFlags,
  featureOptions,
  integer,
  loadOptions,
  type ModelOptions,
  NO_CACHE_HELP,
  type SessionsOptions,
  sessionOptions,
  sessionsOptions,
} from "../options.ts";
import { refuseInside } from "../outputs.ts";
import { PictureFailures } from "../picture-failures.ts";
import { FROM_FILE_HELP } from "../picture-list.ts";
import { type ExpandedPictures, expandPictures } from "../picture-paths.ts";
import { duration, Progress } from "../progress.ts";
import type { Terminal } from "../terminal.ts";

interface IndexFlags extends ModelOptions, DeviceOptions, SessionsOptions, FeatureFlags {
  out: string;
  add?: boolean;
  remove?: string[];
  patches?: number;
  fromFile?: string;
  batch: number;
  cache: boolean;
  json?: boolean;
}

const EXAMPLES = `
An index is a folder of Parquet files (embedding, path, size, hash, model) that
other tools read, with a manifest that says which of them belong to it. What
pictures hold is compared, so the same command once more embeds only what is
new; a run that was stopped goes on where it was, and until it is done the index
is the old one.

Examples:
  $ saccade index photos/ --out photos-index
  $ saccade index more/ --out photos-index --add
  $ saccade index --out photos-index --remove photos/blurred.jpg
  $ saccade search photos-index cat.jpg
`;

export function addIndex(program: Command, terminal: Terminal, finish: (exitCode: number) => void): void {
  const command = program
    .command("index")
    .description("make pictures searchable by what they look like")
    .argument("[path...]", "pictures, folders, globs: what the index is to hold")
    .requiredOption("--out <index>", "the index's folder")
    .option("--add", "add the pictures to those that are there, instead of making the index hold these and no others")
    .option("--remove <path...>", "take pictures, or all of a folder, out of the index")
    .option("--from-file <list>", FROM_FILE_HELP)
    .option("-m, --model <model>", "registered name, model folder, checkpoint or ONNX file (default: the index's own)")
    .option(
      "--patches <scales>",
      `a new index: compare patches of pictures, cut at so many scales (1 to ${MOST_LEVELS}; 3 scales: 14 patches)`,
      integer(1),
    )
    .option("--batch <n>", "pictures run together", integer(1), 8)
    .option("--transform <text>", "preprocessing instead of the model's own")
    .option("--no-cache", NO_CACHE_HELP)
    .option("--json", "one JSON object")
    .addHelpText("after", EXAMPLES);
  addFeatureOptions(addSessionsOption(addDeviceOptions(addModelOptions(command)))).action(
    (paths: string[], flags: IndexFlags) => index(paths, flags, terminal, finish),
  );
}

async function index(
  paths: string[],
  flags: IndexFlags,
  terminal: Terminal,
  finish: (exitCode: number) => void,
): Promise<void> {
  const isAdding = paths.length > 0 || flags.fromFile !== undefined;
  if (!isAdding && flags.remove === undefined)
    throw new UsageError("no pictures were given", "name pictures or folders, --from-file LIST, or --remove PATH");
  if (flags.remove !== undefined && isAdding && flags.add !== true)
    throw new UsageError(
      "--remove with pictures needs --add",
      "without it the index holds the pictures given, and no others",
    );
  await refuseInside(flags.out, paths);
  const started = performance.now();
  const removed = flags.remove === undefined ? 0 : await remove(flags.out, flags.remove);
  if (!isAdding) {
    await using left = await PictureIndex.open(nodeHost, flags.out);
    report(left, { embedded: 0, known: 0, kept: left.size, removed, problems: [] }, started, flags, terminal);
    return;
  }
  const expanded = await expandPictures(nodeHost, { paths, fromFile: flags.fromFile }, terminal);
  await using made = await open(expanded.pictures.length, flags, terminal);
  const { changes, isWhole } = await add(made, expanded, flags, terminal);
  report(made, { ...changes, removed: changes.removed + removed }, started, flags, terminal);
  if (!isWhole) finish(1);
}

async function remove(folder: string, paths: readonly string[]): Promise<number> {
  await using from = await PictureIndex.open(nodeHost, folder);
  return await from.remove(paths);
}

/** An index that is there keeps its model unless another one is named, which it then refuses if it is another one. */
async function open(pictures: number, flags: IndexFlags, terminal: Terminal): Promise<PictureIndex> {
  const options = {
    ...loadOptions(flags, terminal),
    ...sessionOptions(flags, terminal),
    ...sessionsOptions(flags, pictures),
    ...featureOptions(flags),
    cache: flags.cache,
    ...(flags.patches === undefined ? {} : { levels: flags.patches }),
  };
  if (flags.model !== undefined) return PictureIndex.open(nodeHost, flags.out, { ...options, model: flags.model });
  const found = await PictureIndex.open(nodeHost, flags.out, { ...options, model: DEFAULT_MODEL });
  return found.space === undefined ? found : PictureIndex.open(nodeHost, flags.out, options);
}

async function add(
  to: PictureIndex,
  { pictures, problems }: ExpandedPictures,
  flags: IndexFlags,
  terminal: Terminal,
): Promise<{ changes: IndexChanges; isWhole: boolean }> {
  const failures = new PictureFailures(terminal, flags.json);
  for (const { name, error } of problems) failures.add(name, error);
  const progress = new Progress(terminal, "pictures", pictures.length);
  const onPicture = (path: string, outcome: PictureOutcome) => {
    progress.advance();
    if (typeof outcome !== "string") failures.add(path, outcome);
  };
  const paths = pictures.map(({ source }) => {
    if (typeof source === "string") return source;
    throw new UsageError("an index holds paths, and standard input has none", "save the picture first");
  });
  const { signal } = terminal;
  const options = { replace: flags.add !== true, batchSize: flags.batch, onPicture, signal };
  const changes = await to.add(paths, options).finally(() => progress.finish());
  return { changes, isWhole: failures.finish(pictures.length + problems.length) };
}

function report(
  made: PictureIndex,
  { embedded, known, kept, removed, problems }: IndexChanges,
  started: number,
  flags: IndexFlags,
  terminal: Terminal,
): void {
  const seconds = (performance.now() - started) / 1000;
  const { name, width, id } = made.space!;
  if (flags.json) {
    const facts = { index: flags.out, pictures: made.size, embedded, known, kept, removed, failed: problems.length };
    terminal.out(`${JSON.stringify({ ...facts, model: name, width, space: id, seconds })}\n`);
    return;
  }
  const did = [
    [embedded, "embedded"],
    [known, "known by their content"],
    [kept, "kept"],
    [removed, "removed"],
  ] as const;
  const said = did.flatMap(([count, what]) => (count === 0 ? [] : [`${count} ${what}`]));
  terminal.out(`${flags.out}: ${made.size} pictures, ${width} numbers each, by ${name}\n`);
  terminal.out(`${said.join(", ")}, in ${duration(seconds)}\n`);
}
