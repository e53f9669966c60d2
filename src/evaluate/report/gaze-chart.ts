// Where the model looked, look by look: the share of sampling points in the object's box, with what chance would give.
import type { GazeGroup } from "../gaze.ts";
import { CHART, drawAxes, figure, line, scaleX, scaleY, ticks } from "./axes.ts";
import { html, type Markup, percent, px } from "./html.ts";

export function drawGazeShares(title: string, { stages, boxShareOfView }: GazeGroup): Markup {
  const values = stages.flatMap(({ points, fixedGaze }) => [points.low, points.high, fixedGaze]);
  const low = Math.max(0, Math.floor(Math.min(boxShareOfView, ...values) * 10 - 0.5) / 10);
  const high = Math.min(1, Math.ceil(Math.max(boxShareOfView, ...values) * 10 + 0.5) / 10);
  const x = scaleX(CHART, -0.5, stages.length - 0.5);
  const y = scaleY(CHART, low, high);
  const axes = drawAxes(CHART, {
    x: stages.map((_, i) => ({ at: x(i), text: String(i + 1) })),
    y: ticks(low, high, 5).map((share) => ({ at: y(share), text: percent(share, 0) })),
    xTitle: "look",
  });
  const level = px(y(boxShareOfView));
  const marks = stages.map(
    ({ name, points, fixedGaze }, i) =>
      html`<g><title>${name}: ${percent(points.mean)} in the box, 95 % interval ${percent(points.low)} to ${percent(points.high)}; fixed gaze ${percent(fixedGaze)}</title><line class="whisker s1" x1="${px(x(i))}" x2="${px(x(i))}" y1="${px(y(points.low))}" y2="${px(y(points.high))}"/><circle class="dot s1" cx="${px(x(i))}" cy="${px(y(points.mean))}" r="4"/></g>`,
  );
  const through = (value: (stage: GazeGroup["stages"][number]) => number, series: string) =>
    line(
      stages.map((stage, i) => [x(i), y(value(stage))] as const),
      series,
    );
  const content = [
    axes,
    html`<line class="line even" x1="${CHART.left}" x2="${CHART.width - CHART.right}" y1="${level}" y2="${level}"/>`,
    through(({ fixedGaze }) => fixedGaze, "s2"),
    through(({ points }) => points.mean, "s1"),
    marks,
  ];
  return figure(CHART, title, content, [
    { name: "sampling points in the box", series: "s1" },
    { name: "fixed gaze", series: "s2" },
    { name: "evenly spread points", series: "k-even" },
  ]);
}
