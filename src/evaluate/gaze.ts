// Whether a model looks at the object: the share of its sampling points that lie in the object's box, look by look, against what looking that
// knows nothing of the picture would reach. The paper says that regions find the foreground though they are taught by class labels alone
// (SparseFormer, Gao et al., 2023, section 4.3); this measures it.
import type { ViewToPicture } from "../image/transform.ts";
import { RandomSource } from "../random.ts";
import { bootstrapMeans, type Interval, meanOf } from "../statistics.ts";
import type { GazeResult, GazeStage } from "../tasks/classify/results.ts";
import type { Box } from "./boxes.ts";
import { ViewDensity, type ViewRectangle } from "./view-density.ts";

/** One look. All numbers are means over pictures, as shares 0..1. */
export interface GazeStageShares {
  readonly name: string;
  /** Share of sampling points inside the box. */
  readonly points: Interval;
  /** Share of the regions whose centre is inside the box. */
  readonly centres: Interval;
  /** `points` less the box's share of the view, picture by picture: above 0 where the model looks more at the object than chance. */
  readonly gain: Interval;
  /** What the same looking would reach if it were alike for all pictures: the mean gaze over each picture's box. Objects tend to be central. */
  readonly fixedGaze: number;
  /** `points` less that, picture by picture: above 0 where the model finds the object, and does not merely expect it in the middle. */
  readonly beyondFixed: Interval;
  /** Share of sampling points within the view; the others see nothing. */
  readonly pointsInView: number;
}

export interface GazeGroup {
  /** Pictures. */
  readonly count: number;
  /** The box's share of the model's view, which is what points spread evenly over the view would reach. */
  readonly boxShareOfView: number;
  readonly boxShareOfPicture: number;
  readonly stages: readonly GazeStageShares[];
}

export interface GazeShares {
  readonly all: GazeGroup;
  /** Pictures whose box is under half of the picture; undefined when there is none. Large boxes are hard to miss. */
  readonly underHalf: GazeGroup | undefined;
  /** Pictures whose object lies outside of the model's view, left out. */
  readonly outsideView: number;
}

export interface GazeOptions {
  /** For the bootstrap. Default 0. */
  readonly seed?: number;
  /** Default 1000. */
  readonly resamples?: number;
}

/** What one look did on one picture. */
interface StageCounts {
  readonly points: number;
  readonly centres: number;
  readonly pointsInView: number;
}

interface Measured {
  readonly box: ViewRectangle;
  readonly boxShareOfView: number;
  readonly boxShareOfPicture: number;
  readonly stages: readonly StageCounts[];
}

/**
 * Gathers gazes of pictures whose object's box is known.
 *
 * @example
 * const meter = new GazeMeter();
 * meter.add(gaze, [5, 12, 40, 63], 64, 64);
 * console.log(meter.result()?.underHalf?.stages.at(-1)?.points);
 */
export class GazeMeter {
  readonly #measured: Measured[] = [];
  readonly #names: string[] = [];
  readonly #densities: ViewDensity[] = [];
  #outsideView = 0;

  /** @param box in pixels of the picture, whose size follows */
  add(gaze: GazeResult, box: Box, width: number, height: number): void {
    const inView = boxInView(box, width, height, gaze.viewToPicture);
    const boxShareOfView = areaOf(inView);
    if (boxShareOfView === 0) {
      this.#outsideView += 1;
      return;
    }
    const stages = gaze.stages.map((stage, i) => {
      this.#names[i] = stage.name;
      this.#densities[i] ??= new ViewDensity();
      this.#densities[i].add(stage.points);
      return countStage(stage, inView);
    });
    const [x1, y1, x2, y2] = box;
    const boxShareOfPicture = ((x2 + 1 - x1) * (y2 + 1 - y1)) / (width * height);
    this.#measured.push({ box: inView, boxShareOfView, boxShareOfPicture, stages });
  }

  /** undefined when no picture was added. */
  result(options: GazeOptions = {}): GazeShares | undefined {
    if (this.#measured.length === 0) return undefined;
    const small = this.#measured.filter(({ boxShareOfPicture }) => boxShareOfPicture < 0.5);
    return {
      all: this.#group(this.#measured, options),
      underHalf: small.length === 0 ? undefined : this.#group(small, options),
      outsideView: this.#outsideView,
    };
  }

  #group(pictures: readonly Measured[], { seed = 0, resamples = 1000 }: GazeOptions): GazeGroup {
    const column = (value: (picture: Measured) => number) => Float64Array.from(pictures, value);
    const fixed = this.#names.map((_, i) => column(({ box }) => this.#densities[i]!.shareIn(box)));
    const columns = this.#names.flatMap((_, i) => [
      column(({ stages }) => stages[i]!.points),
      column(({ stages }) => stages[i]!.centres),
      column(({ stages, boxShareOfView }) => stages[i]!.points - boxShareOfView),
      Float64Array.from(pictures, ({ stages }, k) => stages[i]!.points - fixed[i]![k]!),
    ]);
    const intervals = bootstrapMeans(columns, new RandomSource(seed, "gaze/bootstrap"), resamples);
    const interval = (stage: number, place: number) => intervals[4 * stage + place]!;
    return {
      count: pictures.length,
      boxShareOfView: meanOf(column(({ boxShareOfView }) => boxShareOfView)),
      boxShareOfPicture: meanOf(column(({ boxShareOfPicture }) => boxShareOfPicture)),
      stages: this.#names.map((name, i) => ({
        name,
        points: interval(i, 0),
        centres: interval(i, 1),
        gain: interval(i, 2),
        fixedGaze: meanOf(fixed[i]!),
        beyondFixed: interval(i, 3),
        pointsInView: meanOf(column(({ stages }) => stages[i]!.pointsInView)),
      })),
    };
  }
}

/** A box of picture pixels as a part of the view, 0 to 1, cut to the view. Both corner pixels belong to it. */
export function boxInView(box: Box, width: number, height: number, map: ViewToPicture): ViewRectangle {
  const [x1, y1, x2, y2] = box;
  const toX = (x: number) => clampToUnit((x / width - map.offsetX) / map.scaleX);
  const toY = (y: number) => clampToUnit((y / height - map.offsetY) / map.scaleY);
  return [toX(x1), toY(y1), toX(x2 + 1), toY(y2 + 1)];
}

const clampToUnit = (value: number): number => Math.min(Math.max(value, 0), 1);

const areaOf = ([x1, y1, x2, y2]: ViewRectangle): number => Math.max(0, x2 - x1) * Math.max(0, y2 - y1);

/** Points outside of the view see nothing, so none counts as in the box, which is cut to the view. */
function countStage({ points, regions, tokens }: GazeStage, box: ViewRectangle): StageCounts {
  const centres = Float32Array.from({ length: tokens * 2 }, (_, i) => {
    const corner = Math.floor(i / 2) * 4 + (i % 2);
    return (regions[corner]! + regions[corner + 2]!) / 2;
  });
  return {
    points: shareInside(points, box),
    centres: shareInside(centres, box),
    pointsInView: shareInside(points, [0, 0, 1, 1]),
  };
}

/** @param points x, y, x, y, … */
function shareInside(points: Float32Array, [x1, y1, x2, y2]: ViewRectangle): number {
  let inside = 0;
  for (let i = 0; i < points.length; i += 2) {
    const x = points[i]!;
    const y = points[i + 1]!;
    if (x >= x1 && x <= x2 && y >= y1 && y <= y2) inside += 1;
  }
  return points.length === 0 ? 0 : inside / (points.length / 2);
}
