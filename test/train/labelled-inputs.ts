// What an objective of labelled pictures never asks for.

export const onlyLabels = {
  annotations(): never {
    throw new Error("these pictures have labels, and no annotations");
  },
  onHost(): never {
    throw new Error("this objective leaves nothing to the host");
  },
};
