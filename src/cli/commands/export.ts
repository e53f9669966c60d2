// saccade export: a model as one ONNX file that runs without this program, compared with the model before it is written.
import { type Command, Option } from "commander";
import { UsageError } from "../../errors.ts";
import { type PixelNormalization, parseTransform, pixelNormalization } from "../../image/transform.ts";
import { type CompiledStages, type ExportOptions, exportOnnx, exportStages } from "../../model-folder/compile.ts";
import { loadModel } from "../../model-folder/load.ts";
import type { NativeModel, OnnxModel } from "../../model-folder/model.ts";
import { type ExportCheck, requireEqual, verifyExport, verifyStages } from "../../model-folder/verify.ts";
import { pictureInput, usualTransform } from "../../models/picture-input.ts";
import { LOWERING_TARGETS, type LoweringTarget } from "../../onnx/lower.ts";
import { nodeHost } from "../../platform/node/host.ts";
import { version } from "../../version.ts";
import {
  addDeviceOptions,
  addModelOptions,
  addPrecisionOption,
  type DeviceOptions,
  integer,
  loadOptions,
  type ModelOptions,
  nameList,
  type PrecisionOptions,
  sessionOptions,
} from "../options.ts";
import { refuseReplacing } from "../outputs.ts";
import { compact, type Terminal } from "../terminal.ts";

interface ExportFlags extends Omit<ModelOptions, "model">, DeviceOptions, PrecisionOptions {
  target: LoweringTarget;
  input: "float32" | "uint8";
  outputs?: string[];
  batch?: number;
  frames?: number;
  height?: number;
  width?: number;
  verify: boolean;
  stages?: boolean;
}

const EXAMPLES = `
Sizes that are not given stay free. The labels, the preprocessing, the licence
and where the weights come from are stored in the file.

Examples:
  $ saccade export sparseformer_v1_tiny tiny.onnx
  $ saccade export my-model/ fast.onnx --target onnxruntime --outputs logits
  $ saccade export my-model/ fixed.onnx --batch 1 --height 224 --width 224
  $ saccade export my-model/ pixels.onnx --input uint8

A model that runs in steps (GFNet) is one file that takes all of them, or with
--stages a folder with one file for each kind of step and steps.json, which says
what goes from where to where:
  $ saccade export gfnet.pth.tar gfnet-stages/ --stages
`;

export function addExport(program: Command, terminal: Terminal): void {
  const command = program
    .command("export")
    .description("write a model as one ONNX file, and compare the file with the model")
    .argument("<model>", "registered name, model folder, checkpoint, or an ONNX file with its data beside it")
    .argument("<out>", "the file to write; with --stages, the folder")
    .addOption(
      new Option(
        "--target <target>",
        "standard operators only, ONNX Runtime's faster ones too, or those its WebGPU has",
      )
        .choices(LOWERING_TARGETS)
        .default("portable"),
    )
    .addOption(
      new Option("--input <type>", "normalised floats (N, 3, H, W), or pixels (N, H, W, 3) that the file normalises")
        .choices(["float32", "uint8"])
        .default("float32"),
    )
    .option("--outputs <names>", "only these outputs, such as logits,features", nameList)
    .option("--batch <n>", "fix the batch", integer(1))
    .option("--frames <n>", "fix the number of frames (video)", integer(1))
    .option("--height <n>", "fix the height", integer(1))
    .option("--width <n>", "fix the width", integer(1))
    .option("--stages", "one file a stage, to run step by step and stop early")
    .option("--no-verify", "write without comparing")
    .addHelpText("after", EXAMPLES);
  addPrecisionOption(addDeviceOptions(addModelOptions(command))).action(
    (source: string, out: string, flags: ExportFlags) => exportModel(source, out, flags, terminal),
  );
}

async function exportModel(source: string, out: string, flags: ExportFlags, terminal: Terminal): Promise<void> {
  const model = await loadModel(nodeHost, source, loadOptions(flags, terminal));
  if (flags.stages === true && model.kind !== "onnx") return exportInStages(model, source, out, flags, terminal);
  await refuseReplacing([out], { models: [source] });
  if (model.kind === "onnx") return exportForeign(model, out, flags, terminal);
  const options = exportOptions(model, flags);
  const bytes = exportOnnx(model, { ...options, producerVersion: version });
  let compared = "";
  if (flags.verify) {
    terminal.status("comparing the file with the model");
    const check = await verifyExport(nodeHost, model, bytes, options, sessionOptions(flags, terminal));
    terminal.status("");
    requireEqual(check, flags.precision, `${out} was not written`);
    compared = describeCheck(check);
  }
  await nodeHost.files.writeAtomic(out, bytes);
  const sizes = Object.entries(options.size ?? {}).map(([name, value]) => `${name} ${value}`);
  terminal.out(
    `${out}: ${compact(bytes.length, "B")}, ${describeKind(flags)}${sizes.length === 0 ? "" : `, ${sizes.join(", ")}`}\n${compared}`,
  );
}

/** An ONNX file as one file, whatever it kept in others. */
async function exportForeign({ bytes, card }: OnnxModel, out: string, flags: ExportFlags, terminal: Terminal) {
  const { target, input, precision, stages, outputs, batch, frames, height, width } = flags;
  const isPlain = target === "portable" && input === "float32" && precision === "float32" && stages !== true;
  if (!isPlain || [outputs, batch, frames, height, width].some((flag) => flag !== undefined))
    throw new UsageError(
      `${card.name} is an ONNX file: it can be made one file, and nothing else of it changes`,
      "leave --target, --input, --precision, --outputs, --stages and sizes out",
    );
  await nodeHost.files.writeAtomic(out, bytes);
  terminal.out(`${out}: ${compact(bytes.length, "B")}, all of it in one ONNX file\n`);
}

async function exportInStages(
  model: NativeModel,
  source: string,
  out: string,
  flags: ExportFlags,
  terminal: Terminal,
): Promise<void> {
  const fixed = (["outputs", "batch", "frames", "height", "width"] as const).find((name) => flags[name] !== undefined);
  if (fixed !== undefined) throw new UsageError(`--${fixed} is for one file, not for --stages`);
  if (flags.input !== "float32") throw new UsageError("--input is for one file, not for --stages");
  const stages = exportStages(model, { target: flags.target, precision: flags.precision, producerVersion: version });
  const { files } = nodeHost;
  const written = new Map<string, Uint8Array | string>([
    ...[...stages.files].map(([stage, bytes]) => [files.join(out, `${stage}.onnx`), bytes] as const),
    [files.join(out, "steps.json"), `${JSON.stringify(describeStages(stages), undefined, 2)}\n`],
  ]);
  await refuseReplacing([...written.keys()], { models: [source] });
  let compared = "";
  if (flags.verify) {
    terminal.status("comparing the files with the model");
    const check = await verifyStages(nodeHost, model, stages, sessionOptions(flags, terminal));
    terminal.status("");
    requireEqual(check, flags.precision, `${out} was not written`);
    compared = describeCheck(check);
  }
  await files.makeDirectory(out);
  for (const [path, bytes] of written) await files.writeAtomic(path, bytes);
  const sizes = [...stages.files].map(([stage, bytes]) => `${stage}.onnx ${compact(bytes.length, "B")}`);
  terminal.out(`${out}: ${sizes.join(", ")}, ${describeKind(flags)}; steps: ${stages.steps.join(", ")}\n${compared}`);
}

function describeKind({ target, precision, input }: ExportFlags): string {
  return [target, ...(precision === "float32" ? [] : [precision]), ...(input === "uint8" ? ["takes pixels"] : [])].join(
    ", ",
  );
}

/** What a program needs that runs the files without this one. */
function describeStages({ steps, macs }: CompiledStages) {
  return {
    steps: steps.map((stage, i) => ({ file: `${stage}.onnx`, macs: macs[i] })),
    state:
      "an output next.NAME of any step is the input state.NAME of later steps; leave out the rows of pictures that stop",
  };
}

function exportOptions(model: NativeModel, flags: ExportFlags): ExportOptions {
  const { architecture, config } = model.definition;
  const { target, precision, outputs, batch, frames, height, width } = flags;
  const input = architecture.input(config);
  if (input.kind === "text") {
    if (flags.input === "uint8" || [frames, height, width].some((flag) => flag !== undefined))
      throw new UsageError(`${model.card.name} takes texts: --input, --frames, --height and --width are for pictures`);
    return {
      target,
      precision,
      ...(outputs === undefined ? {} : { outputs }),
      size: batch === undefined ? {} : { batch },
    };
  }
  const { kind, size } = input;
  if (frames !== undefined && kind !== "video")
    throw new UsageError("--frames is for video models; this one takes images");
  if (size !== "free" && ((height ?? size.height) !== size.height || (width ?? size.width) !== size.width))
    throw new UsageError(`this model takes ${size.width} x ${size.height} only`);
  return {
    target,
    precision,
    ...(flags.input === "uint8" ? { form: { pixels: requireNormalization(model) } } : {}),
    ...(outputs === undefined ? {} : { outputs }),
    size: {
      ...(batch === undefined ? {} : { batch }),
      ...(frames === undefined ? {} : { frames }),
      ...(height === undefined ? {} : { height }),
      ...(width === undefined ? {} : { width }),
    },
  };
}

/** What the model's own transform says about bytes. */
function requireNormalization({ card, definition }: NativeModel): PixelNormalization {
  if (pictureInput(definition).kind === "video") throw new UsageError("--input uint8 is for models of pictures");
  const transform = card.transform ?? usualTransform(definition);
  const normalization = pixelNormalization(parseTransform(transform));
  if (normalization === undefined) throw new UsageError(`--input uint8: ${transform} does not say what bytes mean`);
  return normalization;
}

function describeCheck({ shapes, largest, differences }: ExportCheck): string {
  const pictures = shapes.map((shape) => shape.join("x")).join(" and ");
  return `  compared with the model on ${pictures}, ${differences.size} outputs:\n  largest difference ${largest.difference === 0 ? "0" : largest.difference.toExponential(1)} (${largest.output})\n`;
}
