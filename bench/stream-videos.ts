// Made videos whose label is known on every frame: a camera that moves and zooms over one labelled photograph after the other, with cuts, dissolves and
// slides between them. In a transition the label is that of the picture of which there is more.
import type { RawImage } from "../src/image/raw-image.ts";
import { resample } from "../src/image/resample.ts";
import { RandomSource } from "../src/random.ts";

export interface MadeFrame {
  readonly image: RawImage;
  readonly seconds: number;
  readonly target: number;
  readonly shot: number;
  readonly isTransition: boolean;
}

export interface VideoOptions {
  readonly seed: number;
  readonly frameRate: number;
  readonly framesPerShot: number;
  /** Of the square frames, in pixels. */
  readonly side: number;
}

interface Labelled {
  readonly image: RawImage;
  readonly target: number;
}

type Transition = "cut" | "dissolve" | "slide";
const TRANSITION_FRAMES: Readonly<Record<Transition, number>> = { cut: 0, dissolve: 10, slide: 16 };

interface Window {
  readonly side: number;
  readonly x: number;
  readonly y: number;
}

/** One camera movement over a picture. */
class Shot {
  readonly transition: Transition;
  readonly target: number;
  readonly #image: RawImage;
  readonly #from: Window;
  readonly #to: Window;
  readonly #shake: readonly (readonly [number, number])[];
  readonly #gain: number;
  readonly #options: VideoOptions;

  constructor({ image, target }: Labelled, index: number, options: VideoOptions) {
    const random = new RandomSource(options.seed, `shot ${index}`);
    const shorter = Math.min(image.width, image.height);
    const draw = (): Window => {
      const side = shorter * random.between(0.72, 1);
      return { side, x: random.between(0, image.width - side), y: random.between(0, image.height - side) };
    };
    const [from, far] = [draw(), draw()];
    // A fifth stand still, two fifths drift, two fifths move from one view to quite another one.
    const [isStill, isFast] = [random.chance(0.2), random.chance(0.5)];
    const share = isStill ? 0 : isFast ? 1 : 0.25;
    const between = (a: number, b: number) => a + share * (b - a);
    this.#image = image;
    this.target = target;
    this.#from = from;
    this.#to = { side: between(from.side, far.side), x: between(from.x, far.x), y: between(from.y, far.y) };
    let [dx, dy] = [0, 0];
    this.#shake = Array.from({ length: options.framesPerShot + 2 * TRANSITION_FRAMES.slide }, () => {
      if (isStill) return [0, 0] as const;
      dx = 0.9 * dx + 0.002 * shorter * random.normal();
      dy = 0.9 * dy + 0.002 * shorter * random.normal();
      return [dx, dy] as const;
    });
    this.#gain = random.between(-0.1, 0.1); // of the light, over the shot
    this.transition = index === 0 ? "cut" : random.choice(["cut", "dissolve", "slide"] as const);
    this.#options = options;
  }

  /** @param at frames from the shot's beginning; a little before and after it too, for transitions */
  render(at: number): RawImage {
    const { side: size, framesPerShot } = this.#options;
    const linear = Math.min(1, Math.max(0, at / framesPerShot));
    const way = linear * linear * (3 - 2 * linear);
    const mix = (name: keyof Window) => this.#from[name] + way * (this.#to[name] - this.#from[name]);
    const side = mix("side");
    const [dx, dy] = this.#shake[Math.min(this.#shake.length - 1, Math.max(0, Math.round(at)))]!;
    const x = Math.min(this.#image.width - side, Math.max(0, mix("x") + dx));
    const y = Math.min(this.#image.height - side, Math.max(0, mix("y") + dy));
    const frame = resample(this.#image, size, size, { box: [x, y, x + side, y + side] });
    const gain = 1 + this.#gain * way;
    for (let i = 0; i < frame.data.length; i++) frame.data[i] = Math.min(255, Math.round(frame.data[i]! * gain));
    return frame;
  }
}

export function* madeVideo(pictures: readonly Labelled[], options: VideoOptions): Generator<MadeFrame, void> {
  const { framesPerShot, frameRate } = options;
  const shots = pictures.map((picture, i) => new Shot(picture, i, options));
  for (const [index, shot] of shots.entries()) {
    const next = shots[index + 1];
    for (let at = 0; at < framesPerShot; at++) {
      const seconds = (index * framesPerShot + at) / frameRate;
      const facts = { seconds, target: shot.target, shot: index };
      const [incoming, outgoing] = [
        TRANSITION_FRAMES[shot.transition],
        next === undefined ? 0 : TRANSITION_FRAMES[next.transition],
      ];
      const left = framesPerShot - at;
      if (index > 0 && at < incoming / 2) {
        const share = 0.5 + (at + 0.5) / incoming;
        const image = joined(shots[index - 1]!.render(framesPerShot + at), shot.render(at), shot.transition, share);
        yield { ...facts, image, isTransition: true };
      } else if (next !== undefined && left <= outgoing / 2) {
        const share = 0.5 - (left - 0.5) / outgoing;
        yield {
          ...facts,
          image: joined(shot.render(at), next.render(-left), next.transition, share),
          isTransition: true,
        };
      } else yield { ...facts, image: shot.render(at), isTransition: false };
    }
  }
}

/** @param share of the later picture, 0..1 */
function joined(earlier: RawImage, later: RawImage, transition: Transition, share: number): RawImage {
  const { width, height } = earlier;
  const data = new Uint8Array(earlier.data.length);
  if (transition === "dissolve") {
    for (let i = 0; i < data.length; i++) data[i] = Math.round((1 - share) * earlier.data[i]! + share * later.data[i]!);
    return { width, height, data };
  }
  const row = 3 * width;
  const moved = 3 * Math.round(share * width);
  for (let y = 0; y < height; y++) {
    data.set(earlier.data.subarray(y * row + moved, (y + 1) * row), y * row);
    data.set(later.data.subarray(y * row, y * row + moved), (y + 1) * row - moved);
  }
  return { width, height, data };
}
