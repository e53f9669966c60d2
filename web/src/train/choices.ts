// What a person chooses before a run: where it begins, and how long it may take.

export const STARTS = {
  bundled: {
    title: "the model of this page",
    about: "It knows everyday things already. Best for up to a few thousand pictures.",
    recipe: "fine-tune",
    epochs: 12,
  },
  scratch: {
    title: "nothing",
    about: "A fresh SparseFormer, at 64 pixels. For many thousands of pictures.",
    recipe: "everyday",
    epochs: 24,
  },
} as const;

export const LENGTHS = {
  short: { title: "short", share: 1 / 3 },
  usual: { title: "usual", share: 1 },
  long: { title: "long", share: 2.5 },
} as const;

export interface Choices {
  readonly start: keyof typeof STARTS;
  readonly length: keyof typeof LENGTHS;
}

export const USUAL: Choices = { start: "bundled", length: "usual" };

export const epochsOf = ({ start, length }: Choices): number =>
  Math.max(1, Math.round(STARTS[start].epochs * LENGTHS[length].share));

/** The library's words for it. */
export function optionsOf(choices: Choices): { readonly recipe: string; readonly epochs: number } {
  return { recipe: STARTS[choices.start].recipe, epochs: epochsOf(choices) };
}
