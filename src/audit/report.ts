// The audit as one HTML file that needs nothing else: the findings with their pictures, and a map of all.

import { html, type Markup, percent } from "../evaluate/report/html.ts";
import { renderPage } from "../evaluate/report/page.ts";
import { factList, problemSection, section, tiles } from "../evaluate/report/sections.ts";
import { cardFacts } from "../evaluate/report.ts";
import type { ProductsOf } from "../learn/products.ts";
import { adviceFor } from "./advice.ts";
import { type DrawingHost, drawThumbnails, type OpenPicture, pictureAt } from "./pictures-drawn.ts";
import { drawMap, type MapProgress } from "./report/map.ts";
import {
  balanceSection,
  copiesSection,
  labelSection,
  nextSection,
  oddSection,
  outlierSection,
} from "./report/sections.ts";
import { AUDIT_SCRIPT, AUDIT_STYLE } from "./report/style.ts";
import type { AuditResult } from "./result.ts";

export interface AuditReportOptions {
  /** The last line: program and date. */
  readonly footer?: string;
  readonly products?: ProductsOf;
  readonly signal?: AbortSignal;
  readonly onProgress?: (step: "drawing" | "map", done: number, total: number) => void;
}

/** Pictures that are shown at most, so that the page stays at a few megabytes whatever was found. */
const MOST = { labels: 120, groups: 40, inGroup: 6, outliers: 48, odd: 48, next: 100 };

/**
 * The page's HTML. All text is escaped; the file is well-formed and loads nothing. Pictures are read once more.
 *
 * @throws AbortedError, and what the host's encoder throws
 */
export async function renderAuditReport(
  host: DrawingHost,
  result: AuditResult,
  options: AuditReportOptions = {},
): Promise<string> {
  const shown = shownOf(result);
  const thumbnails = await Thumbnails.draw(host, result, shown, options);
  const map = await drawMap(host, result, {
    suspects: new Set(shown.labels.map(({ picture }) => picture)),
    ...(options.products === undefined ? {} : { products: options.products }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    onProgress: ((done, total) => options.onProgress?.("map", done, total)) satisfies MapProgress,
  });
  const { data, set, classNames, notes, space, problems, next } = result;
  const { unreadable } = set;
  const body = html`<header><h1>What is wrong with ${data}</h1>
<p class="lead">${set.pictures.length} pictures of ${classNames.length} classes, seen through the features of ${result.model.name}. Nothing was changed.</p></header>
${headline(result)}${advice(result)}${shown.labels.length > 0 && labelSection(result, shown.labels, thumbnails)}${
  shown.groups.length > 0 && copiesSection(result, shown.groups, MOST.inGroup, thumbnails)
}${shown.odd.length > 0 && oddSection(result, shown.odd, thumbnails)}${
  shown.outliers.length > 0 && outlierSection(result, shown.outliers, thumbnails)
}${next !== undefined && nextSection(result, next, next.chosen.slice(0, MOST.next), thumbnails)}${balanceSection(result)}${map}${section(
  "How this was found",
  factList([
    ...cardFacts(result.model),
    ["Features", `${space.layer}, ${space.width} numbers, ${space.id}`],
    ["Data", `${data}: ${result.layout}`],
    ...notes.map((note): [string, string] => ["Note", note]),
  ]),
)}${unreadable.length + problems.length > 0 && problemSection([...unreadable, ...problems])}`;
  return renderPage({
    title: `Audit of ${data}`,
    body,
    footer: options.footer,
    style: AUDIT_STYLE,
    script: AUDIT_SCRIPT,
  });
}

/** The worst of each kind, as many as are shown. */
export interface Shown {
  readonly labels: NonNullable<AuditResult["labels"]>["doubts"];
  readonly groups: AuditResult["duplicates"];
  readonly outliers: AuditResult["outliers"];
  readonly odd: AuditResult["oddities"];
}

function shownOf({ labels, duplicates, outliers, oddities }: AuditResult): Shown {
  // Beyond twice the estimate, most labels are right.
  const doubts = labels === undefined ? [] : labels.doubts.slice(0, Math.min(2 * labels.estimated, MOST.labels));
  return {
    labels: doubts,
    groups: duplicates.slice(0, MOST.groups),
    outliers: outliers.slice(0, MOST.outliers),
    odd: oddities.slice(0, MOST.odd),
  };
}

/** The small pictures of all that is shown. */
export class Thumbnails {
  readonly #ofSet: ReadonlyMap<number, string>;
  readonly #ofPool: readonly (string | undefined)[];

  private constructor(ofSet: ReadonlyMap<number, string>, ofPool: readonly (string | undefined)[]) {
    this.#ofSet = ofSet;
    this.#ofPool = ofPool;
  }

  static async draw(
    host: DrawingHost,
    result: AuditResult,
    { labels, groups, outliers, odd }: Shown,
    { signal, onProgress }: AuditReportOptions,
  ): Promise<Thumbnails> {
    const places = [
      ...new Set([
        ...[...labels, ...outliers, ...odd].map(({ picture }) => picture),
        ...groups.flatMap(({ pictures }) => pictures.slice(0, MOST.inGroup)),
      ]),
    ];
    const chosen = (result.next?.chosen ?? []).slice(0, MOST.next);
    const open: OpenPicture[] = [
      ...places.map((place) => pictureAt(result, place)),
      ...chosen.map(
        ({ name }): OpenPicture =>
          async () => ({ kind: "file", path: name }),
      ),
    ];
    let done = 0;
    const counted = open.map(
      (one): OpenPicture =>
        () => {
          onProgress?.("drawing", ++done, open.length);
          return one();
        },
    );
    const drawn = await drawThumbnails(host, counted, signal);
    const ofSet = places.flatMap((place, i): [number, string][] => (drawn[i] === undefined ? [] : [[place, drawn[i]]]));
    return new Thumbnails(new Map(ofSet), drawn.slice(places.length));
  }

  /** undefined for what could not be read a second time. */
  of(place: number): string | undefined {
    return this.#ofSet.get(place);
  }

  ofChosen(i: number): string | undefined {
    return this.#ofPool[i];
  }
}

function headline({ set, labels, duplicates, balance, oddities, outliers }: AuditResult): Markup {
  const conflicts = duplicates.filter(({ isConflict }) => isConflict).length;
  const leaks = duplicates.filter(({ isLeak }) => isLeak).length;
  const splits = balance.splits.map((split) => `${set.pictures.filter((one) => one.split === split).length} ${split}`);
  return tiles([
    ["Pictures", String(set.pictures.length), splits.join(", ")],
    ...(labels === undefined
      ? []
      : [
          [
            "Doubtful labels",
            String(labels.estimated),
            `estimated; classifiers that had not seen a picture agree with ${percent(labels.agreement)} of all labels`,
          ] as const,
        ]),
    ["Pictures more than once", String(duplicates.length), `${conflicts} under two labels, ${leaks} in two splits`],
    [
      "Odd or lonely",
      String(new Set([...oddities, ...outliers].map(({ picture }) => picture)).size),
      `and ${set.unreadable.length} that cannot be read`,
    ],
  ]);
}

function advice(result: AuditResult): Markup {
  const found = adviceFor(result);
  if (found.length === 0) return html`<p class="lead">Nothing was found that looks wrong.</p>`;
  return section(
    "What to do, the most important first",
    html`<ol class="advice">${found.map((one) => html`<li><strong>${one.found}</strong>: ${one.todo}.</li>`)}</ol>`,
  );
}
