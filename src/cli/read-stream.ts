// Streams to bytes, never more than a limit.
import { LimitError } from "../errors.ts";

/** All that a stream gives. Throws LimitError, and reads no further, when that is more than `maxBytes`. */
export async function readAtMost(
  stream: AsyncIterable<Uint8Array>,
  maxBytes: number,
  what = "standard input",
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new LimitError(what, bytes, maxBytes, "bytes");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
