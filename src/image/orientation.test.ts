import sharp from "sharp";
import { expect, test } from "vitest";
import { turnUpright } from "./orientation.ts";

test("pictures are turned as another program turns them", async () => {
  const [width, height] = [5, 3];
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 37) % 256);
  for (let orientation = 1; orientation <= 8; orientation++) {
    const file = await sharp(data, { raw: { width, height, channels: 3 } })
      .withMetadata({ orientation })
      .png()
      .toBuffer();
    const { data: turned, info } = await sharp(file).autoOrient().raw().toBuffer({ resolveWithObject: true });
    const upright = turnUpright({ width, height, data }, orientation);
    expect([orientation, upright.width, upright.height]).toEqual([orientation, info.width, info.height]);
    expect([...upright.data]).toEqual([...turned]);
  }
});
