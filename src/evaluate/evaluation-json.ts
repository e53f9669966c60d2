// An evaluation as JSON: fractions from 0 to 1, names with underscores as in all files.
import type { Confusion } from "./accuracy.ts";
import type { Evaluation } from "./evaluate.ts";
import type { GazeGroup } from "./gaze.ts";

/** With more classes, the matrix of confusions would be longer than a string can be, or hundreds of megabytes of zeros. */
const MOST_WHOLE_CLASSES = 2000;
/** Mistakes that are listed; the surest are those that teach something. */
const MOST_MISTAKES = 50;

/** What `saccade eval --json` prints: numbers in full precision, `null` where there is none (the precision of a class that was never answered). */
export function evaluationToJson({ accuracy, gaze, steps, problems, unknownLabels, seconds }: Evaluation) {
  const { confusion, calibration } = accuracy;
  return {
    top1: accuracy.top1,
    top5: accuracy.top5,
    count: accuracy.count,
    loss: accuracy.loss,
    ece: calibration.ece,
    top1_interval: [accuracy.top1Interval.low, accuracy.top1Interval.high],
    known: accuracy.known ?? null,
    ...(accuracy.unknown === undefined ? {} : { called_unknown: accuracy.unknown }),
    unknown_labels: unknownLabels,
    per_class: accuracy.perClass.map(({ isKnown, precision, ...rest }) => ({
      ...rest,
      precision: precision ?? null,
      known: isKnown,
    })),
    confusion: confusionToJson(confusion),
    calibration: calibration.bins.map(({ confidence, accuracy: right, ...bin }) => ({
      ...bin,
      confidence: confidence ?? null,
      accuracy: right ?? null,
    })),
    mistakes: accuracy.mistakes.slice(0, MOST_MISTAKES).map(({ index: _, labelScore, ...mistake }) => ({
      ...mistake,
      label_score: labelScore,
    })),
    gaze:
      gaze === undefined
        ? null
        : {
            all: gazeGroupToJson(gaze.all),
            under_half: gaze.underHalf === undefined ? null : gazeGroupToJson(gaze.underHalf),
            outside_view: gaze.outsideView,
          },
    steps: steps?.steps ?? null,
    early_exit: steps?.curve ?? null,
    ...(steps?.valueCurve === undefined ? {} : { value_exit: steps.valueCurve }),
    problems,
    seconds,
    pictures_per_second: accuracy.count / seconds,
  };
}

/** Rows are labels, columns answers; with very many classes only the cells that are not zero, each as [label, answer, count]. */
function confusionToJson({ labels, counts, other }: Confusion) {
  const isWhole = labels.length <= MOST_WHOLE_CLASSES;
  return {
    labels,
    counts: isWhole ? counts.map((row) => labels.map((_, answer) => row.get(answer) ?? 0)) : null,
    ...(isWhole ? {} : { cells: counts.flatMap((row, label) => [...row].map((cell) => [label, ...cell])) }),
    other: Array.from(other),
  };
}

function gazeGroupToJson({ count, boxShareOfView, boxShareOfPicture, stages }: GazeGroup) {
  return {
    count,
    box_share_of_view: boxShareOfView,
    box_share_of_picture: boxShareOfPicture,
    stages: stages.map(({ fixedGaze, beyondFixed, pointsInView, ...stage }) => ({
      ...stage,
      fixed_gaze: fixedGaze,
      beyond_fixed: beyondFixed,
      points_in_view: pointsInView,
    })),
  };
}
