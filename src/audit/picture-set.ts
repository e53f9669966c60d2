// The pictures of a data set as an audit keeps them: features, a few facts, and where to find them again; never their pixels.
import type { DataProblem, Dataset } from "../data/dataset.ts";
import type { DataFiles } from "../data/files.ts";
import { loadBytes } from "../data/files.ts";
import type { SplitName } from "../data/samples.ts";
import { SaccadeError } from "../errors.ts";
import type { RawImage } from "../image/raw-image.ts";
import { type FeatureMatrix, featureMatrix, selectRows } from "../learn/feature-matrix.ts";
import type { DigestHost, Host } from "../platform/host.ts";
import type { Embedder } from "../tasks/embed/embedder.ts";
import { readAhead } from "../tasks/engine/read-ahead.ts";
import { type PictureFacts, pictureFacts, THUMBNAIL_TRANSFORM } from "./picture-facts.ts";

export interface AuditedPicture {
  /** Its path, or its place in an archive. */
  readonly name: string;
  readonly split: SplitName;
  /** Index into the set's labels. */
  readonly label: number;
  /** SHA-256 of its file, or of its pixels where it has none. */
  readonly hash: string;
  readonly facts: PictureFacts;
  /** Which item of its split it is. */
  readonly item: number;
}

export interface UnreadablePicture extends DataProblem {
  readonly split: SplitName;
}

export interface PictureSet {
  readonly pictures: readonly AuditedPicture[];
  /** A row of length 1 for each picture. */
  readonly features: FeatureMatrix;
  /** Pictures without features, and why. */
  readonly unreadable: readonly UnreadablePicture[];
}

export interface ReadOptions {
  readonly batchSize?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** What is needed of a machine. */
export type AuditHost = Pick<Host, "decode"> & DigestHost & { readonly dataFiles: DataFiles };

export type Splits = Readonly<Partial<Record<SplitName, Dataset>>>;

/** Pictures whose bytes are read while the model runs. */
const AHEAD = { parallel: 4, ahead: 16 };

/**
 * Reads every picture once: bytes for the digest, pixels for the facts and the model. Memory is that of the features and about a kilobyte a
 * picture.
 *
 * @throws AbortedError, and what the model throws
 */
export async function readPictures(
  host: AuditHost,
  embedder: Embedder,
  splits: Splits,
  options: ReadOptions = {},
): Promise<PictureSet> {
  const { onProgress, signal, batchSize = 32 } = options;
  const places = (Object.entries(splits) as [SplitName, Dataset][]).flatMap(([split, dataset]) =>
    Array.from({ length: dataset.length }, (_, item) => ({ split, dataset, item })),
  );
  const { width } = embedder.space;
  const data = new Float32Array(places.length * width);
  const pictures: AuditedPicture[] = [];
  const unreadable: UnreadablePicture[] = [];
  let done = 0;
  const fail = ({ split, dataset, item }: Place, error: Error) => {
    unreadable.push({ split, name: dataset.name(item), reason: error.message });
    onProgress?.(++done, places.length);
  };
  const coming: { readonly place: Place; readonly looked: Looked }[] = [];
  async function* readable(): AsyncGenerator<Uint8Array | RawImage> {
    for await (const { place, looked, error } of readAhead(places, (place) => look(host, place), AHEAD)) {
      if (error !== undefined) {
        fail(place, error);
        continue;
      }
      coming.push({ place, looked });
      yield looked.source;
    }
  }
  for await (const { answer, error } of embedder.embedAll(readable(), {
    batchSize,
    ...(signal === undefined ? {} : { signal }),
  })) {
    const { place, looked } = coming.shift()!;
    if (error !== undefined) {
      fail(place, error);
      continue;
    }
    const { split, dataset, item } = place;
    const { hash, facts } = looked;
    data.set(answer, pictures.length * width);
    pictures.push({ name: dataset.name(item), split, label: dataset.targets[item]!, hash, facts, item });
    onProgress?.(++done, places.length);
  }
  const features = featureMatrix(pictures.length, width, data.subarray(0, pictures.length * width));
  return { pictures, features, unreadable };
}

interface Place {
  readonly split: SplitName;
  readonly dataset: Dataset;
  readonly item: number;
}

interface Looked {
  /** For the model. */
  readonly source: Uint8Array | RawImage;
  readonly hash: string;
  readonly facts: PictureFacts;
}

type Look =
  | { readonly place: Place; readonly looked: Looked; readonly error?: undefined }
  | { readonly place: Place; readonly looked?: undefined; readonly error: SaccadeError };

async function look(host: AuditHost, place: Place): Promise<Look> {
  try {
    const { picture } = await place.dataset.item(place.item);
    if (picture.kind === "pixels") {
      const { image } = picture;
      const hash = await host.sha256(image.data);
      return {
        place,
        looked: { source: image, hash: `${image.width}x${image.height}:${hash}`, facts: pictureFacts(image) },
      };
    }
    const bytes = await loadBytes(picture, host.dataFiles);
    const [hash, thumbnail] = await Promise.all([
      host.sha256(bytes),
      host.decode(bytes, { decode: "fast", transform: THUMBNAIL_TRANSFORM }),
    ]);
    return { place, looked: { source: bytes, hash, facts: pictureFacts(thumbnail) } };
  } catch (error) {
    if (!(error instanceof SaccadeError)) throw error;
    return { place, error };
  }
}

/** Some of the pictures, in the order asked for. */
export function selectPictures({ pictures, features, unreadable }: PictureSet, places: readonly number[]): PictureSet {
  return {
    pictures: places.map((place) => pictures[place]!),
    features: selectRows(features, places),
    unreadable,
  };
}
