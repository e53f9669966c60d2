// Folders that are no model of ours: what they are, as far as the names of their files and of their config.json's fields tell, and what to do.
import { FormatError, NotFoundError } from "../../errors.ts";
import type { Files } from "../../platform/host.ts";
import { findWeights } from "../folder-weights.ts";

interface Sign {
  /** A file or folder that gives it away. */
  readonly name: string;
  readonly what: string;
  readonly hint: string;
}

const SIGNS: readonly Sign[] = [
  {
    name: "model_index.json",
    what: "a pipeline of diffusers, which makes pictures",
    hint: "what is read here are models that classify pictures",
  },
  {
    name: "adapter_config.json",
    what: "an adapter (PEFT), which is a change to another model",
    hint: "merge it into its base model and save that: merge_and_unload(), save_pretrained()",
  },
  {
    name: "open_clip_config.json",
    what: "a model of OpenCLIP",
    hint: "export its picture half to ONNX, and give the .onnx file",
  },
  { name: "saved_model.pb", what: "a TensorFlow SavedModel", hint: "convert it to ONNX: python -m tf2onnx.convert" },
  { name: "best/config.json", what: "the folder of a training run", hint: "its models are in best/ and last/" },
];

/** The error for a folder without config.json and without an ONNX file. */
export async function folderWithoutConfig(files: Files, folder: string): Promise<FormatError | NotFoundError> {
  for (const { name, what, hint } of SIGNS)
    if ((await files.stat(files.join(folder, ...name.split("/")))) !== undefined)
      return new FormatError(folder, `this is ${what}`, { hint });
  const weights = await findWeights(files, folder);
  if (weights === undefined)
    return new NotFoundError(
      "config.json",
      folder,
      "a model folder holds config.json and model.safetensors; saccade convert makes one",
    );
  return new NotFoundError(
    "config.json",
    folder,
    weights.isIndex
      ? "fetch the config.json that belongs to these weights"
      : `the weights alone may tell which model they are: give ${weights.path}, or fetch the config.json that belongs to them`,
  );
}

/** The error for a config.json that describes none of the kinds of models that are read. */
export function unknownConfig(json: Readonly<Record<string, unknown>>, where: string): FormatError {
  const { _class_name: diffusers, model_cfg: clip, module, class_name: keras } = json;
  if (typeof diffusers === "string")
    return new FormatError(where, `this is a part of a pipeline of diffusers (${diffusers}), which makes pictures`);
  if (clip !== undefined)
    return new FormatError(where, "this is a model of OpenCLIP", {
      hint: "export its picture half to ONNX, and give the .onnx file",
    });
  if (typeof module === "string" && typeof keras === "string")
    return new FormatError(where, `this is a Keras model (${keras})`, {
      hint: "convert it to ONNX: python -m tf2onnx.convert",
    });
  return new FormatError(
    where,
    "it describes no model that is known here: it has neither `architecture` (of saccade or timm) nor `model_type` (of transformers)",
    { hint: "docs/models.md says what config.json of a model folder holds" },
  );
}
