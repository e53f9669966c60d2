// saccade export: a model as one ONNX file that runs without this program, compared with the model before it is written.
import { type Command, Option } from "commander";
import { SaccadeError, UsageError } from "../../errors.ts";
import { type ExportOptions, exportOnnx } from "../../model-folder/compile.ts";
import { loadModel, requireNative } from "../../model-folder/load.ts";
import type { NativeModel } from "../../model-folder/model.ts";
import { EXPORT_TOLERANCE, type ExportCheck, verifyExport } from "../../model-folder/verify.ts";
import { nodeHost } from "../../platform/node/host.ts";
import { version } from "../../version.ts";
import {
  addDeviceOptions,
  addModelOptions,
  type DeviceOptions,
  integer,
  loadOptions,
  type ModelOptions,
  nameList,
  sessionOptions,
} from "../options.ts";
import { compact, type Terminal } from "../terminal.ts";

interface ExportFlags extends Omit<ModelOptions, "model">, DeviceOptions {
  target: "portable" | "onnxruntime";
  outputs?: string[];
  batch?: number;
  frames?: number;
  height?: number;
  width?: number;
  verify: boolean;
}

const EXAMPLES = `
Sizes that are not given stay free. The labels, the preprocessing, the licence
and where the weights come from are stored in the file.

Examples:
  $ saccade export sparseformer_v1_tiny tiny.onnx
  $ saccade export my-model/ fast.onnx --target onnxruntime --outputs logits
  $ saccade export my-model/ fixed.onnx --batch 1 --height 224 --width 224
`;

export function addExport(program: Command, terminal: Terminal): void {
  const command = program
    .command("export")
    .description("write a model as one ONNX file, and compare the file with the model")
    .argument("<model>", "registered name, model folder or checkpoint")
    .argument("<out.onnx>", "the file to write")
    .addOption(
      new Option("--target <target>", "standard operators only, or ONNX Runtime's faster ones too")
        .choices(["portable", "onnxruntime"])
        .default("portable"),
    )
    .option("--outputs <names>", "only these outputs, such as logits,features", nameList)
    .option("--batch <n>", "fix the batch", integer(1))
    .option("--frames <n>", "fix the number of frames (video)", integer(1))
    .option("--height <n>", "fix the height", integer(1))
    .option("--width <n>", "fix the width", integer(1))
    .option("--no-verify", "write without comparing")
    .addHelpText("after", EXAMPLES);
  addDeviceOptions(addModelOptions(command)).action((source: string, out: string, flags: ExportFlags) =>
    exportModel(source, out, flags, terminal),
  );
}

async function exportModel(source: string, out: string, flags: ExportFlags, terminal: Terminal): Promise<void> {
  const model = requireNative(await loadModel(nodeHost, source, loadOptions(flags)));
  const options = exportOptions(model, flags);
  const bytes = exportOnnx(model, { ...options, producerVersion: version });
  let compared = "";
  if (flags.verify) {
    terminal.status("comparing the file with the model");
    const check = await verifyExport(nodeHost, model, bytes, options, sessionOptions(flags, terminal));
    terminal.status("");
    requireEqual(check, out);
    compared = describeCheck(check);
  }
  await nodeHost.files.writeAtomic(out, bytes);
  const sizes = Object.entries(options.size ?? {}).map(([name, value]) => `${name} ${value}`);
  terminal.out(
    `${out}: ${compact(bytes.length, "B")}, ${flags.target}${sizes.length === 0 ? "" : `, ${sizes.join(", ")}`}\n${compared}`,
  );
}

function exportOptions(model: NativeModel, flags: ExportFlags): ExportOptions {
  const { architecture, config } = model.definition;
  const { kind, size } = architecture.input(config);
  const { target, outputs, batch, frames, height, width } = flags;
  if (frames !== undefined && kind !== "video")
    throw new UsageError("--frames is for video models; this one takes images");
  if (size !== "free" && ((height ?? size.height) !== size.height || (width ?? size.width) !== size.width))
    throw new UsageError(`this model takes ${size.width} x ${size.height} only`);
  return {
    target,
    ...(outputs === undefined ? {} : { outputs }),
    size: {
      ...(batch === undefined ? {} : { batch }),
      ...(frames === undefined ? {} : { frames }),
      ...(height === undefined ? {} : { height }),
      ...(width === undefined ? {} : { width }),
    },
  };
}

/** A file that computes something else is never written. */
function requireEqual(check: ExportCheck, out: string): void {
  const { output, difference } = check.largest;
  if (difference <= EXPORT_TOLERANCE) return;
  throw new SaccadeError(
    "export_differs",
    `${out} was not written: its "${output}" differs from the model's by ${difference.toExponential(1)}, more than ${EXPORT_TOLERANCE}`,
    { hint: "please report it; --no-verify writes the file all the same", data: { output, difference } },
  );
}

function describeCheck({ shapes, largest, differences }: ExportCheck): string {
  const pictures = shapes.map((shape) => shape.join("x")).join(" and ");
  return `  compared with the model on ${pictures}, ${differences.size} outputs:\n  largest difference ${largest.difference === 0 ? "0" : largest.difference.toExponential(1)} (${largest.output})\n`;
}
