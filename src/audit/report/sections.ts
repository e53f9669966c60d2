// The parts of the audit's page, each from what it shows.

import { SPLITS } from "../../data/samples.ts";
import { type HtmlValue, html, type Markup, percent } from "../../evaluate/report/html.ts";
import { section, shortName } from "../../evaluate/report/sections.ts";
import type { DuplicateGroup } from "../duplicates.ts";
import type { LabelDoubt } from "../label-errors.ts";
import type { Oddity } from "../oddities.ts";
import type { Outlier } from "../outliers.ts";
import type { Thumbnails } from "../report.ts";
import type { AuditResult, NextToLabel } from "../result.ts";
import { referenceOf } from "../result.ts";

interface Card {
  readonly thumbnail: string | undefined;
  readonly headline: HtmlValue;
  readonly below: HtmlValue;
  readonly path: string;
}

function cards(all: readonly Card[]): Markup {
  return html`<div class="mistakes">${all.map(
    ({ thumbnail, headline, below, path }) =>
      html`<figure class="mistake"><div class="what">${picture(thumbnail)}<figcaption><div class="said">${headline}</div><div class="truth">${below}</div><div class="name" title="${path}">${shortName(path)}</div></figcaption></div></figure>
`,
  )}</div>`;
}

function picture(thumbnail: string | undefined): Markup {
  return thumbnail === undefined
    ? html`<div class="thumb"></div>`
    : html`<img class="thumb whole" src="${thumbnail}" alt="" loading="lazy"/>`;
}

const ofTotal = (shown: number, total: number): string => (shown < total ? `The first ${shown} of ${total}. ` : "");

export function labelSection(result: AuditResult, doubts: readonly LabelDoubt[], thumbnails: Thumbnails): Markup {
  const { doubts: all, estimated } = result.labels!;
  return section(
    "Doubtful labels",
    html`<p>${ofTotal(doubts.length, all.length)}Each picture was judged by a classifier that had not seen it; the most doubtful come first. By its count about ${estimated} labels are wrong; where classes look alike, most of these are right and it is the classifier that cannot tell them apart. All doubts are in suggestions.csv.</p>`,
    cards(
      doubts.map(({ picture: place, suggested, confidence, givenConfidence }) => {
        const { path, label, split } = referenceOf(result, place);
        return {
          thumbnail: thumbnails.of(place),
          headline: html`${result.classNames[suggested]} <span>${percent(confidence, 0)}</span>`,
          below: html`is labelled ${label} (${percent(givenConfidence, 0)}), ${split}`,
          path,
        };
      }),
    ),
  );
}

export function copiesSection(
  result: AuditResult,
  groups: readonly DuplicateGroup[],
  most: number,
  thumbnails: Thumbnails,
): Markup {
  const words = ({ kind, isConflict, isLeak }: DuplicateGroup) =>
    [
      kind === "exact" ? "the same file" : "nearly the same picture",
      ...(isConflict ? ["under more than one label"] : []),
      ...(isLeak ? ["in more than one split"] : []),
    ].join(", ");
  return section(
    "Pictures that are there more than once",
    html`<p>${ofTotal(groups.length, result.duplicates.length)}Those under two labels come first, then those in two splits: what was seen in training is measured too well. Copies may be scaled, cropped, mirrored or compressed anew.</p>`,
    groups.map(
      (
        group,
      ) => html`<div class="copies"><div class="said">${words(group)}${group.pictures.length > most && ` (${group.pictures.length} times)`}</div><div class="row">${group.pictures
        .slice(0, most)
        .map((place) => {
          const { path, label, split } = referenceOf(result, place);
          return html`<figure>${picture(thumbnails.of(place))}<figcaption><div>${label}, ${split}</div><div class="name" title="${path}">${shortName(path)}</div></figcaption></figure>`;
        })}</div></div>
`,
    ),
  );
}

export function oddSection(result: AuditResult, odd: readonly Oddity[], thumbnails: Thumbnails): Markup {
  return section(
    "Odd pictures",
    html`<p>${ofTotal(odd.length, result.oddities.length)}They may be right, but a person should look.</p>`,
    cards(
      odd.map(({ picture: place, kind, reason }) => {
        const { path, label } = referenceOf(result, place);
        return { thumbnail: thumbnails.of(place), headline: kind, below: html`${label}: ${reason}`, path };
      }),
    ),
  );
}

export function outlierSection(result: AuditResult, outliers: readonly Outlier[], thumbnails: Thumbnails): Markup {
  return section(
    "Unlike the others",
    html`<p>${ofTotal(outliers.length, result.outliers.length)}Farther from their neighbours than is usual, by so many usual spreads. Rare but right pictures are among them: keep those.</p>`,
    cards(
      outliers.map(({ picture: place, from, deviation }) => {
        const { path, label, split } = referenceOf(result, place);
        return {
          thumbnail: thumbnails.of(place),
          headline: from === "all" ? "unlike all pictures" : `unlike the other pictures of ${label}`,
          below: html`${label}, ${split}; ${deviation.toFixed(1)} spreads`,
          path,
        };
      }),
    ),
  );
}

export function nextSection(
  result: AuditResult,
  { unlabelled, pictures }: NextToLabel,
  chosen: NextToLabel["chosen"],
  thumbnails: Thumbnails,
): Markup {
  return section(
    "What to label next",
    html`<p>${chosen.length} of ${pictures} pictures in ${unlabelled}, in the order in which their labels would teach most: the classifier is unsure of them, and they are unlike what is labelled and unlike each other.</p>`,
    cards(
      chosen.map(({ name, likeliest, uncertainty }, i) => {
        const [first, second] = likeliest.map((label) => result.classNames[label]);
        return {
          thumbnail: thumbnails.ofChosen(i),
          headline: html`${first} or ${second}?`,
          below: html`${percent(uncertainty, 0)} unsure`,
          path: name,
        };
      }),
    ),
  );
}

export function balanceSection({ balance }: AuditResult): Markup {
  const { classes, splits } = balance;
  const most = Math.max(...classes.map(({ total }) => total), 1);
  const columns = splits.length > 1 ? SPLITS.filter((split) => splits.includes(split)) : [];
  const heads = ["Class", "Pictures", ...columns].map(
    (name, i) => html`<th class="${i === 0 ? "" : "n"}" scope="col"><button type="button">${name}</button></th>`,
  );
  const cell = (value: number, content: HtmlValue) => html`<td class="n" data-v="${value}">${content}</td>`;
  const rows = classes.map(
    ({ label, total, pictures }) =>
      html`<tr><td data-v="${label}">${label}</td>${cell(total, html`<span class="share"><span style="width:${((100 * total) / most).toFixed(1)}%"></span></span><span class="number">${total}</span>`)}${columns.map((split) => cell(pictures[split] ?? 0, pictures[split] ?? 0))}</tr>
`,
  );
  return section(
    "Pictures of each class",
    html`<div class="scroll"><table class="sortable"><thead><tr>${heads}</tr></thead><tbody>${rows}</tbody></table></div>`,
  );
}
