// What an index consists of: the space of its vectors and the parts that hold them. The manifest is replaced in one step, so an index is always
// the old one or the new one; files that it does not name are left over from a run that was stopped.
import { z } from "zod";
import { FormatError, NotFoundError } from "../errors.ts";
import type { LoadOptions } from "../model-folder/load.ts";
import { withTokenDial } from "../model-folder/token-dial.ts";
import type { Files } from "../platform/host.ts";
import type { EmbeddingSpace } from "../tasks/embed/space.ts";
import { decodeText } from "../text-file.ts";
import { MOST_LEVELS, patchesOf } from "./patches.ts";

/** Readers of folders of Parquet files leave out what begins with _ or a dot. */
const MANIFEST = "_manifest.json";
const VERSION = 1;
const MAX_MANIFEST_BYTES = 2 ** 26;
const PART_NAME = /^part-(\d{6,12})\.parquet$/;
/** What searches keep of a part, beside it. */
const CODES_NAME = /^_(part-\d{6,12})\.codes$/;
/** What an index writes under another name first. */
const TEMPORARY_NAME = /^\.(part-\d+\.parquet|_part-\d+\.codes|_manifest\.json)\..*\.tmp$/;
const LOCK_NAME = ".lock";

const countSchema = z
  .int()
  .min(1)
  .max(2 ** 40);

const partSchema = z.object({
  file: z.string().regex(PART_NAME),
  /** Vectors: pictures times patches. */
  rows: countSchema,
  bytes: countSchema,
});

const spaceSchema = z.looseObject({
  id: z.string().min(1).max(200),
  name: z.string().max(10_000),
  model: z.string().max(200),
  layer: z.string().max(10_000),
  transform: z.string().max(100_000),
  width: z
    .int()
    .min(1)
    .max(2 ** 20),
});

const manifestSchema = z.object({
  saccade_index: z.int().min(1),
  /** What the model was called when it was loaded: a name or a path. */
  model: z.string().max(10_000).optional(),
  /** The text model whose vectors lie in the same space. */
  textModel: z.string().max(10_000).optional(),
  /** How the model was read, where that was not left to its files. */
  reading: z
    .strictObject({ architecture: z.string().max(10_000), config: z.record(z.string(), z.unknown()) })
    .partial()
    .optional(),
  space: spaceSchema,
  /** Scales at which a picture is cut into patches; 1: whole pictures. */
  levels: z.int().min(1).max(MOST_LEVELS),
  parts: z.array(partSchema).max(1_000_000),
});

export type IndexPart = Readonly<z.infer<typeof partSchema>>;

export interface IndexManifest {
  readonly model?: string;
  readonly textModel?: string;
  readonly reading?: Pick<LoadOptions, "architecture" | "config">;
  readonly space: EmbeddingSpace;
  readonly levels: number;
  readonly parts: readonly IndexPart[];
}

/** Vectors of each picture. */
export const perPictureOf = ({ levels }: Pick<IndexManifest, "levels">): number => patchesOf(levels);

/**
 * The manifest of the index in a folder; undefined where there is nothing, or an empty folder.
 *
 * @throws FormatError for a folder that is something else, and for a manifest that is damaged or newer
 */
export async function findManifest(files: Files, folder: string): Promise<IndexManifest | undefined> {
  const entry = await files.stat(folder);
  if (entry === undefined) return undefined;
  const isFolder = entry.isDirectory;
  const path = files.join(folder, MANIFEST);
  if (isFolder && (await files.stat(path)) !== undefined) return readManifest(files, path);
  const others = isFolder ? (await namesIn(files, folder)).filter((name) => !isOwnName(name)) : [];
  if (isFolder && others.length === 0) return undefined;
  throw new FormatError(
    "index",
    isFolder ? `${folder} holds other things (${others[0]}) and no ${MANIFEST}` : `${folder} is a file`,
    { hint: "an index has a folder of its own: name a new one, or one that saccade index made" },
  );
}

/** As `findManifest`, of an index that must be there. */
export async function requireManifest(files: Files, folder: string): Promise<IndexManifest> {
  const manifest = await findManifest(files, folder);
  if (manifest === undefined) throw new NotFoundError("index", folder, "make one: saccade index PICTURES --out INDEX");
  return manifest;
}

async function readManifest(files: Files, path: string): Promise<IndexManifest> {
  const text = decodeText(await files.read(path, { maxBytes: MAX_MANIFEST_BYTES }), path);
  const damaged = (problem: string, cause?: unknown) =>
    new FormatError("index", `${path}: ${problem}`, {
      hint: "the manifest is damaged, or of something else: make the index again in another folder",
      ...(cause === undefined ? {} : { cause }),
    });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw damaged(`not valid JSON (${cause instanceof Error ? cause.message : cause})`, cause);
  }
  const result = manifestSchema.safeParse(json);
  if (!result.success) {
    const [issue] = result.error.issues;
    throw damaged(`${issue!.path.join(".") || "the whole"}: ${issue!.message}`);
  }
  const { saccade_index: version, model, textModel, reading, ...manifest } = result.data;
  if (version > VERSION)
    throw new FormatError(
      "index",
      `${path} is of layout ${version}, newer than this program understands (${VERSION})`,
      {
        hint: "update saccade",
      },
    );
  if (new Set(manifest.parts.map(({ file }) => file)).size < manifest.parts.length)
    throw damaged("a part is named twice");
  const space = manifest.space as unknown as EmbeddingSpace;
  return {
    ...manifest,
    space,
    ...(model === undefined ? {} : { model }),
    ...(textModel === undefined ? {} : { textModel }),
    ...(reading === undefined ? {} : { reading: readingOf(reading) }),
  };
}

/** Of options, how a model is to be read. */
export function readingOf(
  options: {
    readonly [K in "architecture" | "config" | "tokens"]?: LoadOptions[K] | undefined;
  },
): Pick<LoadOptions, "architecture" | "config"> {
  const { architecture, config } = withTokenDial(options);
  return { ...(architecture === undefined ? {} : { architecture }), ...(config === undefined ? {} : { config }) };
}

/** Makes the index what the manifest says, in one step. */
export async function writeManifest(files: Files, folder: string, manifest: IndexManifest): Promise<void> {
  const text = `${JSON.stringify({ saccade_index: VERSION, ...manifest }, undefined, 1)}\n`;
  await files.writeAtomic(files.join(folder, MANIFEST), text);
}

/** The file with the codes of a part. */
export const codesName = (part: string): string => `_${part.replace(/\.parquet$/, ".codes")}`;

export const partName = (number: number): string => `part-${String(number).padStart(6, "0")}.parquet`;

/** Numbers of the parts that lie in a folder, whether or not a manifest names them. */
export async function partNumbers(files: Files, folder: string): Promise<number[]> {
  return (await namesIn(files, folder)).flatMap((name) => {
    const number = PART_NAME.exec(name)?.[1];
    return number === undefined ? [] : [Number(number)];
  });
}

/** Deletes what a manifest does not name: parts with their codes, and files that were never finished. */
export async function deleteLeftovers(files: Files, folder: string, { parts }: IndexManifest): Promise<void> {
  const named = new Set(parts.flatMap(({ file }) => [file, codesName(file)]));
  for (const name of await namesIn(files, folder))
    if (TEMPORARY_NAME.test(name) || ((PART_NAME.test(name) || CODES_NAME.test(name)) && !named.has(name)))
      await files.remove(files.join(folder, name));
}

const OWN_NAMES = [PART_NAME, CODES_NAME, TEMPORARY_NAME];
const isOwnName = (name: string): boolean => name === LOCK_NAME || OWN_NAMES.some((pattern) => pattern.test(name));

async function namesIn(files: Files, folder: string): Promise<string[]> {
  return (await files.list(folder)).map(({ path }) => path.slice(files.join(folder, "x").length - 1));
}
