// What `saccade eval` prints for people: accuracy, steps, the hardest classes and the gaze, in a terminal's columns.
import { type Accuracy, type CalledUnknown, mostTakenFor } from "../evaluate/accuracy.ts";
import type { Evaluation } from "../evaluate/evaluate.ts";
import type { GazeShares } from "../evaluate/gaze.ts";
import type { EarlyExitPoint, StepEvaluation } from "../evaluate/steps.ts";
import { compact, printable, table } from "./terminal.ts";

/** Of the 39 points of the curve, every so many is printed. */
const CURVE_STRIDE = 6;
/** And of the 20 of the curve by value. */
const VALUE_STRIDE = 3;
const MOST_HARD_CLASSES = 10;

/** The blocks that there is something to say in, under a title. */
export function evaluationText(evaluation: Evaluation, title: string, columns: number): string {
  const { accuracy, gaze, steps } = evaluation;
  const parts = [
    `${printable(title)}\n`,
    headline(accuracy),
    steps === undefined ? "" : describeSteps(steps, columns),
    hardestClasses(accuracy, columns),
    gaze === undefined ? "" : describeGaze(gaze, columns),
  ];
  return parts.filter((part) => part !== "").join("\n");
}

const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;

function headline(accuracy: Accuracy): string {
  const { count, top1, top1Interval, top5, choices, loss, calibration, known, unknown } = accuracy;
  const rows = [
    ["top-1", percent(top1), `95 % interval ${percent(top1Interval.low)} to ${percent(top1Interval.high)}`],
    ...(choices > 5 ? [["top-5", percent(top5), ""]] : []),
    ["loss", loss.toFixed(3), "mean cross-entropy"],
    ["calibration", percent(calibration.ece), "confidence off by this on average (ECE, 15 bins)"],
    ["pictures", String(count), ""],
    ...unknownRows(unknown),
    ...(known === undefined
      ? []
      : [
          [
            "known labels",
            percent(known.top1),
            `top-1 of ${known.count}${choices > 5 ? `; top-5 ${percent(known.top5)}` : ""}`,
          ],
        ]),
  ];
  const widths = [0, 1].map((i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows
    .map(([name, value, rest]) => `  ${name!.padEnd(widths[0]!)}  ${value!.padStart(widths[1]!)}  ${rest}`.trimEnd())
    .map((line) => `${line}\n`)
    .join("");
}

function unknownRows(unknown: CalledUnknown | undefined): string[][] {
  if (unknown === undefined) return [];
  const { known, others } = unknown;
  const share = ({ count, called }: CalledUnknown["known"]) => percent(called / count);
  return [
    ...(known.count === 0
      ? []
      : [["unknown", share(known), `of ${known.count} known pictures; above, their nearest class counts`]]),
    ...(others.count === 0
      ? []
      : [["strangers", share(others), `of the ${others.count} pictures of other classes are called unknown`]]),
  ];
}

/** After each step, and a few points of the curves of stopping early. */
function describeSteps({ steps, curve, valueCurve = [] }: StepEvaluation, columns: number): string {
  const last = steps.at(-1)!;
  const rows = steps.map(({ macs, top1 }, i) => [String(i + 1), compact(macs, "MACs"), percent(top1)]);
  const parts = [table(["all pictures take steps", "cost each", "top-1"], rows, { right: [1, 2], columns })];
  const early = (points: readonly ExitPoint[], rule: string) =>
    table(
      [`${rule}: how many stop after each step`, "mean cost", "saved", "top-1"],
      points.map((point) => exitRow(point, last.macs)),
      { right: [1, 2, 3], columns },
    );
  const byConfidence = curve.filter((_, i) => i % CURVE_STRIDE === 0);
  const byValue = valueCurve.filter((_, i) => i % VALUE_STRIDE === 0);
  if (byConfidence.length > 0)
    parts.push(
      `${early(byConfidence, "stopping early")}Thresholds were solved on one half of the pictures and measured on the other.\n`,
    );
  if (byValue.length > 0)
    parts.push(`${early(byValue, "stopping when the model expects little of going on")}One value for all steps.\n`);
  return parts.join("\n");
}

type ExitPoint = Pick<EarlyExitPoint, "exits" | "macs" | "top1">;

function exitRow({ exits, macs, top1 }: ExitPoint, all: number): string[] {
  const shares = exits.map((share) => `${Math.round(100 * share)} %`).join(" ");
  return [shares, compact(macs, "MACs"), `${Math.round(100 * (1 - macs / all))} %`, percent(top1)];
}

function hardestClasses(accuracy: Accuracy, columns: number): string {
  const { perClass } = accuracy;
  if (perClass.length < 2) return "";
  const hard = perClass.toSorted((a, b) => a.recall - b.recall || b.count - a.count).slice(0, MOST_HARD_CLASSES);
  const pairs = mostTakenFor(accuracy, 2);
  const rows = hard.map(({ label, count, recall, precision }) => [
    printable(label),
    String(count),
    percent(recall),
    precision === undefined ? "-" : percent(precision),
    (pairs.get(label) ?? []).map((pair) => `${printable(pair.predicted)} (${pair.count})`).join(", "),
  ]);
  const title = perClass.length > hard.length ? `hardest of ${perClass.length} classes` : "classes, hardest first";
  return table([title, "pictures", "recall", "precision", "most taken for"], rows, { right: [1, 2, 3], columns });
}

function describeGaze({ all, underHalf, outsideView }: GazeShares, columns: number): string {
  const groups = [
    { title: `all ${all.count} pictures with a box`, group: all },
    ...(underHalf === undefined || underHalf.count === all.count
      ? []
      : [{ title: `${underHalf.count} whose box is under half of the picture`, group: underHalf }]),
  ];
  const blocks = groups.map(({ title, group }) => {
    const rows = group.stages.map(({ name, points, centres, fixedGaze, beyondFixed }) => [
      name,
      percent(points.mean),
      percent(centres.mean),
      percent(fixedGaze),
      `${signed(beyondFixed.mean)} (${signed(beyondFixed.low)} to ${signed(beyondFixed.high)})`,
    ]);
    const header = ["where it looked", "points in box", "centres", "fixed gaze", "points beyond that"];
    return `${title}; the box is ${percent(group.boxShareOfView)} of the view\n${table(header, rows, { right: [1, 2, 3, 4], columns })}`;
  });
  const left = outsideView === 0 ? "" : `${outsideView} pictures whose object is outside of the view are left out\n`;
  return `${blocks.join("\n")}${left}Evenly spread points would have the box's share of the view in the box. Fixed\ngaze: its mean over all pictures; what is beyond that was found, not guessed.\n`;
}

function signed(share: number): string {
  const points = (100 * Math.abs(share)).toFixed(1);
  return points === "0.0" ? points : `${share < 0 ? "-" : "+"}${points}`;
}
