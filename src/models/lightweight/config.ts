// The lightweight CNN's configuration. The paper (Isong, 2025, arXiv 2501.15547) states how it is trained and that it has 14,862 parameters; its layers were not found,
// so these are the project's own, with as many.
import { z } from "zod";

const count = z.int().min(1).max(1024);

export const lightweightSchema = z.strictObject({
  num_classes: z.int().min(1).max(100_000).default(10),
  /** Channels behind each of a branch's four convolutions. */
  channels: z.tuple([count, count, count, count]).default([10, 12, 17, 24]),
  /** Width of the layer that brings both branches' answers together; 0 for none, where the answer is their mean: what the first stage of training makes. */
  hidden: z.int().min(0).max(1024).default(24),
});

export type LightweightConfig = z.infer<typeof lightweightSchema>;
