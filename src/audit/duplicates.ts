// Pictures that are there more than once: the same bytes, or the same picture saved, scaled, cropped or mirrored. What matters is what follows:
// one picture under two labels, and one picture in training and in what it is measured on.
import type { SplitName } from "../data/samples.ts";
import type { Neighbourhood } from "./neighbourhood.ts";
import { alignedLikeness, croppedLikeness } from "./same-picture.ts";

export interface DuplicateGroup {
  /** Places of the pictures, at least two, ascending. */
  readonly pictures: readonly number[];
  /** "exact": all have the same bytes. */
  readonly kind: "exact" | "near";
  /** Whether they have more than one label. */
  readonly isConflict: boolean;
  /** Whether they are in more than one split. */
  readonly isLeak: boolean;
}

/** What is needed of a picture to compare it. */
export interface ComparedPicture {
  readonly label: number;
  readonly split: SplitName;
  /** Of its bytes. */
  readonly hash: string;
  readonly thumbnail: Uint8Array;
}

/** Pairs that may be one picture, with the cosine of their features. */
export type Candidates = Iterable<readonly [a: number, b: number, similarity: number]>;

/**
 * Limits were chosen on 8,834 photographs with known groups, and on copies of 200 of them that were scaled, cropped, mirrored and recompressed;
 * see docs/audit.md. A distance is that of features, as a share of the distance of any two pictures.
 */
const FARTHEST = 0.3;
/** A third of the distance and what the likeness lacks may be this together. */
const MOST_APART = 0.1;
/** Thumbnails that are so alike in the same framing outweigh features, which change when a picture is made smaller. */
const ALIKE = 0.985;
const FARTHEST_ALIKE = 0.6;

/** @param distance of features, as a share of the distance of any two pictures */
export function isSamePicture(a: Uint8Array, b: Uint8Array, distance: number): boolean {
  if (!(distance < FARTHEST_ALIKE)) return false;
  const aligned = alignedLikeness(a, b);
  if (aligned >= ALIKE) return true;
  const isNear = (likeness: number) => distance / 3 + 1 - likeness < MOST_APART;
  return distance < FARTHEST && (isNear(aligned) || isNear(croppedLikeness(a, b)));
}

/**
 * Groups of pictures that are one picture: those with a conflict or a leak first, then the largest.
 *
 * @param typical cosine of any two pictures
 */
export function findDuplicates(
  pictures: readonly ComparedPicture[],
  candidates: Candidates,
  typical: number,
): DuplicateGroup[] {
  const groups = new Groups(pictures.length);
  const byHash = new Map<string, number>();
  for (const [i, { hash }] of pictures.entries()) {
    const first = byHash.get(hash);
    if (first === undefined) byHash.set(hash, i);
    else groups.join(first, i);
  }
  for (const [a, b, similarity] of candidates) {
    if (groups.of(a) === groups.of(b)) continue;
    const distance = (1 - similarity) / Math.max(1 - typical, 1e-6);
    if (isSamePicture(pictures[a]!.thumbnail, pictures[b]!.thumbnail, distance)) groups.join(a, b);
  }
  return groups
    .all()
    .map((members): DuplicateGroup => {
      const distinct = <T>(of: (picture: ComparedPicture) => T) => new Set(members.map((i) => of(pictures[i]!))).size;
      return {
        pictures: members,
        kind: distinct(({ hash }) => hash) === 1 ? "exact" : "near",
        isConflict: distinct(({ label }) => label) > 1,
        isLeak: distinct(({ split }) => split) > 1,
      };
    })
    .sort((a, b) => severity(b) - severity(a) || b.pictures.length - a.pictures.length);
}

const severity = ({ isConflict, isLeak }: DuplicateGroup): number => 2 * Number(isConflict) + Number(isLeak);

/** Every pair of neighbours once. */
export function* neighbourPairs({ k, indices, similarities }: Neighbourhood): Candidates {
  for (let at = 0; at < indices.length; at++) {
    const [row, other] = [Math.floor(at / k), indices[at]!];
    if (other === -1) continue;
    // Where each is among the other's neighbours, the pair comes twice.
    const isTwice = other < row && indices.subarray(other * k, (other + 1) * k).includes(row);
    if (!isTwice) yield [row, other, similarities[at]!];
  }
}

/** Disjoint sets. */
class Groups {
  readonly #parent: Int32Array;

  constructor(count: number) {
    this.#parent = Int32Array.from({ length: count }, (_, i) => i);
  }

  of(member: number): number {
    const parent = this.#parent;
    let root = member;
    while (parent[root] !== root) root = parent[root]!;
    for (let at = member; at !== root; ) {
      const next = parent[at]!;
      parent[at] = root;
      at = next;
    }
    return root;
  }

  /** The earlier one stands for both. */
  join(a: number, b: number): void {
    const [rootA, rootB] = [this.of(a), this.of(b)];
    this.#parent[Math.max(rootA, rootB)] = Math.min(rootA, rootB);
  }

  /** Those with more than one member. */
  all(): number[][] {
    const members = new Map<number, number[]>();
    for (let i = 0; i < this.#parent.length; i++) {
      const root = this.of(i);
      const group = members.get(root);
      if (group === undefined) members.set(root, [i]);
      else group.push(i);
    }
    return [...members.values()].filter((group) => group.length > 1);
  }
}
