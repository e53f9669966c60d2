import { expect, test } from "vitest";
import {
  alignFace,
  type FacePoints,
  faceSimilarity,
  type Point,
  requireFaceOnPicture,
  requireFacePoints,
  similarityBetween,
} from "./align-face.ts";
import type { RawImage } from "./raw-image.ts";

const FACE: FacePoints = [
  [60, 70],
  [110, 70],
  [86, 95],
  [66, 120],
  [104, 120],
];

/** A face of five dots, turned by degrees and scaled about the middle of a picture. */
function made(side: number, degrees: number, scale: number): { image: RawImage; points: FacePoints } {
  const angle = (degrees * Math.PI) / 180;
  const turn = ([x, y]: Point): Point => {
    const [u, v] = [scale * (x - 85), scale * (y - 95)];
    return [side / 2 + Math.cos(angle) * u - Math.sin(angle) * v, side / 2 + Math.sin(angle) * u + Math.cos(angle) * v];
  };
  const points = FACE.map(turn) as unknown as FacePoints;
  const data = new Uint8Array(side * side * 3).fill(40);
  const colours = [
    [255, 0, 0],
    [0, 255, 0],
    [0, 0, 255],
    [255, 255, 0],
    [0, 255, 255],
  ] as const;
  for (const [i, [px, py]] of points.entries())
    for (let y = 0; y < side; y++)
      for (let x = 0; x < side; x++)
        if (Math.hypot(x - px, y - py) <= 5 * scale) data.set(colours[i]!, (y * side + x) * 3);
  return { image: { width: side, height: side, data }, points };
}

/** The middle of the pixels of a colour. */
function middleOf({ width, data }: RawImage, isIt: (r: number, g: number, b: number) => boolean): Point {
  let [sumX, sumY, count] = [0, 0, 0];
  for (let i = 0; i < data.length / 3; i++)
    if (isIt(data[3 * i]!, data[3 * i + 1]!, data[3 * i + 2]!)) {
      sumX += i % width;
      sumY += Math.floor(i / width);
      count += 1;
    }
  return [sumX / count, sumY / count];
}
const red = (r: number, g: number, b: number) => r > 200 && g < 100 && b < 100;
const green = (r: number, g: number, b: number) => g > 200 && r < 100 && b < 100;
const yellow = (r: number, g: number, b: number) => r > 200 && g > 200 && b < 100;
const cyan = (r: number, g: number, b: number) => g > 200 && b > 200 && r < 100;

test.each([
  [0, 1, 200],
  [25, 1.5, 300],
  [-40, 2.2, 400],
  [170, 0.8, 200],
])(
  "a face turned by %i degrees and %f times as large: eyes level in row 40, mouth 48 below",
  (degrees, scale, side) => {
    const { image, points } = made(side, degrees, scale);
    const face = alignFace(image, points);
    expect([face.width, face.height]).toEqual([128, 128]);
    const [left, right] = [middleOf(face, red), middleOf(face, green)];
    const mouth = [middleOf(face, yellow), middleOf(face, cyan)] as const;
    expect(Math.abs(left[1] - right[1])).toBeLessThan(0.6);
    expect(Math.abs((left[0] + right[0]) / 2 - 64)).toBeLessThan(0.6);
    expect(Math.abs((left[1] + right[1]) / 2 - 40)).toBeLessThan(0.6);
    expect(Math.abs((mouth[0][1] + mouth[1][1]) / 2 - 88)).toBeLessThan(0.6);
    expect(left[0]).toBeLessThan(right[0]);
  },
);

test("a picture of 144 pixels with the eyes in row 48, cropped in the middle, is the one of 128", () => {
  const { image, points } = made(300, 12, 1.4);
  const larger = alignFace(image, points, { size: 144, eyesRow: 48, eyesToMouth: 48 });
  const face = alignFace(image, points);
  const off = face.data.reduce((sum, value, i) => {
    const [pixel, channel] = [Math.floor(i / 3), i % 3];
    const [x, y] = [(pixel % 128) + 8, Math.floor(pixel / 128) + 8];
    return sum + Math.abs(value - larger.data[(y * 144 + x) * 3 + channel]!);
  }, 0);
  expect(off).toBe(0);
});

test("other sizes have the same face, larger", () => {
  const points = FACE;
  const [small, large] = [faceSimilarity(points, { size: 64 }), faceSimilarity(points, { size: 256 })];
  expect(large.a).toBeCloseTo(4 * small.a, 12);
  expect(large.ty).toBeCloseTo(4 * small.ty, 9);
});

test("five points: a similarity transform is found again, whatever it was", () => {
  const { a, b, tx, ty } = { a: 1.2, b: -0.7, tx: 30, ty: -11 };
  const moved = FACE.map(([x, y]): Point => [a * x - b * y + tx, b * x + a * y + ty]);
  const found = similarityBetween(FACE, moved);
  for (const [name, value] of Object.entries({ a, b, tx, ty }))
    expect(found[name as keyof typeof found]).toBeCloseTo(value, 9);
});

test("five points: least squares by hand, with points that fit no similarity", () => {
  // Two points pulled apart across and two pressed together along: the best scale is between.
  const found = similarityBetween(
    [
      [-1, 0],
      [1, 0],
      [0, -1],
      [0, 1],
    ],
    [
      [-2, 0],
      [2, 0],
      [0, -1],
      [0, 1],
    ],
  );
  expect(found).toEqual({ a: 1.5, b: 0, tx: 0, ty: 0 });
});

test("five points: they come to lie near their places", () => {
  const { image, points } = made(300, 30, 2);
  const face = alignFace(image, points, { size: 112, alignment: "five-points" });
  const left = middleOf(face, red);
  expect(Math.hypot(left[0] - 38.29, left[1] - 51.7)).toBeLessThan(4);
});

test("points that are none of a face are refused", () => {
  const { image } = made(100, 0, 0.4);
  const upsideDown: FacePoints = [FACE[0], FACE[1], FACE[2], [66, 20], [104, 20]];
  expect(() => alignFace(image, upsideDown)).toThrow("the mouth is not below the eyes");
  const one: Point = [5, 5];
  for (const alignment of ["eyes-mouth", "five-points"] as const)
    expect(() => alignFace(image, [one, one, one, one, one], { alignment })).toThrow(/not below|one place/);
  expect(() => requireFacePoints([one, one])).toThrow("five points, got 2");
  expect(() => requireFacePoints([one, one, one, one, [Number.NaN, 1]])).toThrow("NaN is no place");
  expect(() => requireFacePoints([one, one, one, one, [1e9, 1]])).toThrow("no place on a picture");
  expect(() => alignFace(image, FACE, { size: 9999 })).toThrow("9999");
  expect(() => similarityBetween([one], [one])).toThrow("two or more");
});

test("a face partly outside of the picture is black there; one far away all black", () => {
  const { image, points } = made(120, 0, 1);
  const away = points.map(([x, y]): Point => [x + 5000, y]) as unknown as FacePoints;
  expect(alignFace(image, away).data.every((value) => value === 0)).toBe(true);
});

test("points from outside: a face may stick out of the picture, and is refused where it is none of it", () => {
  const { image } = made(100, 0, 0.4);
  const moved = (x: number) => () =>
    requireFaceOnPicture(image, FACE.map((point): Point => [point[0] + x, point[1]]) as unknown as FacePoints);
  for (const x of [-100, -40, 0, 39]) expect(moved(x), `${x}`).not.toThrow();
  for (const x of [40, 75]) expect(moved(x), `${x}`).toThrow("the face is not on the picture of 100 x 100 pixels");
  expect(moved(1000)).toThrow("the point 1060, 70 is not on the picture of 100 x 100 pixels");
});
