// Pictures into an index: what is there already is known by its content and not embedded again.
import { AbortedError, SaccadeError } from "../errors.ts";
import { DEFAULT_MAX_BYTES } from "../image/raw-image.ts";
import type { DigestHost, Host } from "../platform/host.ts";
import type { Embedder } from "../tasks/embed/embedder.ts";
import type { PictureSource } from "../tasks/engine/pictures.ts";
import type { IndexWriter } from "./index-writer.ts";
import type { IndexedPicture } from "./parts.ts";
import { cutPatches, patchesOf } from "./patches.ts";

export interface AddOptions {
  readonly batchSize?: number;
  readonly signal?: AbortSignal;
  /** Hears of every picture: what became of it. */
  readonly onPicture?: (path: string, outcome: PictureOutcome) => void;
}

/**
 * `embedded`: the model looked at it. `known`: a picture with the same bytes was in the index, or in what a stopped run has left. `kept`: it was in
 * the index as it is. Else why it is not in the index.
 */
export type PictureOutcome = "embedded" | "known" | "kept" | SaccadeError;

/** Where pictures are put, and what their vectors are made with. */
export interface Adding {
  readonly host: Pick<Host, "files" | "decode"> & DigestHost;
  readonly writer: IndexWriter;
  readonly embedder: Embedder;
  /** Scales of patches. */
  readonly levels: number;
}

/** Adds pictures by their absolute paths. Returns the paths that are in the index now. */
export async function addPictures(
  { host, writer, embedder, levels }: Adding,
  paths: Iterable<string> | AsyncIterable<string>,
  options: AddOptions,
): Promise<ReadonlySet<string>> {
  const { onPicture, signal, batchSize } = options;
  const present = new Set<string>();
  const waiting: IndexedPicture[] = [];
  const say = (path: string, outcome: PictureOutcome) => {
    if (typeof outcome === "string") present.add(path);
    onPicture?.(path, outcome);
  };

  async function* toEmbed(): AsyncGenerator<PictureSource> {
    for await (const path of paths) {
      if (signal?.aborted === true) throw new AbortedError("indexing", signal.reason);
      try {
        const bytes = await host.files.read(path, { maxBytes: DEFAULT_MAX_BYTES });
        const picture = { path, size: bytes.length, hash: await host.sha256(bytes) };
        if (writer.pictures.get(path)?.hash === picture.hash) {
          say(path, "kept");
          continue;
        }
        const known = await writer.vectorsOf(picture.hash);
        if (known !== undefined) {
          await writer.put(picture, known);
          say(path, "known");
          continue;
        }
        const sources = levels === 1 ? [bytes] : cutPatches(await host.decode(bytes, { decode: "fast" }), levels);
        waiting.push(picture);
        yield* sources;
      } catch (error) {
        if (!(error instanceof SaccadeError) || error instanceof AbortedError) throw error;
        say(path, error);
      }
    }
  }

  const perPicture = patchesOf(levels);
  const { width } = embedder.space;
  let vectors = new Float32Array(perPicture * width);
  let filled = 0;
  let failed: SaccadeError | undefined;
  const running = { ...(signal === undefined ? {} : { signal }), ...(batchSize === undefined ? {} : { batchSize }) };
  for await (const { answer, error } of embedder.embedAll(toEmbed(), running)) {
    if (error !== undefined) failed ??= error;
    else vectors.set(answer, filled * width);
    filled++;
    if (filled < perPicture) continue;
    const picture = waiting.shift()!;
    if (failed === undefined) await writer.put(picture, vectors);
    say(picture.path, failed ?? "embedded");
    vectors = new Float32Array(perPicture * width);
    filled = 0;
    failed = undefined;
  }
  return present;
}
