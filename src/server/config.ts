// What a server is told, from the command line, the environment and a file: one table of fields makes all three, and one check holds for them. A flag
// wins over a variable, a variable over the file.
import { z } from "zod";
import { UsageError } from "../errors.ts";
import { PRECISIONS } from "../onnx/lower.ts";
import { DEVICES } from "../runtime/session.ts";
import { isFetchHost } from "./api/fetched-pictures.ts";
import { schemaFaults } from "./schema-faults.ts";

export const TASKS = ["classify", "embed", "detect", "segment", "faces", "restore"] as const;
export type TaskName = (typeof TASKS)[number];

/** Names that stand in addresses without being escaped. */
const modelName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, "letters, digits, dots, dashes and underscores, up to 100 of them");

export const modelEntrySchema = z.strictObject({
  name: modelName,
  version: modelName.default("1"),
  /** Registered or bundled name, model folder, checkpoint or ONNX file. */
  source: z.string().min(1).max(4096),
  /** What it answers. Default: classify for a model of classes, embed for one of embeddings. */
  tasks: z.array(z.enum(TASKS)).min(1).optional(),
});
export type ModelEntry = z.infer<typeof modelEntrySchema>;

/** How a field's text, in a flag or a variable, becomes its value. A list has commas between its parts. */
type Kind = "text" | "number" | "switch" | "list";

interface Field {
  readonly kind: Kind;
  /** What stands behind the flag in the help. */
  readonly placeholder?: string;
  readonly help: string;
  readonly schema: z.ZodType;
}

const milliseconds = z.number().min(0).max(3_600_000);
const count = (most: number) => z.int().min(1).max(most);
const path = z.string().min(1).max(4096);

const FIELDS = {
  host: {
    kind: "text",
    placeholder: "<address>",
    help: "where to listen: 127.0.0.1 for this machine alone, 0.0.0.0 or :: for all that reach it (default: 127.0.0.1)",
    schema: z.string().min(1).max(253).default("127.0.0.1"),
  },
  port: {
    kind: "number",
    placeholder: "<number>",
    help: "0 takes any that is free (default: 7223)",
    schema: z.int().min(0).max(65535).default(7223),
  },
  tasks: {
    kind: "list",
    placeholder: "<names>",
    help: `what models answer, of ${TASKS.join(", ")} (default: what each is made for)`,
    schema: z.array(z.enum(TASKS)).min(1).optional(),
  },
  index: {
    kind: "text",
    placeholder: "<folder>",
    help: "answer searches in this index of pictures (saccade index)",
    schema: path.optional(),
  },
  device: {
    kind: "text",
    placeholder: "<device>",
    help: `where models run: ${DEVICES.join(", ")} (default: auto)`,
    schema: z.enum(DEVICES).default("auto"),
  },
  precision: {
    kind: "text",
    placeholder: "<precision>",
    help: `${PRECISIONS.join(" or ")} (default: float32)`,
    schema: z.enum(PRECISIONS).default("float32"),
  },
  sessions: {
    kind: "number",
    placeholder: "<n>",
    help: "copies of each model side by side (default: what does most here)",
    schema: count(64).optional(),
  },
  threads: {
    kind: "number",
    placeholder: "<n>",
    help: "threads inside each (default: all cores, shared out)",
    schema: count(1024).optional(),
  },
  max_batch: {
    kind: "number",
    placeholder: "<n>",
    help: "pictures of a run at most (default: measured when a model is loaded)",
    schema: count(1024).optional(),
  },
  max_delay_ms: {
    kind: "number",
    placeholder: "<ms>",
    help: "how long a picture may wait for company (default: measured)",
    schema: milliseconds.optional(),
  },
  max_queue: {
    kind: "number",
    placeholder: "<n>",
    help: "pictures that may wait for a model; beyond them requests are refused (default: 128)",
    schema: count(100_000).default(128),
  },
  timeout_ms: {
    kind: "number",
    placeholder: "<ms>",
    help: "a request that has not begun to be computed by then is dropped (default: 30000)",
    schema: milliseconds.default(30_000),
  },
  receive_timeout_ms: {
    kind: "number",
    placeholder: "<ms>",
    help: "how long a request may take to arrive (default: 60000)",
    schema: z.number().min(1).max(3_600_000).default(60_000),
  },
  overload_from: {
    kind: "number",
    placeholder: "<share>",
    help: "how full a queue must be before models in steps get smaller budgets (default: 0.5)",
    schema: z.number().min(0).max(1).default(0.5),
  },
  overload_floor: {
    kind: "number",
    placeholder: "<share>",
    help: "the least share of a model's cost that a full queue leaves; 1 never lowers it (default: 1)",
    schema: z.number().gt(0).max(1).default(1),
  },
  max_body_bytes: {
    kind: "number",
    placeholder: "<n>",
    help: "a request's size at most (default: 33554432)",
    schema: count(2 ** 31 - 1).default(2 ** 25),
  },
  max_pixels: {
    kind: "number",
    placeholder: "<n>",
    help: "a picture's width times height at most (default: 50000000)",
    schema: count(2 ** 30).default(50_000_000),
  },
  fetch_hosts: {
    kind: "list",
    placeholder: "<hosts>",
    help: "hosts whose pictures may be named by their address, such as images.example.org (default: none)",
    schema: z
      .array(z.string().toLowerCase().refine(isFetchHost, "a host is a name such as images.example.org"))
      .default([]),
  },
  max_pictures: {
    kind: "number",
    placeholder: "<n>",
    help: "pictures of a request at most (default: 32)",
    schema: count(10_000).default(32),
  },
  rate_limit: {
    kind: "number",
    placeholder: "<n>",
    help: "requests a second from one client (default: no limit)",
    schema: z.number().gt(0).max(1e6).optional(),
  },
  auth_file: {
    kind: "text",
    placeholder: "<file>",
    help: "bearer tokens, one a line: who has none is refused, but for health",
    schema: path.optional(),
  },
  tls_cert: {
    kind: "text",
    placeholder: "<file>",
    help: "certificate chain (PEM), with --tls-key: HTTPS",
    schema: path.optional(),
  },
  tls_key: { kind: "text", placeholder: "<file>", help: "its key (PEM)", schema: path.optional() },
  cors_origins: {
    kind: "list",
    placeholder: "<origins>",
    help: "pages that may ask from other origins, such as https://example.org (default: none)",
    schema: z.array(z.string().min(1).max(500)).default([]),
  },
  allow_load: {
    kind: "switch",
    help: "let requests load and unload the models that were named",
    schema: z.boolean().default(false),
  },
  triton_metrics: { kind: "switch", help: "metrics under Triton's names too", schema: z.boolean().default(false) },
  api_only: { kind: "switch", help: "no page for people at /", schema: z.boolean().default(false) },
  quiet: { kind: "switch", help: "no line of log for every request", schema: z.boolean().default(false) },
  grace_ms: {
    kind: "number",
    placeholder: "<ms>",
    help: "how long a stopping server, which is not ready any more, still takes requests (default: 500)",
    schema: milliseconds.default(500),
  },
  drain_ms: {
    kind: "number",
    placeholder: "<ms>",
    help: "how long a stopping server goes on answering what it has taken (default: 30000)",
    schema: milliseconds.default(30_000),
  },
} as const satisfies Record<string, Field>;

type FieldName = keyof typeof FIELDS;

const fieldsSchema = z.strictObject(
  Object.fromEntries(Object.entries(FIELDS).map(([name, { schema }]) => [name, schema])) as {
    [F in FieldName]: (typeof FIELDS)[F]["schema"];
  },
);

const fileSchema = z.strictObject({
  ...fieldsSchema.partial().shape,
  models: z
    .array(z.union([z.string().min(1).max(4096), modelEntrySchema]))
    .max(1000)
    .optional(),
});

export type ServerConfig = Readonly<z.infer<typeof fieldsSchema>> & { readonly models: readonly ModelEntry[] };

/** A flag of the command line. */
export interface ConfigFlag {
  /** "--max-batch <n>" */
  readonly flag: string;
  readonly help: string;
}

export const CONFIG_FLAGS: readonly ConfigFlag[] = Object.entries(FIELDS).map(([name, field]) => ({
  flag: "placeholder" in field ? `${flagOf(name)} ${field.placeholder}` : flagOf(name),
  help: field.help,
}));

export interface ConfigSources {
  /** NAME[@VERSION]=SOURCE, or a source alone. */
  readonly models: readonly string[];
  /** By the flags' names in camelCase, as text; true for switches. */
  readonly flags: Readonly<Record<string, string | boolean | undefined>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The parsed file, and how it is called in messages. */
  readonly file?: { readonly json: unknown; readonly name: string } | undefined;
}

const ENVIRONMENT_PREFIX = "SACCADE_SERVE_";

/** @throws UsageError that names the field and where it was said */
export function serverConfig({ models, flags, environment, file }: ConfigSources): ServerConfig {
  const given: Record<string, unknown> = {};
  let named: readonly (string | ModelEntry)[] = [];
  if (file !== undefined) {
    const parsed = fileSchema.safeParse(file.json);
    if (!parsed.success) throw new UsageError(`${file.name}: ${faults(parsed.error)}`);
    const { models: ofFile = [], ...fields } = parsed.data;
    Object.assign(given, fields);
    named = ofFile;
  }
  for (const name of Object.keys(FIELDS) as FieldName[]) {
    const variable = `${ENVIRONMENT_PREFIX}${name.toUpperCase()}`;
    const ofEnvironment = environment[variable];
    if (ofEnvironment !== undefined && ofEnvironment !== "") given[name] = fieldValue(name, ofEnvironment, variable);
    const ofFlag = flags[camelCase(name)];
    if (ofFlag !== undefined) given[name] = fieldValue(name, String(ofFlag), flagOf(name));
  }
  if (models.length > 0) named = models;
  const entries = named.map((entry) => (typeof entry === "string" ? modelEntry(entry) : entry));
  const config = { ...fieldsSchema.parse(given), models: entries };
  requireTogether(config);
  return config;
}

function requireTogether({ tls_cert, tls_key, models }: ServerConfig): void {
  if ((tls_cert === undefined) !== (tls_key === undefined))
    throw new UsageError("HTTPS needs a certificate and its key", "give --tls-cert and --tls-key");
  const seen = new Set<string>();
  for (const { name, version } of models) {
    if (seen.has(`${name}@${version}`))
      throw new UsageError(`there are two models ${name}@${version}`, "give one of them another name: NAME=MODEL");
    seen.add(`${name}@${version}`);
  }
}

/** "flowers@2=runs/flowers", or a source, whose last part is its name. */
export function modelEntry(text: string): ModelEntry {
  const [, name, version, source] =
    /^([A-Za-z0-9][A-Za-z0-9._-]*)(?:@([A-Za-z0-9][A-Za-z0-9._-]*))?=(.+)$/.exec(text) ?? [];
  if (name !== undefined && source !== undefined)
    return checkedEntry({ name, source, ...(version === undefined ? {} : { version }) });
  const last = text
    .replace(/[\\/]+$/, "")
    .split(/[\\/]/)
    .at(-1)!;
  const plain = last
    .replace(/\.(onnx|safetensors|(pth|pt|bin)(\.tar)?)$/i, "")
    .replace(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/^[^A-Za-z0-9]+/, "");
  return checkedEntry({ name: plain === "" ? "model" : plain, source: text });
}

function checkedEntry(entry: z.input<typeof modelEntrySchema>): ModelEntry {
  const parsed = modelEntrySchema.safeParse(entry);
  if (parsed.success) return parsed.data;
  throw new UsageError(`the model ${entry.source}: ${faults(parsed.error)}`, "NAME=MODEL gives it another name");
}

function fieldValue(name: FieldName, text: string, where: string): unknown {
  const { kind, schema } = FIELDS[name];
  const parsed = (schema as z.ZodType).safeParse(parseText(kind, text));
  if (parsed.success) return parsed.data;
  throw new UsageError(`${where}: ${faults(parsed.error)}, got "${text}"`);
}

function parseText(kind: Kind, text: string): unknown {
  switch (kind) {
    case "text":
      return text;
    case "number":
      return text.trim() === "" ? undefined : Number(text);
    case "switch":
      return ({ true: true, "1": true, false: false, "0": false } as Record<string, boolean>)[text] ?? text;
    case "list":
      return text.split(",").map((part) => part.trim());
  }
}

const faults = (error: z.ZodError) => schemaFaults(error, 3);

function flagOf(name: string): string {
  return `--${name.replaceAll("_", "-")}`;
}

function camelCase(name: string): string {
  return name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}
