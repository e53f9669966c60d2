// saccade run: raw tensors in, raw tensors out.
import type { Command } from "commander";
import { loadModel } from "../../model-folder/load.ts";
import { runTensors } from "../../model-folder/run-tensors.ts";
import { nodeHost } from "../../platform/node/host.ts";
import { readWeights } from "../../weights/load.ts";
import { writeSafetensors } from "../../weights/safetensors.ts";
import {
  addDeviceOptions,
  addModelOptions,
  addPrecisionOption,
  type DeviceOptions,
  loadOptions,
  type ModelOptions,
  nameList,
  type PrecisionOptions,
  sessionOptions,
} from "../options.ts";
import { refuseReplacing } from "../outputs.ts";
import type { Terminal } from "../terminal.ts";

interface RunFlags extends Omit<ModelOptions, "model">, DeviceOptions, PrecisionOptions {
  input: string;
  output: string;
  outputs?: string[];
}

const MAX_INPUT_BYTES = 4 * 2 ** 30;

const EXAMPLES = `
Models of this program read "image": float32 (N, 3, height, width), for video
(N, 3, frames, height, width), already normalised. ONNX files read their inputs
by name. Outputs have the model's names: logits, features, token_embedding,
token_roi, hidden_rois.N, gaze.N.regions, gaze.N.points.

Examples:
  $ saccade run my-model/ --input image.safetensors --output answer.safetensors
  $ saccade run model.onnx --input in.safetensors --output out.safetensors \\
      --outputs logits --device wasm
`;

export function addRun(program: Command, terminal: Terminal): void {
  const command = program
    .command("run")
    .description("run a model on raw tensors")
    .argument("<model>", "registered name, model folder, checkpoint or ONNX file")
    .requiredOption("--input <in.safetensors>", "the tensors to feed, by name")
    .requiredOption("--output <out.safetensors>", "the file to write")
    .option("--outputs <names>", "only these outputs, such as logits,token_roi", nameList)
    .addHelpText("after", EXAMPLES);
  addPrecisionOption(addDeviceOptions(addModelOptions(command))).action((source: string, flags: RunFlags) =>
    run(source, flags, terminal),
  );
}

async function run(source: string, flags: RunFlags, terminal: Terminal): Promise<void> {
  await refuseReplacing([flags.output], { models: [source], paths: [flags.input] });
  const { tensors } = readWeights(await nodeHost.files.read(flags.input, { maxBytes: MAX_INPUT_BYTES }), flags.input);
  const model = await loadModel(nodeHost, source, { ...loadOptions(flags, terminal), seesPictures: false });
  const { outputs, device, ignored } = await runTensors(nodeHost, model, tensors, {
    ...sessionOptions(flags, terminal),
    precision: flags.precision,
    ...(flags.outputs === undefined ? {} : { outputs: flags.outputs }),
  });
  if (ignored.length > 0) terminal.note(`saccade: the model does not take ${ignored.join(", ")}; ignored`);
  await nodeHost.files.writeAtomic(flags.output, writeSafetensors(Object.entries(outputs), { model: source, device }));
  const shapes = Object.entries(outputs).map(([name, { dtype, shape }]) => `  ${name}: ${dtype}[${shape.join(", ")}]`);
  terminal.out(`${flags.output}: ${shapes.length} tensors, computed on ${device}\n${shapes.join("\n")}\n`);
}
