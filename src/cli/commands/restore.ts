// saccade restore: pictures as they should be, by a model that takes something out of them.
import type { Command } from "commander";
import type { RawImage } from "../../image/raw-image.ts";
import { nodeHost } from "../../platform/node/host.ts";
import { readPicture } from "../../tasks/engine/pictures.ts";
import { beforeAndAfter } from "../../tasks/restore/before-and-after.ts";
import { loadRestorer } from "../../tasks/restore/restorer.ts";
import { drawingPaths } from "../drawing-file.ts";
import {
  addDeviceOptions,
  addModelOptions,
  type DeviceOptions,
  integer,
  loadOptions,
  type ModelOptions,
  sessionOptions,
} from "../options.ts";
import { refuseReplacing } from "../outputs.ts";
import { PictureFailures } from "../picture-failures.ts";
import { FROM_FILE_HELP } from "../picture-list.ts";
import { expandPictures, underNames } from "../picture-paths.ts";
import { Progress } from "../progress.ts";
import { printable, type Terminal } from "../terminal.ts";

interface RestoreFlags extends ModelOptions, DeviceOptions {
  model: string;
  out: string;
  draw?: string;
  json?: boolean;
  fromFile?: string;
  tile?: number;
  overlap?: number;
}

const EXAMPLES = `
Pictures of any size go through the model in tiles that overlap, so that memory
stays bounded: a picture of 3840 x 2160 takes little more than itself, its
result and a row of tiles. Results are as large as the pictures, orientation
applied.

Examples:
  $ saccade restore window.jpg --model my-restorer/ --out clear.png
  $ saccade restore window.jpg -m my-restorer/ --out clear.png --draw both.png
  $ saccade restore holiday/ --model my-restorer/ --out clear/
  $ saccade restore huge.jpg --model my-restorer/ --out clear.jpg --tile 256
`;

export function addRestore(program: Command, terminal: Terminal, finish: (exitCode: number) => void): void {
  const command = program
    .command("restore")
    .description("give pictures back as they should be: without reflections")
    .argument("[path...]", "pictures, folders, globs, or - for standard input")
    .requiredOption("-m, --model <model>", "registered name, model folder, checkpoint or ONNX file")
    .requiredOption("--out <out>", "where the result goes, as .png or .jpg; with several pictures, a folder")
    .option("--from-file <list>", FROM_FILE_HELP)
    .option(
      "--draw <out>",
      "also draw before and after beside each other, as .png or .jpg; with several pictures, a folder",
    )
    .option("--json", "one JSON object a line and picture")
    .option("--tile <pixels>", "side of the tiles, a multiple of 32 (default: 384)", integer(32))
    .option("--overlap <pixels>", "what neighbouring tiles share, a multiple of 32 (default: 96)", integer(0))
    .addHelpText("after", EXAMPLES);
  addDeviceOptions(addModelOptions(command)).action((paths: string[], flags: RestoreFlags) =>
    restore(paths, flags, terminal, finish),
  );
}

async function restore(
  paths: string[],
  flags: RestoreFlags,
  terminal: Terminal,
  finish: (exitCode: number) => void,
): Promise<void> {
  const { pictures, problems } = await expandPictures(nodeHost, { paths, fromFile: flags.fromFile }, terminal);
  const results = await drawingPaths(flags.out, pictures, "restored");
  const drawings = flags.draw === undefined ? undefined : await drawingPaths(flags.draw, pictures, "parts");
  await refuseReplacing([...results.paths.values(), ...(drawings?.paths.values() ?? [])], {
    models: [flags.model],
    paths: [...pictures.map(({ name }) => name), flags.fromFile],
  });
  const { tile, overlap } = flags;
  await using restorer = await loadRestorer(nodeHost, flags.model, {
    ...loadOptions(flags, terminal),
    ...sessionOptions(flags, terminal),
    ...(tile === undefined ? {} : { tile }),
    ...(overlap === undefined ? {} : { overlap }),
  });
  for (const folder of [results.folder, drawings?.folder])
    if (folder !== undefined) await nodeHost.files.makeDirectory(folder);
  const failures = new PictureFailures(terminal, flags.json);
  for (const { name, error } of problems) failures.add(name, error);
  let progress: Progress | undefined;
  const onTile = (done: number, all: number) => {
    if (done === 1) progress = new Progress(terminal, "tiles", all);
    progress?.reach(done);
  };
  let asked = performance.now();
  const answers = underNames(pictures, (sources) => restorer.restoreAll(sources, { signal: terminal.signal, onTile }));
  for await (const { source, answer, error } of answers) {
    progress?.finish();
    if (error !== undefined) {
      failures.add(source.name, error);
      continue;
    }
    const seconds = (performance.now() - asked) / 1000;
    const out = results.paths.get(source)!;
    await writePicture(out, answer.picture);
    const drawn = drawings?.paths.get(source);
    if (drawn !== undefined)
      await writePicture(drawn, beforeAndAfter(await readPicture(nodeHost, source.source), answer.picture));
    const { width, height } = answer.picture;
    if (flags.json) {
      const files = { out, ...(drawn === undefined ? {} : { drawn }) };
      const facts = { path: source.name, model: restorer.card.name, width, height, tiles: answer.tiles, seconds };
      terminal.out(`${JSON.stringify({ ...facts, ...files })}\n`);
    } else {
      const also = drawn === undefined ? "" : `, drawn: ${printable(drawn)}`;
      terminal.out(
        `${printable(source.name)} -> ${printable(out)} (${width} x ${height}, tiles: ${answer.tiles}, ${seconds.toFixed(1)} s)${also}\n`,
      );
    }
    asked = performance.now();
  }
  if (!failures.finish(pictures.length + problems.length)) finish(1);
}

async function writePicture(path: string, picture: RawImage): Promise<void> {
  const bytes = /\.png$/i.test(path) ? await nodeHost.encodePng(picture) : await nodeHost.encodeJpeg(picture, 95);
  await nodeHost.files.writeAtomic(path, bytes);
}
