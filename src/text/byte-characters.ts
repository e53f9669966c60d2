// Every byte as a printable character, so that vocabularies are text: how GPT-2's tokenizer, and CLIP's after it, write bytes down.

/** In the order of the vocabulary: printable Latin-1 stands for itself, the other 68 bytes for characters from U+0100 on. */
const BYTES: readonly number[] = (() => {
  const isPrintable = (byte: number) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte !== 173);
  const all = Array.from({ length: 256 }, (_, byte) => byte);
  return [...all.filter(isPrintable), ...all.filter((byte) => !isPrintable(byte))];
})();

const PRINTABLE = 188;

/** The 256 characters that stand for bytes, in the order of the vocabulary. */
export const BYTE_CHARACTERS: readonly string[] = BYTES.map((byte, i) =>
  String.fromCharCode(i < PRINTABLE ? byte : 256 + i - PRINTABLE),
);

const characterOf: readonly string[] = (() => {
  const characters = new Array<string>(256);
  BYTES.forEach((byte, i) => {
    characters[byte] = BYTE_CHARACTERS[i]!;
  });
  return characters;
})();

const byteOf: ReadonlyMap<string, number> = new Map(characterOf.map((character, byte) => [character, byte]));

/** UTF-8 of a text, a character a byte. */
export function toByteCharacters(text: string): string[] {
  return Array.from(new TextEncoder().encode(text), (byte) => characterOf[byte]!);
}

/** The text behind byte characters. What is no UTF-8 becomes U+FFFD; what stands for no byte is left out. */
export function fromByteCharacters(characters: string): string {
  const bytes = Array.from(characters, (character) => byteOf.get(character)).filter((byte) => byte !== undefined);
  return new TextDecoder().decode(Uint8Array.from(bytes));
}
