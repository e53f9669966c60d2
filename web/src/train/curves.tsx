// Live curves of a run: the loss, and how right the model is on pictures that were held back.
import "uplot/dist/uPlot.min.css";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { theme } from "../state/theme.ts";
import { type CurvePoint, curve } from "./run.ts";

const HEIGHT = 240;

export function Curves() {
  const place = useRef<HTMLDivElement>(null);
  const points = curve.value;
  const mode = theme.value;
  const plot = useRef<uPlot | undefined>(undefined);

  // Colours are read anew when light and dark change.
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const made = new uPlot(optionsOf(element), [[], [], []], element);
    plot.current = made;
    const resized = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }));
    resized.observe(element);
    return () => {
      resized.disconnect();
      made.destroy();
      plot.current = undefined;
    };
  }, [mode]);

  // A new plot wants the points too.
  useEffect(() => plot.current?.setData(columnsOf(points)), [points, mode]);

  const last = points.findLast(({ loss }) => loss !== undefined)?.loss;
  const right = points.findLast(({ top1 }) => top1 !== undefined)?.top1;
  return (
    <figure class="curves">
      <div ref={place} />
      <figcaption class="heard">
        {last === undefined ? "No loss yet." : `The loss is ${last.toFixed(3)}.`}
        {right === undefined ? "" : ` ${Math.round(100 * right)} % of the held-back pictures are right.`}
      </figcaption>
    </figure>
  );
}

/** One row a step. A resumed run writes some steps again: the later one counts. */
function columnsOf(points: readonly CurvePoint[]): uPlot.AlignedData {
  const rows = new Map<number, { loss?: number | undefined; top1?: number | undefined }>();
  for (const { step, loss, top1 } of points) {
    const row = rows.get(step) ?? {};
    rows.set(step, { loss: loss ?? row.loss, top1: top1 ?? row.top1 });
  }
  const sorted = [...rows].sort(([a], [b]) => a - b);
  return [
    sorted.map(([step]) => step),
    sorted.map(([, { loss }]) => loss ?? null),
    sorted.map(([, { top1 }]) => (top1 === undefined ? null : 100 * top1)),
  ];
}

function optionsOf(element: HTMLElement): uPlot.Options {
  const colour = (name: string) => getComputedStyle(element).getPropertyValue(name).trim();
  const axis = {
    stroke: colour("--ink-soft"),
    grid: { stroke: colour("--line") },
    ticks: { stroke: colour("--line") },
  };
  return {
    width: Math.max(200, element.clientWidth),
    height: HEIGHT,
    scales: { x: { time: false }, loss: {}, right: { range: [0, 100] } },
    series: [
      { label: "step" },
      { label: "loss", scale: "loss", stroke: colour("--series-1"), width: 2, spanGaps: true },
      {
        label: "right, %",
        scale: "right",
        stroke: colour("--series-2"),
        width: 2,
        spanGaps: true,
        points: { show: true, size: 6, fill: colour("--series-2") },
      },
    ],
    axes: [
      { ...axis, label: "step" },
      { ...axis, scale: "loss", label: "loss" },
      { ...axis, scale: "right", side: 1, label: "right, %", grid: { show: false } },
    ],
  };
}
