// A model as the bytes of one ONNX file, compared with the model before they are handed out.
import { type ExportOptions, exportOnnx } from "../model-folder/compile.ts";
import { type LoadOptions, loadModel, type ModelFileSource } from "../model-folder/load.ts";
import { requireEqual, verifyExport } from "../model-folder/verify.ts";
import type { Host } from "../platform/host.ts";
import type { SessionOptions } from "../runtime/session.ts";
import { version } from "../version.ts";

export interface ExportModelOptions
  extends Omit<LoadOptions, "seesPictures">,
    Omit<ExportOptions, "producerVersion">,
    Pick<SessionOptions, "device" | "threads" | "signal"> {
  /** Whether the file is run beside the model, on random pictures. Default true. */
  readonly verify?: boolean;
}

/**
 * A model as one ONNX file that runs anywhere. What is an ONNX file already is made one file, and stays what it is.
 *
 * @throws what loading the model throws; SaccadeError "export_differs" for a file that computes something else
 */
export async function exportModel(
  host: Host,
  source: ModelFileSource,
  options: ExportModelOptions = {},
): Promise<Uint8Array> {
  const { verify = true, device, threads, onNotice, signal } = options;
  const model = await loadModel(host, source, { ...options, seesPictures: false });
  if (model.kind === "onnx") return model.bytes;
  const { target, gridSample, normedSums, precision = "float32", simplify, outputs, size, form } = options;
  const kernels = { target, gridSample, normedSums };
  const exported = { ...kernels, precision, simplify, outputs, size, form, producerVersion: version };
  const given = withoutGaps<ExportOptions>(exported);
  const bytes = exportOnnx(model, given);
  if (!verify) return bytes;
  const session = withoutGaps<SessionOptions>({ device, threads, onNotice, signal });
  requireEqual(await verifyExport(host, model, bytes, given, session), precision, "the file is not handed out");
  return bytes;
}

/** Options that were not given stay out. */
function withoutGaps<T extends object>(options: { readonly [K in keyof T]?: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}
