/** A name out of a file, fit for a message: quoted, control characters escaped, cut to a length that a line can hold. */
export function quote(name: string): string {
  return JSON.stringify(name.length > 120 ? `${name.slice(0, 120)}…` : name);
}
