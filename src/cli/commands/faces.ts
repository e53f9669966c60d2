// saccade faces: what faces are like.
import { type Command, InvalidArgumentError } from "commander";
import type { Box } from "../../boxes/box.ts";
import { UsageError } from "../../errors.ts";
import { finishDrawing } from "../../evaluate/dense/parts-file.ts";
import { percent } from "../../evaluate/percent.ts";
import { nodeHost } from "../../platform/node/host.ts";
import { readPicture } from "../../tasks/engine/pictures.ts";
import { drawFaces } from "../../tasks/faces/draw-faces.ts";
import { type FaceSource, loadFaceAnalyzer } from "../../tasks/faces/face-analyzer.ts";
import { faceResultJson } from "../../tasks/faces/result-json.ts";
import type { Face } from "../../tasks/faces/results.ts";
import { drawingPaths } from "../drawing-file.ts";
import {
  addDeviceOptions,
  addModelOptions,
  type DeviceOptions,
  loadOptions,
  type ModelOptions,
  sessionOptions,
} from "../options.ts";
import { refuseReplacing } from "../outputs.ts";
import { PictureFailures } from "../picture-failures.ts";
import { FROM_FILE_HELP } from "../picture-list.ts";
import { expandPictures } from "../picture-paths.ts";
import { printable, type Terminal } from "../terminal.ts";

interface FacesFlags extends ModelOptions, DeviceOptions {
  model: string;
  face: Box[];
  draw?: string;
  json?: boolean;
  fromFile?: string;
}

const EXAMPLES = `
Where faces are is not looked for: --face says it, in pixels, and may be
repeated; without it a picture is one face. What a model says of age, gender and
race is what its data said of pictures, and no fact about a person.

Examples:
  $ saccade faces portrait.jpg --model my-facexformer/
  $ saccade faces portrait.jpg --model my-facexformer/ --draw face.png
  $ saccade faces group.jpg -m my-facexformer/ --face 40,60,120,160 --json
  $ saccade faces portraits/ --model my-facexformer/ --json > faces.jsonl
`;

export function addFaces(program: Command, terminal: Terminal, finish: (exitCode: number) => void): void {
  const command = program
    .command("faces")
    .description("say what faces are like: parts, points, pose, attributes, age")
    .argument("[path...]", "pictures, folders, globs, or - for standard input")
    .requiredOption("-m, --model <model>", "registered name, model folder, checkpoint or ONNX file")
    .option("--from-file <list>", FROM_FILE_HELP)
    .option("--face <box>", "a face: left,top,right,bottom in pixels; may be repeated", faceBox, [])
    .option("--draw <out>", "draw what was found, as .png or .jpg; with several pictures, a folder")
    .option("--json", "one JSON object a line and picture")
    .option("--transform <text>", "preprocessing instead of the model's own")
    .addHelpText("after", EXAMPLES);
  addDeviceOptions(addModelOptions(command)).action((paths: string[], flags: FacesFlags) =>
    faces(paths, flags, terminal, finish),
  );
}

function faceBox(text: string, before: readonly Box[]): Box[] {
  const sides = text.split(",").map((side) => (side.trim() === "" ? Number.NaN : Number(side)));
  const [x0, y0, x1, y1] = sides;
  if (sides.length !== 4 || !sides.every(Number.isFinite) || x0! >= x1! || y0! >= y1!)
    throw new InvalidArgumentError("It must be left,top,right,bottom, such as 40,60,120,160.");
  return [...before, [x0!, y0!, x1!, y1!]];
}

async function faces(
  paths: string[],
  flags: FacesFlags,
  terminal: Terminal,
  finish: (exitCode: number) => void,
): Promise<void> {
  const { pictures, problems } = await expandPictures(nodeHost, { paths, fromFile: flags.fromFile }, terminal);
  if (flags.face.length > 0 && pictures.length > 1)
    throw new UsageError(`--face is of one picture, and there are ${pictures.length}`, "one picture at a time");
  const drawings = flags.draw === undefined ? undefined : await drawingPaths(flags.draw, pictures, "parts");
  await refuseReplacing([...(drawings?.paths.values() ?? [])], {
    models: [flags.model],
    paths: [...pictures.map(({ name }) => name), flags.fromFile],
  });
  await using analyzer = await loadFaceAnalyzer(nodeHost, flags.model, {
    ...loadOptions(flags, terminal),
    ...sessionOptions(flags, terminal),
  });
  if (drawings?.folder !== undefined) await nodeHost.files.makeDirectory(drawings.folder);
  const failures = new PictureFailures(terminal, flags.json);
  for (const { name, error } of problems) failures.add(name, error);
  const sources = pictures.map(
    ({ source }): FaceSource => (flags.face.length === 0 ? source : { picture: source, faces: flags.face }),
  );
  let at = 0;
  for await (const { answer, error } of analyzer.analyzeAll(sources, { signal: terminal.signal })) {
    const picture = pictures[at++]!;
    if (error !== undefined) {
      failures.add(picture.name, error);
      continue;
    }
    const out = drawings?.paths.get(picture);
    if (out !== undefined) {
      const image = await finishDrawing(drawFaces(await readPicture(nodeHost, picture.source), answer.faces), nodeHost);
      const bytes = /\.png$/i.test(out) ? await nodeHost.encodePng(image) : await nodeHost.encodeJpeg(image);
      await nodeHost.files.writeAtomic(out, bytes);
    }
    const drawn = out === undefined ? {} : { drawn: out };
    if (flags.json) {
      const facts = { path: picture.name, model: analyzer.card.name };
      terminal.out(`${JSON.stringify({ ...facts, ...faceResultJson(answer), ...drawn })}\n`);
    } else {
      const lines = answer.faces.flatMap(faceLines);
      if (out !== undefined) lines.push(`drawn: ${printable(out)}`);
      const name = pictures.length > 1 ? [printable(picture.name)] : [];
      terminal.out(`${[...name, ...lines].join("\n")}\n`);
    }
  }
  if (!failures.finish(pictures.length + problems.length)) finish(1);
}

function faceLines({ box, pose, age, gender, race, attributes, parts, landmarks }: Face): string[] {
  const first = (all: Face["age"]) => `${all[0]!.label} ${percent(all[0]!.score)}`;
  const holding = attributes.filter(({ score }) => score >= 0.5).map(({ label }) => label);
  const degrees = (value: number) => `${value.toFixed(0)}°`;
  return [
    `face in ${box.join(", ")}: ${landmarks.length} points, ${parts.length} parts`,
    `  age ${first(age)}, gender ${first(gender)}, race ${first(race)}`,
    `  pitch ${degrees(pose.pitch)}, yaw ${degrees(pose.yaw)}, roll ${degrees(pose.roll)}`,
    `  ${holding.length === 0 ? "no attributes" : holding.join(", ")}`,
  ];
}
