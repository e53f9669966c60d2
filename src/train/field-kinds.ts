// Kinds of numbers that many fields of recipes are of.
import { z } from "zod";

/** A rate or a weight. */
export const rate = z.number().min(0).max(100);
export const share = z.number().min(0).max(1);
export const count = z.int().min(1).max(1_000_000);

/** `true` where two types take the same values: documented types are what schemas take. */
export type Exactly<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;
