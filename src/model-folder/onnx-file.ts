// An ONNX file as one run of bytes: what exporters put into files beside it is taken in when it is read, so that every engine, worker, export and
// training step gets a model that is complete, and none of them ever opens a file that a model names.
import { NotFoundError } from "../errors.ts";
import { externalTensors, inlineExternalData, requireOneFile } from "../onnx/external-data.ts";
import { isOnnx } from "../onnx/read.ts";
import { MAX_MODEL_BYTES } from "../onnx/serialize.ts";
import type { Files } from "../platform/host.ts";

/** A file beside an ONNX file, with the values of some of its tensors. */
export interface ExternalFile {
  /** As the ONNX file names it. */
  readonly location: string;
  readonly bytes: number;
}

export interface WholeOnnx {
  /** The model with all of its weights. */
  readonly bytes: Uint8Array;
  /** What of it came from other files. */
  readonly external: readonly ExternalFile[];
}

/**
 * Takes in what a model's file keeps in other files.
 *
 * @param bytes of the file at `path`; what is no ONNX file comes back as it is
 * @throws NotFoundError for a file that is not there; FormatError for one that is too short, and for a name that leads out of the folder;
 * LimitError for more than one file can hold
 */
export async function wholeOnnx(files: Pick<Files, "readBeside">, path: string, bytes: Uint8Array): Promise<WholeOnnx> {
  if (!isOnnx(bytes)) return { bytes, external: [] };
  const tensors = externalTensors(bytes, path);
  if (tensors.length === 0) return { bytes, external: [] };
  requireOneFile(bytes, path, tensors);
  const data = new Map<string, Uint8Array>();
  for (const location of new Set(tensors.map((tensor) => tensor.location)))
    data.set(location, await readExternal(files, path, location));
  return {
    bytes: inlineExternalData(bytes, path, data),
    external: [...data].map(([location, { length }]) => ({ location, bytes: length })),
  };
}

async function readExternal(files: Pick<Files, "readBeside">, path: string, location: string): Promise<Uint8Array> {
  try {
    return await files.readBeside(path, location, { maxBytes: MAX_MODEL_BYTES });
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    throw new NotFoundError(
      `weights of ${path}`,
      location,
      "the model keeps them in that file, and it must lie in the model's folder: copy it there too",
    );
  }
}
