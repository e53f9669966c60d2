// A picture with what was found of its faces: parts tinted, points, and three axes that say how each head is turned: red to its left, green down, blue to the front
// (Kartik-3004/facexformer, inference.py visualize_head_pose).
import { type DrawnPart, drawParts, type PartDrawing } from "../../boxes/draw.ts";
import { type Color, distinctColor, drawLine, fillDisc } from "../../image/draw.ts";
import type { RawImage } from "../../image/raw-image.ts";
import type { Face } from "./results.ts";

const POINT: Color = [255, 255, 0];
const RED: Color = [255, 64, 64];
const GREEN: Color = [64, 220, 64];
const BLUE: Color = [80, 120, 255];

/** Without the names, which `finishDrawing` sets. */
export function drawFaces(picture: RawImage, faces: readonly Face[]): PartDrawing {
  const parts = faces.flatMap((face, i): DrawnPart[] => [
    ...face.parts.map(({ index, mask }) => ({ name: "", color: distinctColor(index), mask })),
    { name: caption(face), color: distinctColor(i), box: face.box },
  ]);
  const drawing = drawParts(picture, parts, { tint: 0.3 });
  const { image } = drawing;
  const scale = image.width / picture.width;
  for (const face of faces) {
    const [x0, y0, x1, y1] = face.box.map((place) => place * scale) as [number, number, number, number];
    const side = Math.min(x1 - x0, y1 - y0);
    for (const [x, y] of face.landmarks) fillDisc(image, x * scale, y * scale, Math.max(1.5, side / 150), POINT);
    const [x, y] = middleOf(face.landmarks);
    for (const [color, dx, dy] of axes(face))
      drawLine(image, x * scale, y * scale, x * scale + dx * 0.3 * side, y * scale + dy * 0.3 * side, color, {
        thickness: Math.max(2, side / 90),
      });
  }
  return drawing;
}

/** "20-29, Female" */
function caption({ age, gender }: Face): string {
  return [age[0], gender[0]].flatMap((rated) => rated?.label ?? []).join(", ");
}

function middleOf(points: Face["landmarks"]): readonly [number, number] {
  const mean = (axis: 0 | 1) => points.reduce((sum, point) => sum + point[axis], 0) / Math.max(1, points.length);
  return [mean(0), mean(1)];
}

/** Where the head's axes point to on the picture, each at most one long. */
function axes({ pose }: Face): (readonly [Color, number, number])[] {
  const [pitch, yaw, roll] = [pose.pitch, pose.yaw, pose.roll].map((degrees) => (degrees * Math.PI) / 180) as [
    number,
    number,
    number,
  ];
  const { cos, sin } = Math;
  return [
    [RED, cos(yaw) * cos(roll), cos(pitch) * sin(roll) + cos(roll) * sin(pitch) * sin(yaw)],
    [GREEN, -cos(yaw) * sin(roll), cos(pitch) * cos(roll) - sin(pitch) * sin(yaw) * sin(roll)],
    [BLUE, sin(yaw), -cos(yaw) * sin(pitch)],
  ];
}
