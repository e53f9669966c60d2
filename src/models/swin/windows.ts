// What only Swin's windows have: the squares that merging joins.
import type { Order } from "../../nn/windows.ts";
import type { Extent } from "../image-size.ts";

/** The four cells of every 2 x 2 square beside each other, column by column; odd maps are padded (timm's PatchMerging). */
export function bySquare({ height, width }: Extent): Order {
  const order: number[] = [];
  for (let top = 0; top < height; top += 2)
    for (let left = 0; left < width; left += 2)
      for (let x = left; x < left + 2; x++)
        for (let y = top; y < top + 2; y++) order.push(y < height && x < width ? y * width + x : -1);
  return order;
}
