// Curves of the training run: loss, accuracy and learning rate over the steps.
import type { MetricRecord } from "../../train/run/metrics-log.ts";
import { type AxisTick, CHART, drawAxes, figure, line, scaleX, scaleY, ticks } from "./axes.ts";
import { html, type Markup, px } from "./html.ts";

interface Curve {
  readonly name: string;
  readonly series: string;
  readonly points: readonly (readonly [step: number, value: number])[];
}

/** More points than pixels would only make the line thick. */
const MOST_POINTS = 200;

/**
 * Nothing when there are no records.
 *
 * @param choices how many labels the model chooses among; of five, one is always among the first five
 */
export function drawTrainingCurves(records: readonly MetricRecord[], choices: number): Markup[] {
  const curve = (name: string, kind: MetricRecord["kind"], field: keyof MetricRecord, series: string): Curve => ({
    name,
    series,
    points: thin(
      records.flatMap((record): [number, number][] => {
        const value = record[field];
        return record.kind === kind && typeof value === "number" ? [[record.step, value]] : [];
      }),
    ),
  });
  const share = (value: number) => `${Math.round(100 * value)} %`;
  return [
    drawCurves("Loss", [curve("training", "train", "loss", "s1"), curve("validation", "eval", "loss", "s2")], short),
    drawCurves(
      "Right answers",
      [
        curve("training", "train", "accuracy", "s1"),
        curve("validation top-1", "eval", "top1", "s2"),
        ...(choices > 5 ? [curve("validation top-5", "eval", "top5", "s3")] : []),
      ],
      share,
    ),
    drawCurves("Learning rate", [curve("learning rate", "train", "learning_rate", "s1")], short),
  ].flatMap((chart) => chart ?? []);
}

function drawCurves(title: string, all: readonly Curve[], print: (value: number) => string): Markup | undefined {
  const curves = all.filter(({ points }) => points.length > 0);
  if (curves.length === 0) return undefined;
  const steps = curves.flatMap(({ points }) => points.map(([step]) => step));
  const values = curves.flatMap(({ points }) => points.map(([, value]) => value));
  const x = scaleX(CHART, Math.min(...steps), Math.max(...steps));
  const top = Math.max(...values, 1e-12);
  const y = scaleY(CHART, Math.min(0, ...values), top * 1.04);
  const xTicks = ticks(Math.min(...steps), Math.max(...steps), 4).map(
    (at): AxisTick => ({ at: x(at), text: short(at) }),
  );
  const yTicks = ticks(Math.min(0, ...values), top * 1.04, 5).map((at): AxisTick => ({ at: y(at), text: print(at) }));
  const lines = curves.map(({ points, series }) => {
    const [first] = points;
    if (points.length === 1)
      return html`<circle class="dot ${series}" cx="${px(x(first![0]))}" cy="${px(y(first![1]))}" r="3"/>`;
    return line(
      points.map(([step, value]) => [x(step), y(value)] as const),
      series,
    );
  });
  const legend = curves.length > 1 ? curves.map(({ name, series }) => ({ name, series })) : [];
  return figure(CHART, title, [drawAxes(CHART, { x: xTicks, y: yTicks, xTitle: "step" }), lines], legend);
}

/** Means of neighbours. */
function thin(points: readonly (readonly [number, number])[]): [number, number][] {
  const size = Math.ceil(points.length / MOST_POINTS);
  return Array.from({ length: Math.ceil(points.length / Math.max(size, 1)) }, (_, i) => {
    const group = points.slice(i * size, (i + 1) * size);
    const mean = (place: 0 | 1) => group.reduce((sum, point) => sum + point[place], 0) / group.length;
    return [mean(0), mean(1)];
  });
}

/** 12000 -> "12k", 0.00050000000001 -> "0.0005" */
function short(value: number): string {
  const rounded = Number(value.toPrecision(6));
  if (Math.abs(rounded) >= 10_000) return `${Number((rounded / 1000).toPrecision(4))}k`;
  return rounded !== 0 && Math.abs(rounded) < 1e-4 ? rounded.toExponential().replace("e-", "e−") : String(rounded);
}
