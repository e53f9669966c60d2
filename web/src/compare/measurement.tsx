// How time grows with resolution: models measured in turn, round by round, as the command `saccade bench` does it; a chart and a table to take along.

import { download } from "../downloads.ts";
import {
  type BenchReport,
  benchColumns,
  benchIntroduction,
  benchLegend,
  benchToCsv,
  benchToMarkdown,
  printBenchReport,
} from "../library.ts";
import { report as reportProblem } from "../state/notices.ts";
import { Chart } from "../ui/chart.tsx";
import { Button, Card, Progress } from "../ui/controls.tsx";
import {
  chosenResolutions,
  chosenSeconds,
  compared,
  measureAll,
  RESOLUTIONS,
  report,
  SECONDS,
  stop,
  working,
} from "./comparing.ts";

export function Measurement() {
  const under = working.value;
  const { value } = report;
  const isReady = under === undefined && compared.value.length > 0 && chosenResolutions.value.length > 0;
  const actions =
    under?.kind === "measuring" ? (
      <Button icon="stop" onClick={stop}>
        Stop
      </Button>
    ) : (
      <Button icon="gauge" kind="primary" disabled={!isReady} onClick={() => measureAll().catch(reportProblem)}>
        Measure
      </Button>
    );
  return (
    <Card title="Time by resolution" actions={actions}>
      <div class="measure-options">
        <fieldset>
          <legend>Pixels</legend>
          {RESOLUTIONS.map((resolution) => (
            <label key={resolution} class="check">
              <input
                type="checkbox"
                checked={chosenResolutions.value.includes(resolution)}
                onChange={({ currentTarget }) => chooseResolution(resolution, currentTarget.checked)}
              />
              {resolution}
            </label>
          ))}
        </fieldset>
        <label class="measure-seconds">
          <span>For about</span>
          <select
            value={chosenSeconds.value}
            onChange={({ currentTarget }) => {
              chosenSeconds.value = Number(currentTarget.value);
            }}
          >
            {SECONDS.map((seconds) => (
              <option key={seconds} value={seconds}>
                {seconds} seconds
              </option>
            ))}
          </select>
        </label>
      </div>
      {under?.kind === "measuring" && (
        <Progress
          label={`${capital(under.progress.stage)}${under.progress.detail === "" ? "" : `: ${under.progress.detail}`}`}
          value={under.progress.done}
        />
      )}
      {value === undefined && under?.kind !== "measuring" && (
        <p class="soft small">
          Models take turns, round by round, so that whatever disturbs this machine disturbs all of them alike.
        </p>
      )}
      {value !== undefined && <Result report={value} />}
    </Card>
  );
}

const save = (name: string, text: string, type: string) => download(new Blob([text], { type }), name);

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

function chooseResolution(resolution: number, isIn: boolean): void {
  const others = chosenResolutions.value.filter((one) => one !== resolution);
  chosenResolutions.value = isIn ? [...others, resolution].toSorted((a, b) => a - b) : others;
}

function Result({ report }: { readonly report: BenchReport }) {
  const columns = benchColumns(report);
  const { x, series } = timesBySize(report);
  return (
    <div class="measured">
      {x.length > 1 && (
        <Chart
          label={`Milliseconds a picture by resolution: ${series.map(({ name }) => name).join(", ")}. The table below has the numbers.`}
          x={x}
          series={series}
          xTitle="pixels of a side"
          yTitle="milliseconds a picture"
          logarithmic
          dots
        />
      )}
      <p class="soft small">
        {benchIntroduction(report)} {report.load.notes.join(" ")}
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable with the keyboard */}
      <section class="scrolls" aria-label="Measured times" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">model</th>
              {columns.map(({ title, legend }) => (
                <th key={title} scope="col" class="number" {...(legend === undefined ? {} : { title: legend })}>
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {report.rows.map((row) => (
              <tr key={`${row.model} ${row.height} ${row.width} ${row.device} ${row.batch}`}>
                <th scope="row">{row.model}</th>
                {columns.map(({ title, cell }) => (
                  <td key={title} class="number">
                    {cell(row) ?? "–"}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {report.skipped.map(({ model, height, width, reason }) => (
        <p key={`${model} ${height} ${width}`} class="small">
          {model} at {width} × {height} was left out: {reason}
        </p>
      ))}
      <p class="soft small">{benchLegend(columns)}</p>
      <div class="row">
        <Button
          icon="download"
          onClick={() => save("saccade-bench.json", printBenchReport(report), "application/json")}
        >
          JSON
        </Button>
        <Button icon="download" onClick={() => save("saccade-bench.csv", benchToCsv(report), "text/csv")}>
          CSV
        </Button>
        <Button icon="download" onClick={() => save("saccade-bench.md", benchToMarkdown(report), "text/markdown")}>
          Markdown
        </Button>
      </div>
    </div>
  );
}

/** A line for each model; models of one size are a dot. */
function timesBySize({ rows }: BenchReport) {
  const x = [...new Set(rows.map(({ height }) => height))].toSorted((a, b) => a - b);
  const names = [...new Set(rows.map(({ model }) => model))];
  const series = names.map((name) => ({
    name,
    values: x.map((size) => {
      const row = rows.find(({ model, height }) => model === name && height === size);
      return row === undefined ? null : row.ms.median / row.batch;
    }),
  }));
  return { x, series };
}
