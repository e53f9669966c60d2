// Labelled pictures to examples: each is read once, told apart by what is in its file, and put through the model.
import { isUrl, readBytes } from "../../byte-sources.ts";
import { type SaccadeError, UsageError } from "../../errors.ts";
import { DEFAULT_MAX_BYTES } from "../../image/raw-image.ts";
import type { DigestHost, Host } from "../../platform/host.ts";
import type { Embedder } from "../embed/embedder.ts";
import type { PictureSource } from "../engine/pictures.ts";
import type { LearntExample } from "./example-set.ts";

/** A picture and what is in it. */
export interface LabelledPicture {
  readonly picture: PictureSource;
  readonly label: string;
  /** For people. Default: the picture's path, or its place among the pictures. */
  readonly name?: string;
}

/** A picture that was left out. */
export interface PictureProblem {
  readonly name: string;
  readonly error: SaccadeError;
}

export interface ExampleOptions {
  /** Pictures run together at most. Default 8. */
  readonly batchSize?: number;
  /** Called after each picture. */
  readonly onPicture?: (done: number) => void;
  /** Hears of pictures that cannot be read, which are left out. Default: the first one is thrown. */
  readonly onProblem?: (problem: PictureProblem) => void;
  readonly signal?: AbortSignal;
}

interface Read {
  readonly label: string;
  readonly name: string;
  readonly size: number;
  readonly hash: string;
}

/** @throws AbortedError; what the model throws; without `onProblem`, what makes a picture unusable */
export async function embedExamples(
  host: Host & DigestHost,
  embedder: Embedder,
  pictures: Iterable<LabelledPicture> | AsyncIterable<LabelledPicture>,
  { batchSize, onPicture, onProblem, signal }: ExampleOptions = {},
): Promise<LearntExample[]> {
  // What is known of pictures on their way, in their order.
  const waiting: Read[] = [];
  let count = 0;
  async function* sources(): AsyncGenerator<PictureSource> {
    for await (const { picture, label, name } of pictures) {
      const place = name ?? (typeof picture === "string" ? picture : `picture ${count + 1}`);
      count += 1;
      const { source, size, hash } = await identified(host, picture);
      waiting.push({ label, name: place, size, hash });
      yield source;
    }
  }
  const examples: LearntExample[] = [];
  const options = {
    ...(batchSize === undefined ? {} : { batchSize }),
    ...(signal === undefined ? {} : { signal }),
  };
  let done = 0;
  for await (const { answer, error } of embedder.embedAll(sources(), options)) {
    const { label, name, size, hash } = waiting.shift()!;
    onPicture?.(++done);
    if (error === undefined) examples.push({ label, vector: answer, path: name, size, hash });
    else if (onProblem === undefined) throw error;
    else onProblem({ name, error });
  }
  return examples;
}

/** A picture with the digest of its bytes. One that cannot be read is handed on as it is: whoever decodes it says why. */
async function identified(host: Host & DigestHost, picture: PictureSource) {
  const bytes = await bytesOf(host, picture).catch(() => undefined);
  if (bytes === undefined) return { source: picture, size: 0, hash: "" };
  const isPixels = typeof picture === "object" && "width" in picture && "height" in picture;
  return { source: isPixels ? picture : bytes, size: bytes.length, hash: await host.sha256(bytes) };
}

async function bytesOf({ files, pathOf }: Host, picture: PictureSource): Promise<Uint8Array> {
  if (typeof picture === "string") return files.read(picture, { maxBytes: DEFAULT_MAX_BYTES });
  if (isUrl(picture)) return files.read(pathOf(picture), { maxBytes: DEFAULT_MAX_BYTES });
  if ("width" in picture && "height" in picture && "data" in picture) {
    const { data } = picture as { data: ArrayBufferView };
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
  const bytes = await readBytes(picture, "a picture file", DEFAULT_MAX_BYTES);
  if (bytes === undefined) throw new UsageError("this is no picture");
  return bytes;
}
