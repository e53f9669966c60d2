// saccade audit: what is wrong with labelled pictures before anything is learnt from them.
import type { Command } from "commander";
import { auditToJson } from "../../audit/audit-json.ts";
import { UsageError } from "../../errors.ts";
import { nodeTrainingHost } from "../../platform/node/training-host.ts";
import { version } from "../../version.ts";
import { type AuditOptions, type AuditPhase, audit } from "../../workflows/audit.ts";
import { writeAudit } from "../../workflows/audit-files.ts";
import { auditText } from "../audit-text.ts";
import {
  addDeviceOptions,
  addFeatureOptions,
  addModelOptions,
  addPrecisionOption,
  addResolutionOption,
  addSessionsOption,
  type DeviceOptions,
  type FeatureFlags,
  featureOptions,
  integer,
  loadOptions,
  type ModelOptions,
  NO_CACHE_HELP,
  type PrecisionOptions,
  type ResolutionOptions,
  type SessionsOptions,
  sessionOptions,
} from "../options.ts";
import { refuseInside } from "../outputs.ts";
import { Progress } from "../progress.ts";
import { printable, type Terminal } from "../terminal.ts";

interface AuditFlags
  extends ModelOptions,
    DeviceOptions,
    SessionsOptions,
    PrecisionOptions,
    ResolutionOptions,
    FeatureFlags {
  out?: string;
  json?: boolean;
  next?: number;
  unlabelled?: string;
  limit?: number;
  seed: number;
  batch: number;
  cache: boolean;
}

const EXAMPLES = `
Looks for labels that are probably wrong, one picture under two labels or in two
splits, copies, pictures that cannot be read, are odd or unlike all others, and
classes with too few pictures. DATA is read and never changed.

--out writes report.html with the pictures and a map of them, audit.json, and
suggestions.csv: path, label, suggested label, confidence, to edit.

Examples:
  $ saccade audit flowers/
  $ saccade audit flowers/ --out flowers-audit
  $ saccade audit flowers/ --model mobilenet.onnx --json | jq .label_errors
  $ saccade audit flowers/ --next 20 --unlabelled more/ --out flowers-audit
`;

export function addAudit(program: Command, terminal: Terminal): void {
  const command = program
    .command("audit")
    .description("find wrong labels, copies and odd pictures in a data set")
    .argument("<data>", "folder, list or archive of labelled pictures")
    .option("-m, --model <model>", "whose features tell pictures apart (default: the best that is here)")
    .option("-o, --out <folder>", "write a report with the pictures, and the findings as JSON and CSV")
    .option("--json", "one JSON object; shares are fractions from 0 to 1")
    .option("--next <n>", "propose so many pictures of --unlabelled to label next", integer(1))
    .option("--unlabelled <folder>", "pictures without labels, for --next")
    .option("--limit <n>", "only this many pictures, spread over the data (default: 100,000)", integer(1))
    .option("--transform <text>", "preprocessing instead of the model's own")
    .option("--seed <n>", "decides how pictures are held out and where the map puts them", integer(0), 0)
    .option("--batch <n>", "pictures run together", integer(1), 32)
    .option("--no-cache", NO_CACHE_HELP)
    .addHelpText("after", EXAMPLES);
  addResolutionOption(addPrecisionOption(addSessionsOption(addDeviceOptions(addModelOptions(command)))));
  addFeatureOptions(command).action((data: string, flags: AuditFlags) => runAudit(data, flags, terminal));
}

async function runAudit(data: string, flags: AuditFlags, terminal: Terminal): Promise<void> {
  const { out, next, unlabelled } = flags;
  if ((next === undefined) !== (unlabelled === undefined))
    throw new UsageError(
      next === undefined ? "--unlabelled needs --next" : "--next needs --unlabelled",
      "for example: --next 20 --unlabelled more/",
    );
  if (out !== undefined) await requirePlaceFor(out, [data, ...(unlabelled === undefined ? [] : [unlabelled])]);
  const progress = new AuditProgress(terminal);
  const result = await audit(nodeTrainingHost, data, optionsOf(flags, progress, terminal)).finally(() =>
    progress.end(),
  );
  for (const note of result.notes) terminal.note(note);
  // First, so that the findings are there whatever becomes of the files.
  terminal.out(flags.json ? `${JSON.stringify(auditToJson(result))}\n` : auditText(result, terminal.columns));
  if (out === undefined) {
    if (!flags.json) terminal.note("--out FOLDER writes all of it, with the pictures");
    return;
  }
  const files = await writeAudit(nodeTrainingHost, result, out, {
    footer: `saccade ${version}, ${new Date().toISOString().slice(0, 10)}`,
    signal: terminal.signal,
    onProgress: (step, done, total) => progress.reach(step, done, total),
  }).finally(() => progress.end());
  terminal.note(`report: ${printable(files.report)}`);
  if (files.suggestions !== undefined) terminal.note(`to edit: ${printable(files.suggestions)}`);
}

/** What cannot be written is said before pictures are read, and what is read is never written into. */
async function requirePlaceFor(out: string, inputs: readonly string[]): Promise<void> {
  const { files } = nodeTrainingHost;
  const entry = await files.stat(out);
  if (entry !== undefined && !entry.isDirectory)
    throw new UsageError(`${out} is a file`, "name a folder: --out flowers-audit");
  await refuseInside(out, inputs);
}

function optionsOf(flags: AuditFlags, progress: AuditProgress, terminal: Terminal): AuditOptions {
  const { model, next, unlabelled, limit, resolution, sessions, precision, seed, batch } = flags;
  return {
    ...loadOptions(flags, terminal),
    ...sessionOptions(flags, terminal),
    ...featureOptions(flags),
    cache: flags.cache,
    precision,
    seed,
    batchSize: batch,
    signal: terminal.signal,
    onProgress: (phase, done, total) => progress.reach(phase, done, total),
    ...(model === undefined ? {} : { model }),
    ...(sessions === undefined ? {} : { sessions }),
    ...(limit === undefined ? {} : { limit }),
    ...(resolution === undefined ? {} : { resolution }),
    ...(next === undefined || unlabelled === undefined ? {} : { next: { count: next, unlabelled } }),
  };
}

const UNITS: Readonly<Record<Exclude<AuditPhase, "labels"> | "drawing" | "map", string>> = {
  pictures: "pictures",
  "unlabelled pictures": "unlabelled pictures",
  neighbours: "pictures compared",
  drawing: "pictures drawn",
  map: "rounds of the map",
};

/** One progress line after the other. */
class AuditProgress {
  readonly #terminal: Terminal;
  #shown: { readonly step: string; readonly progress: Progress } | undefined;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  reach(step: AuditPhase | "drawing" | "map", done: number, total: number): void {
    if (step === "labels") {
      this.#terminal.status("checking labels");
      return;
    }
    if (this.#shown?.step !== step) {
      this.end();
      this.#shown = { step, progress: new Progress(this.#terminal, UNITS[step], total) };
    }
    this.#shown.progress.reach(done);
  }

  end(): void {
    this.#terminal.status("");
    this.#shown = undefined;
  }
}
