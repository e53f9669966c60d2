// Requests that mean no good, each a function that sends one and says what came back. Written on sockets, because clients that behave tidy them up.
import { connect } from "node:net";
import { crc32, gzipSync } from "node:zlib";

export interface Hostile {
  readonly name: string;
  /** The bytes of the request; more of them follow every `everyMs` where it is slow. */
  readonly bytes: () => Uint8Array | string;
  readonly dribble?: { readonly byte: string; readonly everyMs: number };
  /** Statuses that are right; 0: the connection is closed without one. */
  readonly fine: readonly number[];
}

/** Sends it; the status of what is answered, 0 where the connection ends without. */
export function send(url: string, { bytes, dribble }: Hostile): Promise<number> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect(Number(port), hostname);
    let timer: ReturnType<typeof setInterval> | undefined;
    const end = () => {
      clearInterval(timer);
      socket.destroy();
      resolve(Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0));
    };
    socket.on("data", (chunk) => {
      answer += chunk.toString("latin1");
      if (/\r\n\r\n/.test(answer)) end();
    });
    socket.on("error", end);
    socket.on("close", end);
    socket.on("connect", () => {
      socket.write(bytes());
      if (dribble !== undefined)
        timer = setInterval(() => socket.writable && socket.write(dribble.byte), dribble.everyMs);
    });
  });
}

const head = (path: string, headers: Readonly<Record<string, string>>, method = "POST") =>
  `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("")}\r\n`;

function withBody(path: string, type: string, body: Uint8Array | string): Uint8Array {
  const bytes = Buffer.from(body as string);
  return Buffer.concat([
    Buffer.from(head(path, { "Content-Type": type, "Content-Length": String(bytes.length) })),
    bytes,
  ]);
}

/** A request of one tensor of files, as bytes. */
function withTensors(shape: readonly number[], bytes: Uint8Array): Uint8Array {
  const parameters = { binary_data_size: bytes.length };
  const header = JSON.stringify({ inputs: [{ name: "image", datatype: "BYTES", shape, parameters }] });
  const length = { "Content-Length": String(header.length + bytes.length) };
  return Buffer.concat([
    Buffer.from(head("/v2/models/toy/infer", { ...length, "Inference-Header-Content-Length": String(header.length) })),
    Buffer.from(header),
    bytes,
  ]);
}

/** The beginning of a PNG of any size that it says. */
export function pngHeader(width: number, height: number): Uint8Array {
  const ihdr = Buffer.alloc(17);
  ihdr.write("IHDR", 0, "latin1");
  ihdr.writeUInt32BE(width, 4);
  ihdr.writeUInt32BE(height, 8);
  ihdr.set([8, 2, 0, 0, 0], 12);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(13);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(ihdr));
  const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
  return Buffer.concat([
    signature,
    length,
    ihdr,
    check,
    Buffer.from([0, 0, 0, 0]),
    Buffer.from("IDAT"),
    Buffer.alloc(4),
  ]);
}

const JSON_TYPE = "application/json";

export const HOSTILE: readonly Hostile[] = [
  {
    name: "a length that never comes",
    bytes: () => head("/v1/classify", { "Content-Length": "1000" }),
    fine: [408, 0],
  },
  {
    name: "a body that dribbles",
    bytes: () => head("/v1/classify", { "Content-Length": "100000" }),
    dribble: { byte: "x", everyMs: 50 },
    fine: [408, 0],
  },
  {
    name: "a head that dribbles",
    bytes: () => "POST /v1/classify HTTP/1.1\r\n",
    dribble: { byte: "x", everyMs: 50 },
    fine: [408, 0],
  },
  {
    name: "a length beyond all limits",
    bytes: () => head("/v1/classify", { "Content-Length": "999999999999" }),
    fine: [413],
  },
  { name: "a length that is none", bytes: () => head("/v1/classify", { "Content-Length": "-5" }), fine: [400, 0] },
  {
    name: "two lengths",
    bytes: () => `POST /v1/classify HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab`,
    fine: [400, 0],
  },
  {
    name: "chunks beyond the limit",
    bytes: () => {
      const chunk = `100000\r\n${"x".repeat(2 ** 20)}\r\n`;
      return `${head("/v1/classify", { "Transfer-Encoding": "chunked" })}${chunk.repeat(4)}`;
    },
    fine: [413],
  },
  {
    name: "a flood of headers",
    bytes: () => head("/v1/classify", Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`x-${i}`, "y"]))),
    fine: [431, 400, 0],
  },
  { name: "one long header", bytes: () => head("/livez", { "x-long": "y".repeat(100_000) }, "GET"), fine: [431, 0] },
  { name: "paths that climb", bytes: () => head("/../../../etc/passwd", {}, "GET"), fine: [404, 400] },
  {
    name: "paths that climb in disguise",
    bytes: () => head("/v2/models/..%2f..%2fetc%2fpasswd", {}, "GET"),
    fine: [404, 400],
  },
  {
    name: "an address with bytes that are no text",
    bytes: () => head("/v2/models/%ff%fe", {}, "GET"),
    fine: [404, 400],
  },
  { name: "another's name", bytes: () => "GET /v1/models HTTP/1.1\r\nHost: evil.example\r\n\r\n", fine: [421] },
  { name: "no name", bytes: () => "GET /v1/models HTTP/1.1\r\n\r\n", fine: [400, 421] },
  {
    name: "JSON a million deep",
    bytes: () => withBody("/v1/classify", JSON_TYPE, `{"images":${"[".repeat(1e6)}${"]".repeat(1e6)}}`),
    fine: [400, 413],
  },
  {
    name: "JSON a million deep in a tensor",
    bytes: () =>
      withBody(
        "/v2/models/toy/infer",
        JSON_TYPE,
        `{"inputs":[{"name":"image","shape":[1,1],"datatype":"UINT8","data":[${"[".repeat(5e5)}${"]".repeat(5e5)}]}]}`,
      ),
    fine: [400],
  },
  {
    name: "JSON that is no UTF-8",
    bytes: () => withBody("/v1/classify", JSON_TYPE, Buffer.from([123, 34, 255, 254, 34, 58, 49, 125])),
    fine: [400],
  },
  {
    name: "names of an object's own",
    bytes: () => withBody("/v1/classify", JSON_TYPE, '{"image":"AAAA","__proto__":{"top_k":1},"constructor":1}'),
    fine: [400],
  },
  { name: "base64 that is none", bytes: () => withBody("/v1/classify", JSON_TYPE, '{"image":"%%%%"}'), fine: [400] },
  {
    name: "an address to be fetched",
    bytes: () => withBody("/v1/classify", JSON_TYPE, '{"image":"http://169.254.169.254/latest"}'),
    fine: [400],
  },
  { name: "a bomb", bytes: () => withBody("/v1/classify", "image/png", pngHeader(60_000, 60_000)), fine: [413, 422] },
  { name: "a cut picture", bytes: () => withBody("/v1/classify", "image/png", pngHeader(64, 64)), fine: [422] },
  {
    name: "a form without its boundary",
    bytes: () => withBody("/v1/classify", "multipart/form-data", "x"),
    fine: [400],
  },
  {
    name: "a form that does not end",
    bytes: () =>
      withBody(
        "/v1/classify",
        "multipart/form-data; boundary=b",
        '--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\nabc',
      ),
    fine: [400],
  },
  {
    name: "a tensor of more elements than there are numbers",
    bytes: () =>
      withBody(
        "/v2/models/toy/infer",
        JSON_TYPE,
        '{"inputs":[{"name":"image","shape":[2147483647,2147483647,2147483647,3],"datatype":"UINT8","data":[]}]}',
      ),
    fine: [400, 413],
  },
  {
    name: "JSON of a million values",
    bytes: () => withBody("/v1/classify", JSON_TYPE, `{"images":[${'"",'.repeat(7e5)}""]}`),
    fine: [413],
  },
  {
    name: "a tensor in JSON of three million numbers",
    bytes: () =>
      withBody(
        "/v2/models/toy/infer",
        JSON_TYPE,
        `{"inputs":[{"name":"image","shape":[1],"datatype":"UINT8","data":[${"1".repeat(1e5)}${",".repeat(2.9e6)}]}]}`,
      ),
    fine: [413],
  },
  {
    name: "a form of forty thousand parts",
    bytes: () => {
      const part = '--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\nx\r\n';
      return withBody("/v1/classify", "multipart/form-data; boundary=b", `${part.repeat(4e4)}--b--\r\n`);
    },
    fine: [413],
  },
  {
    name: "a form whose part has a name without an end",
    bytes: () =>
      withBody(
        "/v1/classify",
        "multipart/form-data; boundary=b",
        `--b\r\nContent-Disposition: form-data; name="${"a".repeat(2e6)}"\r\n\r\nx\r\n--b--\r\n`,
      ),
    fine: [400],
  },
  {
    name: "a form with a boundary of any letters",
    bytes: () => withBody("/v1/classify", 'multipart/form-data; boundary="\u00e4{}"', "--x\r\n\r\n--x--"),
    fine: [400],
  },
  {
    name: "a tensor of a million empty files",
    bytes: () => withTensors([5e5], new Uint8Array(2e6)),
    fine: [413],
  },
  {
    name: "a tensor whose file says that it is longer",
    bytes: () => withTensors([1], Uint8Array.of(255, 255, 255, 255, 1)),
    fine: [400],
  },
  {
    name: "a header of a tensor that is longer than all",
    bytes: () =>
      Buffer.concat([
        Buffer.from(
          head("/v2/models/toy/infer", { "Inference-Header-Content-Length": "99999", "Content-Length": "2" }),
        ),
        Buffer.from("{}"),
      ]),
    fine: [400],
  },
  {
    name: "a picture packed once more",
    bytes: () =>
      Buffer.concat([
        Buffer.from(head("/v1/classify", { "Content-Encoding": "gzip", "Content-Length": "2048" })),
        gzipSync(new Uint8Array(2 ** 21)).subarray(0, 2048),
      ]).subarray(0, 4096),
    fine: [415, 408, 0],
  },
  {
    name: "a length beyond all limits that asks first",
    bytes: () => head("/v1/classify", { "Content-Length": "99999999", Expect: "100-continue" }),
    fine: [413, 100],
  },
  {
    name: "another protocol on the same connection",
    bytes: () => head("/v1/models", { Connection: "Upgrade", Upgrade: "websocket" }, "GET"),
    fine: [200, 400, 404, 0],
  },
  { name: "a way through to elsewhere", bytes: () => head("169.254.169.254:80", {}, "CONNECT"), fine: [400, 405, 0] },
  {
    name: "the address of somebody else",
    bytes: () => head("http://169.254.169.254/latest/meta-data", {}, "GET"),
    fine: [400, 404, 421],
  },
  { name: "a method of its own", bytes: () => head("/v1/classify", {}, "BREW"), fine: [400, 0] },
  {
    name: "a thousand requests at once on one connection",
    bytes: () => head("/livez", {}, "GET").repeat(1000),
    fine: [200],
  },
  { name: "something that is not HTTP", bytes: () => "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", fine: [400, 0] },
];
