// The map of the pictures: each a dot in its class's colour, doubted ones ringed. Hovering shows the picture.
import { html, type Markup, px } from "../../evaluate/report/html.ts";
import { section, shortName } from "../../evaluate/report/sections.ts";
import { selectRows } from "../../learn/feature-matrix.ts";
import type { ProductsOf } from "../../learn/products.ts";
import { RandomSource } from "../../random.ts";
import { mapFeatures } from "../embedding-map.ts";
import { type DrawingHost, drawSheet, pictureAt, TILE } from "../pictures-drawn.ts";
import { type AuditResult, referenceOf } from "../result.ts";

export type MapProgress = (done: number, total: number) => void;

export interface DrawMapOptions {
  /** Places that are marked. */
  readonly suspects: ReadonlySet<number>;
  readonly products?: ProductsOf;
  readonly signal?: AbortSignal;
  readonly onProgress?: MapProgress;
}

/** More dots would hide each other, and their pictures take megabytes. */
const MOST_DOTS = 1500;
const WIDTH = 1000;
const HEIGHT = 720;
const EDGE = 24;

/** Nothing for a single picture. */
export async function drawMap(
  host: DrawingHost,
  result: AuditResult,
  { suspects, ...options }: DrawMapOptions,
): Promise<Markup | undefined> {
  const { set, seed, classNames } = result;
  if (set.pictures.length < 2) return undefined;
  const places = sampled(set.pictures.length, suspects, seed);
  const at = await mapFeatures(selectRows(set.features, places), { ...options, seed });
  const sheet = await drawSheet(
    host,
    places.map((place) => pictureAt(result, place)),
    options.signal,
  );
  const seen = [...new Set(places.map((place) => set.pictures[place]!.label))].sort((a, b) => a - b);
  const dot = (i: number): Markup => {
    const place = places[i]!;
    const { path, label, split } = referenceOf(result, place);
    const isSuspect = suspects.has(place);
    return html`<circle${isSuspect && html` class="suspect"`} cx="${px(EDGE + at[2 * i]! * (WIDTH - 2 * EDGE))}" cy="${px(EDGE + at[2 * i + 1]! * (HEIGHT - 2 * EDGE))}" r="${isSuspect ? 5 : 3.5}" data-i="${i}" data-text="${label}, ${split}${isSuspect ? ": doubted" : ""}" data-name="${shortName(path)}"/>
`;
  };
  const ofClass = (label: number) => [...places.keys()].filter((i) => set.pictures[places[i]!]!.label === label);
  const colour = (label: number) => classColour(seen.indexOf(label), seen.length);
  return section(
    "A map of the pictures",
    html`<p>${places.length < set.pictures.length ? `${places.length} of ${set.pictures.length} pictures` : "All pictures"}: like ones lie beside each other (UMAP of the features). Colours are labels; ringed are those whose label looks wrong. A dot in the midst of another colour deserves a look. A class’s button sets the others aside.</p>`,
    html`<div class="map" data-columns="${sheet.columns}" data-rows="${sheet.rows}" data-side="${TILE}"><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Map of the pictures">${seen.map(
      (label) => html`<g data-class="${label}" fill="${colour(label)}">${ofClass(label).map(dot)}</g>`,
    )}<circle class="at" r="0"/></svg><div class="tip" hidden="hidden"><div class="tile" style="background-image:url(${sheet.uri})"></div><div><strong></strong><span></span></div></div><div class="classes">${seen.map(
      (label) =>
        html`<button type="button" aria-pressed="false" data-class="${label}" style="--c:${colour(label)}">${classNames[label]}</button>`,
    )}</div></div>
`,
  );
}

/** All, or the suspects and a drawn part of the others; ascending. */
function sampled(count: number, suspects: ReadonlySet<number>, seed: number): number[] {
  const all = Array.from({ length: count }, (_, place) => place);
  if (count <= MOST_DOTS) return all;
  const others = all.filter((place) => !suspects.has(place));
  const drawn = new RandomSource(seed, "audit/map/sample").shuffle(others).slice(0, MOST_DOTS - suspects.size);
  return [...suspects, ...drawn].sort((a, b) => a - b);
}

/** Hues as far apart as can be; neighbours in the list differ in lightness, too. */
function classColour(i: number, count: number): string {
  return `hsl(${Math.round((360 * i) / count)} ${i % 2 === 0 ? "70% 48%" : "55% 62%"})`;
}
