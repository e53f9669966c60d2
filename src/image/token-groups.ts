// What became of a picture's patches in a model that goes on with fewer tokens: a heat map of how much of each is left, then a panel for each
// reduction. Patches with a token of their own stay as they are, those that share one are filled with their mean colour inside a line of that token's
// colour, and those that are gone are dark (the figures of EViT, arXiv 2202.07800, and ToMe, arXiv 2210.09461).
import { UsageError } from "../errors.ts";
import { type Color, copyPicture, distinctColor, fade } from "./draw.ts";
import { type Field, overlayHeat } from "./heat-map.ts";
import { type Pixels, rgbPixels } from "./pixels.ts";
import type { RawImage } from "./raw-image.ts";
import { describeUnseen, seenShare } from "./seen-share.ts";
import { FAINT_INK, INK, type Panel, paintSheet, type Sheet, type SheetOptions, scaleToPanel } from "./sheet.ts";
import type { ViewToPicture } from "./transform.ts";

/** The tokens that one reduction left. */
export interface TokenStage {
  /** "block 3" */
  readonly name: string;
  /** Tokens that are left, class tokens not counted. */
  readonly tokens: number;
  /** tokens x patches: what share of each patch each token is made of. Rows of zeros are no tokens. */
  readonly origin: Float32Array;
  /** How much each patch counted for the reduction, where it has a number for that, 0 to 1. */
  readonly scores?: Float32Array;
}

/** What became of the patches of one view of a picture. */
export interface TokenView {
  readonly viewToPicture: ViewToPicture;
  readonly stages: readonly TokenStage[];
}

/** What became of a picture's patches: their grid, and every view of the picture. */
export interface TokenGroups {
  readonly grid: { readonly height: number; readonly width: number };
  readonly views: readonly TokenView[];
}

/** A reduction, patch by patch. */
export interface PatchFates {
  /** The token that each patch is most in; -1 where it is in none. */
  readonly owners: Int32Array;
  /** How much of each patch is in all tokens together: 1 with a token of its own, 1/k where k share one, 0 where it is gone. */
  readonly weights: Float32Array;
  /** How many patches each token owns. */
  readonly sizes: Int32Array;
  /** How many tokens are left: all whose row is not zeros. */
  readonly count: number;
}

/** What a stage says of each patch. */
export function patchFates({ tokens, origin }: TokenStage): PatchFates {
  const patches = tokens === 0 ? 0 : origin.length / tokens;
  const owners = new Int32Array(patches).fill(-1);
  const most = new Float32Array(patches);
  const weights = new Float32Array(patches);
  let count = 0;
  for (let token = 0; token < tokens; token++) {
    let isLeft = false;
    for (let patch = 0; patch < patches; patch++) {
      const share = origin[token * patches + patch]!;
      isLeft ||= share !== 0;
      weights[patch]! += share;
      if (share <= most[patch]!) continue;
      most[patch] = share;
      owners[patch] = token;
    }
    if (isLeft) count++;
  }
  const sizes = new Int32Array(tokens);
  for (const owner of owners) if (owner >= 0) sizes[owner]! += 1;
  return { owners, weights, sizes, count };
}

/**
 * Draws which patches of a picture kept a token, which share one, and which are gone.
 *
 * @returns a new picture: headline, heat map, one panel a reduction
 * @example
 * const classifier = await Classifier.load("deit_small_patch16_224", { tokens: "merge=13:tome" });
 * const { tokens } = await classifier.classify(image, { explain: true });
 * if (tokens) await writeFile("tokens.png", await encodePng(drawTokens(image, tokens)));
 */
export function drawTokens(image: Pixels, groups: TokenGroups, options: SheetOptions = {}): RawImage {
  return paintSheet(tokenSheet(image, groups, options));
}

/** What `drawTokens` draws. */
export function tokenSheet(image: Pixels, groups: TokenGroups, options: SheetOptions = {}): Sheet {
  checkGroups(groups);
  const picture = scaleToPanel(rgbPixels(image), options);
  const count = groups.views[0]!.stages.length;
  const hasScores = groups.views[0]!.stages.at(-1)!.scores !== undefined;
  const heat: Panel = {
    title: hasScores ? "how much it counted" : "what is left of it",
    picture: drawHeat(picture, groups),
    detail: "heat scale",
  };
  return {
    headline: options.headline ?? [],
    note: describeUnseen(seenShare(groups.views.map(({ viewToPicture }) => viewToPicture))),
    panels: [heat, ...shownStages(count).map((stage) => stagePanel(picture, groups, stage))],
    columns: options.columns,
  };
}

function checkGroups({ grid, views }: TokenGroups): void {
  const patches = grid.height * grid.width;
  const isWrong = ({ tokens, origin, scores }: TokenStage) =>
    origin.length !== tokens * patches || (scores !== undefined && scores.length !== patches);
  const wrong = views.flatMap(({ stages }) => stages).find(isWrong);
  if (wrong !== undefined)
    throw new UsageError(
      `tokens of "${wrong.name}": ${wrong.origin.length} shares are not ${wrong.tokens} tokens of ${grid.width} x ${grid.height} patches`,
    );
  if (views.length === 0 || views[0]!.stages.length === 0)
    throw new UsageError("there is no reduction of tokens to draw");
}

/** A model that merges in every block has more stages than one looks at. */
const MOST_PANELS = 5;

/** Stages that are shown: all, or some of them with the first and the last. */
function shownStages(count: number): number[] {
  if (count <= MOST_PANELS) return Array.from({ length: count }, (_, i) => i);
  return Array.from({ length: MOST_PANELS }, (_, i) => Math.round((i * (count - 1)) / (MOST_PANELS - 1)));
}

/** How much of each patch is left at the end; or how much each counted, where the last reduction says it. */
function drawHeat(picture: RawImage, { grid, views }: TokenGroups): RawImage {
  const panel = copyPicture(picture);
  fade(panel, 0.7, 0.85);
  // Cells as large as the patches: between their middles the field is smooth.
  const field: Field = {
    width: 3 * grid.width,
    height: 3 * grid.height,
    data: new Float32Array(9 * grid.width * grid.height),
  };
  for (const { viewToPicture, stages } of views) {
    const last = stages.at(-1)!;
    const values = last.scores ?? patchFates(last).weights;
    // Attention is shared out among all patches, so its numbers are small.
    const most = last.scores === undefined ? 1 : Math.max(...values, Number.MIN_VALUE);
    eachCell(field, viewToPicture, grid, (at, { patch }) => {
      field.data[at] = Math.min(1, Math.max(field.data[at]!, values[patch]! / most));
    });
  }
  overlayHeat(panel, field);
  return panel;
}

function stagePanel(picture: RawImage, { grid, views }: TokenGroups, stage: number): Panel {
  const panel = copyPicture(picture);
  fade(panel, 0.4, 0.5); // what lies outside of the views
  const dark = copyPicture(picture);
  fade(dark, 0.15, 0.3);
  const fates = views.map(({ stages }) => patchFates(stages[stage]!));
  for (const [i, { viewToPicture }] of views.entries())
    drawView(panel, { picture, dark }, viewToPicture, grid, fates[i]!);
  const { name } = views[0]!.stages[stage]!;
  return { title: `after ${name}`, picture: panel, detail: [{ text: describeFates(fates), color: FAINT_INK }] };
}

/** "38 tokens, 1 shared by 70, 37 gone" */
function describeFates(fates: readonly PatchFates[]): string {
  const sizes = fates.flatMap((one) => [...one.sizes]);
  const tokens = fates.reduce((sum, { count }) => sum + count, 0);
  const gone = fates.reduce((sum, { owners }) => sum + owners.filter((owner) => owner < 0).length, 0);
  const shared = sizes.filter((size) => size > 1);
  const together = shared.reduce((a, b) => a + b, 0);
  return [
    `${tokens} tokens`,
    ...(shared.length === 0 ? [] : [`${shared.length} shared by ${together}`]),
    ...(gone === 0 ? [] : [`${gone} gone`]),
  ].join(", ");
}

/** Draws one view's patches over `panel`. */
function drawView(
  panel: RawImage,
  { picture, dark }: { readonly picture: RawImage; readonly dark: RawImage },
  view: ViewToPicture,
  grid: TokenGroups["grid"],
  { owners, sizes }: PatchFates,
): void {
  const means = meanColors(picture, view, grid, { owners, sizes });
  const line = Math.max(1, Math.max(panel.width, panel.height) / 320);
  const ownerAt = (row: number, column: number) =>
    row < 0 || column < 0 || row >= grid.height || column >= grid.width ? OUTSIDE : owners[row * grid.width + column]!;
  eachCell(panel, view, grid, (at, cell) => {
    const { row, column, left, top, right, bottom } = cell;
    const owner = ownerAt(row, column);
    const isGroup = owner >= 0 && sizes[owner]! > 1;
    const neighbours = [
      ...(left < line ? [ownerAt(row, column - 1)] : []),
      ...(right < line ? [ownerAt(row, column + 1)] : []),
      ...(top < line ? [ownerAt(row - 1, column)] : []),
      ...(bottom < line ? [ownerAt(row + 1, column)] : []),
    ];
    const isEdge = neighbours.some((other) => other !== owner && (isGroup || other === GONE));
    if (owner < 0) copyPixel(dark, panel, at);
    else if (isEdge) mixPixel(panel, at, isGroup ? distinctColor(owner) : INK, isGroup ? 1 : 0.5);
    else if (isGroup) mixPixel(panel, at, means.subarray(3 * owner, 3 * owner + 3), 0.8);
    else copyPixel(picture, panel, at);
  });
}

const GONE = -1;
const OUTSIDE = -2;

/** The mean colour of what each token owns, three numbers a token. */
function meanColors(
  picture: RawImage,
  view: ViewToPicture,
  grid: TokenGroups["grid"],
  { owners, sizes }: Pick<PatchFates, "owners" | "sizes">,
): Float64Array {
  const sums = new Float64Array(3 * sizes.length);
  const counts = new Float64Array(sizes.length);
  eachCell(picture, view, grid, (at, { patch }) => {
    const owner = owners[patch]!;
    if (owner < 0) return;
    counts[owner]! += 1;
    for (let i = 0; i < 3; i++) sums[3 * owner + i]! += picture.data[3 * at + i]!;
  });
  return sums.map((sum, i) => sum / Math.max(1, counts[Math.floor(i / 3)]!));
}

/** Where a pixel lies among the patches, and how far it is from the edges of its own, in pixels. */
interface Cell {
  readonly row: number;
  readonly column: number;
  readonly patch: number;
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** Visits every pixel of a surface over the picture that lies in a view. */
function eachCell(
  { width, height }: { readonly width: number; readonly height: number },
  { scaleX, scaleY, offsetX, offsetY }: ViewToPicture,
  grid: TokenGroups["grid"],
  visit: (at: number, cell: Cell) => void,
): void {
  // Pixels of a patch.
  const across = (scaleX * width) / grid.width;
  const down = (scaleY * height) / grid.height;
  for (let y = 0; y < height; y++) {
    const v = (y + 0.5 - offsetY * height) / down;
    const row = Math.floor(v);
    if (row < 0 || row >= grid.height) continue;
    const top = (v - row) * down;
    for (let x = 0; x < width; x++) {
      const u = (x + 0.5 - offsetX * width) / across;
      const column = Math.floor(u);
      if (column < 0 || column >= grid.width) continue;
      const left = (u - column) * across;
      const patch = row * grid.width + column;
      visit(y * width + x, { row, column, patch, left, top, right: across - left, bottom: down - top });
    }
  }
}

function copyPixel(from: RawImage, into: RawImage, at: number): void {
  for (let i = 3 * at; i < 3 * at + 3; i++) into.data[i] = from.data[i]!;
}

function mixPixel({ data }: RawImage, at: number, color: Color | Float64Array, alpha: number): void {
  for (let i = 0; i < 3; i++) data[3 * at + i] = data[3 * at + i]! + (color[i]! - data[3 * at + i]!) * alpha + 0.5;
}
