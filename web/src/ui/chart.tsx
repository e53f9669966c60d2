// A line chart: uPlot, in the page's colours, as wide as its place.
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import "./chart.css";

export interface ChartSeries {
  readonly name: string;
  /** One for each x; null where there is none. */
  readonly values: readonly (number | null)[];
}

interface ChartProps {
  /** What it shows, for readers of the screen. */
  readonly label: string;
  /** Ascending. */
  readonly x: readonly number[];
  readonly series: readonly ChartSeries[];
  readonly xTitle: string;
  readonly yTitle: string;
  readonly height?: number;
  /** Distances mean factors. */
  readonly logarithmic?: boolean;
  /** Dots on the lines: for few points. */
  readonly dots?: boolean;
}

const COLOURS = 4;

export function Chart({
  label,
  x,
  series,
  xTitle,
  yTitle,
  height = 260,
  logarithmic = false,
  dots = false,
}: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const draw = () => {
      const style = getComputedStyle(element);
      const colour = (name: string) => style.getPropertyValue(name).trim();
      const axis = (title: string) => ({
        label: title,
        labelSize: 22,
        labelFont: `500 12px ${colour("--font")}`,
        font: `12px ${colour("--font")}`,
        stroke: colour("--ink-soft"),
        grid: { stroke: colour("--line"), width: 1 },
        ticks: { show: false },
      });
      const options: uPlot.Options = {
        width: Math.max(200, element.clientWidth),
        height,
        legend: { show: false },
        cursor: { points: { size: 8 }, drag: { x: false, y: false } },
        scales: {
          x: { time: false, ...(logarithmic ? { distr: 3, range: [x[0]! * 0.92, x.at(-1)! * 1.08] } : {}) },
          y: { distr: logarithmic ? 3 : 1 },
        },
        // Few places on a logarithmic axis are named all, and no others.
        axes: [
          { ...axis(xTitle), ...(logarithmic ? { splits: () => [...x], filter: (_, splits) => splits } : {}) },
          { ...axis(yTitle), size: 56 },
        ],
        series: [
          { label: xTitle },
          ...series.map(({ name }, i) => ({
            label: name,
            stroke: colour(`--series-${(i % COLOURS) + 1}`),
            width: 2,
            points: { show: dots, size: 6 },
          })),
        ],
      };
      element.replaceChildren();
      const data = [[...x], ...series.map(({ values }) => [...values])] as uPlot.AlignedData;
      return new uPlot(options, data, element);
    };
    let plot = draw();
    const again = () => {
      plot.destroy();
      plot = draw();
    };
    const resized = new ResizeObserver(() => {
      if (Math.abs(element.clientWidth - plot.width) > 1) again();
    });
    resized.observe(element);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", again);
    const themed = new MutationObserver(again);
    themed.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    return () => {
      resized.disconnect();
      themed.disconnect();
      scheme.removeEventListener("change", again);
      plot.destroy();
    };
  }, [x, series, xTitle, yTitle, height, logarithmic, dots]);
  return (
    <figure class="chart">
      <div ref={place} role="img" aria-label={label} />
      {series.length > 1 && (
        <figcaption class="chart-legend">
          {series.map(({ name }, i) => (
            <span key={name} class={`series-${(i % COLOURS) + 1}`}>
              {name}
            </span>
          ))}
        </figcaption>
      )}
    </figure>
  );
}
