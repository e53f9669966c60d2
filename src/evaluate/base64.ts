// Bytes as base64, for pictures inside a page. Written here because what runs anywhere has neither Buffer nor btoa to rely on.
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** RFC 4648, with padding. */
export function toBase64(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let i = 0; i < bytes.length; i += 3) {
    const [a = 0, b = 0, c = 0] = bytes.subarray(i, i + 3);
    const bits = (a << 16) | (b << 8) | c;
    const four = [18, 12, 6, 0].map((shift) => ALPHABET[(bits >> shift) & 63]!).join("");
    const left = bytes.length - i;
    parts.push(left >= 3 ? four : `${four.slice(0, left + 1)}${"=".repeat(3 - left)}`);
  }
  return parts.join("");
}
