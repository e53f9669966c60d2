// Verification as a whole, from a model's name and a list of pairs to numbers: what `evaluatePairs` of the library and `saccade eval --pairs` do. Every picture is
// run once, in however many pairs it is; faces may be aligned before.
import { type DataProblem, list } from "../data/dataset.ts";
import { type FacePointsList, readFacePoints } from "../data/face-points.ts";
import { checkAborted } from "../data/files.ts";
import { type Pair, readPairs } from "../data/pairs.ts";
import { SaccadeError, UsageError } from "../errors.ts";
import { alignFace, type FaceAlignment, requireFaceOnPicture } from "../image/align-face.ts";
import type { Decoding } from "../image/raw-image.ts";
import { fixedOutputSize, parseTransform, printTransform, type Transform, valueSteps } from "../image/transform.ts";
import { type Verification, type VerificationOptions, verification } from "../learn/verification.ts";
import { loadModel } from "../model-folder/load.ts";
import type { LoadedModel } from "../model-folder/model.ts";
import { usualTransform } from "../models/picture-input.ts";
import type { DigestHost } from "../platform/host.ts";
import { type EmbedderOptions, loadEmbedder } from "../tasks/embed/embedder.ts";
import type { EmbeddingSpace } from "../tasks/embed/space.ts";
import { type PictureSource, readPicture } from "../tasks/engine/pictures.ts";
import type { EvaluationHost } from "./evaluate.ts";

export interface EvaluatePairsOptions
  extends Omit<EmbedderOptions, "normalize" | "expectedPictures">,
    Pick<VerificationOptions, "far"> {
  /** Path of a list of where faces are: path, x1, y1, …, x5, y5. All faces are then aligned before the model sees them. */
  readonly landmarks?: string;
  /** How faces are aligned. Default "eyes-mouth", Light CNN's. */
  readonly alignment?: FaceAlignment;
  /** "fast": large photographs are decoded no larger than the model needs, where they are not aligned. Default "exact". */
  readonly decode?: Decoding;
  /** Pictures that run together. Default 32. */
  readonly batchSize?: number;
  /** Called as pictures get done. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** A pair and how alike it is: the cosine of its embeddings. */
export interface ScoredPair extends Pair {
  readonly score: number;
}

export interface PairEvaluation extends Verification {
  /** The model's name. */
  readonly model: string;
  /** What the vectors are. */
  readonly space: EmbeddingSpace;
  /** Pictures that were run. */
  readonly pictures: number;
  /** All pairs that were measured, in the list's order. */
  readonly scored: readonly ScoredPair[];
  /** Pairs without a score, because a picture has none. */
  readonly leftOut: number;
  /** Rows and pictures that could not be used. */
  readonly problems: readonly DataProblem[];
}

/**
 * Measures how well a model's embeddings tell whether two pictures show the same.
 *
 * @param model registered or bundled name, model folder, checkpoint or ONNX file
 * @param pairsPath list of pairs: first, second, same, and perhaps fold (CSV, JSON lines), or LFW's pairs.txt
 * @throws UsageError when the pairs are all of one kind; NotFoundError; FormatError; what loading an embedder throws; AbortedError
 */
export async function evaluatePairs(
  host: EvaluationHost & DigestHost,
  model: string,
  pairsPath: string,
  options: EvaluatePairsOptions = {},
): Promise<PairEvaluation> {
  const { landmarks, far, onNotice } = options;
  if (landmarks === undefined && options.alignment !== undefined)
    throw new UsageError("faces are aligned by where their points are", "give them too: --landmarks points.csv");
  const { pairs, problems, notes } = await readPairs(host.dataFiles, pairsPath);
  for (const note of notes) onNotice?.(note);
  requireBothKinds(pairs, pairsPath, problems);
  const faces = landmarks === undefined ? undefined : await readFacePoints(host.dataFiles, landmarks);
  const loaded = await loadModel(host, model, options);
  const paths = [...new Set(pairs.flatMap(({ first, second }) => [first, second]))];
  const prepared = faces === undefined ? undefined : forAligned(loaded, options);
  await using embedder = await loadEmbedder(host, loaded, {
    ...options,
    ...(prepared === undefined ? {} : { transform: prepared.transform }),
    expectedPictures: paths.length,
    normalize: true,
  });
  onNotice?.(`${pairs.length} pairs of ${paths.length} pictures`);
  const sources = prepared === undefined ? paths : aligned(host, paths, faces!, { ...options, ...prepared });
  const { vectors, failed } = await embedded(embedder, paths, sources, options);
  const scored = pairs.flatMap((pair): ScoredPair[] => {
    const [first, second] = [vectors.get(pair.first), vectors.get(pair.second)];
    return first === undefined || second === undefined ? [] : [{ ...pair, score: dot(first, second) }];
  });
  const allProblems = [...problems, ...(faces?.problems ?? []), ...failed];
  requireBothKinds(scored, pairsPath, allProblems);
  const folds = scored.every(({ fold }) => fold !== undefined) ? scored.map(({ fold }) => fold!) : undefined;
  const measured = verification(
    Float64Array.from(scored, ({ score }) => score),
    Uint8Array.from(scored, ({ isSame }) => Number(isSame)),
    { ...(far === undefined ? {} : { far }), ...(folds === undefined ? {} : { folds }) },
  );
  return {
    ...measured,
    model: embedder.card.name,
    space: embedder.space,
    pictures: vectors.size,
    scored,
    leftOut: pairs.length - scored.length,
    problems: allProblems,
  };
}

function requireBothKinds(pairs: readonly Pair[], path: string, problems: readonly DataProblem[]): void {
  const same = pairs.filter(({ isSame }) => isSame).length;
  if (same > 0 && same < pairs.length) return;
  const [found, missing] = same === 0 ? ["different", "same"] : ["same", "different"];
  const reasons = problems.map(({ name, reason }) => `${name}: ${reason}`);
  const others = reasons.length === 0 ? "" : `; left out: ${list(reasons, 3)}`;
  throw new UsageError(
    pairs.length === 0
      ? `${path}: no pair can be used${others}`
      : `${path}: all ${pairs.length} pairs that can be used are ${found}${others}`,
    pairs.length === 0
      ? "verification is measured on pairs that are the same and pairs that are different"
      : `verification is measured on both kinds: add pairs that are ${missing}`,
  );
}

interface Prepared {
  /** Side of the aligned picture. */
  readonly size: number;
  /** Of a picture of that size, without a change. */
  readonly transform: string;
}

/** What is left of a model's preprocessing for a picture that is made for it: the values. */
function forAligned(loaded: LoadedModel, { transform }: EvaluatePairsOptions): Prepared {
  const { card } = loaded;
  const text =
    transform ?? card.transform ?? (loaded.kind === "native" ? usualTransform(loaded.definition) : undefined);
  if (text === undefined)
    throw new UsageError(`${card.name} does not say what it does to pictures`, "say it: --transform");
  const parsed: Transform = parseTransform(text);
  const size = fixedOutputSize(parsed);
  if (size === undefined || size.width !== size.height)
    throw new UsageError(
      `aligned faces are square, and ${card.name} sees ${size === undefined ? "pictures of many sizes" : `${size.width} x ${size.height} pixels`}`,
      "say a square size: --transform 'resize(128,128)|…'",
    );
  return {
    size: size.width,
    transform: printTransform([{ op: "central_crop", width: size.width, height: size.width }, ...valueSteps(parsed)]),
  };
}

/** Aligned faces, one after the other; a path without points is handed on as an error. */
async function* aligned(
  host: EvaluationHost,
  paths: readonly string[],
  { points }: FacePointsList,
  { size, alignment, signal }: EvaluatePairsOptions & Prepared,
): AsyncGenerator<PictureSource | SaccadeError> {
  for (const path of paths) {
    checkAborted(signal, "embedding the pictures");
    const face = points.get(path);
    yield face === undefined
      ? new UsageError("the list of faces says nothing of it")
      : await readPicture(host, path)
          .then((image) => {
            requireFaceOnPicture(image, face);
            return alignFace(image, face, { size, ...(alignment === undefined ? {} : { alignment }) });
          })
          .catch((error: unknown) => {
            if (error instanceof SaccadeError) return error;
            throw error;
          });
  }
}

/** Vectors by path, and why some pictures have none. */
async function embedded(
  embedder: Awaited<ReturnType<typeof loadEmbedder>>,
  paths: readonly string[],
  sources: Iterable<PictureSource> | AsyncIterable<PictureSource | SaccadeError>,
  { batchSize = 32, decode = "exact", signal, onProgress }: EvaluatePairsOptions,
) {
  const vectors = new Map<string, Float32Array>();
  const failed: DataProblem[] = [];
  const running: string[] = [];
  let done = 0;
  async function* usable(): AsyncGenerator<PictureSource> {
    let next = 0;
    for await (const source of sources) {
      const path = paths[next++]!;
      if (source instanceof SaccadeError) {
        failed.push({ name: path, reason: source.message });
        onProgress?.(++done, paths.length);
        continue;
      }
      running.push(path);
      yield source;
    }
  }
  for await (const { answer, error } of embedder.embedAll(usable(), {
    batchSize,
    decode,
    ...(signal === undefined ? {} : { signal }),
  })) {
    const path = running.shift()!;
    if (error === undefined) vectors.set(path, answer);
    else failed.push({ name: path, reason: error.message });
    onProgress?.(++done, paths.length);
  }
  return { vectors, failed };
}

/** In double precision: the cosine of vectors of length 1. */
function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}
