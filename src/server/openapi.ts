// What the server's own protocol is, for programs (OpenAPI 3.1, whose schemas are zod's own JSON Schemas) and for people (a page without anything from
// elsewhere).
import { Hono } from "hono";
import { z } from "zod";
import { version } from "../version.ts";
import {
  classifyAnswerSchema,
  classifyAskSchema,
  detectAnswerSchema,
  detectAskSchema,
  embedAnswerSchema,
  embedAskSchema,
  errorSchema,
  facesAnswerSchema,
  facesAskSchema,
  modelListSchema,
  restoreAnswerSchema,
  restoreAskSchema,
  searchAnswerSchema,
  searchAskSchema,
  segmentAnswerSchema,
  segmentAskSchema,
} from "./api/ask-schema.ts";
import type { ServerEnvironment } from "./app.ts";
import { docsPage } from "./docs-page.ts";

const base64 = z.string().describe("a picture's file in base64");
const images = {
  image: base64.optional().describe("one picture's file in base64"),
  images: z.array(base64).optional().describe("several"),
};

interface PictureRoute {
  readonly path: string;
  readonly summary: string;
  readonly ask: z.ZodObject;
  readonly answer: z.ZodType;
  /** Media type of an answer that is a file. */
  readonly file?: string;
}

const PICTURE_ROUTES: readonly PictureRoute[] = [
  { path: "/v1/classify", summary: "What is in pictures", ask: classifyAskSchema, answer: classifyAnswerSchema },
  { path: "/v1/embed", summary: "Vectors of pictures", ask: embedAskSchema, answer: embedAnswerSchema },
  { path: "/v1/detect", summary: "Things in pictures, with boxes", ask: detectAskSchema, answer: detectAnswerSchema },
  { path: "/v1/segment", summary: "Which pixels are what", ask: segmentAskSchema, answer: segmentAnswerSchema },
  { path: "/v1/faces", summary: "What faces are like", ask: facesAskSchema, answer: facesAnswerSchema },
  {
    path: "/v1/restore",
    summary: "Pictures as they should be",
    ask: restoreAskSchema,
    answer: restoreAnswerSchema,
    file: "image/png",
  },
  {
    path: "/v1/search",
    summary: "Pictures of the index that are like these",
    ask: searchAskSchema,
    answer: searchAnswerSchema,
  },
];

const FAILURES: Readonly<Record<string, string>> = {
  "400": "not understood",
  "401": "a bearer token is needed",
  "404": "no such model, or not for this task",
  "413": "too large, or too many pictures",
  "415": "no picture",
  "422": "a damaged picture",
  "429": "the queue is full; Retry-After says when to ask again",
  "503": "loading or stopping; Retry-After says when to ask again",
  "504": "the time was over before the picture's turn came",
};

function pictureRoute({ summary, ask, answer, file }: PictureRoute) {
  const asked = z.toJSONSchema(ask, { io: "input" });
  const binary = { type: "string", format: "binary" };
  const answered = described("an answer a picture", answer);
  const asFile = file === undefined ? {} : { [file]: { schema: binary } };
  return {
    post: {
      summary,
      parameters: Object.entries(asked.properties ?? {}).map(([name, schema]) => ({
        ...{ name, in: "query", required: false, schema },
        description: typeof schema === "object" ? schema.description : undefined,
      })),
      requestBody: {
        required: true,
        content: {
          "application/octet-stream": { schema: binary },
          "multipart/form-data": {
            schema: {
              ...asked,
              properties: { image: { type: "array", items: binary, description: "files" }, ...asked.properties },
              required: ["image"],
            },
          },
          "application/json": { schema: z.toJSONSchema(ask.extend(images), { io: "input" }) },
        },
      },
      responses: {
        "200": { ...answered, content: { ...answered.content, ...asFile } },
        ...Object.fromEntries(Object.entries(FAILURES).map(([status, what]) => [status, described(what, errorSchema)])),
      },
    },
  };
}

function described(description: string, schema: z.ZodType) {
  return { description, content: { "application/json": { schema: z.toJSONSchema(schema) } } };
}

function textRoute(summary: string, responses: Readonly<Record<string, string>>) {
  const content = { "text/plain": { schema: { type: "string" } } };
  const all = Object.entries(responses).map(([status, description]) => [status, { description, content }]);
  return { get: { summary, responses: Object.fromEntries(all) } };
}

/** The document as plain data. */
export function openApiDocument() {
  return {
    openapi: "3.1.0",
    info: { title: "Saccade", version, description: "What is in pictures, and where the model looked." },
    security: [{}, { bearer: [] }],
    components: { securitySchemes: { bearer: { type: "http", scheme: "bearer" } } },
    paths: {
      ...Object.fromEntries(PICTURE_ROUTES.map((route) => [route.path, pictureRoute(route)])),
      "/v1/models": {
        get: { summary: "The models and their states", responses: { "200": described("models", modelListSchema) } },
      },
      "/livez": textRoute("Whether the process lives", { "200": "it does" }),
      "/readyz": textRoute("Whether all models answer", { "200": "they do", "503": "not yet, or not any more" }),
      "/metrics": textRoute("Metrics for Prometheus", { "200": "metrics" }),
    },
  };
}

export type OpenApiDocument = ReturnType<typeof openApiDocument>;

export function openApiRoutes(): Hono<ServerEnvironment> {
  const routes = new Hono<ServerEnvironment>();
  routes.get("/openapi.json", (c) => c.json(openApiDocument()));
  routes.get("/docs", (c) =>
    c.html(docsPage(openApiDocument()), 200, {
      "Content-Security-Policy":
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    }),
  );
  return routes;
}
