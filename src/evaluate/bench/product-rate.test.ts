import { expect, test } from "vitest";
import { nodeHost } from "../../platform/node/host.ts";
import { productFlops, productInput, productModel } from "./product-rate.ts";

test("the model multiplies as often as it says, and its numbers neither grow nor fade", async () => {
  const corners = [];
  for (const products of [1, 4, 16]) {
    const probe = { size: 48, products };
    await using session = await nodeHost.createSession(productModel(probe), { device: "cpu", threads: 1 });
    const { corner } = await session.run(productInput(probe));
    expect(corner!.shape).toEqual([1, 1]);
    corners.push(Math.abs(Number(corner!.data[0])));
  }
  expect(new Set(corners).size).toBe(3);
  for (const corner of corners) expect(corner).toBeGreaterThan(1e-4);
  for (const corner of corners) expect(corner).toBeLessThan(10);
});

test("operations: a multiplication and an addition for each of rows, columns and inner size", () => {
  expect(productFlops({ size: 10, products: 3 })).toBe(6000);
});
