// What is not worth parsing is refused before it is parsed; what is, is read as it was sent.
import { expect, test } from "vitest";
import { parseJson, requestPictures } from "./request-pictures.ts";

const bytesOf = (text: string) => Uint8Array.from(Buffer.from(text, "latin1"));

function ask(type: string, body: string) {
  const request = new Request("http://localhost/v1/classify?top_k=2", {
    method: "POST",
    headers: { "content-type": type },
  });
  return requestPictures(request, bytesOf(body), 2);
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "read",
    ({ code }: { code?: string }) => code,
  );

const part = (name: string, content: string, file = "") =>
  `--x-1\r\nContent-Disposition: form-data; name="${name}"${file}\r\n\r\n${content}\r\n`;
const file = '; filename="a.jpg"';

test("a form, its boundary as it is or in quotes", async () => {
  const body = `${part("image", "one", file)}${part("image", "--x-2\r\n", file)}${part("threshold", "0.5")}--x-1--\r\n`;
  for (const type of ["multipart/form-data; boundary=x-1", 'Multipart/Form-Data; charset=utf-8; boundary="x-1"; a=b']) {
    const { pictures, fields } = await ask(type, body);
    expect(pictures.map((one) => Buffer.from(one).toString())).toEqual(["one", "--x-2\r\n"]);
    expect(fields).toEqual({ top_k: 2, threshold: 0.5 });
  }
});

test("forms of many parts, without an end, or with headers without one", async () => {
  const form = (body: string, boundary = "x-1") => codeOf(ask(`multipart/form-data; boundary=${boundary}`, body));
  expect(await form(`${part("image", "a", file).repeat(3)}--x-1--\r\n`)).toBe("limit");
  expect(await form(`${part("t", "a").repeat(40)}--x-1--\r\n`)).toBe("limit");
  expect(await form(part("image", "a", file))).toBe("usage");
  expect(await form(`${part("a".repeat(5000), "a")}--x-1--\r\n`)).toBe("usage");
  expect(await form("--x\r\n", "{}")).toBe("usage");
});

test("JSON of many values", () => {
  expect(parseJson(bytesOf('{"a":[1,2]}'), 4)).toEqual({ a: [1, 2] });
  expect(() => parseJson(bytesOf('{"a":[1,2]}'), 3)).toThrow(/more than 3 values/);
});

test("pictures in JSON: two at most here, in base64", async () => {
  const json = (value: unknown) => codeOf(ask("application/json", JSON.stringify(value)));
  expect(await json({ images: ["QQ==", "QQ"] })).toBe("read");
  expect(await json({ images: ["QQ", "QQ", "QQ"] })).toBe("limit");
  expect(await json({ image: "Q" })).toBe("usage");
  expect(await json({ image: "QQ!!" })).toBe("usage");
});
