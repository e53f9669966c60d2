// saccade doctor: what this machine offers, what is missing, and what to do about it.
import type { Command } from "commander";
import { SaccadeError } from "../../errors.ts";
import { listModels } from "../../model-folder/listing.ts";
import { type DevicesReport, listDevices } from "../../platform/node/devices.ts";
import { nodeHost } from "../../platform/node/host.ts";
import { DECODER_HINT, describeDecoder } from "../../platform/node/video/decoders.ts";
import { version } from "../../version.ts";
import { type Fact, listFacts } from "../facts.ts";
import { compact, type Terminal } from "../terminal.ts";

const EXAMPLES = `
Exit code 0: pictures can be classified here. 1: something is missing.

Examples:
  $ saccade doctor
  $ saccade doctor --json
`;

export function addDoctor(program: Command, terminal: Terminal, finish: (exitCode: number) => void): void {
  program
    .command("doctor")
    .description("say what this machine offers, what is missing and what to do")
    .option("--json", "one JSON object")
    .addHelpText("after", EXAMPLES)
    .action(async (flags: { json?: boolean }) => {
      terminal.status("trying the devices");
      const report = await examine();
      terminal.status("");
      terminal.out(flags.json ? `${JSON.stringify(toJson(report), undefined, 2)}\n` : describe(report, terminal));
      if (report.problems.length > 0) finish(1);
    });
}

const READ_PICTURES = "JPEG, PNG, WebP, GIF, AVIF, TIFF through sharp, and BMP; HEIC with the package heic-decode";

interface Report {
  readonly devices: DevicesReport;
  readonly pictures: { readonly works: boolean; readonly hint?: string };
  /** What decodes video files; undefined where nothing does. */
  readonly videoDecoder: string | undefined;
  readonly cache: { readonly path: string; readonly bytes: number };
  readonly models: readonly { readonly name: string; readonly path: string; readonly bytes: number }[];
  readonly unfinished: readonly string[];
  /** What stands between this machine and an answer, each with what to do. */
  readonly problems: readonly string[];
}

async function examine(): Promise<Report> {
  const devices = await listDevices();
  const pictures = await tryPictures();
  const videoDecoder = await describeDecoder();
  const cache = await measureCache();
  const models = await modelsHere();
  const problems = [
    ...(devices.auto === undefined ? ["no engine works: install saccade again"] : []),
    ...(pictures.works ? [] : [`pictures cannot be read: ${pictures.hint ?? "npm install sharp"}`]),
    ...(models.length === 0 ? ["no model is here: saccade pull sparseformer_v1_tiny, or give --model FOLDER"] : []),
  ];
  return { devices, pictures, videoDecoder, ...cache, models, problems };
}

/** Decodes what it has just encoded. */
async function tryPictures(): Promise<Report["pictures"]> {
  try {
    const { width } = await nodeHost.decode(
      await nodeHost.encodePng({ width: 2, height: 1, data: Uint8Array.of(1, 2, 3, 4, 5, 6) }),
    );
    return { works: width === 2 };
  } catch (error) {
    const hint = error instanceof SaccadeError ? error.hint : undefined;
    return { works: false, ...(hint === undefined ? {} : { hint }) };
  }
}

async function measureCache(): Promise<Pick<Report, "cache" | "unfinished">> {
  const { files, folders } = nodeHost;
  const there = (await files.stat(folders.cache))?.isDirectory === true;
  const entries = there ? await files.list(folders.cache) : [];
  return {
    cache: { path: folders.cache, bytes: entries.reduce((sum, { size }) => sum + size, 0) },
    unfinished: entries.filter(({ path }) => path.endsWith(".part")).map(({ path }) => path),
  };
}

async function modelsHere(): Promise<Report["models"]> {
  const listed = (await listModels(nodeHost)).filter(({ weights }) => weights !== "not here");
  return Promise.all(
    listed.map(async ({ name, path }) => {
      const weights = (await nodeHost.files.stat(path))?.isDirectory
        ? nodeHost.files.join(path, "model.safetensors")
        : path;
      return { name, path, bytes: (await nodeHost.files.stat(weights))?.size ?? 0 };
    }),
  );
}

function toJson(report: Report) {
  const { devices, pictures, videoDecoder, cache, models, unfinished, problems } = report;
  const { machine } = devices;
  return {
    saccade: version,
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    machine: {
      processor: machine.processor,
      cores: machine.cores,
      machine_cores: machine.machineCores,
      simd: machine.simd,
      memory_bytes: machine.memoryBytes,
      memory_is_limited: machine.memoryIsLimited,
    },
    devices: devices.devices.map(({ startMs, ...device }) => ({ ...device, start_ms: startMs })),
    auto: devices.auto,
    pictures,
    videos: { decoder: videoDecoder ?? null, ...(videoDecoder === undefined ? { hint: DECODER_HINT } : {}) },
    cache,
    models,
    unfinished,
    problems,
    can_classify: problems.length === 0,
  };
}

function describe(report: Report, { columns }: Terminal): string {
  const { devices, pictures, videoDecoder, cache, models, unfinished, problems } = report;
  const { machine } = devices;
  const limited = machine.memoryIsLimited ? " (limited by the container)" : "";
  const facts: Fact[] = [
    ["saccade", `${version}, Node ${process.version}, ${process.platform}-${process.arch}`],
    ["processor", machine.processor],
    ["cores", `${machine.cores} usable of ${machine.machineCores}`],
    ["memory", `${compact(machine.memoryBytes, "B")}${limited}`],
    ["instructions", machine.simd.join(" ") || "unknown"],
    ["pictures", pictures.works ? READ_PICTURES : "cannot be read"],
    ["videos", videosText(videoDecoder)],
    ["cache", `${cache.path}, ${compact(cache.bytes, "B")}`],
    ...unfinished.map((path): Fact => ["", `unfinished download: ${path}`]),
    ...models.map(({ name, bytes }, i): Fact => [i === 0 ? "models" : "", `${name}, ${compact(bytes, "B")}`]),
  ];
  const verdict =
    problems.length === 0
      ? `Everything is there to classify pictures${devices.auto === "wasm" ? ", slower than with cpu" : ""}: saccade classify photo.jpg\n`
      : `Missing\n${listFacts(
          problems.map((problem) => ["-", problem]),
          columns,
        )}`;
  return `${listFacts(facts, columns)}\nDevices (* is what --device auto takes)\n${describeDevices(devices, columns)}\n${verdict}`;
}

function videosText(decoder: string | undefined): string {
  const always = "folders of pictures, animated GIF and WebP";
  return decoder === undefined ? `${always}; for files ${DECODER_HINT}` : `${decoder}; ${always} without it`;
}

/** What is to be done about several devices is said once. */
export function describeDevices({ devices, auto }: Pick<DevicesReport, "devices" | "auto">, columns: number): string {
  const saidBy = new Map<string, string>();
  const facts = devices.map(({ device, available, engine, startMs = 0, reason = "unknown", hint }): Fact => {
    const title = `${device}${device === auto ? " *" : ""}`;
    if (available) return [title, `works: ${engine}, starts in ${startMs.toFixed(0)} ms`];
    if (hint === undefined) return [title, `not here: ${reason}`];
    const before = saidBy.get(hint);
    if (before !== undefined) return [title, `not here, for the same reason as ${before}`];
    saidBy.set(hint, device);
    return [title, `not here: ${reason}; ${hint}`];
  });
  return listFacts(facts, columns);
}
