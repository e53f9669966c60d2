// What is taken for what, as a field of cells: rows are labels, columns are answers, the diagonal is right. Few classes have their counts
// written in; for many the shade and the tooltip have to do.
import type { Confusion } from "../accuracy.ts";
import { html, type Markup, px } from "./html.ts";

/** Beyond this many classes no cell could be told from its neighbour. */
export const MOST_MATRIX_CLASSES = 120;

const FEW = 16;
const CHARACTER = 0.56;
const MOST_CHARACTERS = 20;

/** @returns undefined when there are too many classes to draw */
export function drawConfusionMatrix({ labels, counts, other }: Confusion): Markup | undefined {
  if (labels.length > MOST_MATRIX_CLASSES) return undefined;
  const hasOther = other.some((count) => count > 0);
  const columns = hasOther ? [...labels, "other"] : labels;
  const isFew = columns.length <= FEW;
  const cell = isFew ? 40 : columns.length <= 60 ? 15 : 10;
  const text = isFew ? 13 : cell * 0.78;
  const longest = Math.min(MOST_CHARACTERS, Math.max(...columns.map((label) => label.length)));
  const margin = Math.ceil(longest * text * CHARACTER + 16);
  const width = margin + columns.length * cell + 4;
  const height = margin + labels.length * cell + 4;
  const rows = labels.map((label, i) => {
    const row = [...labels.map((_, j) => counts[i]!.get(j) ?? 0), ...(hasOther ? [other[i]!] : [])];
    const total = row.reduce((sum, count) => sum + count, 0);
    const y = margin + i * cell;
    const cells = row.map((count, j) => {
      if (count === 0) return undefined;
      const x = margin + j * cell;
      const share = count / total;
      const title =
        i === j ? `${label}: ${count} of ${total} right` : `${label} taken for ${columns[j]}: ${count} of ${total}`;
      return html`<g><title>${title}</title><rect class="${i === j ? "hit" : "miss"}" x="${x}" y="${y}" width="${cell}" height="${cell}" fill-opacity="${px(shade(share))}"/>${
        isFew &&
        html`<text class="count${shade(share) > 0.6 ? " on-dark" : ""}" x="${x + cell / 2}" y="${y + cell / 2 + 4}" text-anchor="middle">${count}</text>`
      }</g>`;
    });
    return html`<text x="${margin - 6}" y="${px(y + cell / 2 + text * 0.34)}" text-anchor="end">${cut(label)}</text>${cells}
`;
  });
  const heads = columns.map((label, j) => {
    const x = px(margin + j * cell + cell / 2 + text * 0.34);
    return html`<text transform="translate(${x} ${margin - 6}) rotate(-90)">${cut(label)}</text>`;
  });
  // Cells keep the size at which they can be read; on narrow screens the field scrolls.
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Confusion matrix"><svg class="matrix" viewBox="0 0 ${width} ${height}" style="width:${width}px;font-size:${px(text)}px" role="img" aria-label="Confusion matrix">${heads}${drawGrid(margin, cell, columns.length, labels.length)}${rows}</svg></div>
`;
}

/** Lines between cells; every fifth where there are many, to follow with the eye. */
function drawGrid(margin: number, cell: number, columns: number, rows: number): Markup {
  const every = rows <= FEW ? 1 : 5;
  const right = margin + columns * cell;
  const bottom = margin + rows * cell;
  const across = Array.from({ length: rows + 1 }, (_, i) => i).filter((i) => i % every === 0 || i === rows);
  const down = Array.from({ length: columns + 1 }, (_, i) => i).filter((i) => i % every === 0 || i === columns);
  return html`<g class="grid">${across.map((i) => html`<line x1="${margin}" x2="${right}" y1="${margin + i * cell}" y2="${margin + i * cell}"/>`)}${down.map((i) => html`<line y1="${margin}" y2="${bottom}" x1="${margin + i * cell}" x2="${margin + i * cell}"/>`)}</g>`;
}

/** Single mistakes among many must still be seen, so shades rise faster than shares. */
const shade = (share: number): number => 0.1 + 0.9 * share ** 0.6;

const cut = (label: string): string =>
  label.length > MOST_CHARACTERS ? `${label.slice(0, MOST_CHARACTERS - 1)}…` : label;
