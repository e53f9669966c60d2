// Labelled pictures to examples: each is read once, told apart by what is in its file, and put through the model.
import type { SaccadeError } from "../../errors.ts";
import type { DigestHost, Host } from "../../platform/host.ts";
import type { Embedder } from "../embed/embedder.ts";
import { openPicture, type PictureSource } from "../engine/pictures.ts";
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
  const opened = await openPicture(host, picture).catch(() => undefined);
  if (opened === undefined) return { source: picture, size: 0, hash: "" };
  const bytes = "bytes" in opened ? opened.bytes : opened.pixels.data;
  const source = "bytes" in opened ? bytes : opened.pixels;
  return { source, size: bytes.length, hash: await host.sha256(bytes) };
}
