// What happens in clips whose class is only in time: a table of motions. Each moment, taken by itself, shows the same in every class: one thing or
// two, anywhere, turned anyhow, of any size, grey or in colour, with the same probabilities. Things live on a picture that closes on itself, so that
// what moves is everywhere equally often; what grows or shrinks takes each size once; where something begins or ends, it is there half of the time.
// And each class is another one played backwards, or as fast again with as many places: the frames of a clip in a heap do not tell either.
import { UsageError } from "../../errors.ts";
import type { RandomSource } from "../../random.ts";

/** A thing at one moment. */
export interface Thing {
  /** Which of the clip's pieces of pictures it is. */
  readonly piece: 0 | 1 | 2;
  /** Of its middle, as shares of the picture's side; what is beyond 0..1 comes in on the other side. */
  readonly x: number;
  readonly y: number;
  /** Its diameter, as a share of the picture's side. */
  readonly size: number;
  /** Clockwise, in radians. */
  readonly angle: number;
  readonly isGrey: boolean;
}

/** What is drawn once for a clip, alike for all classes. */
export interface Story {
  /** The thing that does something. */
  readonly actor: Thing;
  /** Does nothing; in every other clip, and there for a while in clips where something appears or disappears. */
  readonly bystander: Thing;
  readonly hasBystander: boolean;
  /** Takes the actor's place where two follow each other. */
  readonly successor: Thing;
  /** How much happens, around 1. */
  readonly pace: number;
  /** When something begins or ends, as a share of the clip. */
  readonly turningPoint: number;
  /** Of four diagonals, where one is needed. */
  readonly diagonal: readonly [x: number, y: number];
  /** Between the sizes of two frames, 0..1. */
  readonly offset: number;
}

/** What is to be seen at a time (0 at the beginning of a clip, below 1), the farthest thing first. `frames` is how many the clip has. */
type Telling = (story: Story, time: number, frames: number) => readonly Thing[];

export const MOTION_KINDS = ["direction", "rotation", "size", "order", "appearance", "speed"] as const;
export type MotionKind = (typeof MOTION_KINDS)[number];

/** Diameters, as shares of the picture's side. */
export const SMALLEST = 0.3;
export const LARGEST = 0.55;
const sizeAt = (share: number) => SMALLEST * (LARGEST / SMALLEST) ** share;

/** How far things go in a clip, in sides of the picture. */
const WAY = 0.9;
const SLOWLY = 0.4;
const QUICKLY = 1.4;
/** How far they turn, in radians. */
const TURN = 1.5 * Math.PI;

const together = ({ hasBystander, bystander }: Story, actor: Thing) => (hasBystander ? [bystander, actor] : [actor]);

const moving =
  (x: number, y: number): Telling =>
  (story, time) => {
    const { actor, pace } = story;
    const way = WAY * pace * time;
    return together(story, { ...actor, x: actor.x + x * way, y: actor.y + y * way });
  };

const drifting =
  (sides: number): Telling =>
  (story, time) => {
    const { actor, diagonal, pace } = story;
    const way = sides * pace * time * Math.SQRT1_2;
    return together(story, { ...actor, x: actor.x + diagonal[0] * way, y: actor.y + diagonal[1] * way });
  };

const turning =
  (clockwise: 1 | -1): Telling =>
  (story, time) =>
    together(story, { ...story.actor, angle: story.actor.angle + clockwise * TURN * story.pace * time });

const sizing =
  (isBackwards: boolean): Telling =>
  (story, time, frames) => {
    const share = time + story.offset / frames;
    return together(story, { ...story.actor, size: sizeAt(isBackwards ? 1 - share : share) });
  };

const following =
  (isGreyFirst: boolean): Telling =>
  (story, time) => {
    const { actor, successor, turningPoint } = story;
    const isSecond = time >= turningPoint;
    return together(story, { ...(isSecond ? successor : actor), isGrey: isGreyFirst !== isSecond });
  };

const coming =
  (isThereFirst: boolean): Telling =>
  ({ actor, bystander, turningPoint }, time) =>
    time < turningPoint === isThereFirst ? [bystander, actor] : [actor];

/** Labels with what happens, by kind. */
export const MOTIONS: Readonly<Record<MotionKind, Readonly<Record<string, Telling>>>> = {
  direction: {
    "moves left": moving(-1, 0),
    "moves right": moving(1, 0),
    "moves up": moving(0, -1),
    "moves down": moving(0, 1),
  },
  rotation: { "turns clockwise": turning(1), "turns counterclockwise": turning(-1) },
  size: { "comes closer": sizing(false), "goes away": sizing(true) },
  order: { "grey then colour": following(true), "colour then grey": following(false) },
  appearance: { appears: coming(false), disappears: coming(true) },
  speed: { "drifts slowly": drifting(SLOWLY), "drifts quickly": drifting(QUICKLY) },
};

/** The labels of some kinds, in the order of the table. */
export function motionLabels(kinds: readonly MotionKind[]): string[] {
  return MOTION_KINDS.filter((kind) => kinds.includes(kind)).flatMap((kind) => Object.keys(MOTIONS[kind]));
}

/** How a clip of a label goes. */
export function tellingOf(label: string): Telling {
  const telling = MOTION_KINDS.map((kind) => MOTIONS[kind][label]).find((found) => found !== undefined);
  if (telling === undefined) throw new UsageError(`there is no motion "${label}"`);
  return telling;
}

/** Draws what is alike in all classes. */
export function drawStory(random: RandomSource): Story {
  const thing = (piece: Thing["piece"]): Thing => ({
    piece,
    x: random.uniform(),
    y: random.uniform(),
    size: sizeAt(random.uniform()),
    angle: 2 * Math.PI * random.uniform(),
    isGrey: random.chance(0.5),
  });
  const sign = () => (random.chance(0.5) ? 1 : -1);
  return {
    actor: thing(0),
    bystander: thing(1),
    hasBystander: random.chance(0.5),
    successor: thing(2),
    pace: random.between(0.8, 1.2),
    turningPoint: random.between(0.3, 0.7),
    diagonal: [sign(), sign()],
    offset: random.uniform(),
  };
}

/** The moments of a clip, each with what is to be seen. */
export function tell(label: string, frames: number, random: RandomSource): readonly (readonly Thing[])[] {
  const story = drawStory(random);
  const telling = tellingOf(label);
  return Array.from({ length: frames }, (_, frame) => telling(story, frame / frames, frames));
}
