// Tar shards in the webdataset layout (https://github.com/webdataset/webdataset): members with one key are one sample, "0017.jpg" with
// "0017.cls" (a number or a name) or "0017.json".
import { FormatError } from "../errors.ts";
import { baseName, isPictureName } from "../image/picture-files.ts";
import { type DataFileEntry, type DataFiles, folderOf, type PictureSource } from "./files.ts";
import { gunzip, isGzip } from "./gunzip.ts";
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
  const groups = new Map<string, TarMember[]>();
  for (const member of members) {
    const key = keyOf(member.name);
    if (key === undefined) continue;
    const group = groups.get(key);
    // Added to, not copied: an archive may have a million members of one key.
    if (group === undefined) groups.set(key, [member]);
    else group.push(member);
  }
  const samples: Sample[] = [];
  for (const [key, group] of groups) {
    const picture = group.find((member) => isPictureName(member.name));
    const name = `${path}/${picture?.name ?? key}`;
    const label = readLabel(bytes, group);
    const reason =
      picture === undefined ? "it has no picture" : picture.length === 0 ? "its picture is empty" : label.problem;
    if (picture !== undefined && reason === undefined)
      samples.push({ name, label: label.label, picture: locate(picture) });
    else problems.push({ name, reason: reason ?? "it has no picture" });
  }
  if (samples.length === 0)
    throw new FormatError("tar", `${baseName(path)} has no labelled pictures: it has ${describe(members)}`, {
      hint: "a sample is KEY.jpg (or .png, .webp, …) with KEY.cls or KEY.json",
    });
  return { samples, problems };
}

/** The path up to the first dot of its last part. undefined for what systems add. */
function keyOf(name: string): string | undefined {
  const base = baseName(name);
  const dot = base.indexOf(".");
  return dot <= 0 ? undefined : name.slice(0, name.length - base.length + dot);
}

type Label =
  | { readonly label: string; readonly problem?: undefined }
  | { readonly label: ""; readonly problem: string };

function readLabel(bytes: Uint8Array, group: readonly TarMember[]): Label {
  const text = (extension: string) => {
    const member = group.find(({ name }) => name.endsWith(extension));
    if (member === undefined) return undefined;
    return new TextDecoder().decode(
      bytes.subarray(member.start, member.start + Math.min(member.length, MAX_LABEL_BYTES)),
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
