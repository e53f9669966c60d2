// What `saccade classify` uses when nobody names a model: the one that comes with the package.
export const DEFAULT_MODEL = "saccade/photographs";
