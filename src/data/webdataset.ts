// Tar shards in the webdataset layout (https://github.com/webdataset/webdataset): members with one key are one sample, "0017.jpg" with
// "0017.cls" (a number or a name) or "0017.json".
import { FormatError } from "../errors.ts";
import { gunzip, isGzip } from "../gunzip.ts";
import { baseName, isPictureName } from "../image/picture-files.ts";
import { decodeText } from "../text-file.ts";
import { type DataFileEntry, type DataFiles, folderOf, type PictureSource } from "./files.ts";
import { findLabelNames, joinReadable, nameLabels, type Sample, type SamplePart } from "./samples.ts";
import { parseTar, type TarMember } from "./tar.ts";

const JSON_LABELS = ["label", "cls", "class", "class_name", "category"];
const MAX_LABEL_BYTES = 2 ** 20;
const MAX_SHARD_BYTES = 8 * 2 ** 30;

export const isTarName = (path: string): boolean => /\.(tar|tar\.gz|tgz)$/i.test(path);

/** Reads shards as one part. Pictures are read again when they are needed, unless they would have to be inflated again. */
export async function readShards(files: DataFiles, shards: readonly DataFileEntry[]): Promise<SamplePart> {
  const part = await joinReadable(shards, async (path) => {
    const packed = await files.read(path, { maxBytes: MAX_SHARD_BYTES });
    const bytes = gunzip(packed, baseName(path));
    const canReadAgain = !isGzip(packed) && files.readRange !== undefined;
    return parseShard(bytes, path, ({ start, length }) =>
      canReadAgain
        ? { kind: "range", path, start, length }
        : () => ({ kind: "encoded", bytes: bytes.slice(start, start + length) }),
    );
  });
  return nameLabels(part, await findLabelNames(files, folderOf(shards[0]?.path ?? "")));
}

/** The samples of one shard. */
export function parseShard(
  bytes: Uint8Array,
  path: string,
  locate: (member: TarMember) => PictureSource | (() => PictureSource),
): SamplePart {
  const { members, problems } = parseTar(bytes, baseName(path));
  const groups = groupMembers(members);
  const samples: Sample[] = [];
  for (const [key, group] of groups) {
    const [picture, ...others] = group.filter((member) => isPictureName(member.name));
    const name = `${path}/${picture?.name ?? key}`;
    const label = readLabel(bytes, group);
    const reason =
      picture === undefined ? "it has no picture" : picture.length === 0 ? "its picture is empty" : label.problem;
    if (picture !== undefined && reason === undefined)
      samples.push({ name, label: label.label, picture: locate(picture) });
    else problems.push({ name, reason: reason ?? "it has no picture" });
    for (const other of others)
      problems.push({ name: `${path}/${other.name}`, reason: `it is one more picture of the sample ${key}` });
  }
  if (samples.length === 0)
    throw new FormatError("tar", `${baseName(path)} has no labelled pictures: it has ${describe(members)}`, {
      hint: "a sample is KEY.jpg (or .png, .webp, …) with KEY.cls or KEY.json",
    });
  return { samples, problems };
}

/**
 * Members by key: the path up to the first dot of its last part. Where that puts several pictures under one key, and each has a label by the last
 * dot ("img.v1.0001.jpg" and "img.v1.0001.cls"), there are dots in the keys.
 */
function groupMembers(members: readonly TarMember[]): Map<string, TarMember[]> {
  const groups = new Map<string, TarMember[]>();
  for (const [key, group] of groupBy(members, (base) => base.indexOf("."))) {
    const parts = groupBy(group, (base) => base.lastIndexOf("."));
    const withPicture = [...parts.values()].filter((part) => part.some(({ name }) => isPictureName(name)));
    const areSamples = withPicture.every((part) => part.some(({ name }) => /\.(cls|json)$/.test(name)));
    if (withPicture.length > 1 && areSamples) for (const [longer, part] of parts) groups.set(longer, part);
    else groups.set(key, group);
  }
  return groups;
}

/** Hidden files, which have their first dot at the beginning, are what systems add. */
function groupBy(members: readonly TarMember[], findDot: (base: string) => number): Map<string, TarMember[]> {
  const groups = new Map<string, TarMember[]>();
  for (const member of members) {
    const base = baseName(member.name);
    if (base.indexOf(".") <= 0) continue;
    const key = member.name.slice(0, member.name.length - base.length + findDot(base));
    const group = groups.get(key);
    // Added to, not copied: an archive may have a million members of one key.
    if (group === undefined) groups.set(key, [member]);
    else group.push(member);
  }
  return groups;
}

type Label =
  | { readonly label: string; readonly problem?: undefined }
  | { readonly label: ""; readonly problem: string };

function readLabel(bytes: Uint8Array, group: readonly TarMember[]): Label {
  try {
    return labelIn(bytes, group);
  } catch (error) {
    if (error instanceof FormatError) return { label: "", problem: error.message };
    throw error;
  }
}

function labelIn(bytes: Uint8Array, group: readonly TarMember[]): Label {
  const text = (extension: string) => {
    const member = group.find(({ name }) => name.endsWith(extension));
    if (member === undefined) return undefined;
    return decodeText(
      bytes.subarray(member.start, member.start + Math.min(member.length, MAX_LABEL_BYTES)),
      member.name,
    );
  };
  const plain = text(".cls")?.trim();
  if (plain !== undefined) return plain === "" ? { label: "", problem: "its .cls is empty" } : { label: plain };
  const json = text(".json");
  if (json === undefined) return { label: "", problem: "it has no .cls and no .json with a label" };
  try {
    const value: unknown = JSON.parse(json);
    for (const key of JSON_LABELS) {
      const label = typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
      if (typeof label === "string" && label !== "") return { label };
      if (typeof label === "number" && Number.isSafeInteger(label)) return { label: String(label) };
    }
    return { label: "", problem: `its .json has none of ${JSON_LABELS.join(", ")}` };
  } catch {
    return { label: "", problem: "its .json is not JSON" };
  }
}

function describe(members: readonly TarMember[]): string {
  const names = members.slice(0, 4).map((member) => member.name);
  return members.length === 0
    ? "no files"
    : `${members.length} files (${names.join(", ")}${members.length > 4 ? ", …" : ""})`;
}
