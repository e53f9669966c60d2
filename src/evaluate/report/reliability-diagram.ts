// Calibration as a picture: how often answers of each confidence are right, over how many there are.
import type { Calibration, ReliabilityBin } from "../calibration.ts";
import { CHART, drawAxes, type Frame, figure, scaleX, scaleY } from "./axes.ts";
import { html, type Markup, percent, px } from "./html.ts";

const FRAME: Frame = { ...CHART, height: 330 };
const COUNTS: Frame = { ...CHART, height: 130, top: 8 };

const SHARES = [0, 0.2, 0.4, 0.6, 0.8, 1];

/** A bar that ends at the diagonal is as often right as it is sure; what is between the two is drawn in a colour of its own. */
export function drawReliability({ bins }: Calibration): Markup {
  const x = scaleX(FRAME, 0, 1);
  const y = scaleY(FRAME, 0, 1);
  const axes = drawAxes(FRAME, {
    x: SHARES.map((share) => ({ at: x(share), text: percent(share, 0) })),
    y: SHARES.map((share) => ({ at: y(share), text: percent(share, 0) })),
    xTitle: "how sure the model is",
  });
  const bars = bins.map((bin) => {
    if (bin.accuracy === undefined || bin.confidence === undefined) return undefined;
    const left = px(x(bin.low) + 1);
    const width = px(x(bin.high) - x(bin.low) - 2);
    const isOver = bin.confidence > bin.accuracy;
    const [high, low] = isOver ? [bin.confidence, bin.accuracy] : [bin.accuracy, bin.confidence];
    return html`<g><title>${describeBin(bin)}</title><rect class="bar" x="${left}" width="${width}" y="${px(y(low))}" height="${px(y(0) - y(low))}"/><rect class="gap ${isOver ? "over" : "under"}" x="${left}" width="${width}" y="${px(y(high))}" height="${px(y(low) - y(high))}"/></g>`;
  });
  const diagonal = html`<line class="expected" x1="${x(0)}" y1="${y(0)}" x2="${x(1)}" y2="${y(1)}"/>`;
  return figure(
    FRAME,
    "Right answers by confidence",
    [axes, bars, diagonal],
    [
      { name: "right", series: "k-bar" },
      { name: "right, though not as sure", series: "k-under" },
      { name: "sure, though not right", series: "k-over" },
    ],
  );
}

/** How many answers each bar stands for. */
export function drawConfidences({ bins }: Calibration): Markup {
  const most = Math.max(1, ...bins.map(({ count }) => count));
  const x = scaleX(COUNTS, 0, 1);
  const y = scaleY(COUNTS, 0, most);
  const axes = drawAxes(COUNTS, {
    x: SHARES.map((share) => ({ at: x(share), text: percent(share, 0) })),
    y: [0, most].map((count) => ({ at: y(count), text: String(count) })),
    xTitle: "how sure the model is",
  });
  const bars = bins.map(
    (bin) =>
      html`<g><title>${describeBin(bin)}</title><rect class="bar quiet" x="${px(x(bin.low) + 1)}" width="${px(x(bin.high) - x(bin.low) - 2)}" y="${px(y(bin.count))}" height="${px(y(0) - y(bin.count))}"/></g>`,
  );
  return figure(COUNTS, "Number of answers by confidence", [axes, bars]);
}

function describeBin({ low, high, count, accuracy, confidence }: ReliabilityBin): string {
  const range = `${percent(low, 0)} to ${percent(high, 0)} sure: ${count} answers`;
  return count === 0 ? range : `${range}, ${percent(accuracy)} right, ${percent(confidence)} sure on average`;
}
