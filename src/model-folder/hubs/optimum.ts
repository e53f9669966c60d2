// Folders with a model as ONNX, and with the config.json and preprocessor_config.json of transformers beside it, as huggingface/optimum
// exports them: what the ONNX file does not say itself.
import { FormatError } from "../../errors.ts";
import type { Files } from "../../platform/host.ts";
import type { ModelCard } from "../model.ts";
import { processorTransform } from "./image-processor.ts";
import {
  type ProcessorFile,
  parseTransformersConfig,
  transformersLabels,
  transformersScores,
  usualProcessor,
} from "./transformers.ts";

const FOLDERS = ["", "onnx"];

/**
 * The ONNX file of a folder: `model.onnx`, else the only one there is, in the folder itself or in `onnx/`; undefined when there is none.
 *
 * @throws FormatError when there are several and none is called model.onnx
 */
export async function findOnnx(files: Files, folder: string): Promise<string | undefined> {
  for (const name of FOLDERS) {
    const place = name === "" ? folder : files.join(folder, name);
    if ((await files.stat(place))?.isDirectory !== true) continue;
    const usual = files.join(place, "model.onnx");
    if ((await files.stat(usual)) !== undefined) return usual;
    const others = (await files.list(place)).filter(({ path, isDirectory }) => !isDirectory && path.endsWith(".onnx"));
    if (others.length === 1) return others[0]!.path;
    if (others.length > 1)
      throw new FormatError(place, `it holds ${others.length} ONNX files, and none is called model.onnx`, {
        hint: `give one of them: ${others
          .slice(0, 5)
          .map(({ path }) => path)
          .join(", ")}`,
      });
  }
  return undefined;
}

/** What config.json and preprocessor_config.json say of an ONNX file. Either may be missing. */
export function onnxCard(
  config: { readonly json: unknown; readonly where: string } | undefined,
  processor: ProcessorFile | undefined,
): Pick<ModelCard, "labels" | "transform" | "scores" | "provenance"> {
  const said = config === undefined ? undefined : parseTransformersConfig(config.json, config.where);
  const scores = said === undefined ? undefined : transformersScores(said, config!.where);
  const labels = said?.id2label == null ? undefined : transformersLabels(said, config!.where).labels;
  const usual = said === undefined ? undefined : usualProcessor(said);
  const transform = processor === undefined ? undefined : processorTransform(processor.json, processor.where, usual);
  const made = said?.architectures?.[0];
  return {
    ...(labels === undefined ? {} : { labels }),
    ...(transform === undefined ? {} : { transform }),
    ...(scores === undefined ? {} : { scores }),
    ...(made === undefined ? {} : { provenance: { source: `a folder of transformers, ${made}` } }),
  };
}
