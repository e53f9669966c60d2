// Whether markup is well-formed: every tag is closed in the right place, attributes are quoted, and text holds no stray signs.

const TAG = /^<(\/?)([a-zA-Z][\w-]*)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>/;

/** Throws with the place of the first fault. Contents of style and script are not looked at. */
export function assertWellFormed(markup: string): void {
  const open: string[] = [];
  let at = markup.startsWith("<!DOCTYPE html>") ? 15 : 0;
  const fail = (problem: string): never => {
    throw new Error(`${problem} at ${at}: ${markup.slice(at, at + 80)}`);
  };
  while (at < markup.length) {
    const next = markup.indexOf("<", at);
    const text = markup.slice(at, next === -1 ? markup.length : next);
    if (/&(?!(amp|lt|gt|quot|#39);)/.test(text)) fail("a stray &");
    if (next === -1) break;
    at = next;
    const match = TAG.exec(markup.slice(at, at + 4_000_000)) ?? fail("no tag");
    const [whole, closing, name, attributes, selfClosing] = match as RegExpExecArray;
    if (/&(?!(amp|lt|gt|quot|#39);)/.test(attributes!)) fail("a stray & in an attribute");
    if (closing === "/") {
      if (open.pop() !== name) fail(`</${name}> closes nothing`);
    } else if (selfClosing !== "/") open.push(name!);
    at += whole!.length;
    if ((name === "style" || name === "script") && closing !== "/") at = markup.indexOf(`</${name}>`, at);
  }
  if (open.length > 0) fail(`not closed: ${open.join(", ")}`);
}
